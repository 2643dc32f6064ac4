"""A spec in words: what would be made, without making it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from fractions import Fraction
from math import ceil

from functions.core.pictures import ENCODERS
from functions.core.plan import make_plan
from schemas import names
from schemas.assets import Asset
from schemas.ids import Upload
from schemas.kinds import Kind
from schemas.media import Media
from schemas.plan import OutputPlan, RenderPlan
from schemas.presets import DEFAULT, PRESETS
from schemas.spec import Output, RenderSpec
from schemas.spec_overlays import (
    MARGINS,
    MARK_WIDTHS,
    OPACITIES,
    Captions,
    Corner,
    Position,
    TextSize,
    Watermark,
)
from schemas.spec_picture import Quality
from schemas.spec_reading import AskedOutput, PlannedFile, PresetOffer, QualityOffer

USES = {
    Quality.SMALL: "previews and slow lines",
    Quality.BALANCED: "the web",
    Quality.BEST: "large screens, and to be edited further",
    Quality.LOSSLESS: "archives: the source's pictures bit for bit, where the height is kept",
}


def asked(spec: RenderSpec, plan: RenderPlan | None = None) -> Sequence[AskedOutput]:
    """Every file that the spec asks for, and what is planned of it where the video is known."""
    found = {output.id: _file(output, plan) for output in plan.outputs} if plan else {}
    return [
        AskedOutput(
            clip=clip.name,
            output=output.name,
            start=clip.start,
            end=clip.end,
            height=output.height,
            quality=output.quality,
            width=output.width,
            fit=output.fit if output.width is not None else None,
            frame_rate=output.frame_rate,
            deinterlace=output.deinterlace,
            wish=output.wish,
            loudness=clip.loudness if output.wish.kind.plays else None,
            watermark=output.watermark,
            captions=output.captions,
            start_frame=clip.start_frame,
            end_frame=clip.end_frame,
            planned=found.get(f"{clip.name}/{output.name}"),
        )
        for clip in spec.clips
        for output in spec.outputs
    ]


def plan_of(
    spec: RenderSpec, upload: Upload, media: Media, assets: Sequence[Asset] = ()
) -> RenderPlan:
    """What would be made of the video. Raises SpecFault where the spec does not fit it.

    `assets` are the files that the spec names, as they were found beside the video.
    """
    return make_plan(upload, media, spec, folder=names.output_folder(upload), assets=assets)


def offers() -> Sequence[QualityOffer]:
    """Every quality, the smallest first."""
    return [
        QualityOffer(
            quality=quality,
            crf=encoder.crf,
            preset=encoder.preset,
            lossless=encoder.lossless,
            default=quality is Output().quality,
        )
        for quality, encoder in ENCODERS.items()
    ]


def preset_offers() -> Sequence[PresetOffer]:
    """Every preset, in the order of the table."""
    return [
        PresetOffer(preset=name, default=name == DEFAULT, **asdict(picture))
        for name, picture in PRESETS.items()
    ]


def preset_line(offer: PresetOffer) -> str:
    """One preset in a line."""
    first = " (the default)" if offer.default else ""
    return f"{offer.preset:14} {_shape(offer)}, {offer.quality}{_rate_at_most(offer)}{first}"


def overlay_lines() -> Iterator[str]:
    """What may be drawn on an output, with what is taken where nothing is said."""
    mark, text = Watermark(image=""), Captions(file="")
    yield (
        f"watermark, of each output: image: a file of the tenant's; corner: {', '.join(Corner)}, "
        f"else {mark.corner}; width: {_range(MARK_WIDTHS)} % of the output's, else {mark.width}; "
        f"margin: {_range(MARGINS)} % of its shorter side, else {mark.margin}; "
        f"opacity: {_range(OPACITIES)} %, else {mark.opacity}"
    )
    yield (
        f"captions, of each output: file: a file of the tenant's; size: {', '.join(TextSize)}, "
        f"else {text.size}; position: {', '.join(Position)}, else {text.position}"
    )


def _range(limits: tuple[int, int]) -> str:
    return f"{limits[0]} to {limits[1]}"


def media_line(media: Media) -> str:
    """What was found in the video."""
    video, sound = media.video, media.audio
    width, height = video.display_size
    heard = f"{sound.codec} sound" if sound else "no sound"
    return (
        f"{width}x{height} {video.codec}, {_rate(video.frame_rate)} frames a second, "
        f"{_seconds(video.duration)}, {heard}"
    )


def lines(one: AskedOutput) -> Iterator[str]:
    """The file in one line, and what the video makes of it in a second and third."""
    yield f"{one.clip}/{one.output}: {_part(one)}, {', '.join(_as_asked(one))}"
    if one.watermark is not None:
        yield (
            f"    with the image {one.watermark.image}, {one.watermark.corner}, "
            f"{one.watermark.width} % of the width"
        )
    if one.captions is not None:
        yield f"    with the captions {one.captions.file}, {one.captions.position}"
    if (file := one.planned) is not None:
        sound = f"{file.audio_samples} samples of sound" if file.audio_samples else "no sound"
        made = f"made in {file.chunks} chunk{'s' if file.chunks > 1 else ''}"
        made = f"the pictures of {file.pictures_of}" if file.pictures_of else made
        if one.wish.kind.plays:
            count = f"{file.frames} frame{'s' if file.frames > 1 else ''}"
            yield (
                f"    {file.width}x{file.height}, {count} at "
                f"{_rate(file.frame_rate)} a second, {_seconds(file.seconds)}, {sound}, {made}"
            )
        else:
            count = f"{file.frames} picture{'s' if file.frames > 1 else ''}"
            yield f"    {count} of {file.width}x{file.height}, {made}"
        others = f", and {file.files - 1} files that it refers to" if file.files > 1 else ""
        yield f"    {file.object_name}{others}"


def _part(one: AskedOutput) -> str:
    """Which part of the video, as it was asked for."""
    if one.start_frame is not None and one.end_frame is not None:
        last = one.end_frame - 1
        return f"frames {one.start_frame} to {last}" if last > one.start_frame else f"frame {last}"
    if one.start_frame:
        return f"frame {one.start_frame} to the end"
    if one.end is not None:
        return f"{_number(one.start)} to {_seconds(one.end)}"
    return f"{_seconds(one.start)} to the end" if one.start else "the whole video"


def _as_asked(one: AskedOutput) -> Iterator[str]:
    wish, plain = one.wish, f"{_shape(one)}, {one.quality} ({_encoder(one.quality)})"
    if wish.kind is Kind.POSTER:
        moment = "its middle" if wish.at is None else _seconds(wish.at)
        yield f"a poster of {moment}, {_shape(one)}, {wish.image}"
    elif wish.kind is Kind.THUMBNAILS:
        every = "at most a hundred" if wish.every is None else f"every {_seconds(wish.every)}"
        yield f"thumbnails, {every}, {_shape(one)}, {wish.columns} in a row"
    else:
        yield f"HLS, {plain}" if wish.kind is Kind.HLS else plain
        if one.frame_rate is not None:
            yield _rate_at_most(one).removeprefix(", ")
        if one.loudness is not None:
            yield f"its sound at {float(one.loudness):g} LUFS"


def total(files: Sequence[AskedOutput]) -> str:
    """The sum in a sentence."""
    planned = [one.planned for one in files if one.planned is not None]
    count = f"{len(files)} file{'s' if len(files) > 1 else ''}"
    if not planned:
        kinds = ", ".join(dict.fromkeys(one.wish.kind for one in files))
        return f"{count} ({kinds}). With --video it is told what becomes of a video."
    own = [file for file in planned if not file.pictures_of]
    frames, chunks = sum(file.frames for file in own), sum(file.chunks for file in own)
    return f"{count}, {frames} frames in {chunks} chunks. Nothing was made."


def offer_line(offer: QualityOffer) -> str:
    """One quality in a line."""
    first = " (the default)" if offer.default else ""
    return f"{offer.quality:9} {_encoder(offer.quality):24} for {USES[offer.quality]}{first}"


def _shape(asked: AskedOutput | PresetOffer) -> str:
    if asked.width is None:
        return f"at most {asked.height} pixels high"
    return f"{asked.width}x{asked.height} ({asked.fit})"


def _rate_at_most(asked: AskedOutput | PresetOffer) -> str:
    if asked.frame_rate is None:
        return ""
    return f", at most {_number(asked.frame_rate)} frames a second"


def _file(output: OutputPlan, plan: RenderPlan) -> PlannedFile:
    sound = plan.audio_of(output)
    return PlannedFile(
        object_name=output.object_name,
        width=output.width,
        height=output.height,
        frames=output.frames,
        frame_rate=output.frame_rate,
        seconds=output.frames / output.frame_rate,
        chunks=len(output.chunks),
        audio_samples=sound.samples if sound else None,
        files=_files(output),
        pictures_of="" if output.pieces_id == output.id else output.pieces_id,
    )


def _files(output: OutputPlan) -> int:
    """The announced one, and those that it refers to with the list of their digests."""
    if output.kind is Kind.HLS:
        return 3 + ceil(output.frames / output.segment_frames)
    return 3 if output.kind is Kind.THUMBNAILS else 1


def _encoder(quality: Quality) -> str:
    encoder = ENCODERS[quality]
    return (
        f"{encoder.preset}, lossless"
        if encoder.lossless
        else (f"{encoder.preset}, crf {encoder.crf}")
    )


def _rate(rate: Fraction) -> str:
    return str(rate) if rate.denominator == 1 else f"{rate} ({float(rate):.3f})"


def _seconds(seconds: Fraction) -> str:
    return f"{_number(seconds)} s"


def _number(number: Fraction) -> str:
    """To the thousandth, without zeros at the end."""
    return f"{float(number):.3f}".rstrip("0").rstrip(".")
