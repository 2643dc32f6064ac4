"""`clipline logs`: what the tasks of a render wrote."""

import sys
from collections.abc import Sequence
from functools import partial
from typing import Annotated

import typer

from functions.core.render import Render
from functions.ports import Ports
from functions.task_logs import TaskLog, TaskLogs
from functions.wiring import reading_ports, task_logs
from ops.find import render_of
from ops.letters import one_line
from ops.logs import Follow, attempts_left, last_lines
from ops.paper import INTERRUPTED, Paper, say_all, say_json
from schemas.task_logs import TaskLogLine

console = Paper()


def logs(
    id: Annotated[str, typer.Argument(help="Of a render or dead letter, or its beginning.")],
    attempt: Annotated[
        int | None, typer.Option(help="Only this one; by default the last that has a log.", min=1)
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on until it is over, or Ctrl-C.")
    ] = False,
    lines: Annotated[int, typer.Option(help="The last so many, of all tasks.", min=1)] = 200,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Tell what a render's tasks wrote, the last lines of its last attempt."""
    ports, written = reading_ports(), task_logs()
    render = render_of(id, ports)
    left = written.of_render(render.id)
    chosen = attempt or max((log.attempt for log in left), default=render.attempt)
    told = [log for log in left if log.attempt == chosen]
    if not told and not follow:
        print(_none_left(render, left, attempt, written.kept), file=sys.stderr)
        return
    for line in last_lines(written, render.id, told, lines, whole=follow):
        _say(line, as_json)
    if follow:
        _go_on(render, written, ports, told, chosen, attempt, as_json)


def _go_on(
    render: Render,
    written: TaskLogs,
    ports: Ports,
    told: Sequence[TaskLog],
    first: int,
    attempt: int | None,
    as_json: bool,
) -> None:
    more = Follow(
        logs=written,
        render=render.id,
        first=first,
        attempt=attempt,
        find=partial(_now, render.id, ports),
    )
    more.skip(told)
    try:
        for line in more.lines():
            _say(line, as_json)
            say_all()
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None


def _now(id: str, ports: Ports) -> Render | None:
    stored = ports.renders.load(id)
    return stored.render if stored else None


def _say(line: TaskLogLine, as_json: bool) -> None:
    if as_json:
        say_json(line)
    else:
        console.print(f"{line.attempt}/{line.task}  {one_line(line.text)}")


def _none_left(render: Render, left: Sequence[TaskLog], attempt: int | None, kept: str) -> str:
    """Why there is nothing to tell, in a sentence."""
    if left:
        return (
            f"No log of attempt {attempt} of {render.id} is left: there are those of "
            f"{attempts_left(left)}."
        )
    if not render.attempts:
        return f"{render.id} has no log: no attempt was ever launched."
    return f"No log of {render.id} is left: logs are kept {kept}."
