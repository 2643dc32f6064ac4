"""What the render task imports of the control plane is what its image is given (.dockerignore)."""

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
OURS = ("functions", "infra", "ops")


def imported_by(path: Path) -> Iterator[Path]:
    """The modules of ours that it imports anywhere, also within a function, or runs as a child."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and str(node.value).endswith(".py"):
            child = path.with_name(str(node.value))
            if child.exists() and child.parts[len(ROOT.parts)] in OURS:
                yield child
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{one.name}" for one in node.names)]
        elif isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        else:
            continue
        for name in names:
            yield from files_of(name)


def files_of(name: str) -> Iterator[Path]:
    """The module's file, and those of the packages around it."""
    parts = name.split(".")
    if parts[0] not in OURS:
        return
    module = ROOT.joinpath(*parts).with_suffix(".py")
    if module.exists():
        yield module
    for depth in range(1, len(parts) + 1):
        package = ROOT.joinpath(*parts[:depth], "__init__.py")
        if package.exists():
            yield package


@cache
def needed() -> frozenset[str]:
    """Everything of ours, outside render_job and schemas, that a task may import."""
    found: set[Path] = set()
    waiting = list((ROOT / "render_job").glob("*.py"))
    while waiting:
        more = set(imported_by(waiting.pop())) - found
        found |= more
        waiting += more
    return frozenset(path.relative_to(ROOT).as_posix() for path in found)


def given() -> list[str]:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line.removeprefix("!") for line in lines if line.startswith("!functions/")]


def test_the_image_is_given_all_that_a_task_may_import_of_the_control_plane() -> None:
    missing = {name for name in needed() if not any(fnmatch(name, one) for one in given())}
    assert missing == set()


def test_and_no_pattern_gives_what_no_task_imports() -> None:
    assert [one for one in given() if not any(fnmatch(name, one) for name in needed())] == []
