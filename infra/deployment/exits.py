"""Exit statuses of what deploys, tries and prices, for scripts. GNU make turns all but 0 into 2."""

from enum import IntEnum


class Status(IntEnum):
    """As docs/deploy.md lists them."""

    OK = 0
    FAILED = 1
    """A step was begun and did not succeed; the sentence says which, and what it said."""
    UNSUITABLE = 2
    """A word is missing or wrong, or a tool is not here; nothing was begun."""
    NOT_READY = 3
    """Preflight found something that must be mended first; nothing was changed."""
    DECLINED = 4
    """A question was not answered with yes; nothing was changed."""
    INTERRUPTED = 130
    """Ctrl-C."""
