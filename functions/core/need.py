"""What a render needs of a lane, as far as it is known before it is made."""

from dataclasses import dataclass
from datetime import datetime

from functions.core.memory import OWN_BYTES, joining_bytes, making_bytes
from schemas.plan import OutputPlan, RenderPlan, once

LEAST_BYTES_A_PIXEL = 0.0125
"""A tenth of a bit a pixel, a rule of thumb for H.264 of camera footage; a source that has more
detail has more bytes a pixel, and then that is what counts."""
LOSSLESS_BYTES_A_PIXEL = 0.75
"""Half of what the pictures take without any coding."""
COPIES = 3
"""Of an output on the stitcher's disk: its pieces, the joined file, and that file once more while
its index is moved to the front; of HLS, its pieces, the fragments and the segments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a render needs. The default needs nothing that any lane could lack."""

    pixels: int = 0
    """Output pixels of the whole render."""
    pixels_left: int = 0
    """Of those, what is not committed yet."""
    made_by: str | None = None
    """The encoder class that made what is committed: any other begins anew."""
    disk_bytes: int = 0
    """An estimate of what the stitcher has on disk at once."""
    piece_bytes: int = 0
    """An estimate of the largest piece, which lies on the disk of the task that makes it."""
    making_bytes: int = 0
    """Of a task's memory at its peak while it makes a piece, without files."""
    joining_bytes: int = 0
    """The same while it joins an output."""
    lossless: bool = False
    """Whether any video is to have the source's very pictures; images are made anywhere."""
    deadline: datetime | None = None
    locations: tuple[str, ...] | None = None
    """Where its tenant lets it be made; None for anywhere."""
    chunks: int = 10**6
    """As many machines have something to do at once."""
    is_thrifty: bool = False
    """Nobody waits for it: it has no more machines than its deadline needs."""

    def memory_bytes(self, *, with_files: bool) -> int:
        """Of one task at its peak, whatever it does; where files lie in memory, with them."""
        making = self.making_bytes + (self.piece_bytes if with_files else 0)
        return max(making, self.joining_bytes + (self.disk_bytes if with_files else 0))

    def pixels_with(self, encoder_class: str) -> int:
        """What is to be made by that encoder."""
        return self.pixels_left if self.made_by in (None, encoder_class) else self.pixels


def need_of(
    plan: RenderPlan,
    *,
    frames: int,
    made_by: str | None,
    deadline: datetime,
    locations: tuple[str, ...] | None,
    is_thrifty: bool = False,
) -> Need:
    """Of a plan of which so many frames are committed, by that encoder class."""
    pixels = sum(map(_pixels, once(plan.outputs)))
    left = plan.frames - min(frames, plan.frames)
    return Need(
        pixels=pixels,
        pixels_left=round(pixels * left / plan.frames),
        made_by=made_by if frames else None,
        disk_bytes=COPIES * max((_bytes(one, plan) for one in plan.outputs), default=0),
        piece_bytes=max((_piece_bytes(one, plan) for one in plan.outputs), default=0),
        making_bytes=OWN_BYTES
        + max((making_bytes(one, plan.media) for one in plan.outputs), default=0),
        joining_bytes=OWN_BYTES
        + max((joining_bytes(one, plan.audio_of(one)) for one in plan.outputs), default=0),
        lossless=any(one.lossless and one.kind.plays for one in plan.outputs),
        deadline=deadline,
        locations=locations,
        chunks=plan.chunks,
        is_thrifty=is_thrifty,
    )


def _pixels(output: OutputPlan) -> int:
    return output.frames * output.width * output.height


def _bytes(output: OutputPlan, plan: RenderPlan) -> int:
    if output.lossless:
        return round(_pixels(output) * LOSSLESS_BYTES_A_PIXEL)
    video = plan.media.video
    source = plan.media.size_bytes / max(1, video.frames * video.width * video.height)
    return round(_pixels(output) * max(source, LEAST_BYTES_A_PIXEL))


def _piece_bytes(output: OutputPlan, plan: RenderPlan) -> int:
    longest = max(map(len, output.chunks), default=0)
    return round(_bytes(output, plan) * longest / output.frames)
