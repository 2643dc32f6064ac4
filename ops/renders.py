"""`clipline renders`: the list of them, the newest first."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from functions.core.render import Render, State
from functions.sought import Sought
from functions.wiring import reading_ports
from ops import filters
from ops.paper import Paper, say_json
from ops.times import ago
from schemas.ids import short
from schemas.renders import RenderLine

HEADINGS = ("RENDER", "STATE", "UPLOAD", "FRAMES", "AGE")
console = Paper()


def renders(
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1)] = 20,
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    failure: filters.Class = None,
    tenant: filters.Tenant = None,
    age: filters.Opened = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List renders."""
    now = datetime.now(UTC)
    since = None if age is None else now - age
    sought = Sought(state=state, failure=failure, tenant=tenant, since=since)
    found = reading_ports().renders.newest(limit=limit, sought=sought)
    if as_json:
        for render in found:
            say_json(_line(render))
        return
    if not found:
        console.print("No renders.")
        return
    rows = [_row(render, now) for render in found]
    table = Table(box=None, pad_edge=False)
    for column, heading in enumerate(HEADINGS):
        width = max(len(row[column]) for row in (HEADINGS, *rows))
        table.add_column(heading, no_wrap=True, min_width=width)
    table.add_column("", no_wrap=True, overflow="ellipsis")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _line(render: Render) -> RenderLine:
    return RenderLine(
        id=render.id,
        state=render.state,
        why=render.why,
        upload=render.upload,
        created_at=render.created_at,
        updated_at=render.updated_at,
        deadline_at=render.deadline,
        attempt=render.attempt,
        lane=render.lane,
        frames=render.frames,
        frames_planned=render.plan.frames if render.plan else None,
        failure=render.failure,
        nanodollars=render.spent,
    )


def _row(render: Render, now: datetime) -> tuple[str, ...]:
    planned = render.plan.frames if render.plan else 0
    frames = f"{render.frames}/{planned}" if planned else ""
    why = "" if render.state is State.DONE else render.why
    reason = render.failure.message if render.failure else why
    upload = f"{render.upload.tenant}/{render.upload.stem}"
    return (short(render.id), render.state, upload, frames, ago(render.created_at, now), reason)
