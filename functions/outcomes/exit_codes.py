"""What a task's exit code says, wherever it ran; `render_job/errors.py` has the same table.

The control plane imports nothing of the render job: `tests/unit/test_exit_codes.py` holds the two
together.
"""

import signal
from collections.abc import Iterable

from schemas.failures import Failure, FailureClass

REPORTED = 0
"""It asks for nothing more: all was said."""
UNAVAILABLE = 69
BUG = 70
DISK = 74
TRY_AGAIN = 75
REFUSED = 77

_SAYS = {
    TRY_AGAIN: (FailureClass.PREEMPTED, "task_preempted"),
    DISK: (FailureClass.DEPENDENCY, "task_disk"),
    UNAVAILABLE: (FailureClass.DEPENDENCY, "service_unavailable"),
    REFUSED: (FailureClass.DEPENDENCY, "store_refused"),
    BUG: (FailureClass.INTERNAL, "task_bug"),
    -signal.SIGKILL: (FailureClass.CRASH, "task_killed"),
}
_TELLING = (TRY_AGAIN, DISK, UNAVAILABLE, REFUSED, BUG)
"""Codes of our own, the one that costs a render least first: of several, that one counts."""


def failure_of_code(code: int, who: str) -> Failure:
    """What a run amounts to that ended with `code`, negative for a signal, and was not 0.

    `who` begins the sentence, as in "task 3".
    """
    kind, reason = _SAYS.get(
        code, (FailureClass.CRASH, "task_signalled" if code < 0 else "task_failed")
    )
    end = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    return Failure(failure=kind, reason=reason, message=f"{who} {end}")


def most_telling(codes: Iterable[int]) -> int | None:
    """Of the codes of tasks that failed, the one to judge them all by; None of none."""
    found = sorted(codes, key=lambda code: (_rank(code), code))
    return found[0] if found else None


def _rank(code: int) -> int:
    return _TELLING.index(code) if code in _TELLING else len(_TELLING)
