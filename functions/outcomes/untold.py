"""Failures of which a place told that they happened and not why: the lane itself may know more."""

from schemas.failures import Failure

UNKNOWN = "unknown"
"""The place said that it failed, and nothing of why."""
UNTOLD = "exit_code_untold"
"""A task exited with a code that stands elsewhere."""


def says_why(failure: Failure | None) -> bool:
    """Whether nobody need be asked. All is said of what did not fail."""
    return failure is None or failure.reason not in (UNKNOWN, UNTOLD)
