"""A broken history is told, written down, and lived again from its file."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from infra.simulator.__main__ import main
from infra.simulator.aftermath import show
from infra.simulator.capacity import Traced
from infra.simulator.evidence import Violation
from infra.simulator.exhibit import (
    Exhibit,
    NoHistory,
    read_exhibit,
    timeline,
    write_exhibit,
)
from infra.simulator.history import Outcome, Recipe, live
from infra.simulator.rules import judged, nothing_is_lost
from infra.simulator.scenario import Deed, Scenario
from infra.simulator.shrink import Shrunk
from infra.simulator.tally import Broken
from tests.simulator.planted import COURSE, TWICE, outcome_of, planted


def test_deeds_and_faults_are_told_in_the_order_of_their_moments(shrunk: Shrunk) -> None:
    lines = list(timeline(shrunk))
    assert [line.split()[1] for line in lines] == ["upload", "fault:", "fault:", "broken:"]
    moments = [float(line.split()[0]) for line in lines]
    assert moments == sorted(moments)


def test_the_least_history_breaks_again_from_its_file(shrunk: Shrunk, tmp_path: Path) -> None:
    path = write_exhibit(exhibit_of(shrunk.outcome.recipe, shrunk.violation), tmp_path / "new")
    assert path.name == "shrink-2-no-render-loses-two-tasks.json"
    again = planted(read_exhibit(path).recipe)
    assert again == shrunk.outcome


def exhibit_of(recipe: Recipe, violation: Violation) -> Exhibit:
    return Exhibit(seed="shrink", number=2, violation=violation, recipe=recipe)


@pytest.mark.parametrize("script", [None, frozenset(), frozenset({"one", "two · 1 · frozen"})])
def test_what_is_written_is_what_is_read(script: frozenset[str] | None, tmp_path: Path) -> None:
    trace = Traced(seconds_a_tick=60.0, available=(1, 0, 3), offset=1)
    recipe = replace(COURSE.recipe(3), script=script, traces=(trace,))
    exhibit = exhibit_of(recipe, Violation(invariant="it holds", seen="ä/b", at=1.5))
    assert read_exhibit(write_exhibit(exhibit, tmp_path)) == exhibit


def broken_file(folder: Path) -> Path:
    return write_exhibit(
        exhibit_of(COURSE.recipe(1), Violation(invariant=TWICE, seen="it", at=1.0)), folder
    )


def with_field(data: bytes, *path: str) -> bytes:
    read = json.loads(data)
    at = read
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = 1
    return json.dumps(read).encode()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda data: b"", "is no history"),
        (lambda data: b"\xff\xfe", "is no history"),
        (lambda data: data[:-9], "is no history"),
        (lambda data: b"[" * 100_000, "is no history"),
        (lambda data: b"{}", "required field `seed`"),
        (lambda data: data.replace(b'"frozen after a call"', b'"froze"'), "is no history"),
        (lambda data: with_field(data, "more"), "a field 'more'"),
        (lambda data: with_field(data, "recipe", "scenario", "mood"), "'recipe.scenario.mood'"),
    ],
)
def test_a_file_that_is_no_history_is_refused_with_a_sentence(
    spoil: Callable[[bytes], bytes], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = broken_file(tmp_path)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(NoHistory, match=re.escape(said)):
        read_exhibit(path)
    assert main(["--replay", str(path)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert str(path) in told.err
    assert told.err.endswith(".\n")


def test_a_file_that_is_not_there_is_refused_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--replay", str(tmp_path / "none.json")]) == 2
    assert "cannot be read: No such file" in capsys.readouterr().err


def test_a_replay_of_what_holds_by_now_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--replay", str(broken_file(tmp_path))]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == f"This held: {TWICE}."
    assert "deed: " in lines[0]


def test_a_replay_of_what_still_breaks_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without odds nothing may be lost; this upload is no video."""
    deed = Deed(at=1.0, verb="upload", name="a.mp4")
    recipe = Recipe(seed="lost", scenario=Scenario(deeds=(deed,)), odds={})
    outcome = judged(live(recipe), [nothing_is_lost])
    path = write_exhibit(exhibit_of(recipe, outcome.violations[0]), tmp_path)
    assert main(["--replay", str(path)]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("broken: ")
    assert last.endswith("the ends are {'failed': 1}")


def always(recipe: Recipe) -> Outcome:
    violations = (Violation(invariant=name, seen="it", at=1.0) for name in "abcde")
    return outcome_of(recipe, (), violations)


def test_of_each_invariant_the_first_history_is_shown_and_written(tmp_path: Path) -> None:
    said: list[str] = []
    show(COURSE, [broken(5, "b"), broken(6, "b")], said.append, lived=always, folder=tmp_path)
    (path,) = tmp_path.iterdir()
    assert said[0] == "\nHistory 5 of seed shrink: b"
    assert said[-2].endswith(f"python -m infra.simulator --replay {path}")
    assert said[-1].endswith(f"make simulate REPLAY={path}")
    assert read_exhibit(path).recipe.scenario.deeds == ()


def test_no_more_than_three_are_shrunk(tmp_path: Path) -> None:
    every = [broken(number, name) for number, name in enumerate("abcde")]
    show(COURSE, every, print, lived=always, folder=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"shrink-{n}-{'abc'[n]}.json" for n in range(3)
    }


def test_what_is_said_to_break_and_does_not_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not break"):
        show(COURSE, [broken(0, "made up")], print, folder=tmp_path)


def broken(number: int, invariant: str) -> Broken:
    return Broken(number=number, violation=Violation(invariant=invariant, seen="it", at=1.0))
