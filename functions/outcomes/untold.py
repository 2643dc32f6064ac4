"""Failures of which a place told that they happened and not why: the lane itself may know more."""

from schemas.failures import UNTOLD, Failure

UNKNOWN = "unknown"
"""The place said that it failed, and nothing of why."""


def says_why(failure: Failure | None) -> bool:
    """Whether nobody need be asked. All is said of what did not fail."""
    return failure is None or failure.reason not in (UNKNOWN, UNTOLD)
