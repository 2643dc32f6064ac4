"""What tasks wrote, as people on call read it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from functions.adapters.directory_logs import DirectoryLogs
from functions.core.render import Render, State
from functions.settings import Laptop
from functions.wiring import laptop_ports
from infra.laptop.subscriptions import subscriptions
from ops.logs import LONGEST_LINE_BYTES, LONGEST_TAIL_BYTES, Follow
from schemas import examples
from tests.pipeline.desk import Place, failed, letter

RENDER = examples.RENDER


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(Laptop(home=tmp_path / "home"))
    made.bus.declare(subscriptions())
    laptop_ports(made.home).renders.save(failed(RENDER), version=0)
    return made


def wrote(place: Place, attempt: int, task: int, text: str) -> None:
    place.home.logs.mkdir(parents=True, exist_ok=True)
    path = place.home.logs / f"{RENDER}-{attempt:04}-{task}.log"
    with path.open("a") as file:
        file.write(text)


def test_the_last_attempts_tasks_are_told_together_in_time(place: Place) -> None:
    wrote(place, 1, 0, "2026-11-24 09:00:00,000 long ago\n")
    wrote(place, 3, 0, "2026-11-24 09:30:00,000 one\n2026-11-24 09:30:03,000 four\n")
    wrote(place, 3, 1, "2026-11-24 09:30:01,000 two\nTraceback:\n2026-11-24 09:30:02,000 \x1b[7m")
    said = place.said("logs", RENDER)
    assert [line.split("  ")[0] for line in said] == ["3/0", "3/1", "3/1", "3/1", "3/0"]
    assert said[2] == "3/1  Traceback:"
    assert "\x1b" not in "".join(said)
    assert place.said("logs", RENDER, "--lines", "1") == [said[-1]]
    assert place.said("logs", RENDER, "--attempt", "1") == ["1/0  2026-11-24 09:00:00,000 long ago"]
    told = [json.loads(line) for line in place.said("logs", RENDER, "--json")]
    assert [(one["attempt"], one["task"]) for one in told[:2]] == [(3, 0), (3, 1)]
    assert told[0]["text"] == "2026-11-24 09:30:00,000 one"


def test_it_is_found_by_its_dead_letter_too(place: Place) -> None:
    wrote(place, 3, 0, "a line\n")
    place.bus.publish("render-dead-letter", letter(RENDER))
    id = json.loads(place.said("dead-letters", "--each", "--json")[0])["id"]
    assert place.said("logs", id[:10]) == ["3/0  a line"]


def test_where_none_is_left_a_sentence_says_so(place: Place) -> None:
    done = place.clipline("logs", RENDER)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == f"No log of {RENDER} is left: logs are kept for a week after an " + (
        "attempt's end.\n"
    )
    for attempt in (1, 2, 4):
        wrote(place, attempt, 0, "x\n")
    done = place.clipline("logs", RENDER, "--attempt", "3")
    assert done.stderr.endswith("is left: there are those of 1 to 2, 4.\n")
    assert place.clipline("logs", "r-nobody").returncode == 3


def test_a_log_of_any_length_is_read_from_its_end(place: Place) -> None:
    wrote(place, 3, 0, "early\n" + "x" * LONGEST_TAIL_BYTES + "\nlate\n")
    assert place.said("logs", RENDER)[-1] == "3/0  late"
    wrote(place, 3, 0, "y" * (LONGEST_LINE_BYTES + 3) + "\n")
    assert [len(line) for line in place.said("logs", RENDER, "--lines", "2")] == [
        LONGEST_LINE_BYTES + len("3/0  "),
        3 + len("3/0  "),
    ]


class Watched:
    """A render, and a reader of its logs for whom each pause is the next deed."""

    def __init__(self, place: Place, *deeds: Callable[[], None], attempt: int | None = None):
        self.place = place
        self.render: Render = replace(failed(RENDER), state=State.RENDERING, failure=None)
        self._deeds = list(deeds)
        self.follow = Follow(
            logs=DirectoryLogs(place.home.logs),
            render=RENDER,
            first=3,
            attempt=attempt,
            find=lambda: self.render,
            pause=lambda _: self._deeds.pop(0)(),
        )

    def ends(self, after: str) -> None:
        wrote(self.place, 4, 1, after)
        self.render = replace(self.render, state=State.DONE)

    def is_replaced(self) -> None:
        wrote(self.place, 4, 0, "not mine\n")
        self.render = replace(self.render, attempt=4)

    def told(self) -> list[str]:
        return [line.text for line in self.follow.lines()]


def test_followed_it_goes_on_through_attempts_until_the_render_is_over(place: Place) -> None:
    wrote(place, 1, 0, "not of interest\n")
    wrote(place, 3, 0, "told before\nha")
    watched = Watched(
        place,
        lambda: wrote(place, 3, 0, "lf a line\nanother\n"),
        lambda: wrote(place, 4, 1, "of the next attempt\n"),
        lambda: watched.ends("without an end"),
    )
    watched.follow.skip(watched.follow.logs.of_render(RENDER)[1:])
    assert watched.told() == ["half a line", "another", "of the next attempt", "without an end"]


def test_followed_alone_an_attempt_is_over_when_the_next_begins(place: Place) -> None:
    watched = Watched(
        place,
        lambda: wrote(place, 3, 0, "mine\n"),
        lambda: watched.is_replaced(),
        attempt=3,
    )
    watched.render = replace(watched.render, attempt=3, attempts=())
    assert watched.told() == ["mine"]


def test_what_is_over_is_told_and_left(place: Place) -> None:
    wrote(place, 3, 0, "all there is\n")
    assert place.said("logs", RENDER, "--follow") == ["3/0  all there is"]
