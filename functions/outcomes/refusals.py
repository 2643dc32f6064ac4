"""What a lane's answer to a launch amounts to, by its gRPC status.

the service says no ───► refused: nothing runs, and the class says what to do
the answer is missing ─► None: it may run or not, so the launcher looks before it tries again
"""

from schemas.failures import Failure, FailureClass

_LOST = {"CANCELLED", "UNKNOWN", "DEADLINE_EXCEEDED", "ABORTED", "INTERNAL", "UNAVAILABLE",
         "DATA_LOSS"}  # fmt: skip
_REFUSED = {
    "RESOURCE_EXHAUSTED": (FailureClass.CAPACITY, "quota_exceeded"),
    "NOT_FOUND": (FailureClass.DEPENDENCY, "lane_missing"),
    "PERMISSION_DENIED": (FailureClass.DEPENDENCY, "launch_not_allowed"),
    "UNAUTHENTICATED": (FailureClass.DEPENDENCY, "launch_not_allowed"),
    "FAILED_PRECONDITION": (FailureClass.DEPENDENCY, "lane_not_ready"),
    "UNIMPLEMENTED": (FailureClass.DEPENDENCY, "lane_missing"),
}
_OTHER = (FailureClass.INTERNAL, "launch_invalid")
"""INVALID_ARGUMENT and its like: what we asked for cannot be, wherever it is asked."""


def is_lost(status: str) -> bool:
    """Whether a status by its gRPC name leaves open what became of the call."""
    return status in _LOST


def refusal_of(status: str, message: str, lane: str) -> Failure | None:
    """The refusal that a status by its gRPC name amounts to; None if it does not say "no".

    Quota comes under several statuses, INVALID_ARGUMENT among them: there its word decides.
    """
    if is_lost(status):
        return None
    kind, reason = _REFUSED.get(status, _OTHER)
    if "quota" in message.lower():
        kind, reason = _REFUSED["RESOURCE_EXHAUSTED"]
    sentence = f"'{lane}' refused the launch: {status}"
    return Failure(failure=kind, reason=reason, message=sentence, detail=message)
