"""Exit statuses of the laptop's commands, for scripts. GNU make turns all but 0 into 2."""

from enum import IntEnum


class Status(IntEnum):
    """The words are sysexits.h's where it has one."""

    OK = 0
    """The done event was published and its file is verified."""
    FAILED = 1
    """The render failed; its dead letter says why."""
    UNSUITABLE = 2
    """This machine or moment will not do; the sentence says what to change."""
    BAD_SPEC = 64
    """The spec asks for something impossible."""
    BAD_INPUT = 65
    """The file was looked at and is no video that can be rendered."""
    NO_INPUT = 66
    """There is no such file, or it is none that can be read."""
    INTERRUPTED = 130
    """Ctrl-C."""


class Refused(Exception):
    """Nothing was started; the message is a sentence for the person who asked."""

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status
