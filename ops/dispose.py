"""`clipline dispose` and `restore`: dead letters that nobody needs any more, one or many."""

import sys
from datetime import UTC, datetime
from typing import Annotated, NoReturn

import typer

from functions.core.render import State
from functions.desk import Desk
from functions.ports import Ports
from functions.wiring import desk, reading_ports
from ops import filters
from ops.commands import REFUSED, AsJson, By, Reason, acknowledge
from ops.find import one_record
from ops.paper import Paper
from schemas.acknowledgement import Acknowledgement, Deed
from schemas.dead_letters import DeadLetterRecord

console = Paper()


@filters.filtered
def dispose(
    asked: filters.Asked,
    reason: Reason,
    by: By,
    id: Annotated[
        str | None, typer.Argument(help="Of a render or dead letter; without one, filters choose.")
    ] = None,
    done: Annotated[
        bool,
        typer.Option("--done", help="Only those whose render, or a newer of its name, is done."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take dead letters off the desk, with a reason; their renders stay as they are."""
    if id is not None:
        if asked.words or done:
            raise typer.BadParameter("an id or filters, not both")
        record = one_record(id)
        desk().letters.dispose(record.id, by=by, reason=reason, at=asked.now)
        one = Acknowledgement(deed=Deed.DISPOSE, id=record.id, next=f"clipline restore {record.id}")
        said = f"Disposed of {record.id}."
        acknowledge(one, said, console, as_json=as_json, then="To take it back")
        return
    if not asked.words and not done:
        _refuse("Nothing was disposed of: say which, by an id, filters or --done")
    place, ports = desk(), reading_ports()
    place.catch_up(asked.now)
    count = _all(place, ports, asked, done=done, by=by, reason=reason)
    many = Acknowledgement(deed=Deed.DISPOSE, id=None, count=count, next="clipline restore ID")
    said = f"Disposed of {count} dead letter{'' if count == 1 else 's'}."
    acknowledge(many, said, console, as_json=as_json, then="To take one back")


def restore(
    id: Annotated[str, typer.Argument(help="The whole id, as dispose said it.")],
    as_json: AsJson = False,
) -> None:
    """Take back a dead letter that was disposed of."""
    if not desk().letters.restore(id):
        _refuse(f"No dead letter '{id}' was disposed of: give its whole id")
    done = Acknowledgement(deed=Deed.RESTORE, id=id, next=f"clipline show {id}")
    acknowledge(done, f"Taken back: {id}.", console, as_json=as_json)


def _all(
    place: Desk, ports: Ports, asked: filters.Asked, *, done: bool, by: str, reason: str
) -> int:
    count, now = 0, datetime.now(UTC)
    for record in place.letters.find(asked.wanted):
        if not done or _is_done(record, ports):
            count += place.letters.dispose(record.id, by=by, reason=reason, at=now)
    return count


def _is_done(record: DeadLetterRecord, ports: Ports) -> bool:
    """Also where another render took its place: a newer upload, a sidecar, a replay's new spec."""
    if record.letter is None:
        return False
    upload = record.letter.upload
    newest = ports.renders.newest_of(upload.bucket, [upload.name]).get(upload.name)
    found = ports.renders.load_all([record.letter.render, *filter(None, [newest])])
    return any(one is not None and one.render.state is State.DONE for one in found)


def _refuse(sentence: str) -> NoReturn:
    print(f"{sentence}.", file=sys.stderr)
    raise typer.Exit(REFUSED)
