"""Dead letters that go to a file and come back, or to another place."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from functions.settings import Laptop
from functions.wiring import laptop_desk
from infra.laptop.subscriptions import subscriptions
from ops.letters_file import LONGEST_LINE_BYTES
from schemas.dead_letters import DeadLetterRecord
from schemas.topics import Topic
from schemas.wire import Message
from tests.pipeline.desk import ALL, Place, letter

HOSTILE = bytes(range(256)) + b'\n{"records":0,"digest":"","kind":"end"}'


def a_place(folder: Path) -> Place:
    made = Place(Laptop(home=folder))
    made.bus.declare(subscriptions())
    return made


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = a_place(tmp_path / "home")
    for number in range(3):
        made.bus.publish(Topic.RENDER_DEAD_LETTER, letter(f"r-{number}"))
    attributes = {"ce-type": "x", "words": '"kind":"end"}'}
    made.bus.publish_message(
        "on-result-undeliverable", Message(attributes=attributes, data=HOSTILE)
    )
    return made


def records(place: Place) -> list[DeadLetterRecord]:
    return list(laptop_desk(place.home).letters.find(ALL))


def test_what_is_exported_is_the_same_where_it_is_imported(place: Place, tmp_path: Path) -> None:
    path, other = tmp_path / "file", a_place(tmp_path / "other")
    place.said("export", "--out", str(path))
    assert other.said("import", str(path)) == ["4 of 4 dead letters were new and are taken in."]
    assert records(other) == records(place)
    assert {r.original.data for r in records(other) if r.original} == {HOSTILE}
    assert json.loads(other.said("import", str(path), "--json")[0])["new"] == 0
    assert len(records(other)) == 4
    again = tmp_path / "again"
    other.said("export", "--out", str(again))
    assert path.read_bytes().splitlines()[1:] == again.read_bytes().splitlines()[1:]


def test_the_filters_choose_and_a_pipe_will_do(place: Place) -> None:
    head, only, end = place.said("export", "--stdout", "--text", "r-1")
    assert json.loads(head)["filters"] == {"text": "r-1"}
    assert json.loads(only)["render"] == "r-1"
    assert json.loads(end)["records"] == 1


def test_what_was_disposed_of_stays_away(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "file"
    place.said("export", "--out", str(path))
    place.said("dispose", records(place)[0].id, "--reason", "mended")
    place.said("import", str(path))
    assert len(records(place)) == 3


def _other_id(line: bytes) -> bytes:
    told = json.loads(line)
    return json.dumps({**told, "id": "d-00000000000000000000"}).encode() + b"\n"


Harm = Callable[[list[bytes]], list[bytes]]
HARMS: dict[str, tuple[Harm, int, str]] = {
    "empty": (lambda lines: [], 1, "not whole"),
    "cut": (lambda lines: lines[:-1], 6, "not whole"),
    "cut in a line": (lambda lines: [*lines[:2], lines[2][:50]], 3, "not whole"),
    "another word": (
        lambda lines: [*lines[:3], lines[3].replace(b"acme", b"ACME"), *lines[4:]],
        6,
        "the digest is another",
    ),
    "one less": (lambda lines: [*lines[:2], *lines[3:]], 5, "the digest is another"),
    "goes on": (lambda lines: [*lines, lines[1]], 6, "goes on after its end"),
    "no JSON": (lambda lines: [*lines[:2], b"\xff\xfe\n", *lines[2:]], 3, "no dead letter"),
    "deep": (lambda lines: [lines[0], b"[" * 100_000 + b"\n", *lines[1:]], 2, "no dead letter"),
    "of another kind": (lambda lines: [b'{"kind":"item"}\n', *lines[1:]], 1, "no head"),
    "no head": (lambda lines: lines[1:], 1, "no head"),
    "newer": (
        lambda lines: [lines[0].replace(b'"version":1', b'"version":2'), *lines[1:]],
        1,
        "newer version",
    ),
    "another's id": (lambda lines: [lines[0], _other_id(lines[1]), *lines[2:]], 2, "its id"),
    "endless": (
        lambda lines: [*lines[:2], b"x" * (LONGEST_LINE_BYTES + 2)],
        3,
        "longer than",
    ),
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_file_that_is_not_as_it_was_written_is_refused_with_its_line_and_nothing_taken(
    place: Place, tmp_path: Path, harm: str
) -> None:
    path, other = tmp_path / "file", a_place(tmp_path / "other")
    place.said("export", "--out", str(path))
    change, line, why = HARMS[harm]
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    done = other.clipline("import", str(path))
    assert (done.returncode, done.stdout) == (65, ""), done
    assert f"line {line}: " in done.stderr
    assert why in done.stderr
    assert done.stderr.endswith("Nothing of it was taken in.\n")
    assert records(other) == []
