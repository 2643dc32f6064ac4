"""Who dies when the memory is used up, and whether that was it.

A container's kernel counts what it killed in the container's own control group. A kill of ffmpeg
alone leaves the container standing, and the platform need not say a word about it.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

COUNTS = (
    Path("/sys/fs/cgroup/memory.events"),
    Path("/sys/fs/cgroup/memory/memory.oom_control"),
)
"""As a container sees its own group, by the second version of control groups and by the first
(docs.kernel.org, admin-guide: cgroup-v2, cgroup-v1/memory)."""
FIRST_VICTIM = "1000"
"""The most that /proc/PID/oom_score_adj takes."""
_KILLS = re.compile(r"^oom_kill (\d+)$", re.MULTILINE)


def kills(counts: Sequence[Path] = COUNTS) -> int:
    """Processes of this group that the kernel killed for memory so far; 0 where nobody counts."""
    for path in counts:
        with suppress(OSError):
            if found := _KILLS.search(path.read_text()):
                return int(found[1])
    return 0


def give_up_first(pid: int) -> None:
    """Have the kernel kill that child before its parent, who can tell of it.

    Anybody may ask that for their own; a system that has no such wish is not asked.
    """
    with suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text(FIRST_VICTIM)
