"""Joining: the pieces of one output and its sound become one file, without decoding anything."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from render_job.errors import RenderFault
from render_job.ffmpeg import run
from render_job.recipe import join as join_command
from render_job.verify import extradata_md5
from schemas.failures import Failure, FailureClass
from schemas.plan import OutputPlan


def join(
    pieces: Sequence[Path],
    audio: Path | None,
    plan: OutputPlan,
    out: Path,
    *,
    ffmpeg: str,
    limit: timedelta,
    on_progress: Callable[[int], None] = lambda frames: None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Write `out`, an MP4 with its index in front, from the pieces in frame order.

    Needs room for the output twice over: moving the index to the front copies the file. Writes a
    list of the pieces beside `out`. Nothing is checked here but that the pieces fit together:
    raises RenderFault (internal) where their parameter sets differ (mixed_encoders) or one cannot
    be read (piece_unreadable).
    """
    kinds = {extradata_md5(piece) for piece in pieces}
    if None in kinds:
        said = "A piece of the output cannot be read any more."
        raise RenderFault(
            Failure(failure=FailureClass.INTERNAL, reason="piece_unreadable", message=said)
        )
    if len(kinds) != 1:
        said = f"The pieces of one output have {len(kinds)} kinds of parameter sets."
        raise RenderFault(
            Failure(failure=FailureClass.INTERNAL, reason="mixed_encoders", message=said)
        )
    listing = out.with_name(f"{out.name}.ffconcat")
    listing.write_text("".join(_line(piece) for piece in pieces), encoding="utf-8")
    command = join_command(listing, audio, plan, out, ffmpeg=ffmpeg)
    run(command, limit=limit, on_progress=on_progress, stop=stop)


def _line(piece: Path) -> str:
    """One line of ffconcat; a quote inside the quoted name is left, written and entered again."""
    name = str(piece.resolve()).replace("'", "'\\''")
    return f"file 'file:{name}'\n"
