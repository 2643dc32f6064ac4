"""The part of `requirements.txt` that one deployed half needs: `python infra/lock.py HALF`.

There is one lock. A half names what it imports, and what that brings along is read from the lock's
own `# via` lines, so that both halves run the versions that the tests ran. Standard library only:
the image's build calls this file before anything is installed.
"""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

LOCK = Path(__file__).resolve().parent.parent / "requirements.txt"

HALVES: Mapping[str, Sequence[str]] = {
    "functions": (
        "av",
        "cloudevents",
        "functions-framework",
        "google-cloud-batch",
        "google-cloud-firestore",
        "google-cloud-pubsub",
        "google-cloud-run",
        "google-cloud-storage",
        "msgspec",
    ),
    "render_job": ("av", "google-cloud-pubsub", "google-cloud-storage", "msgspec"),
}
"""What each half imports itself. The image has an ffmpeg of the system's, so it needs no wheel."""

_ENTRY = re.compile(r"^(?P<name>[a-z0-9-]+)==.*(?:\n .*)*", re.MULTILINE)
_VIA = re.compile(r"^ +#(?: via)? +(?P<name>[a-z0-9-]+)", re.MULTILINE)


class NotLocked(Exception):
    """A half names a package that the lock does not have."""


def part_of(lock: str, roots: Iterable[str]) -> str:
    """The entries of the roots and of all that they bring along, in the lock's order.

    Raises NotLocked.
    """
    entries = {entry["name"]: entry[0] for entry in _ENTRY.finditer(lock)}
    missing = sorted(set(roots) - entries.keys())
    if missing:
        raise NotLocked(f"the lock has no {', '.join(missing)}: make lock")
    brought_by = {name: {via["name"] for via in _VIA.finditer(e)} for name, e in entries.items()}
    wanted = set(roots)
    while more := {name for name, by in brought_by.items() if by & wanted} - wanted:
        wanted |= more
    return "\n".join(entry for name, entry in entries.items() if name in wanted) + "\n"


def main(half: str) -> None:
    """Print the half's part."""
    sys.stdout.write(part_of(LOCK.read_text(encoding="utf-8"), HALVES[half]))


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in HALVES:
        sys.exit(f"usage: python infra/lock.py {'|'.join(HALVES)}")
    main(sys.argv[1])
