"""`make run`: put one video into the uploads bucket as a user would, and show what happens."""

import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from rich.console import Console

from functions.adapters.sqlite_bus import SqliteBus
from functions.core.render import Render, State
from functions.intake import SPEC_METADATA
from functions.ports import Ports
from functions.settings import Laptop
from functions.wiring import SOURCE, ports
from infra.laptop.exits import Refused, Status
from infra.laptop.incarnation import RunningAlready
from infra.laptop.loop import Loop
from infra.laptop.pipeline import LOOK_EVERY, Pipeline, environment
from infra.laptop.quiet import logs_to_file
from infra.laptop.subscriptions import DEAD_LETTERS, DONE
from infra.laptop.weather import Weather
from ops.watch import Watch
from render_job.encoder import find_ffmpeg
from schemas.events import OutputVerified
from schemas.failures import FailureClass
from schemas.ids import DEFAULT_TENANT, SIDECAR_SUFFIX, short
from schemas.ports import ObjectInfo
from schemas.spec import LONGEST_SPEC

LONGEST_NAME = 150
"""Bytes: the render's id must fit behind it in a folder's name."""
SAMPLE = Path(__file__).parent / "sample" / "sample.mp4"
_STATUSES = {FailureClass.INPUT: Status.BAD_INPUT, FailureClass.SPEC: Status.BAD_SPEC}


def render_one(
    place: Laptop, video: Path | None, spec: Path | None, console: Console, weather: Weather
) -> int:
    """Render it and return the exit status. Raises Refused before anything is started."""
    path = _readable(video) if video is not None else SAMPLE
    if path.name.endswith(SIDECAR_SUFFIX):
        raise Refused(Status.BAD_INPUT, f"'{path}' is a sidecar's name: pass it as SPEC=.")
    text = _spec_text(spec) if spec is not None else None
    ffmpeg = find_ffmpeg()
    what = f"video: {path.name}" if video is not None else "sample: 30 s with sound"
    console.print(f"ffmpeg: {ffmpeg.source} {ffmpeg.version} · {what}", highlight=False)
    logs_to_file(place.logs)
    with _running(place, console, weather):
        parts = ports()
        since = datetime.now(UTC)
        watch = Watch(console=console, ports=parts, since=since)
        metadata = {SPEC_METADATA: text} if text else {}
        name = f"{DEFAULT_TENANT}/{_object_name(path)}"
        info = parts.uploads.upload(name, path, if_generation_match=None, metadata=metadata)
        watch.say("uploaded", name)
        bus = SqliteBus(place.bus, source=SOURCE)
        render = watch.follow(partial(_render_of, info, parts), lambda r: _is_told(r, bus))
        wall = datetime.now(UTC) - since
        status = _report(place, render, watch, wall, console)
    weather.tell(render, wall, console)
    return status


@contextmanager
def _running(place: Laptop, console: Console, weather: Weather) -> Iterator[None]:
    """A pipeline of our own for as long as it takes, or the one that is up already.

    Should that one end before us, ours takes its place: nobody waits for a render without one.
    """
    own: list[Pipeline] = []

    def lead() -> bool:
        if not own:
            with suppress(RunningAlready):
                own.append(Pipeline(place, weather))
        return False

    lead()
    if not own:
        os.environ.update(environment(place))
        console.print("A pipeline is up here already: it does the work.")
    heir = Loop("heir", lead, LOOK_EVERY)
    try:
        yield
    finally:
        heir.stop()
        for pipeline in own:
            pipeline.close()


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


def _is_told(render: Render, bus: SqliteBus) -> bool:
    """Whether everybody who subscribed has been told how it ended."""
    if render.pending:
        return False
    if render.state is State.DONE:
        wanted = {f"{render.id}/{output.output_id}" for output in render.outputs}
        return wanted <= {m.attributes.get("ce-id") for m in bus.peek(DONE)}
    if render.state is State.FAILED:
        return any(m.attributes.get("ce-subject") == render.id for m in bus.peek(DEAD_LETTERS))
    return True


def _report(
    place: Laptop, render: Render, watch: Watch, wall: timedelta, console: Console
) -> Status:
    """The last lines: where the clip is, or why there is none."""
    if render.state is State.DONE:
        watch.say("done", "published")
        for output in render.outputs:
            _show_clip(place, output, wall, console)
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


def _show_clip(place: Laptop, output: OutputVerified, wall: timedelta, console: Console) -> None:
    sheet = output.certificate
    path = place.outputs / output.delivered.name
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    console.print(f"Clip: {shown}", highlight=False)
    facts = (
        f"{float(sheet.duration_seconds):.1f} s",
        f"{sheet.width}x{sheet.height}",
        f"{sheet.frames} frames",
        f"{sheet.size_bytes / 1e6:.1f} MB",
        f"wall {wall.total_seconds():.1f} s",
        "verified" if sheet.verified else "NOT VERIFIED",
    )
    console.print(f"      {' · '.join(facts)}", highlight=False)


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


def _object_name(path: Path) -> str:
    """The file's own name, without what an object name must not have."""
    name = unicodedata.normalize("NFC", path.name)
    name = re.sub(r"[\x00-\x1f\x7f/\\]", "_", name).lstrip(".") or "video"
    return name.encode(errors="replace")[-LONGEST_NAME:].decode(errors="ignore").lstrip(".")
