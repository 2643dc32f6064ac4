"""What a piece of work takes of processors: ffmpeg's part, and that of looking at what it made."""

from collections.abc import Iterator
from contextlib import contextmanager

from render_job.clock import Clock
from schemas.certificate import Effort


class Meter:
    """Runs from when it is made. Counts whole processes: a task does one thing at a time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.spent()
        self._looked = 0.0

    @contextmanager
    def looking(self) -> Iterator[None]:
        """What this process spends meanwhile is spent on verification."""
        before = self._clock.spent().own
        try:
            yield
        finally:
            self._looked += self._clock.spent().own - before

    @property
    def effort(self) -> Effort:
        """Until now, to the millisecond."""
        children = self._clock.spent().children - self._began.children
        return Effort(
            encoding_cpu_seconds=round(children, 3), verifying_cpu_seconds=round(self._looked, 3)
        )
