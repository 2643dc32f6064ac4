"""ffmpeg as a child process: limited, watched, and gone at once when we or our time are gone.

It stays in our process group, so whoever kills the group kills it too. What it writes to stdout
passes through us: if we are killed, its next write fails (EPIPE) and it ends. It is never asked
to stop politely, since a 4K encoder takes 5 to 8 s to flush: it is killed, and every fragment that
it had written is kept.
"""

import os
import resource
import selectors
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from errno import EDQUOT, EFBIG, ENOSPC
from io import RawIOBase
from pathlib import Path

from render_job import memory
from render_job.diagnosis import diagnose
from render_job.errors import RenderFault, Stopped
from schemas.failures import Failure, FailureClass

LAST_WORDS_BYTES = 8192
"""How much of stderr is kept: a hostile file of 1.8 MB makes it say over 2,000 lines."""
POLL = timedelta(seconds=0.1)
PULSE = timedelta(seconds=0.5)
BLOCK_BYTES = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one ffmpeg may use. CPU time is limited to the wall clock's limit on every core."""

    memory_bytes: int | None = 6 << 30
    """Address space; None for CUDA, which reserves far more than it uses."""
    file_bytes: int = 64 << 30
    open_files: int = 64


def run(
    argv: list[str],
    *,
    limit: timedelta,
    into: Path | None = None,
    on_progress: Callable[[int], None] = lambda frames: None,
    on_words: Callable[[str], None] = lambda words: None,
    stop: Callable[[], bool] = lambda: False,
    limits: Limits = Limits(),
) -> int:
    """Run to the end and return the frames it says it made; its stdout goes `into` the file.

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
        try:
            child = _start(command, writer)
        finally:
            os.close(writer)
        closing.callback(_end, child, file)
        memory.give_up_first(child.pid)
        _confine(child.pid, limits, limit)
        watch = _Watch(limit=limit, on_progress=on_progress, stop=stop)
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

    limit: timedelta
    on_progress: Callable[[int], None]
    stop: Callable[[], bool]
    frames: int = 0
    words: bytes = b""
    _line: bytes = b""
    _began: float = field(default_factory=time.monotonic)
    _told: float = field(default_factory=time.monotonic)

    def hear(self, progress: bytes) -> None:
        """Take in lines such as `frame=42`; what follows the last line end waits for its rest."""
        *lines, self._line = (self._line + progress).split(b"\n")
        counts = [line.partition(b"=")[2].strip() for line in lines if line.startswith(b"frame=")]
        if counts and counts[-1].isdigit():
            self.frames = int(counts[-1])
            self._tell()

    def look(self) -> None:
        """Raise if it has to end now."""
        if self.stop():
            raise Stopped
        now = time.monotonic()
        if now - self._began > self.limit.total_seconds():
            said = f"ffmpeg did not end within {self.limit.total_seconds():.0f} s."
            raise RenderFault(
                Failure(failure=FailureClass.TIMEOUT, reason="ffmpeg_too_slow", message=said)
            )
        if now - self._told > PULSE.total_seconds() - POLL.total_seconds():
            self._tell()

    def _tell(self) -> None:
        self._told = time.monotonic()
        self.on_progress(self.frames)


def _start(command: list[str], progress: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={},
            pass_fds=(progress,),
            bufsize=0,
        )
    except OSError as error:
        said = f"ffmpeg cannot be started ({error.strerror})."
        raise RenderFault(
            Failure(failure=FailureClass.DEPENDENCY, reason="ffmpeg_missing", message=said)
        ) from error


def _confine(pid: int, limits: Limits, limit: timedelta) -> None:
    """Set the limits from outside: a hook between fork and exec is not safe beside threads."""
    if sys.platform != "linux":
        return
    cores = os.cpu_count() or 1
    wanted = {
        resource.RLIMIT_CPU: int(limit.total_seconds() * cores) + 1,
        resource.RLIMIT_FSIZE: limits.file_bytes,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_CORE: 0,
    }
    if limits.memory_bytes is not None:
        wanted[resource.RLIMIT_AS] = limits.memory_bytes
    for what, most in wanted.items():
        _, ceiling = resource.prlimit(pid, what)
        allowed = most if ceiling == resource.RLIM_INFINITY else min(most, ceiling)
        resource.prlimit(pid, what, (allowed, allowed))


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
