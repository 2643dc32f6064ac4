"""What one release has written the other reads: events, renders, plans and orders.

A reader may know fewer fields than the writer, and drops those; of what it knows, nothing changes.
"""

import json
import subprocess
import sys
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from tests.upgrade.releases import CHECKOUT, previous

SAID = Path(__file__).with_name("said.py")
LIMIT_SECONDS = 60


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return previous(tmp_path_factory.mktemp("release"))


def ask(release: Path, verb: str, written: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-c", SAID.read_text(), verb],
        cwd=release,
        env={"PYTHONPATH": str(release), "PATH": "/usr/bin:/bin"},
        input=written,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("kind", ["event", "render", "plan", "order"])
@pytest.mark.parametrize("way", ["upgrade", "rollback"])
def test_what_is_written_is_read(way: str, kind: str, before: Path) -> None:
    writer, reader = (before, CHECKOUT) if way == "upgrade" else (CHECKOUT, before)
    written = [one for one in json.loads(ask(writer, "write")) if one["kind"] == kind]
    assert written
    understood = json.loads(ask(reader, "read", json.dumps(written)))
    for said, heard in zip(written, understood, strict=True):
        if kind == "event":
            assert heard["attributes"] == said["attributes"]
            first, second = (json.loads(b64decode(one["data"])) for one in (said, heard))
        else:
            first, second = (json.loads(one["document"]) for one in (said, heard))
        assert list(differences(first, second)) == [], said.get("name") or said["attributes"]


def test_a_word_that_changes_its_meaning_is_found() -> None:
    said = {"a": 1, "b": [{"c": "x"}], "new": True}
    assert list(differences(said, {"a": 1, "b": [{"c": "x"}], "older": None})) == []
    assert list(differences(said, {"a": 2, "b": [{"c": "y"}]})) == ["a: 1 is 2", "b/0/c: x is y"]
    assert list(differences(said, {"a": 1, "b": []})) == ["b: 1 has become 0"]


def differences(said: Any, heard: Any, at: str = "") -> Any:
    """Where both say something and not the same; a field that only one knows is none."""
    if isinstance(said, dict) and isinstance(heard, dict):
        for name in sorted(said.keys() & heard.keys()):
            yield from differences(said[name], heard[name], f"{at}/{name}".strip("/"))
    elif isinstance(said, list) and isinstance(heard, list):
        if len(said) != len(heard):
            yield f"{at}: {len(said)} has become {len(heard)}"
        for number, (one, other) in enumerate(zip(said, heard, strict=False)):
            yield from differences(one, other, f"{at}/{number}")
    elif said != heard:
        yield f"{at}: {said} is {heard}"
