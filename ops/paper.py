"""What a command says: lines for people, in colour on a terminal only, or JSON for programs."""

import os
import sys

from rich.console import Console

from schemas.wire import to_json

NOT_WELL = 1
"""Exit status of `watch` and `doctor` where all is not well."""
READER_GONE = 141
"""Exit status where the reader of a pipe went away, as in `… | head`: 128 and SIGPIPE's number."""
BROKEN = 74
"""Exit status where a file, a disk or a service failed: sysexits.h's EX_IOERR."""
INTERRUPTED = 130
"""Exit status: Ctrl-C."""
UNBOUNDED = 100_000
"""Columns of what is no terminal: a line in a pipe is whole, and never cut to a width."""


class ReaderGone(Exception):
    """Nobody reads any more. No OSError: Typer would end the process with a status of its own."""


class Paper(Console):
    """A console without markup or guessed highlights; lines are never broken."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(
            stderr=stderr,
            soft_wrap=True,
            markup=False,
            highlight=False,
            width=None if (sys.stderr if stderr else sys.stdout).isatty() else UNBOUNDED,
        )

    def on_broken_pipe(self) -> None:
        """Left to `main`, which ends quietly."""
        raise ReaderGone


def say_json(value: object) -> None:
    """The value as one line. Raises ReaderGone."""
    try:
        sys.stdout.write(to_json(value).decode() + "\n")
    except BrokenPipeError:
        raise ReaderGone from None


def say_all() -> None:
    """Have said what is still buffered. Raises ReaderGone, or OSError where the disk is full."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise ReaderGone from None


def abandon_output() -> None:
    """Nobody reads any more: what is still buffered must not be said at the process's end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
