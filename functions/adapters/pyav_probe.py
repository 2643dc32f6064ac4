"""Looks into an upload with PyAV, in a process that has nothing but a pipe to this one.

    this process                        probe_child.py
    the store, its credentials          no environment, no files, limits on memory and time
         │   ◄── {"read": [start, length]} ──   │
         │   ── the bytes, within a budget ──►  │  libavformat
         │   ◄── {"media": {...}} ───────────   │

Whatever the child says was perhaps said by the upload: it is read as such, and a child that dies,
hangs or talks nonsense is a refusal of the upload. Only a child that never got ready is a fault
of this installation.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from signal import SIGKILL, SIGXCPU
from threading import Timer
from typing import IO, NoReturn

from functions.adapters.probe_verdict import REASONS, Found, judge, judge_found, judge_size, refuse
from functions.ports import Uploaded
from schemas.media import Media
from schemas.ports import ObjectMissing
from schemas.uploads import DEMUXERS, MOST_DECODED_PIXELS, MOV_ALIASES, decoders
from schemas.wire import Unreadable, from_json

CHILD = Path(__file__).with_name("probe_child.py")
WALL = timedelta(seconds=30)
"""How long one look may take; an upload without an index is read whole in that time."""
LONGEST_LINE = 8192
LARGEST_READ = 4 << 20
"""Bytes of one answer at most."""
SPARE_BYTES = 64 << 20
"""The child may read the upload twice and this much more."""

_TOLD = json.dumps(
    {
        "format_whitelist": ",".join((*DEMUXERS, *MOV_ALIASES)),
        "protocol_whitelist": "none",
        "codec_whitelist": ",".join(decoders()),
        "max_pixels": str(MOST_DECODED_PIXELS),
        "threads": "1",
    }
)
"""What the child tells libavformat, and it its decoders, before they see a byte."""

_HUGE = re.compile(rb'"media".*"[0-9./]*[eE][-+0-9]', re.DOTALL)
"""A fraction with an exponent: a line of it can name a number that fills the memory."""


class ProberBroken(Exception):
    """The child that looks into uploads did not start: mend the installation, then replay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One line of the child."""

    ready: bool = False
    read: tuple[int, int] | None = None
    found: Found | None = None
    media: Media | None = None
    refused: str = ""
    detail: str = ""


class PyavProber:
    """A Prober that lends each upload a process of its own, about 0.1 s of one processor.

    Raises ProberBroken, or OSError, when no child can be started, and whatever the store raises.
    """

    def __init__(self, *, child: Path = CHILD, wall: timedelta = WALL) -> None:
        self._child = child
        self._wall = wall

    def probe(self, store: Uploaded, name: str, *, generation: int) -> Media:
        """What the container's index says; see functions.ports.Prober."""
        info = store.stat(name)
        if info is None or info.generation != generation:
            raise ObjectMissing(f"there is no generation {generation} of '{name}'")
        judge_size(name, info.size_bytes)
        upload = _Upload(store, name, generation, info.size_bytes)
        with self._started(info.size_bytes) as process:
            return upload.answer(process)

    @contextmanager
    def _started(self, size: int) -> Iterator["subprocess.Popen[bytes]"]:
        """The child, alive for no longer than the `with` and the wall limit."""
        library = find_spec("av")
        if library is None or library.origin is None:
            raise ProberBroken("PyAV is not installed: install requirements.txt, then replay.")
        # -I -S: neither the environment nor a .pth file changes what is imported.
        python = [sys.executable, "-I", "-S", "-B"]
        process = subprocess.Popen(
            [*python, str(self._child), str(Path(library.origin).parents[1]), str(size), _TOLD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env={},
            start_new_session=True,  # a Ctrl-C at the terminal is no fault of the upload
        )
        watch = Timer(self._wall.total_seconds(), process.kill)
        try:
            watch.start()
            yield process
        finally:
            watch.cancel()
            process.kill()
            with suppress(BrokenPipeError):
                _pipe(process.stdin).close()
            _pipe(process.stdout).close()
            _pipe(process.stderr).close()
            process.wait()


class _Upload:
    """One look: what the child asks for, and what it says in the end."""

    def __init__(self, store: Uploaded, name: str, generation: int, size: int) -> None:
        self._store, self._name, self._generation = store, name, generation
        self._size = size
        self._budget = 2 * size + SPARE_BYTES

    def answer(self, process: "subprocess.Popen[bytes]") -> Media:
        """Until the child has said its last word."""
        ready = False
        while True:
            line = _pipe(process.stdout).readline(LONGEST_LINE)
            if not line.endswith(b"\n"):
                self._ended(process, line, ready=ready)
            try:
                if _HUGE.search(line):
                    raise Unreadable("a number with an exponent")
                said = from_json(line, Said)
            except Unreadable as error:
                refuse(self._name, "unreadable_container", detail=str(error))
            ready = ready or said.ready
            if said.read:
                self._send(process, *said.read)
            if said.found:
                judge_found(self._name, said.found)
            if said.refused:
                word = said.refused if said.refused in REASONS else "unreadable_container"
                found = said.detail if "{found}" in REASONS[word].sentence else ""
                refuse(self._name, word, found=found, detail=said.detail)
            if said.media:
                judge(self._name, said.media)
                return replace(said.media, size_bytes=self._size)

    def _send(self, process: "subprocess.Popen[bytes]", start: int, length: int) -> None:
        self._budget -= length
        if not 0 < length <= LARGEST_READ or not 0 <= start < self._size:
            refuse(self._name, "unreadable_container", detail=f"asked for {length} at {start}")
        if self._budget < 0:
            refuse(self._name, "too_costly", found=f"{2 * self._size + SPARE_BYTES} bytes")
        data = self._store.read_range(self._name, start, length, generation=self._generation)
        with suppress(BrokenPipeError):  # its death is seen where its next line is read
            _pipe(process.stdin).write(len(data).to_bytes(4, "big") + data)
            _pipe(process.stdin).flush()

    def _ended(self, process: "subprocess.Popen[bytes]", line: bytes, *, ready: bool) -> NoReturn:
        if line:
            process.kill()
        status = process.wait()
        if not ready:
            complaint = _pipe(process.stderr).read(65536).decode(errors="replace")[-2000:]
            raise ProberBroken(f"The prober's child did not get ready: {complaint or status}")
        if not line and status in (-SIGKILL, -SIGXCPU):
            refuse(self._name, "too_costly", found="20 s of a processor or 30 s in all")
        refuse(self._name, "unreadable_container", detail=f"status {status} after {line[:200]!r}")


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None, "every pipe was asked for"
    return pipe
