"""`make bundle`: stage the functions and say where they are."""

from infra.bundle.stage import ROOT, stage


def main() -> None:
    """Print two lines."""
    staged = stage()
    print(f"{staged.files} files, {staged.size_bytes / 1000:.0f} kB, sha256 {staged.digest}")
    print(staged.archive.relative_to(ROOT))


if __name__ == "__main__":
    main()
