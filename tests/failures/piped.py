"""Faults of the pipeline itself: each cause several times, with other ids, paths and numbers.

Made by the code that tells of them, of renders and messages that differ in all that says which one
it was, and in nothing that says why.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from functions.core import words
from functions.core.budget import Budget, overspent
from functions.core.prices import DOLLAR
from functions.core.render import Render
from functions.landed import record_of
from functions.outcomes.exit_codes import failure_of_code
from functions.outcomes.refusals import refusal_of
from schemas import examples
from schemas.events import RenderDeadLetter, RenderProgress
from schemas.failures import Failure, FailureClass
from schemas.ids import Upload
from schemas.wire import message_of
from tests.unit.makers import LANE, NOW, rendering
from tests.unit.test_landed import given_up, received

NAMES = ("ana/a.mp4", "ben/film of 2026.mov", "it's/rock 'n' roll.mp4", "c/ü/9f.mkv")
Cause = Callable[[int], Failure]


def _render(number: int) -> Render:
    upload = Upload(bucket=f"b-{number}", name=NAMES[number % len(NAMES)], generation=7**number)
    lane = f"cloud-run/europe-west{number}/l4"
    plain = rendering()
    return replace(
        plain,
        id=f"r-{number:020x}",
        upload=upload,
        lane=lane,
        attempt=number + 1,
        deadline=NOW + timedelta(hours=number),
        why=(f"waits for a lane: {lane} runs {number} of 3", "the first choice", "replayed by ana")[
            number % 3
        ],
        spent=number * DOLLAR + DOLLAR,
    )


def _spent(number: int) -> Failure:
    found = overspent(_render(number), Budget(render=DOLLAR // 2 + number))
    assert found is not None
    return found


def _unknown_type(number: int) -> Failure:
    kind = ("com.example.one", "it's.another", "https://x.example/t", "", "y" * 300)[number % 5]
    return record_of(given_up("on-result", {"ce-type": kind}, b"{}", f"{number}")).failure


def _torn(number: int) -> Failure:
    body = message_of(examples.LETTER, "//x").data[: 20 + 10 * number]
    attributes = {"ce-type": RenderDeadLetter.TYPE}
    return record_of(received("render-dead-letter-desk", attributes, body, f"{number}")).failure


def _refused(number: int) -> Failure:
    event = next(one for one in examples.EVENTS if isinstance(one, RenderProgress))
    message = message_of(replace(event, frames=number), "//x")
    landed = given_up("on-result", message.attributes, message.data, f"{number}")
    counted = {"CloudPubSubDeadLetterSourceDeliveryCount": f"{20 + number}"}
    return record_of(replace(landed, attributes={**landed.attributes, **counted})).failure


def _launch(code: str, said: str, lane: str) -> Failure:
    found = refusal_of(code, said, lane)
    assert found is not None
    return found


PIPED: dict[str, Cause] = {
    "no lane is configured": lambda n: words.no_lane(
        "no lane is left: none is configured", FailureClass.CAPACITY
    ),
    "every lane is too small": lambda n: words.no_lane(
        f"no lane is left: batch/r{n}/l4 has room for {n}.5 GiB, and joining needs {n + 9} GiB",
        FailureClass.CAPACITY,
    ),
    "a render past its deadline": lambda n: words.deadline_passed(_render(n)),
    "an attempt past its limit": lambda n: words.too_long(_render(n)),
    "an attempt that never began": lambda n: words.not_started(
        _render(n), replace(LANE, id=f"batch/us-{n}/l4", start_within=timedelta(seconds=60 + n))
    ),
    "an execution that ended empty": lambda n: words.ended_empty(_render(n)),
    "a render that costs too much": _spent,
    "a message of a type that nobody knows": _unknown_type,
    "a dead letter that is torn": _torn,
    "a result that is refused all the time": _refused,
    "a task with a bug": lambda n: failure_of_code(70, f"task {n}"),
    "a task that was killed": lambda n: failure_of_code(-9, f"task {n}"),
    "a launch refused for its quota": lambda n: _launch(
        "RESOURCE_EXHAUSTED", f"Quota exceeded for GPUs: {n} of {n + 3}", f"cloud-run/us-east{n}/l4"
    ),
    "a launch that is not allowed": lambda n: _launch(
        "PERMISSION_DENIED", f"run.jobs.run denied on projects/p-{n}/jobs/j", f"cloud-run/us-{n}/l4"
    ),
}
"""By cause, the failure of its n-th instance."""
INSTANCES = 6


def piped() -> Iterator[tuple[str, Failure]]:
    """Every cause, so many times."""
    return ((cause, make(number)) for cause, make in PIPED.items() for number in range(INSTANCES))


def shares(found: Sequence[tuple[str, Failure]]) -> tuple[float, float]:
    """Purity and completeness of groups by fingerprint.

    Purity: how many failures are of the cause that most of their group have. Completeness: how many
    are in the group in which most of their cause are.
    """
    prints = [(cause, failure.fingerprint) for cause, failure in found]
    groups: dict[str, list[str]] = {}
    causes: dict[str, list[str]] = {}
    for cause, fingerprint in prints:
        groups.setdefault(fingerprint, []).append(cause)
        causes.setdefault(cause, []).append(fingerprint)
    purity, completeness = (
        sum(max(map(several.count, several)) for several in kinds.values()) / len(found)
        for kinds in (groups, causes)
    )
    return purity, completeness
