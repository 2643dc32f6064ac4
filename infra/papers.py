"""`python -m infra.papers` writes what is drawn from our code, for people or Terraform.

`schemas/publish.py` writes what others read of us; it may not know the functions or the task.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from functions.core import diagram
from infra import gpu_page
from infra.deployment import costs_page, pipeline

ROOT = Path(__file__).parents[1]
PAGES: Mapping[Path, Callable[[], str]] = {
    Path("docs/costs.md"): costs_page.page,
    Path("docs/state-machine.md"): diagram.page,
    Path("docs/gpu.md"): gpu_page.page,
    Path("infra/gcp/pipeline.json"): pipeline.page,
}


def drifted(root: Path = ROOT) -> list[Path]:
    """The pages that are missing or do not say what the code says."""
    return [path for path, page in PAGES.items() if _read(root / path) != page()]


def write(root: Path = ROOT) -> list[Path]:
    """Make the checkout say what the code says; the pages that were changed."""
    changed = drifted(root)
    for path in changed:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(PAGES[path]())
    return changed


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


if __name__ == "__main__":
    for path in write():
        print(f"{path} written")
