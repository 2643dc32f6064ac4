"""The filters of the dead-letter desk, as words on the command line."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any

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
Preset = Annotated[
    str | None, typer.Option(help="Only where an output was to be made as this preset.")
]
Text = Annotated[
    str | None, typer.Option(help="Only where this stands in ids, upload's name or error.")
]


_OPTIONS: Mapping[str, Any] = {
    "failure": Class,
    "age": Age,
    "lane": Lane,
    "tenant": Tenant,
    "preset": Preset,
    "fingerprint": Fingerprint,
    "text": Text,
}
_WORDS = {"failure": "class"}
"""What an option is called on the command line, where that is another word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which dead letters somebody asks for."""

    now: datetime
    wanted: Wanted
    words: Mapping[str, str]
    """The words of the command line, by option."""


def filtered(verb: Callable[..., None]) -> Callable[..., None]:
    """The verb with all filters as options before its own; what they say it is told as `asked`."""

    @wraps(verb)
    def told(**values: Any) -> None:
        chosen = {name: values.pop(name) for name in _OPTIONS}
        verb(_asked(datetime.now(UTC), chosen), **values)

    options = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in _OPTIONS.items()
    ]
    _, *own = signature(verb, eval_str=True).parameters.values()
    own = [one.replace(kind=Parameter.KEYWORD_ONLY) for one in own]
    told.__signature__ = Signature([*options, *own])  # type: ignore[attr-defined]  # typer reads it
    return told


def _asked(now: datetime, chosen: Mapping[str, Any]) -> Asked:
    age = chosen["age"]
    rest = {name: value for name, value in chosen.items() if name != "age"}
    words = {_WORDS.get(k, k): str(v) for k, v in chosen.items() if v is not None}
    since = None if age is None else now - age
    return Asked(now=now, wanted=Wanted(since=since, **rest), words=words)
