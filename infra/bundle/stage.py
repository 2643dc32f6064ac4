"""Staging the functions: a folder and a zip file that are named by their content.

    build/bundle/functions-0123456789abcdef/       build/bundle/functions-0123456789abcdef.zip
        main.py   requirements.txt   functions/   schemas/

The same bytes have the same name and the same zip file, on whichever machine and however often:
a deployment changes nothing unless a file did.
"""

import hashlib
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from infra.lock import HALVES, part_of

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bundle"
PACKAGES = ("functions", "schemas")
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The oldest moment that a zip file can tell."""
UNIX = 3
"""Whose kind of permissions an entry has (APPNOTE.TXT, 4.4.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """One bundle."""

    folder: Path
    archive: Path
    digest: str
    """SHA-256 over the files' names and bytes, in hex; the first 16 digits are in its name."""
    files: int
    size_bytes: int
    """Of the files; the archive is a little larger, for nothing in it is compressed."""


def stage(root: Path = ROOT, build: Path = BUILD) -> Staged:
    """Have the bundle of that checkout in the folder `build`; what stands there stays."""
    contents = dict(sorted(_contents(root)))
    digest = digest_of(contents)
    folder = build / f"functions-{digest[:16]}"
    archive = folder.with_suffix(".zip")
    if not archive.exists():
        _write(contents, folder, archive)
    return Staged(
        folder=folder,
        archive=archive,
        digest=digest,
        files=len(contents),
        size_bytes=sum(map(len, contents.values())),
    )


def digest_of(contents: Mapping[str, bytes]) -> str:
    """SHA-256 over names and bytes, each with its length, in the order of the names."""
    digest = hashlib.sha256()
    for name, data in sorted(contents.items()):
        for part in (name.encode(), data):
            digest.update(b"%d:%b" % (len(part), part))
    return digest.hexdigest()


def _contents(root: Path) -> Iterator[tuple[str, bytes]]:
    """Modules alone: schemas that are published for others are not read by ours."""
    yield "main.py", (root / "infra" / "bundle" / "main.py").read_bytes()
    yield (
        "requirements.txt",
        part_of(_text(root / "requirements.txt"), HALVES["functions"]).encode(),
    )
    for package in PACKAGES:
        for path in (root / package).rglob("*.py"):
            yield path.relative_to(root).as_posix(), path.read_bytes()


def _write(contents: Mapping[str, bytes], folder: Path, archive: Path) -> None:
    """Beside their names first, so that what has its name is whole; the archive comes last."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent) as beside:
        made = Path(beside) / folder.name
        with zipfile.ZipFile(made.with_suffix(".zip"), "w") as zipped:
            for name, data in contents.items():
                path = made / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
                zipped.writestr(_entry(name), data)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
        made.with_suffix(".zip").rename(archive)


def _entry(name: str) -> zipfile.ZipInfo:
    """Of no moment, no system and no compressor's version: readable by all, stored as it is."""
    entry = zipfile.ZipInfo(name, date_time=LONG_AGO)
    entry.create_system = UNIX
    entry.external_attr = 0o644 << 16
    return entry


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
