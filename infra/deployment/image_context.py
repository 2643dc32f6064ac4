"""What the image is made of, staged for a build elsewhere, under a name of its content.

The files are those that `.dockerignore` lets through, by Docker's own rules: the last line that
fits a file counts (https://docs.docker.com/build/concepts/context/#dockerignore-files).
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.bundle.stage import digest_of

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = "render_job/Dockerfile"
"""It is left out of the context, and given to the builder apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A folder to build the image from; its tag says its content."""

    folder: Path
    tag: str


def stage_context(build: Path, root: Path = ROOT) -> Context:
    """Have it in the folder `build`; the same files have the same tag on every machine."""
    contents = {name: (root / name).read_bytes() for name in sorted(_names(root))}
    contents[DOCKERFILE] = (root / DOCKERFILE).read_bytes()
    tag = digest_of(contents)[:16]
    folder = build / f"image-{tag}"
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return Context(folder=folder, tag=tag)


def _names(root: Path) -> Iterator[str]:
    rules = list(_rules((root / ".dockerignore").read_text(encoding="utf-8")))
    tops = {pattern.partition("/")[0] for is_kept, pattern in rules if is_kept}
    for top in sorted(tops):
        paths = (root / top).rglob("*") if (root / top).is_dir() else [root / top]
        for path in paths:
            name = path.relative_to(root).as_posix()
            if path.is_file() and _is_kept(name, rules):
                yield name


def _rules(text: str) -> Iterator[tuple[bool, str]]:
    """Whether it lets something through, and its pattern."""
    for line in map(str.strip, text.splitlines()):
        if line and not line.startswith("#"):
            yield line.startswith("!"), line.lstrip("!")


def _is_kept(name: str, rules: Sequence[tuple[bool, str]]) -> bool:
    """A pattern fits a file also where it fits a folder that it lies in."""
    parts = name.split("/")
    above = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
    kept = True
    for is_kept, pattern in rules:
        form = _form(pattern)
        if any(form.fullmatch(one) for one in above):
            kept = is_kept
    return kept


def _form(pattern: str) -> re.Pattern[str]:
    steps = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    return re.compile("".join(steps.get(part, re.escape(part)) for part in parts))
