"""One video rendered by a pipeline of its own, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.laptop.exits import Status
from schemas.pieces import Span
from tests.pipeline.laptop import Home, Pipeline

NAME = "default/film.mp4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What came of a video when nothing disturbed it."""

    chunks: Sequence[Span]
    pieces: dict[Span, str]
    pictures: Sequence[str]


def rendered(home: Home, video: Path, spec: str) -> Whole:
    """Uploaded to a pipeline that is stopped again once it is done."""
    pipeline = started(home, video, spec)
    render = home.finished(NAME)
    assert pipeline.stop() == Status.OK
    assert render.plan is not None
    return Whole(
        chunks=render.plan.outputs[0].chunks,
        pieces=home.pieces(render),
        pictures=home.pictures(render),
    )


def started(home: Home, video: Path, spec: str) -> Pipeline:
    """A pipeline that is up, and the video uploaded to it."""
    pipeline = home.up()
    pipeline.wait_until_up()
    home.upload(NAME, video, spec)
    return pipeline
