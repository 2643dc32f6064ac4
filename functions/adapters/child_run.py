"""One run of a task: a process that leads a group of its own, none of which outlives it."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO


class ChildRun:
    """Made means started, in a new session. Raises OSError if that fails.

    The program's `environment` is that and no more. Its words go to the end of the file `output`,
    whose folder is made, or where ours go if there is none. Beside those it holds the descriptors
    `inherited`. `attempt` is only kept.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str],
        output: Path | None,
        inherited: Sequence[int],
        attempt: int,
    ) -> None:
        self.attempt = attempt
        self._kill_at: float | None = None
        with _opened(output) as words:
            try:
                self._process = subprocess.Popen(
                    argv,
                    stdin=subprocess.DEVNULL,
                    stdout=words,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    pass_fds=inherited,
                    start_new_session=True,
                )
            except OSError as error:
                words.write(f"{error}\n".encode())
                raise

    def ended(self) -> int | None:
        """Its exit code, or minus the signal, and its group is killed then; None while it runs."""
        code = self._process.poll()
        if code is not None:
            self._kill_group()
        return code

    def stop(self, grace: timedelta) -> bool:
        """SIGTERM the first time, SIGKILL to the group once the grace is over; True if it acted."""
        if self._kill_at is None:
            self._kill_at = time.monotonic() + grace.total_seconds()
            self._process.terminate()
            return True
        if time.monotonic() >= self._kill_at:
            self._kill_at = float("inf")
            self._kill_group()
            return True
        return False

    def kill(self) -> None:
        """SIGKILL to the group, now."""
        self._kill_group()

    def _kill_group(self) -> None:
        # A group keeps its number while anybody is left in it, so this can hit nobody else.
        # macOS says PermissionError where only zombies are left.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def _opened(output: Path | None) -> BinaryIO:
    if output is None:
        return os.fdopen(os.dup(2), "ab")
    output.parent.mkdir(parents=True, exist_ok=True)
    return output.open("ab")
