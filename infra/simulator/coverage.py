"""What must have struck in which state, for a run to have tried everything; and what cannot.

`accepted` and `planned` are never stored: they are left in the step that enters them
(`functions/core/machine.py`), so no fault finds a render in them.
"""

from collections.abc import Iterable, Iterator, Mapping

from functions.core.render import State
from infra.simulator.faults import Fault

NONE = "none"
"""The state of what has no render, or none that the struck one knew of yet."""
STATES = (NONE, *(one.value for one in State if one not in (State.ACCEPTED, State.PLANNED)))

_OF_A_LAUNCH = (
    Fault.LAUNCHED_TWICE,
    Fault.PENDING_FOR_EVER,
    Fault.STOCK_OUT,
    Fault.QUOTA_REFUSED,
)
_OF_A_TASK = (
    Fault.PREEMPTED_WITH_NOTICE,
    Fault.PREEMPTED,
    Fault.PREEMPTED_IN_NOTICE,
    Fault.OUT_OF_MEMORY,
    Fault.SILENT,
    Fault.ENCODER_CRASHED,
    Fault.WRONG_ENCODER,
    Fault.SEEK_MISLED,
    Fault.STITCHER_DIED_BEFORE,
    Fault.STITCHER_DIED_AFTER,
    Fault.POISONED,
)
_OF_AN_UPLOAD = (Fault.NOT_A_VIDEO, Fault.IMPOSSIBLE_SPEC)
_OF_A_RENDER = (
    Fault.CANCELLED,
    Fault.REPLAYED,
    Fault.SUPERSEDED,
    Fault.LATE_SIDECAR,
    Fault.NAME_TAKEN,
)
_OTHERS = STATES[1:]


def _all(
    faults: Iterable[Fault], states: Iterable[str], why: str
) -> Iterator[tuple[Fault, str, str]]:
    return ((fault, state, why) for fault in faults for state in states)


IMPOSSIBLE: Mapping[tuple[Fault, str], str] = {
    (fault, state): why
    for fault, state, why in (
        *_all(_OF_A_LAUNCH, [NONE], "a launch is ordered by a render that was saved before"),
        *_all(_OF_A_TASK, [NONE], "a task works for a render that was saved before, and stays"),
        *_all(_OF_A_RENDER, [NONE], "people do it to a render that they see"),
        *_all(_OF_AN_UPLOAD, _OTHERS, "it is in the upload before there is a render of it"),
        *_all(
            [Fault.REPLAYED],
            [state for state in _OTHERS if state != State.FAILED],
            "people replay what has failed",
        ),
        *_all([Fault.POISONED], [State.DONE], "what cannot be decoded to its end is never done"),
        *_all([Fault.NAME_TAKEN], [State.DONE], "its own output stands under the name then"),
    )
}
"""Pairs that cannot occur, each with the reason; one that does is a violation."""


ENOUGH = 500_000
"""Renders with every fault at its usual odds after which a pair that never occurred fails the run:
the rarest pairs come about once in 50,000 renders (a stitcher that dies while its render, which
others finished, is done)."""


def untried(struck: Mapping[tuple[Fault, str], int]) -> tuple[tuple[Fault, str], ...]:
    """The pairs that could have occurred and never did."""
    pairs = ((fault, state) for fault in Fault for state in STATES)
    return tuple(pair for pair in pairs if pair not in IMPOSSIBLE and not struck.get(pair))
