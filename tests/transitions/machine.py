"""Where things are measured: one core for who works, the others for who asks."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from infra.laptop import processes

CHECKOUT = Path(__file__).parents[2]
IN_TIME = 180.0
"""Seconds that anything may take."""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What one workload did; the times are of the working process and its children."""

    count: int
    seconds: float
    cpu: float
    """Seconds too."""

    @property
    def rate(self) -> float:
        """A second of the wall clock."""
        return self.count / self.seconds

    @property
    def cpu_micros(self) -> float:
        """Microseconds of CPU time for one."""
        return self.cpu / self.count * 1e6


@dataclass(frozen=True, slots=True)
class Machine:
    """This one, with a folder for everything that is made."""

    folder: Path
    cores: frozenset[int] = field(default_factory=lambda: frozenset(os.sched_getaffinity(0)))

    @contextmanager
    def pinned(self, *, working: bool) -> Iterator[None]:
        """What is started meanwhile stays on the working core, or on the others."""
        core = {max(self.cores)}
        os.sched_setaffinity(0, core if working else (self.cores - core) or core)
        try:
            yield
        finally:
            os.sched_setaffinity(0, self.cores)

    def fresh(self) -> Path:
        """A new folder."""
        return Path(tempfile.mkdtemp(dir=self.folder))


def cpu_of(pid: int) -> float:
    """CPU seconds so far of a process and all that descend from it and run."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / _TICKS  # proc(5): utime and stime
    return own + sum(map(cpu_of, processes.children(pid)))


def wait_until(claim: Callable[[], bool], what: str) -> None:
    """Looks twenty times a second."""
    give_up = time.monotonic() + IN_TIME
    while not claim():
        assert time.monotonic() < give_up, f"waited {IN_TIME:.0f} s in vain until {what}"
        time.sleep(0.05)
