"""How a task ends: the exit codes that both halves read, and the exceptions behind them."""

from enum import IntEnum

from schemas.failures import Failure


class Exit(IntEnum):
    """The exit codes of `python -m render_job`; any other one is a death without a word."""

    REPORTED = 0
    """The task said all there is to say: nothing to retry. Not the same as success."""
    UNAVAILABLE = 69
    """A store or the bus did not answer, however often it was asked (EX_UNAVAILABLE)."""
    REFUSED = 77
    """A store does not let the task in, or its bucket is missing (EX_NOPERM)."""
    BUG = 70
    """An exception that nobody foresaw; sysexits.h calls it EX_SOFTWARE."""
    DISK = 74
    """The machine's disk is full or broken, and not even that could be told (EX_IOERR)."""
    TRY_AGAIN = 75
    """Cut short, by a preemption for example: the rest wants another run (EX_TEMPFAIL)."""


class RenderFault(Exception):
    """The work cannot go on; `failure` is the evidence, and its class says what to do."""

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.message)


class NotSetUp(Exception):
    """The environment does not say who this task is or what it works on; nothing was begun."""


class Stopped(Exception):
    """The machine is being taken away: save what is whole and leave.

    Not a fault of the content. The file being written holds every byte made so far.
    """
