"""Decoding as a judge does: an error that could be concealed is an error."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

STRICT = {"err_detect": "explode"}
UNSMOOTHED = {"skip_loop_filter": "all"}
"""Smoothing the edges of blocks reads nothing of the file, so it finds nothing: a seventh of the
time to decode is saved."""


def strictly(stream: Any) -> None:
    """Set on the stream's decoder: what a container is opened with reaches no decoder."""
    stream.codec_context.options = STRICT


def for_errors_alone(stream: "VideoStream") -> None:
    """Strictly, and for nothing but to find errors: nobody looks at the pictures closely.

    One thread: more of them cost a seventh more in all, and the other cores have other tasks.
    """
    stream.thread_type = "NONE"
    stream.codec_context.options = STRICT | UNSMOOTHED


def frames_of(packet: "Packet[VideoStream]", faults: list[str]) -> "Sequence[VideoFrame]":
    """The packet's frames; what cannot be decoded is a fault, and the next packet is tried."""
    import av

    try:
        return packet.decode()
    except av.FFmpegError as error:
        faults.append(f"a frame does not decode: {error.strerror}")
        return ()
