"""`clipline reproduce`: does what failed fail here too? And `clipline fetches`: who looked."""

import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from functions.core.render import Render
from functions.wiring import desk, reading_ports, task_logs
from ops.commands import REFUSED, By, reason
from ops.filters import length
from ops.find import NOT_FOUND, letters_of, one_record, one_render
from ops.letters import one_line
from ops.paper import INTERRUPTED, Paper, say_json
from ops.times import clock
from render_job.errors import RenderFault
from schemas.failures import Failure
from schemas.reproduction import Outcome, Reproduction

OTHERWISE = 1
"""Exit status: it went well, or failed with another fingerprint."""
console = Paper()


def reproduce(
    id: Annotated[str, typer.Argument(help="Of a render or dead letter, or its beginning.")],
    by: By,
    why: Annotated[
        str,
        typer.Option("--reason", parser=reason, metavar="TEXT", help="Why the upload is fetched."),
    ] = "to reproduce its failure",
    within: Annotated[
        timedelta,
        typer.Option(parser=length, metavar="LENGTH", help="For each piece of work: 15min, 2h."),
    ] = "1h",  # type: ignore[assignment]  # the parser makes it a timedelta
    keep: Annotated[
        Path | None, typer.Option(help="A folder to be made, in which upload and pieces stay.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Do once more, on this machine, what a render failed at; exits 0 only on the same failure."""
    # Here, not above: it is the whole render task, which no other verb needs.
    from ops.reproduce import Bench, NotReproducible

    render, failure = _failed(id)
    tell = partial(print, file=sys.stderr)
    last: Reproduction | None = None
    try:
        with _folder(keep) as folder:
            bench = Bench(
                ports=reading_ports(),
                logs=task_logs(),
                letters=desk().letters,
                by=by,
                reason=why,
                folder=folder,
                limit=within,
                tell=tell,
            )
            for last in bench.reproduce(render, failure):
                _say(last, as_json)
    except NotReproducible as error:
        _refuse(f"Not reproduced: {error}")
    except RenderFault as fault:
        _refuse(f"Not reproduced: {fault.failure.message}")
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    if last is None:
        _refuse("Not reproduced: nothing of it is missing, and no log tells what failed")
    if last.outcome is not Outcome.SAME:
        raise typer.Exit(OTHERWISE)


def fetches(
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Who fetched which upload to look at it, when and why."""
    for one in desk().letters.fetches(limit=limit):
        if as_json:
            say_json(one)
            continue
        name = f"{one.upload.bucket}/{one.upload.name}"
        size = f"{one.size_bytes} bytes"
        console.print(
            f"{clock(one.at)}  {one.by}  {one_line(name)}  {size}: {one_line(one.reason)}"
        )


def _failed(id: str) -> tuple[Render, Failure]:
    """The render, and the failure that is meant: a dead letter's own, else the last."""
    ports = reading_ports()
    if id.startswith("d-"):
        record = one_record(id)
        if record.letter is None:
            print(f"{record.id} is a message and no render: nothing is rendered.", file=sys.stderr)
            raise typer.Exit(NOT_FOUND)
        return one_render(record.letter.render, ports), record.failure
    render = one_render(id, ports)
    if render.failure is not None:
        return render, render.failure
    for record in letters_of(render):
        return render, record.failure
    _refuse(f"{render.id} is {render.state}, and never failed")


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="clipline-") as folder:
            yield Path(folder).resolve()
        return
    try:
        keep.mkdir(parents=True)
    except FileExistsError:
        raise typer.BadParameter(f"'{keep}' is there already: name a new folder") from None
    yield keep.resolve()


def _say(done: Reproduction, as_json: bool) -> None:
    if as_json:
        say_json(done)
        return
    for argv in done.commands:
        console.print(f"$ {shlex.join(argv)}")
    if done.ordered_class and done.ordered_class != done.encoder_class:
        console.print(
            f"This machine encodes as {done.encoder_class}, the task did as {done.ordered_class}: "
            "another ffmpeg may behave otherwise."
        )
    seconds = f"{done.seconds:.1f} s"
    if done.failure is None:
        console.print(
            f"It went well: {done.what} in {seconds}. It had failed ({done.fingerprint})."
        )
        return
    console.print(f"  {done.failure.failure}: {one_line(done.failure.message)}")
    for line in done.failure.detail.splitlines():
        console.print(f"    {one_line(line)}")
    if done.outcome is Outcome.SAME:
        console.print(f"The same failure ({done.found}): {done.what}, after {seconds}.")
    else:
        console.print(
            f"Another failure ({done.found}, not {done.fingerprint}): {done.what}, after {seconds}."
        )


def _refuse(sentence: str) -> NoReturn:
    print(f"{sentence.removesuffix('.')}.", file=sys.stderr)
    raise typer.Exit(REFUSED)
