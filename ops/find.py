"""The one thing that a person means by the beginning of its id."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice

import typer

from functions.core.render import Render
from functions.desk import Wanted
from functions.errors import NotConfigured
from functions.ports import Ports
from functions.sought import Sought
from functions.wiring import desk
from schemas.dead_letters import DeadLetterRecord

NOT_FOUND = 3
"""Exit status: nothing, or more than one thing, has that id."""


def one_render(prefix: str, ports: Ports) -> Render:
    """The one render that is meant. Exits with NOT_FOUND for none or several."""
    prefix = prefix if prefix.startswith("r-") else f"r-{prefix}"
    found = ports.renders.newest(limit=3, sought=Sought(prefix=prefix))
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} or more renders begin" if found else "No render begins"
    print(f"{what} with '{prefix}': see `clipline renders`.", file=sys.stderr)
    raise typer.Exit(NOT_FOUND)


def one_record(prefix: str) -> DeadLetterRecord:
    """The one record that is meant; of a render's several, that of its last failure.

    Exits with NOT_FOUND for none or several.
    """
    place = desk()
    place.catch_up(datetime.now(UTC))
    prefix = prefix if prefix.startswith(("d-", "r-")) else f"r-{prefix}"
    found = list(islice(place.letters.find(Wanted(id=prefix)), 100))
    if len({record.render or record.id for record in found}) == 1:
        return found[0]
    what = "Several dead letters begin" if found else "No dead letter begins"
    print(f"{what} with '{prefix}': see `clipline dead-letters --each`.", file=sys.stderr)
    raise typer.Exit(NOT_FOUND)


def render_of(prefix: str, ports: Ports) -> Render:
    """The render that is meant, or the one that the dead letter is about. Exits with NOT_FOUND."""
    if not prefix.startswith("d-"):
        return one_render(prefix, ports)
    record = one_record(prefix)
    if record.letter is not None:
        return one_render(record.letter.render, ports)
    print(f"{record.id} is a message on {record.subscription}, and no render.", file=sys.stderr)
    raise typer.Exit(NOT_FOUND)


def letters_of(render: Render) -> Sequence[DeadLetterRecord]:
    """The render's dead letters; none where there is no desk."""
    try:
        return tuple(desk().letters.find(Wanted(id=render.id)))
    except NotConfigured:
        return ()
