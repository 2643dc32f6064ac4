"""The process that opens an upload; it trusts nothing in it and can reach nothing else.

It runs by its path and imports none of our packages. Its only way out is its parent, to whom it
writes JSON lines and who answers a read with four bytes of length and the bytes themselves:

    {"ready": true}                     limits set, libraries loaded: from here on, any death
                                        is the upload's doing
    {"read": [start, length]}           answered
    {"found": {"streams": 2, ...}}      what is judged before anything costly; not answered
    {"media": {...}}                    schemas.media.Media, the last word; or
    {"refused": "truncated", "detail": "..."}

Where the container has a table of samples (MP4, MOV) only its both ends are demuxed: presentation
times are those of the first and last packets, and in between the decode times, which encoders set
to the presentation times some frames earlier, show the gaps. All else is demuxed whole, undecoded.

An orphan ends by itself: at its next read, or when its processor time is spent.
"""

import json
import os
import resource
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

MEMORY_BYTES = 2 << 30
CPU_SECONDS = 20


def limit(which: int, most: int) -> None:
    """From here on, for good; macOS knows no limit to the address space."""
    with suppress(ValueError, OSError):
        resource.setrlimit(which, (most, most))


if __name__ == "__main__":
    limit(resource.RLIMIT_AS, MEMORY_BYTES)
    limit(resource.RLIMIT_CPU, CPU_SECONDS)
    limit(resource.RLIMIT_FSIZE, 0)
    limit(resource.RLIMIT_CORE, 0)
    sys.path.append(sys.argv[1])

# Not before the limits, from the folder that the parent names, and everything that PyAV would
# import when it meets such a stream: by then nothing can be opened any more.
import av  # noqa: E402  # after the limits are set
import av.audio.codeccontext  # noqa: E402  # after the limits are set
import av.audio.stream  # noqa: E402  # after the limits are set
import av.subtitles.codeccontext  # noqa: E402  # after the limits are set
import av.subtitles.stream  # noqa: E402  # after the limits are set
import av.video.codeccontext  # noqa: E402  # after the limits are set
from av.container import InputContainer  # noqa: E402  # after the limits are set
from av.stream import Discard  # noqa: E402  # after the limits are set
from av.video.stream import VideoStream  # noqa: E402  # after the limits are set

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame

NOBODY = 65534
CACHE_BLOCKS = 6
SMALLEST_READ, LARGEST_READ = 256 << 10, 4 << 20
"""Bytes asked for at once: a run of reads in sequence doubles them."""
MOST_PACKETS = 2_000_000
PATIENCE = 300
"""Packets to be shown that may be decoded in vain before the first picture."""
REORDER = 16
"""Packets between decode and display order at most (H.264, table A-1; HEVC allows as many)."""
WINDOW = 3 * REORDER
"""Packets read at either end, so that two thirds of them have all their neighbours."""
TABLED = "mov,mp4,m4a,3gp,3g2,mj2"
SEEKABLE = (TABLED, "matroska,webm", "avi")
ATTACHED = 0x400
"""AV_DISPOSITION_ATTACHED_PIC: a cover is no film."""
INTERLACED = (2, 3, 4, 5)
"""AVFieldOrder: top or bottom field first, in either order of coding."""
FULL_RANGE = 2
"""AVCOL_RANGE_JPEG."""
BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")


class Refused(Exception):
    """The upload cannot be described; the first argument is the word for it."""


class Shown(NamedTuple):
    """When a frame is shown, in ticks."""

    pts: int
    duration: int


class Upload:
    """The upload as a file to read and seek in; it keeps a few blocks."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._position = 0
        self._length = SMALLEST_READ
        self._blocks: list[tuple[int, bytes]] = []

    def read(self, length: int) -> bytes:
        """At most that many bytes; none at the end."""
        if length <= 0 or self._position >= self._size:
            return b""
        start, block = self._block()
        offset = self._position - start
        data = block[offset : offset + length]
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """As a file's."""
        self._position = max(0, (0, self._position, self._size)[whence] + offset)
        return self._position

    def tell(self) -> int:
        """As a file's."""
        return self._position

    def _block(self) -> tuple[int, bytes]:
        for number, (start, data) in enumerate(self._blocks):
            if start <= self._position < start + len(data):
                self._blocks.append(self._blocks.pop(number))
                return start, data
        goes_on = any(self._position == start + len(data) for start, data in self._blocks)
        self._length = min(LARGEST_READ, 2 * self._length) if goes_on else SMALLEST_READ
        say(read=[self._position, min(self._length, self._size - self._position)])
        block = self._position, heard()
        self._blocks = [*self._blocks[1 - CACHE_BLOCKS :], block]
        return block


def say(**message: object) -> None:
    """One line to the parent."""
    sys.stdout.buffer.write(json.dumps(message).encode() + b"\n")
    sys.stdout.buffer.flush()


def heard() -> bytes:
    """The parent's answer. Without a parent this process ends here, below any handler."""
    head = sys.stdin.buffer.read(4)
    data = sys.stdin.buffer.read(int.from_bytes(head, "big"))
    if len(head) < 4 or len(data) < int.from_bytes(head, "big") or not data:
        os._exit(1)
    return data


def opened(upload: Upload, told: dict[str, str]) -> InputContainer:
    """The container. Raises Refused when it is none of ours or has no beginning or no index.

    What the parent told is an option of the demuxer and of each decoder that it opens by itself.
    """
    try:
        return av.open(
            upload,
            "r",
            options=told,
            metadata_errors="replace",
            buffer_size=1 << 16,
        )
    except (av.error.FFmpegError, ValueError) as error:
        upload.seek(0)
        box = upload.read(8)[4:]
        raise Refused("truncated" if box in BOXES else "not_a_video", str(error)) from error


def describe(container: InputContainer, size: int, told: dict[str, str]) -> dict[str, Any]:
    """The upload as schemas.media.Media in JSON. Raises Refused, or what PyAV raises."""
    stream = next((s for s in container.streams.video if not s.disposition & ATTACHED), None)
    if stream is None:
        raise Refused("no_video_stream" if len(container.streams) else "truncated")
    context = stream.codec_context
    if context is None:
        raise Refused("codec", "no decoder knows it")
    codec = context.codec.canonical_name
    size_seen = {"width": context.width, "height": context.height}
    say(found={"streams": len(container.streams), "codec": codec, **size_seen})
    context.options = {key: told[key] for key in ("codec_whitelist", "max_pixels") if key in told}
    for other in container.streams:
        if other is not stream:
            other.discard = Discard.all
    picture, frames, shown, gap = _timed(container, stream, size)
    base = Fraction(stream.time_base or 1)
    rate = stream.average_rate or stream.guessed_rate or 1 / base
    duration = shown[-1].duration or max(1, round(1 / rate / base))
    return {
        "container": container.format.name,
        "size_bytes": size,
        "seekable": container.format.name in SEEKABLE,
        "video": {
            "codec": codec,
            "width": context.width,  # now that a picture was decoded: a damaged start hides it
            "height": context.height,
            "pixel_format": context.pix_fmt or "",
            "sample_aspect": str(stream.sample_aspect_ratio or 1),
            "time_base": str(base),
            "frame_rate": str(rate),
            "frames": frames,
            "first_pts": shown[0].pts,
            "end_pts": shown[-1].pts + duration,
            "largest_gap": gap or duration,
            **picture,
        },
        "audio": _audio(container),
    }


def _audio(container: InputContainer) -> dict[str, Any] | None:
    context = next((s.codec_context for s in container.streams.audio), None)
    if context is None or not context.sample_rate or not context.layout.nb_channels:
        return None
    return {
        "codec": context.codec.canonical_name,
        "sample_rate": context.sample_rate,
        "channels": context.layout.nb_channels,
    }


def _timed(
    container: InputContainer, stream: VideoStream, size: int
) -> tuple[dict[str, Any], int, Sequence[Shown], int]:
    """The first picture, how many frames, these in order of display, the largest gap in ticks."""
    table = [entry for entry in stream.index_entries if not entry.is_discard]
    tabled = container.format.name == TABLED and stream.frames > 0 and len(table) > 2 * WINDOW
    if tabled and max(entry.pos + entry.size for entry in table) > size:
        raise Refused("truncated", "the samples go on after the end")
    packets = container.demux(stream)
    picture, head = _first_picture(stream, packets)
    if tabled:
        head.extend(islice(_shown(packets), max(0, WINDOW - len(head))))
        container.seek(table[-WINDOW].timestamp, stream=stream, any_frame=True)
        packets = container.demux(stream)
        tail = list(islice(_shown(packets), 2 * WINDOW))
        # More packets than the table has left: fragments follow it, and it says too little.
        if WINDOW <= len(tail) < 2 * WINDOW:
            head, tail = sorted(head), sorted(tail)
            between = [entry.timestamp for entry in table[REORDER:]]
            gaps = _gaps(between) + _gaps_of(head[:-REORDER]) + _gaps_of(tail[REORDER:])
            return picture, len(table), [head[0], tail[-1]], max(gaps)
        container.seek(0)
        head, packets = [], container.demux(stream)
    shown = sorted([*head, *islice(_shown(packets), MOST_PACKETS + 1)])
    if len(shown) > MOST_PACKETS:
        raise Refused("too_costly", f"{MOST_PACKETS} packets")
    return picture, len(shown), shown, max(_gaps_of(shown), default=0)


def _first_picture(
    stream: VideoStream, packets: "Iterator[Packet[VideoStream]]"
) -> tuple[dict[str, Any], list[Shown]]:
    """How pictures are to be shown, by the first one, and the frames read until it was there."""
    stream.codec_context.thread_count = 1
    read: list[Shown] = []
    for packet in packets:
        if packet.has_sidedata("encryption_info"):
            raise Refused("encrypted")
        read.extend(_shown([packet]))
        with suppress(OSError, ValueError):  # what PyAV's errors are: a damaged start
            for frame in packet.decode():
                return _look(stream, frame), read
        if len(read) > PATIENCE:
            break
    raise Refused("unreadable_video", f"no picture in its first {len(read)} frames")


def _look(stream: VideoStream, frame: "VideoFrame") -> dict[str, Any]:
    """Clockwise degrees to turn it, which PyAV counts the other way; fields; how it is coloured."""
    fields = stream.codec_context.field_order
    return {
        "rotation": round(-frame.rotation / 90) * 90 % 360,
        "interlaced": frame.interlaced_frame or fields in INTERLACED,
        "matrix": int(frame.colorspace),
        "full_range": int(frame.color_range) == FULL_RANGE,
        "transfer": int(frame.color_trc),
    }


def _shown(packets: "Iterable[Packet[VideoStream]]") -> Iterator[Shown]:
    """The frames, in decode order, without those that an edit list hides or that have no time."""
    for packet in packets:
        # AVI knows no presentation times; its decode times are the same grid.
        pts = packet.pts if packet.pts is not None else packet.dts
        if packet.size and not packet.is_discard and pts is not None:
            yield Shown(pts, packet.duration or 0)


def _gaps_of(shown: Sequence[Shown]) -> list[int]:
    return _gaps([frame.pts for frame in shown])


def _gaps(times: Sequence[int]) -> list[int]:
    return [after - before for before, after in pairwise(times)]


def alone() -> None:
    """Nothing can be opened or started any more: no file, no socket, no process, no thread.

    Root could raise its limits again, and becomes nobody.
    """
    limit(resource.RLIMIT_NOFILE, 0)
    with suppress(OSError):
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    limit(resource.RLIMIT_NPROC, 0)


def main(size: int, told: dict[str, str]) -> None:
    """One upload of that many bytes, then the end."""
    alone()
    say(ready=True)
    try:
        with opened(Upload(size), told) as container:
            say(media=describe(container, size, told))
    except Refused as refusal:
        say(refused=refusal.args[0], detail="".join(refusal.args[1:]))
    except MemoryError:
        say(refused="too_costly", detail=f"{MEMORY_BYTES} bytes of memory")
    except Exception as error:
        say(refused="unreadable_container", detail=repr(error)[:1000])


if __name__ == "__main__":
    main(int(sys.argv[2]), json.loads(sys.argv[3]))
