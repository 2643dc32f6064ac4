"""`make run`: put one video into the uploads bucket as a user would, and show what happens."""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from rich.console import Console

from functions.assets import named
from functions.core.render import Render, State
from functions.ports import Ports
from functions.spec_origin import SPEC_METADATA
from infra.laptop.exits import Refused, Status
from infra.laptop.quiet import logs_to_file
from infra.laptop.stage import Stage
from infra.laptop.weather import Weather
from ops.watch import Watch
from render_job.encoder import find_ffmpeg
from schemas.certificate import Certificate
from schemas.events import OutputVerified
from schemas.failures import FailureClass
from schemas.ids import DEFAULT_TENANT, SIDECAR_SUFFIX, short
from schemas.ports import ObjectInfo
from schemas.spec import LONGEST_SPEC, parse_spec
from schemas.spec_fields import SpecFault

LONGEST_NAME = 150
"""Bytes: the render's id must fit behind it in a folder's name."""
SAMPLE = Path(__file__).parent / "sample" / "sample.mp4"
_STATUSES = {FailureClass.INPUT: Status.BAD_INPUT, FailureClass.SPEC: Status.BAD_SPEC}


def render_one(
    stage: Stage, video: Path | None, spec: Path | None, console: Console, weather: Weather
) -> int:
    """Render it and return the exit status. Raises Refused before anything is started."""
    path = _readable(video) if video is not None else SAMPLE
    if path.name.endswith(SIDECAR_SUFFIX):
        raise Refused(Status.BAD_INPUT, f"'{path}' is a sidecar's name: pass it as SPEC=.")
    text = _spec_text(spec) if spec is not None else None
    ffmpeg = find_ffmpeg()
    what = f"video: {path.name}" if video is not None else "sample: 30 s with sound"
    console.print(f"ffmpeg: {ffmpeg.source} {ffmpeg.version} · {what}", highlight=False)
    logs_to_file(stage.logs)
    with stage.running(console) as parts:
        since = datetime.now(UTC)
        watch = Watch(console=console, ports=parts, since=since)
        metadata = {SPEC_METADATA: text} if text else {}
        name = f"{DEFAULT_TENANT}/{_object_name(path)}"
        for beside, file in _named_beside(spec, text):
            parts.uploads.upload(f"{DEFAULT_TENANT}/{file}", beside, if_generation_match=None)
        info = parts.uploads.upload(name, path, if_generation_match=None, metadata=metadata)
        watch.say("uploaded", name)
        render = watch.follow(partial(_render_of, info, parts), stage.is_told)
        wall = datetime.now(UTC) - since
        status = _report(stage, render, watch, wall, console)
    weather.tell(render, wall, console)
    return status


def _render_of(info: ObjectInfo, parts: Ports) -> Render | None:
    """The newest render of this content, None while there is none. Raises Refused if none comes.

    A sidecar that stands beside it opens another revision than ours: that is the one to follow.
    """
    everyone = parts.renders.of_upload(parts.uploads.bucket, info.name)
    ours = [render for render in everyone if render.upload.generation == info.generation]
    if ours:
        return ours[0]
    standing = parts.uploads.stat(info.name)
    if standing is None or standing.generation != info.generation:
        raise Refused(Status.FAILED, f"'{info.name}' was replaced by a newer upload meanwhile.")
    return None


def _report(
    stage: Stage, render: Render, watch: Watch, wall: timedelta, console: Console
) -> Status:
    """The last lines: where the clip is, or why there is none."""
    if render.state is State.DONE:
        watch.say("done", "published")
        for output in render.outputs:
            _show_clip(stage.clip(output), output, wall, console)
        console.print("Next: make run VIDEO=yours.mp4 | make up | make help", highlight=False)
        return Status.OK
    failure = render.failure
    assert failure is not None, "a render that is not done says why"
    watch.say(render.state.value, f"{failure.failure}: {failure.message}")
    if failure.detail:
        console.print(failure.detail, highlight=False, markup=False)
    console.print(failure.advice, highlight=False)
    console.print(f"On record: .venv/bin/clipline show {short(render.id)}", highlight=False)
    return _STATUSES.get(failure.failure, Status.FAILED)


def _show_clip(path: Path, output: OutputVerified, wall: timedelta, console: Console) -> None:
    sheet = output.certificate
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    console.print(f"Clip: {shown}", highlight=False)
    pictures = f"{sheet.frames} {'frame' if sheet.kind.plays else 'picture'}"
    facts = (
        *([f"{float(sheet.duration_seconds):.1f} s"] if sheet.kind.plays else []),
        f"{sheet.width}x{sheet.height}",
        f"{pictures}{'' if sheet.frames == 1 else 's'}",
        f"{_bytes_of(sheet) / 1e6:.1f} MB",
        f"wall {wall.total_seconds():.1f} s",
        "verified" if sheet.verified else "NOT VERIFIED",
    )
    console.print(f"      {' · '.join(facts)}", highlight=False)


def _bytes_of(sheet: Certificate) -> int:
    """Of all files of the output."""
    return sheet.size_bytes + (sheet.companions.size_bytes if sheet.companions else 0)


def _readable(path: Path) -> Path:
    if path.is_dir():
        raise Refused(Status.NO_INPUT, f"'{path}' is a folder: name one video file in it.")
    if not path.exists():
        raise Refused(Status.NO_INPUT, f"There is no file '{path}': check the path.")
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise Refused(
            Status.NO_INPUT, f"'{path}' cannot be read ({error.strerror}): change its permissions."
        ) from error


def _spec_text(path: Path) -> str:
    text = _readable(path).read_bytes()[: LONGEST_SPEC + 1]
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise Refused(Status.BAD_SPEC, f"'{path}' is not UTF-8 text: a spec is JSON.") from None


def _named_beside(spec: Path | None, text: str | None) -> Iterator[tuple[Path, str]]:
    """The files that the spec names and that lie beside it; others may be in the uploads already.

    What is wrong with the spec or with them is told by the pipeline, as for any upload.
    """
    if spec is None or text is None:
        return
    with suppress(SpecFault):
        for _, file, _ in named(parse_spec(text)):
            if (spec.parent / file).is_file():
                yield spec.parent / file, file


def _object_name(path: Path) -> str:
    """The file's own name, without what an object name must not have."""
    name = unicodedata.normalize("NFC", path.name)
    name = re.sub(r"[\x00-\x1f\x7f/\\]", "_", name).lstrip(".") or "video"
    return name.encode(errors="replace")[-LONGEST_NAME:].decode(errors="ignore").lstrip(".")
