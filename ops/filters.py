"""The filters of the dead-letter desk, as words on the command line."""

import re
from datetime import datetime, timedelta
from typing import Annotated

import typer

from functions.desk import Wanted
from schemas.failures import FailureClass

_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LENGTH = re.compile(rf"(\d{{1,6}})\s*({'|'.join(_UNITS)})", re.ASCII)


def length(text: str) -> timedelta:
    """A length of time such as `90s`, `15min`, `2h`, `7d` or `4w`; a usage error for another."""
    match = _LENGTH.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(f"'{text}' is no length such as 90s, 15min, 2h, 7d or 4w")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


Class = Annotated[FailureClass | None, typer.Option("--class", help="Only failures of this class.")]
Age = Annotated[
    timedelta | None,
    typer.Option(parser=length, metavar="LENGTH", help="Only what failed within: 15min, 2h, 7d."),
]
Opened = Annotated[
    timedelta | None,
    typer.Option("--age", parser=length, metavar="LENGTH", help="Only opened within: 2h, 7d."),
]
Lane = Annotated[str | None, typer.Option(help="Only what was tried on this lane.")]
Tenant = Annotated[str | None, typer.Option(help="Only uploads of this tenant.")]
Fingerprint = Annotated[str | None, typer.Option(help="Only this cause; its beginning will do.")]
Text = Annotated[
    str | None, typer.Option(help="Only where this stands in ids, upload's name or error.")
]


def wanted(
    now: datetime,
    *,
    failure: FailureClass | None,
    age: timedelta | None,
    lane: str | None,
    tenant: str | None,
    fingerprint: str | None,
    text: str | None,
) -> Wanted:
    """What the words ask for."""
    return Wanted(
        since=None if age is None else now - age,
        failure=failure,
        lane=lane,
        tenant=tenant,
        fingerprint=fingerprint,
        text=text,
    )
