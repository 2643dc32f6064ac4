"""A prober that believes what an upload says of itself: seconds, whether it has sound, and more."""

from fractions import Fraction

import msgspec

from functions.ports import NotRenderable, Uploaded
from schemas.failures import Failure, FailureClass
from schemas.media import AudioStream, Media, VideoStream
from schemas.ports import Image, NotAnImage

TICKS = 90_000
RATE = 30


class SimulatedProber:
    """A Prober of simulated uploads."""

    def probe(self, store: Uploaded, name: str, *, generation: int) -> Media:
        """What the object says that it is. Raises NotRenderable for a video of 0 seconds."""
        info = store.stat(name)
        data = store.read_range(name, 0, 1000, generation=generation)
        seconds, sound, _ = msgspec.json.decode(data, type=tuple[int, bool, bool])
        if info is None or seconds == 0:
            said = "there is no video in it"
            raise NotRenderable(
                Failure(failure=FailureClass.INPUT, reason="no_video_stream", message=said)
            )
        return Media(
            container="mov",
            size_bytes=info.size_bytes,
            seekable=True,
            video=_video(seconds),
            audio=AudioStream(codec="aac", sample_rate=48_000, channels=2) if sound else None,
        )


class NoImages:
    """Images where nothing is one: no simulated spec names any."""

    def decode(self, data: bytes) -> Image:
        """Raises NotAnImage."""
        raise NotAnImage("no image")


def _video(seconds: int) -> VideoStream:
    return VideoStream(
        codec="h264",
        width=1280,
        height=720,
        rotation=0,
        pixel_format="yuv420p",
        sample_aspect=Fraction(1),
        time_base=Fraction(1, TICKS),
        frame_rate=Fraction(RATE),
        frames=seconds * RATE,
        first_pts=0,
        end_pts=seconds * TICKS,
        largest_gap=TICKS // RATE,
    )
