"""Which names a directory of objects can keep: what Cloud Storage allows, and a file system too."""

from collections.abc import Sequence

from schemas.ports import NameRefused

LONGEST_NAME = 1024
"""Bytes of UTF-8, as on Cloud Storage (https://cloud.google.com/storage/docs/objects#naming)."""

LONGEST_SEGMENT = 255
"""Bytes between two slashes: NAME_MAX of the usual file systems."""


def segments(name: str) -> Sequence[str]:
    """The name's parts, folders first. Raises NameRefused."""
    parts = name.split("/")
    reason = next(filter(None, map(refusal, parts)), None)
    if reason is None and is_too_long(name):
        reason = f"is longer than {LONGEST_NAME} bytes"
    if reason:
        raise NameRefused(f"{name[:200]!r} is no object name here: it {reason}")
    return parts


def refusal(segment: str) -> str | None:
    """What is wrong with one part of a name."""
    if not segment:
        return "is empty, or starts or ends with a slash, or has two in a row"
    if segment.startswith("."):
        return "has a part that starts with a dot, and so is hidden"
    if "\0" in segment or "\r" in segment or "\n" in segment:
        return "has a NUL or a line break in it"
    try:
        too_long = len(segment.encode()) > LONGEST_SEGMENT
    except UnicodeEncodeError:
        return "is not Unicode text"
    return f"has a part longer than {LONGEST_SEGMENT} bytes" if too_long else None


def is_too_long(name: str) -> bool:
    """Whether its parts, each of them good, are too many."""
    return len(name.encode()) > LONGEST_NAME
