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

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from signal import SIGKILL, SIGXCPU
from threading import Timer
from typing import IO, NoReturn

from functions.ports import NotRenderable
from schemas.failures import Failure, FailureClass
from schemas.media import Media
from schemas.ports import ObjectMissing, ObjectStore
from schemas.wire import Unreadable, from_json

CHILD = Path(__file__).with_name("probe_child.py")
WALL = timedelta(seconds=30)
"""How long one look may take; an upload without an index is read whole in that time."""
LONGEST_LINE = 8192
LARGEST_READ = 4 << 20
"""Bytes of one answer at most."""
SPARE_BYTES = 64 << 20
"""The child may read the upload twice and this much more."""

CODECS = frozenset(
    {"av1", "dnxhd", "flv1", "h263", "h264", "hevc", "mjpeg", "mpeg1video", "mpeg2video", "mpeg4"}
    | {"msmpeg4v2", "msmpeg4v3", "prores", "vc1", "vp8", "vp9", "wmv1", "wmv2", "wmv3"}
)
MOST_STREAMS = 32
MOST_PIXELS = 8192 * 4320
HIGHEST_RATE = 240
"""Frames a second."""
LONGEST = timedelta(hours=12)
LARGEST_GAP = timedelta(seconds=60)
"""A still picture for longer than this is more often a damaged time than a film."""
ASPECTS = Fraction(1, 20), Fraction(20)
_EPSILON = Fraction(1, 1 << 31)
_WORD = re.compile(r"[a-zA-Z0-9_,]{1,80}")
_UNPRINTABLE = re.compile(r"[^\w .:/-]")
_HUGE = re.compile(rb'"media".*"[0-9./]*[eE][-+0-9]', re.DOTALL)
"""A fraction with an exponent: a line of it can name a number that fills the memory."""

_SENTENCES = {
    "codec": "is encoded as {found}, which is not rendered here: export it as H.264 in MP4",
    "empty_file": "is empty, 0 bytes: upload it again",
    "encrypted": "is encrypted: export it without protection",
    "gap": "has a gap of {found} seconds between two frames and the limit is 60: export it again",
    "no_video_stream": "has no video stream: upload a file with one",
    "not_a_video": "is no MP4, MOV, Matroska, WebM, MPEG, AVI, ASF or FLV file: export it as MP4",
    "too_costly": "took more than {found}, the limit for a look into it: export it as MP4",
    "too_fast": "has {found} frames a second and the limit is 240: export it with fewer",
    "too_large": "has {found} pixels and the limit is 8192x4320: export it smaller",
    "too_long": "is {found} long and the limit is 12 hours: cut it into parts",
    "too_many_streams": "has {found} streams and the limit is 32: export it with one video and"
    " one audio stream",
    "truncated": "was cut off or damaged, its index is missing or points beyond its end:"
    " upload it again",
    "unreadable_container": "looks like a video but cannot be read: export it again as MP4",
    "unreadable_video": "has a video stream of which no picture can be decoded: export it again",
    "zero_duration": "has a video of no duration: export it again",
}


class ProberBroken(Exception):
    """The child that looks into uploads did not start: mend the installation, then replay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the child says before it looks closer."""

    streams: int
    codec: str
    width: int
    height: int


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

    def probe(self, store: ObjectStore, name: str, *, generation: int) -> Media:
        """What the container's index says; see functions.ports.Prober."""
        info = store.stat(name)
        if info is None or info.generation != generation:
            raise ObjectMissing(f"there is no generation {generation} of '{name}'")
        if not info.size_bytes:
            refuse(name, "empty_file")
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
            [*python, str(self._child), str(Path(library.origin).parents[1]), str(size)],
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

    def __init__(self, store: ObjectStore, name: str, generation: int, size: int) -> None:
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
                word = said.refused if said.refused in _SENTENCES else "unreadable_container"
                refuse(self._name, word, found=said.detail, detail=said.detail)
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


def judge_found(name: str, found: Found) -> None:
    """Raises NotRenderable for what is not worth a closer look."""
    if found.streams > MOST_STREAMS:
        refuse(name, "too_many_streams", found=str(found.streams))
    if found.codec not in CODECS:
        refuse(name, "codec", found=found.codec)
    if found.width * found.height > MOST_PIXELS:
        refuse(name, "too_large", found=f"{found.width}x{found.height}")


def judge(name: str, media: Media) -> None:
    """Raises NotRenderable for what cannot be rendered, or cannot be true."""
    video = media.video
    judge_found(name, Found(streams=1, codec=video.codec, width=video.width, height=video.height))
    if not _is_possible(media):
        refuse(name, "unreadable_container", detail=repr(media)[:1000])
    if video.end_pts <= video.first_pts:
        refuse(name, "zero_duration")
    rate = max(video.frame_rate, video.frames / video.duration)
    if rate > HIGHEST_RATE and video.frames > 1:
        refuse(name, "too_fast", found=f"{float(rate):.1f}")
    if video.duration > LONGEST.total_seconds():
        refuse(name, "too_long", found=str(timedelta(seconds=round(video.duration))))
    if video.largest_gap * video.time_base > LARGEST_GAP.total_seconds():
        refuse(name, "gap", found=str(round(video.largest_gap * video.time_base)))


def _is_possible(media: Media) -> bool:
    """Whether the values are such as a container can hold: a hijacked child says anything."""
    video, audio = media.video, media.audio
    sound = (audio.codec, audio.sample_rate, audio.channels) if audio else ("none", 1, 1)
    words = (media.container, video.pixel_format, sound[0])
    counts = (video.width, video.height, video.frames, *sound[1:])
    ticks = (video.first_pts, video.end_pts, video.largest_gap)
    return (
        all(_WORD.fullmatch(word) for word in words)
        and all(0 < count < 1 << 31 for count in counts)
        and all(abs(tick) < 1 << 62 for tick in ticks)
        and all(_EPSILON < number < 1 << 31 for number in (video.time_base, video.frame_rate))
        and video.rotation in (0, 90, 180, 270)
        and ASPECTS[0] <= video.sample_aspect <= ASPECTS[1]
    )


def refuse(name: str, reason: str, *, found: str = "", detail: str = "") -> NoReturn:
    """Raises NotRenderable with the sentence for that reason; `found` is what was measured."""
    printable = _UNPRINTABLE.sub("?", found)[:100]
    sentence = f"'{name}' {_SENTENCES[reason].format(found=printable)}."
    raise NotRenderable(
        Failure(failure=FailureClass.INPUT, reason=reason, message=sentence, detail=detail)
    )


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None, "every pipe was asked for"
    return pipe
