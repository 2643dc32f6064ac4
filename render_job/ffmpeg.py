"""ffmpeg as a child process: limited, watched, and gone at once when we or our time are gone.

It stays in our process group, so whoever kills the group kills it too; where the kernel can, it is
killed when we are gone. What it writes to stdout passes through us: if we are killed, its next
write fails (EPIPE) and it ends. It is never asked to stop politely, since a 4K encoder takes 5 to
8 s to flush: it is killed, and every fragment that it had written is kept.

What it may reach is in `render_job/reach.py`, how that is held to in `render_job/confined.py`.
"""

import os
import selectors
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from errno import EDQUOT, EFBIG, ENOSPC
from io import RawIOBase
from pathlib import Path

from render_job import memory
from render_job.diagnosis import diagnose, not_started
from render_job.errors import RenderFault, Stopped
from render_job.reach import LIMITS, Limits, confined, defences, reach_of
from schemas.failures import Failure, FailureClass

LAST_WORDS_BYTES = 8192
"""How much of stderr is kept: a hostile file of 1.8 MB makes it say over 2,000 lines."""
POLL = timedelta(seconds=0.1)
PULSE = timedelta(seconds=0.5)
BLOCK_BYTES = 1 << 18
_FRUIT = (b"frame=", b"out_time_us=", b"total_size=")
"""Lines of progress that say what was made; of sound alone there is no frame."""


def run(
    argv: list[str],
    *,
    limit: timedelta,
    into: Path | None = None,
    on_progress: Callable[[int], None] = lambda frames: None,
    on_words: Callable[[str], None] = lambda words: None,
    stop: Callable[[], bool] = lambda: False,
    limits: Limits = LIMITS,
    reads: Sequence[Path] = (),
) -> int:
    """Run to the end and return the frames it says it made; its stdout goes `into` the file.

    It reaches what its command names, the folder of `into`, and what else it `reads`.
    `on_progress` is told the frames so far, at least every half second and from this thread; it
    may raise, and `stop` is asked ten times a second: either kills ffmpeg at once, and the file
    holds all that was made. `on_words` is told the last of its stderr, once it has ended well.
    Raises Stopped, what `on_progress` raised, or RenderFault (timeout after `limit`, input,
    dependency, out_of_memory, crash).
    """
    with ExitStack() as closing:
        file = closing.enter_context(into.open("wb", buffering=0)) if into else None
        reader, writer = os.pipe()
        closing.callback(os.close, reader)
        killed = memory.kills()
        command = [argv[0], "-progress", f"pipe:{writer}", "-stats_period", "0.25", *argv[1:]]
        reach = reach_of(argv, into.parent if into else None, *reads)
        defences()
        try:
            child = _start(confined(command, reach, limits, limit), writer, reach.home)
        finally:
            os.close(writer)
        closing.callback(_end, child, file)
        memory.give_up_first(child.pid)
        watch = _Watch(
            pid=child.pid, limits=limits, limit=limit, on_progress=on_progress, stop=stop
        )
        _listen(child, reader, file, watch)
    if child.returncode and stop():
        raise Stopped
    words = watch.words.decode(errors="replace")
    if child.returncode:
        starved = memory.kills() > killed
        raise RenderFault(diagnose(child.returncode, words, starved=starved))
    on_words(words)
    return watch.frames


def ask(argv: list[str], *, limit: timedelta = timedelta(seconds=10)) -> tuple[int, str]:
    """The exit status and all the words of a short command; 127 where it cannot be run."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={},
            timeout=limit.total_seconds(),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return 127, str(error)
    return done.returncode, done.stdout.decode(errors="replace")


@dataclass(slots=True, kw_only=True)
class _Watch:
    """What was heard of one child so far, and when it must end."""

    pid: int
    limits: Limits
    limit: timedelta
    on_progress: Callable[[int], None]
    stop: Callable[[], bool]
    frames: int = 0
    words: bytes = b""
    _line: bytes = b""
    _began: float = field(default_factory=time.monotonic)
    _told: float = field(default_factory=time.monotonic)
    _fruit: float = field(default_factory=time.monotonic)
    """When there was last something new of it: a frame, a byte."""
    _alive: float = field(default_factory=time.monotonic)
    """When it was last seen to have used a processor."""
    _ticks: int = 0
    _standing: tuple[bytes, ...] = ()

    def hear(self, progress: bytes) -> None:
        """Take in lines such as `frame=42`; what follows the last line end waits for its rest."""
        *lines, self._line = (self._line + progress).split(b"\n")
        counts = [line.partition(b"=")[2].strip() for line in lines if line.startswith(b"frame=")]
        standing = tuple(line for line in lines if line.startswith(_FRUIT))
        if standing and standing[-len(_FRUIT) :] != self._standing:
            self._standing = standing[-len(_FRUIT) :]
            self.bear()
        if counts and counts[-1].isdigit():
            self.frames = int(counts[-1])
            self._tell()

    def bear(self) -> None:
        """There is something new of it."""
        self._fruit = time.monotonic()

    def look(self) -> None:
        """Raise if it has to end now."""
        if self.stop():
            raise Stopped
        now = time.monotonic()
        if now - self._began > self.limit.total_seconds():
            raise _late("ffmpeg_too_slow", "did not end within", self.limit)
        if now - self._fruit > self.limits.fruitless.total_seconds():
            raise _late("ffmpeg_fruitless", "made nothing for", self.limits.fruitless)
        if (ticks := _ticks(self.pid)) != self._ticks:
            self._ticks, self._alive = ticks, now
        if now - max(self._alive, self._fruit) > self.limits.idle.total_seconds():
            raise _late("ffmpeg_hangs", "did nothing at all for", self.limits.idle)
        if now - self._told > PULSE.total_seconds() - POLL.total_seconds():
            self._tell()

    def _tell(self) -> None:
        self._told = time.monotonic()
        self.on_progress(self.frames)


def _late(reason: str, what: str, limit: timedelta) -> RenderFault:
    said = f"ffmpeg {what} {limit.total_seconds():.0f} s."
    return RenderFault(Failure(failure=FailureClass.TIMEOUT, reason=reason, message=said))


def _ticks(pid: int) -> int:
    """What it has used of processors, in any unit; where that is not known, ever something new."""
    try:
        with Path(f"/proc/{pid}/stat").open("rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        return int(fields[11]) + int(fields[12])
    except (OSError, IndexError):
        return time.monotonic_ns()


def _start(command: list[str], progress: int, home: Path | None) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=home or "/",
            env={},
            pass_fds=(progress,),
            bufsize=0,
        )
    except OSError as error:
        raise RenderFault(not_started(str(error.strerror))) from error


def _listen(
    child: subprocess.Popen[bytes], progress: int, file: RawIOBase | None, watch: _Watch
) -> None:
    """Copy and count until the child has said its last and is gone."""
    assert child.stdout is not None
    assert child.stderr is not None
    out, err = child.stdout.fileno(), child.stderr.fileno()
    with selectors.DefaultSelector() as ready:
        for source in (out, err, progress):
            ready.register(source, selectors.EVENT_READ)
        while ready.get_map():
            watch.look()
            for key, _ in ready.select(POLL.total_seconds()):
                data = os.read(key.fd, BLOCK_BYTES)
                if not data:
                    ready.unregister(key.fd)
                elif key.fd == out:
                    watch.bear()
                    _save(data, file)
                elif key.fd == err:
                    watch.words = (watch.words + data)[-LAST_WORDS_BYTES:]
                else:
                    watch.hear(data)
    while child.poll() is None:
        watch.look()
        try:
            child.wait(POLL.total_seconds())
        except subprocess.TimeoutExpired:
            continue


def _end(child: subprocess.Popen[bytes], file: RawIOBase | None) -> None:
    """Make sure that it is gone, and save what was still in the pipe."""
    assert child.stdout is not None
    assert child.stderr is not None
    with child.stdout as out, child.stderr:
        if child.poll() is None:
            child.kill()
            child.wait()
            while data := os.read(out.fileno(), BLOCK_BYTES):
                _save(data, file)


def _save(data: bytes, file: RawIOBase | None) -> None:
    if file is None:
        return
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[file.write(rest) or 0 :]
    except OSError as error:
        if error.errno not in (ENOSPC, EDQUOT, EFBIG):
            raise
        raise RenderFault(
            Failure(
                failure=FailureClass.DEPENDENCY, reason="disk_full", message="The disk is full."
            )
        ) from error
