"""`clipline pause`, `resume` and `pauses`: the kill switch, and who used it."""

import sys
from datetime import UTC, datetime
from typing import Annotated, NoReturn

import typer

from functions.core.switches import Reach, Switching, pauses
from functions.errors import NotConfigured
from functions.wiring import looking_ports, reading_ports
from ops.commands import REFUSED, AsJson, By, Reason
from ops.paper import Paper, say_json
from ops.times import clock
from schemas.switchings import SwitchingLine

Lane = Annotated[str | None, typer.Option(help="Only launches on that lane.")]
Tenant = Annotated[str | None, typer.Option(help="Only that tenant's renders.")]
All = Annotated[bool, typer.Option("--all", help="Every launch.")]


def pause(
    reason: Reason,
    by: By,
    lane: Lane = None,
    tenant: Tenant = None,
    all: All = False,
    as_json: AsJson = False,
) -> None:
    """Launch nothing more; what runs goes on, and what is uploaded waits and says why."""
    reach, name = _asked(lane, tenant, all)
    if reach is Reach.LANE:
        _check_lane(name)
    done = _switch(reach, name, paused=True, by=by, reason=reason)
    if as_json:
        say_json(_line(done, holds=True))
        return
    Paper().print(
        f"Paused: {_what(reach, name)}. What is launched in this moment may still start, nothing "
        "after the next sweep."
    )
    Paper().print(f"To go on: clipline resume {_option(reach, name)} --reason '…'")


def resume(
    reason: Reason,
    by: By,
    lane: Lane = None,
    tenant: Tenant = None,
    all: All = False,
    as_json: AsJson = False,
) -> None:
    """Take back a pause: what waited is woken in its turn, within a sweep."""
    reach, name = _asked(lane, tenant, all)
    paused = pauses(reading_ports().switches.noted())
    if not any((one.reach, one.name) == (reach, name) for one in paused):
        others = "; ".join(f"clipline resume {_option(one.reach, one.name)}" for one in paused)
        _refuse(f"{_what(reach, name)} is not paused" + (f". What is: {others}" if others else ""))
    done = _switch(reach, name, paused=False, by=by, reason=reason)
    if as_json:
        say_json(_line(done, holds=False))
        return
    Paper().print(f"Resumed: {_what(reach, name)}.")


def show_pauses(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """What is paused now, and then who paused and resumed what, the last first."""
    paper, noted = Paper(), reading_ports().switches.noted()
    paused = pauses(noted)
    if as_json:
        for one in noted:
            say_json(_line(one, holds=one in paused))
        return
    for one in paused:
        paper.print(one.words)
    if not paused:
        paper.print("Nothing is paused.")
    for one in noted:
        verb = "paused" if one.paused else "resumed"
        paper.print(f"{clock(one.at)}  {one.by} {verb} {one.what}: {one.reason}")


def _asked(lane: str | None, tenant: str | None, all: bool) -> tuple[Reach, str]:
    """The one thing that is meant. A usage error for none or several."""
    asked = [(Reach.LANE, lane), (Reach.TENANT, tenant), (Reach.ALL, "" if all else None)]
    given = [(reach, name) for reach, name in asked if name is not None]
    if len(given) != 1:
        raise typer.BadParameter("say one of --lane, --tenant and --all")
    return given[0]


def _check_lane(name: str) -> None:
    """Exits with REFUSED for a lane that is not there, if this machine is told which are."""
    try:
        known = [one.id for one in looking_ports().lanes]
    except NotConfigured as error:
        print(f"Not checked that there is a lane '{name}': {error}.", file=sys.stderr)
        return
    if name not in known:
        _refuse(f"There is no lane '{name}': there are {', '.join(known)}")


def _switch(reach: Reach, name: str, *, paused: bool, by: str, reason: str) -> Switching:
    one = Switching(
        reach=reach, name=name, paused=paused, by=by, reason=reason, at=datetime.now(UTC)
    )
    reading_ports().switches.note(one)
    return one


def _line(one: Switching, *, holds: bool) -> SwitchingLine:
    return SwitchingLine(
        at=one.at,
        reach=one.reach,
        name=one.name,
        paused=one.paused,
        by=one.by,
        reason=one.reason,
        holds=holds,
    )


def _what(reach: Reach, name: str) -> str:
    return f"{reach} {name}" if name else "everything"


def _option(reach: Reach, name: str) -> str:
    return f"--{reach} {name}" if name else "--all"


def _refuse(sentence: str) -> NoReturn:
    print(f"{sentence}.", file=sys.stderr)
    raise typer.Exit(REFUSED)
