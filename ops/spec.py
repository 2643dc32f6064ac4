"""`clipline spec`: what a render spec asks for, before a video is sent. It needs no pipeline."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from functions.assets import look_at_assets
from functions.ports import NotRenderable
from functions.wiring import images, prober
from ops.one_file import Beside, OneFile
from ops.paper import Paper, say_json
from ops.spec_forecast import forecast_line, spec_forecast
from ops.spec_reading import (
    asked,
    lines,
    media_line,
    offer_line,
    offers,
    overlay_lines,
    plan_of,
    preset_line,
    preset_offers,
    total,
)
from schemas.assets import Asset
from schemas.ids import DEFAULT_TENANT, Upload
from schemas.kinds import Image, Kind
from schemas.loudness import PEAK_LIMIT
from schemas.media import Media
from schemas.ports import ObjectMissing
from schemas.priority import Priority
from schemas.spec import LONGEST_SPEC, MOST_CLIPS, MOST_OUTPUTS, VERSION, RenderSpec
from schemas.spec import parse_spec as parse
from schemas.spec_fields import SpecFault
from schemas.spec_kinds import COLUMNS, EVERY
from schemas.spec_picture import HEIGHTS, RATES, WIDTHS, Deinterlace, Fit
from schemas.spec_reading import SpecVerdict
from schemas.spec_sound import LOUDNESSES

BAD_SPEC = 64
"""Exit status: the spec asks for something impossible."""
BAD_INPUT = 65
"""Exit status: the video is none that can be rendered."""
NO_INPUT = 66
"""Exit status: there is no such file, or it cannot be read."""

app = typer.Typer(no_args_is_help=True, help="What a render spec asks for.")
console = Paper()

SpecFile = Annotated[str, typer.Argument(help="A spec's file; - reads it from stdin.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line, as published.")]


@app.command()
def validate(file: SpecFile, as_json: AsJson = False) -> None:
    """Say whether a spec may be sent. Exits 0, 64 for a fault of the spec, 66 without a file."""
    spec = _spec(file, as_json)
    if as_json:
        say_json(SpecVerdict(valid=True, clips=len(spec.clips), outputs=len(spec.outputs)))
        return
    console.print(f"A good spec: {total(asked(spec))}")


@app.command()
def explain(
    file: SpecFile = "",
    video: Annotated[
        Path | None, typer.Option(help="A video; it and the spec's files beside it are looked at.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a spec would make; without FILE, what is made where there is no spec.

    Of a video also how long it takes and what it costs, as far as a pipeline here knows.
    Exits 0, 64 for a fault of the spec, 65 for a file that is no video, 66 without a file.
    """
    spec = _spec(file, as_json) if file else RenderSpec()
    upload, media = _looked_at(video) if video else (None, None)
    plan = None
    try:
        if video and upload and media:
            plan = plan_of(spec, upload, media, _found_beside(video, spec, upload))
    except SpecFault as fault:
        _refuse(fault, as_json)
    files, foreseen = asked(spec, plan), spec_forecast(plan) if plan else None
    if as_json:
        for one in (*files, *filter(None, [foreseen])):
            say_json(one)
        return
    if video and media:
        console.print(f"{video.name}: {media_line(media)}")
    for one in files:
        console.print("\n".join(lines(one)))
    console.print(total(files))
    if foreseen is not None:
        console.print(forecast_line(foreseen))


@app.command()
def presets(as_json: AsJson = False) -> None:
    """Say what a spec may choose from."""
    if as_json:
        for preset in preset_offers():
            say_json(preset)
        for offer in offers():
            say_json(offer)
        return
    console.print(f"version: {VERSION}, and no other; it may be left out")
    console.print("preset, of each output; what is said beside it stands above it:")
    for preset in preset_offers():
        console.print(f"  {preset_line(preset)}")
    console.print("quality, of each output:")
    for offer in offers():
        console.print(f"  {offer_line(offer)}")
    console.print(f"height: {HEIGHTS[0]} to {HEIGHTS[1]} pixels, of a smaller video its own")
    console.print(f"width: {WIDTHS[0]} to {WIDTHS[1]} pixels; with it the size is exact")
    console.print(f"fit, where there is a width: {', '.join(Fit)}")
    console.print(
        f"frame_rate: at most {RATES[0]} to {RATES[1]} a second, of a slower video its own"
    )
    console.print(f"deinterlace: {', '.join(Deinterlace)}")
    console.print(f"kind, of each output: {', '.join(Kind)}; mp4 where nothing is said")
    console.print(
        f"at, of a poster: seconds into the clip, else its middle; image: {', '.join(Image)}"
    )
    console.print(
        f"every, of thumbnails: {float(EVERY[0]):g} to {float(EVERY[1]):g} s, else at most a "
        f"hundred; columns: {COLUMNS[0]} to {COLUMNS[1]}"
    )
    for line in overlay_lines():
        console.print(line)
    console.print(
        "start and end, of a clip: seconds or H:MM:SS.sss; or start_frame and end_frame: counted "
        "from 0, and the clip ends before end_frame"
    )
    quietest, loudest = LOUDNESSES
    console.print(
        f"loudness, of the spec or of a clip: {quietest} to {loudest} LUFS, its peaks at most "
        f"{PEAK_LIMIT:g} dBTP; as it is where nothing is said"
    )
    console.print(
        f"priority, of the spec: {', '.join(Priority)}, up to what its tenant may ask for"
    )
    console.print(
        f"at most {MOST_CLIPS} clips, each as at most {MOST_OUTPUTS} outputs, and no more files in "
        "all than a render's record holds: 100 of an ordinary video, 60 with the longest names"
    )


def _spec(file: str, as_json: bool) -> RenderSpec:
    """The file's spec, or the end of the command."""
    try:
        if file == "-":
            data = sys.stdin.buffer.read(LONGEST_SPEC + 1)
        else:
            with Path(file).open("rb") as opened:
                data = opened.read(LONGEST_SPEC + 1)
    except OSError as error:
        print(f"{file}: {error.strerror}.", file=sys.stderr)
        raise typer.Exit(NO_INPUT) from None
    try:
        if len(data) > LONGEST_SPEC:
            raise SpecFault("spec", "longer", f"at most {LONGEST_SPEC} bytes long")
        return parse(data.decode(errors="replace"))
    except SpecFault as fault:
        _refuse(fault, as_json)


def _looked_at(video: Path) -> tuple[Upload, Media]:
    """What it would be as an upload, and what is in it, or the end of the command."""
    file = OneFile(video)
    info = file.stat(video.name)
    if info is None:
        print(f"There is no file {video}.", file=sys.stderr)
        raise typer.Exit(NO_INPUT)
    try:
        media = prober().probe(file, info.name, generation=info.generation)
    except NotRenderable as refusal:
        failure = refusal.failure
        print(failure.message.rstrip(".") + ".", file=sys.stderr)
        print(f"{failure.field}: {failure.value}; the limit is {failure.limit}", file=sys.stderr)
        raise typer.Exit(BAD_INPUT) from None
    except (ObjectMissing, PermissionError) as error:
        print(f"{error}.", file=sys.stderr)
        raise typer.Exit(NO_INPUT) from None
    # As `make run` has it: in a tenant's folder, where the spec's other files may have folders too.
    name = f"{DEFAULT_TENANT}/{info.name}"
    return Upload(bucket="uploads", name=name, generation=info.generation), media


def _found_beside(video: Path, spec: RenderSpec, upload: Upload) -> Sequence[Asset]:
    """What the spec names, looked for where the video lies. Raises SpecFault."""
    return look_at_assets(spec, upload, Beside(video.parent), images())


def _refuse(fault: SpecFault, as_json: bool) -> NoReturn:
    """Name the field, its value and the limit: as JSON to programs, else to people's stderr."""
    if as_json:
        say_json(SpecVerdict(valid=False, field=fault.field, value=fault.value, limit=fault.limit))
    else:
        print(f"The spec will not do: {fault}.", file=sys.stderr)
    raise typer.Exit(BAD_SPEC)
