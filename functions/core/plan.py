"""Planning: from what an upload is and what is asked of it to frames, chunks and file names."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from functions.core.chunks import chunked, sharing
from functions.core.kinds import as_kind
from functions.core.overlays import overlaid, wanted_of
from functions.core.pictures import ENCODERS, output_rate, output_size
from functions.core.record_size import check_record
from schemas.assets import Asset
from schemas.ids import Upload, render_id
from schemas.media import Media, VideoStream
from schemas.plan import SAMPLE_RATE, AudioPlan, OutputPlan, RenderPlan
from schemas.spec import Output, RenderSpec
from schemas.spec_clip import Clip
from schemas.spec_fields import SpecFault
from schemas.spec_picture import Deinterlace

GOP_SECONDS = 2
AUDIO_BITRATE = 160_000
LONGEST_CLIP = 100_000
"""Seconds. A container may claim any length, and its chunks are not to be listed to see that."""


def make_plan(
    upload: Upload,
    media: Media,
    spec: RenderSpec,
    *,
    folder: str,
    assets: Sequence[Asset] = (),
) -> RenderPlan:
    """The frozen plan; its files go below `folder` in the outputs bucket.

    `assets` are the files that the spec names, as they were found when the video was looked at.

    Raises SpecFault where the spec does not fit this upload.
    """
    video = media.video
    rates = [output_rate(video, output.frame_rate) for output in spec.outputs]
    windows = [
        [_window(clip, n, video, rate) for rate in rates] for n, clip in enumerate(spec.clips)
    ]
    wanted = wanted_of(spec, upload, assets)
    drafts: list[OutputPlan] = []
    audio: list[AudioPlan] = []
    for number, clip in enumerate(spec.clips):
        for output, rate, window in zip(spec.outputs, rates, windows[number], strict=True):
            planned = _output(clip, window, rate, output, video, folder)
            planned = overlaid(planned, output, video, wanted[output.name])
            planned = as_kind(planned, output, spec.outputs.index(output))
            if media.audio is not None and planned.kind.plays:
                sound = _audio(planned, video, audio, clip.loudness)
                planned = replace(planned, sound=sound.variant)
                audio += [] if sound in audio else [sound]
            drafts.append(planned)
    outputs = chunked(sharing(drafts, upload))
    check_record(outputs, audio, upload_name=upload.name)
    return RenderPlan(
        render=render_id(upload),
        upload=upload,
        media=media,
        outputs=tuple(outputs),
        audio=tuple(audio),
    )


def _output(
    clip: Clip,
    window: tuple[int, int],
    rate: Fraction,
    output: Output,
    video: VideoStream,
    folder: str,
) -> OutputPlan:
    """As an MP4, and yet without chunks."""
    start_pts, frames = window
    gop = max(1, round(rate * GOP_SECONDS))
    width, height = output_size(video, output)
    encoder = ENCODERS[output.quality]
    return OutputPlan(
        clip=clip.name,
        output=output.name,
        start_pts=start_pts,
        frame_rate=rate,
        frames=frames,
        gop=gop,
        chunks=(),
        width=width,
        height=height,
        crf=encoder.crf,
        preset=encoder.preset,
        lossless=encoder.lossless,
        object_name=f"{folder}/{clip.name}/{output.name}.mp4",
        fit=output.fit if output.width is not None else None,
        deinterlace=video.interlaced and output.deinterlace is Deinterlace.AUTO,
    )


def _window(clip: Clip, number: int, video: VideoStream, rate: Fraction) -> tuple[int, int]:
    """The clip's first source tick, and how many output frames it has."""
    start, end = _bounds(clip, video)
    start_pts = video.first_pts + round(start / video.time_base)
    left = (video.end_pts - start_pts) * video.time_base
    if left <= 0:
        raise _too_late(clip, f"clips[{number}]", video)
    if end is not None:
        left = min(left, end - start)
    if left > LONGEST_CLIP:
        value = f"{float(left):g} s long"
        raise SpecFault(f"clips[{number}]", value, f"at most {LONGEST_CLIP} s long")
    frames = int(left * rate + Fraction(1, 2))
    if frames < 1:
        raise SpecFault(f"clips[{number}]", f"{float(left):.4f} s long", "at least one frame long")
    return start_pts, frames


def _bounds(clip: Clip, video: VideoStream) -> tuple[Fraction, Fraction | None]:
    """The clip's start and end in seconds of the video, whichever way it was said."""
    if clip.start_frame is None:
        return clip.start, clip.end
    end = None if clip.end_frame is None else clip.end_frame * video.frame_seconds
    return clip.start_frame * video.frame_seconds, end


def _too_late(clip: Clip, at: str, video: VideoStream) -> SpecFault:
    if clip.start_frame is None:
        limit = f"less than the video's length ({float(video.duration):.3f} s)"
        return SpecFault(f"{at}.start", clip.start, limit)
    limit = f"less than the video's number of frames ({video.frames})"
    return SpecFault(f"{at}.start_frame", clip.start_frame, limit)


def _audio(
    output: OutputPlan,
    video: VideoStream,
    others: Sequence[AudioPlan],
    loudness: Fraction | None,
) -> AudioPlan:
    """The sound of that length, shared by the clip's outputs that are as long to the sample.

    Outputs of one frame rate are; of two rates the last frames may end at different moments.
    """
    samples = round(output.frames / output.frame_rate * SAMPLE_RATE)
    known = [audio for audio in others if audio.clip == output.clip]
    return next((audio for audio in known if audio.samples == samples), None) or AudioPlan(
        clip=output.clip,
        start_seconds=output.start_pts * video.time_base,
        samples=samples,
        bitrate=AUDIO_BITRATE,
        variant=str(samples) if known else "",
        loudness=loudness,
    )
