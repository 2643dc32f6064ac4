"""Reading lanes: TOML with one `[[lanes]]` table each, or the same as JSON, checked as a whole.

A bare JSON list is the lanes alone, without limits of tenants and of money.

Whoever writes a wrong one is told the line and the field, and what it may be.
"""

import json
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from fractions import Fraction
from typing import Any, Protocol, TypeVar

from functions.core.prices import DOLLAR
from functions.core.quotas import Quota
from functions.core.tenants import Tenant, Tenants
from schemas import names
from schemas.priority import Priority
from schemas.wire import Unreadable, from_json, to_json


class LaneFault(ValueError):
    """The lanes cannot be used as they are written; the message says where and why."""


class Described(Protocol):
    """As far as the rules below look at a lane."""

    @property
    def id(self) -> str:
        """Unique."""


L = TypeVar("L", bound=Described)
_AT = re.compile(r"at `\$(?:\[(?P<number>\d+)\])?\.?(?P<field>[^`]*)`")
_AT_FIELD = re.compile(r"at `\$\.?(?P<field>\w*)[^`]*`")
_JSON = re.compile(r"\s*\[\s*[{\]]")
_TABLE = re.compile(r"\s*\[")

RULES: Sequence[tuple[str, Callable[[Any], bool], str]] = (
    ("id", lambda lane: bool(lane.id.strip()), "must not be empty"),
    ("encoder_class", lambda lane: bool(lane.encoder_class), "must not be empty"),
    ("tasks", lambda lane: lane.tasks >= 1, "must be 1 at least"),
    ("executions", lambda lane: lane.executions >= 1, "must be 1 at least"),
    ("start_within_seconds", lambda lane: lane.start_within_seconds >= 1, "must be 1 at least"),
    ("attempt_limit_seconds", lambda lane: lane.attempt_limit_seconds >= 1, "must be 1 at least"),
    (
        "attempt_limit_seconds",
        lambda lane: (lane.task_timeout_seconds or 10**9) >= lane.attempt_limit_seconds,
        "must not be longer than task_timeout_seconds: the place ends the task then",
    ),
    (
        "tasks",
        lambda lane: (lane.parallelism or 10**9) >= lane.tasks,
        "must not be more than parallelism: the others would start when it is too late",
    ),
    (
        "gpu_slots",
        lambda lane: lane.gpu_slots is None or lane.gpu_slots >= lane.tasks,
        "must not be fewer than tasks: nothing could ever be launched there",
    ),
    (
        "launches_a_minute",
        lambda lane: lane.launches_a_minute is None or lane.launches_a_minute >= 1,
        "must be 1 at least",
    ),
    (
        "pool",
        lambda lane: not lane.pool or names.POOL.fullmatch(lane.pool) is not None,
        "must be of a-z, 0-9 and -, at most 63 of them",
    ),
    (
        "memory_gib",
        lambda lane: lane.memory_gib is None or lane.memory_gib >= 1,
        "must be 1 at least",
    ),
    ("disk_gib", lambda lane: lane.disk_gib is None or lane.disk_gib >= 1, "must be 1 at least"),
    (
        "price",
        lambda lane: lane.price is None or all(p.read_on and p.source for p in lane.price.parts),
        "must say for each part when and where it was read",
    ),
)
"""Field, what must hold, and the words of who breaks it."""
TENANT_RULES: Sequence[tuple[str, Callable[[Tenant], bool], str]] = (
    (
        "locations",
        lambda tenant: tenant.locations is None or bool(tenant.locations),
        "must be one at least: leave it out for anywhere",
    ),
    ("weight", lambda tenant: 1 <= tenant.weight <= 100, "must be from 1 to 100"),
)
"""As above."""


def read_lanes(
    text: str, name: str, kind: type[L], defaults: Mapping[str, object]
) -> tuple[L, ...]:
    """The lanes in the order of the text; `defaults` are for fields that a lane does not name.

    Raises LaneFault.
    """
    place = _Place(text, name)
    quotas, raw = _quotas(text, name), _tables(text, name, "lanes")
    if not raw:
        raise LaneFault(f"{name}: there must be one lane at least")
    for number, one in enumerate(raw):
        _check_names(one, number, kind, place)
    raw = [_with_quotas(one, number, quotas, place) for number, one in enumerate(raw)]
    several: Any = tuple.__class_getitem__((kind, ...))
    try:
        lanes: tuple[L, ...] = from_json(to_json([{**defaults, **one} for one in raw]), several)
    except Unreadable as error:
        raise _unreadable(str(error), place) from error
    seen: set[str] = set()
    for number, lane in enumerate(lanes):
        if lane.id in seen:
            raise place.fault(number, "id", f"'{lane.id}' is there twice")
        seen.add(lane.id)
        for field, holds, words in RULES:
            if not holds(lane):
                said = getattr(lane, field)
                raise place.fault(number, field, f"{words}" + _said(said))
    return lanes


def _said(value: object) -> str:
    return f" (it is {value})" if isinstance(value, int) else ""


def _quotas(text: str, name: str) -> Mapping[str, Quota]:
    """By id, what lanes may share: one `[[quotas]]` table each."""
    place = _Place(text, name, "quotas")
    found: dict[str, Quota] = {}
    for number, table in enumerate(_tables(text, name, "quotas")):
        _check_names(table, number, Quota, place)
        try:
            quota = from_json(to_json(table), Quota)
        except Unreadable as error:
            where = _AT_FIELD.search(str(error))
            words = _AT_FIELD.sub("", str(error).partition(": ")[2]).strip(" -")
            raise place.fault(number, where["field"] if where else "id", words) from error
        if not quota.id.strip() or quota.id in found:
            raise place.fault(number, "id", f"'{quota.id}' is empty, or there twice")
        for field in ("executions", "gpus", "launches_a_minute"):
            if (most := getattr(quota, field)) is not None and most < 1:
                raise place.fault(number, field, f"must be 1 at least{_said(most)}")
        found[quota.id] = quota
    return found


def _with_quotas(
    one: Mapping[str, Any], number: int, quotas: Mapping[str, Quota], place: "_Place"
) -> Mapping[str, Any]:
    """The lane with its quotas in the place of their names."""
    names = one.get("quotas") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise place.fault(number, "quotas", "must be the ids of [[quotas]] tables, a list")
    for name in names:
        if name not in quotas:
            words = f"'{name}' is the id of no [[quotas]] table{_nearest(name, list(quotas))}"
            raise place.fault(number, "quotas", words)
        if (gpus := quotas[name].gpus) is not None and gpus < (one.get("tasks") or 1):
            words = f"'{name}' has fewer GPUs ({gpus}) than the lane has tasks: nothing could start"
            raise place.fault(number, "quotas", words)
    return {**one, "quotas": [quotas[name] for name in names]}


def _tables(text: str, name: str, key: str) -> list[Mapping[str, Any]]:
    """Those of that name, of either kind of text."""
    try:
        found = _loaded(text).get(key, [])
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise LaneFault(f"{name}: neither TOML nor JSON: {error}") from error
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise LaneFault(f"{name}: {key} are a list of tables, each [[{key}]]")
    return found


def _loaded(text: str) -> Mapping[str, Any]:
    if text.lstrip().startswith("{"):
        found: Mapping[str, Any] = json.loads(text)
        return found
    return {"lanes": json.loads(text)} if _JSON.match(text) else tomllib.loads(text)


def read_tenants(text: str, name: str) -> Tenants:
    """What is configured of tenants: `[tenants.NAME]` with any field of `Tenant`.

    A list of lanes in JSON has no tenants. Raises LaneFault.
    """
    place = _Place(text, name)
    try:
        tables = _loaded(text).get("tenants", {})
        found = {tenant: dict(table) for tenant, table in tables.items()}
    except (TypeError, AttributeError, ValueError) as error:
        raise LaneFault(f"{name}: [tenants.NAME] is a table for each tenant: {error!r}") from error
    return {tenant: _tenant(tenant, said, place) for tenant, said in found.items()}


def _tenant(name: str, said: Mapping[str, Any], place: "_Place") -> Tenant:
    known = [field.name for field in fields(Tenant)]
    for field in said:
        if field not in known:
            raise place.of_tenant(name, field, f"is no field of a tenant{_nearest(field, known)}")
    try:
        tenant = from_json(to_json(said), Tenant)
    except Unreadable as error:
        where = _AT_FIELD.search(str(error))
        words = _AT_FIELD.sub("", str(error).partition(": ")[2]).strip(" -")
        at = where["field"] if where else ""
        if at in ("priority", "ceiling", "folders"):
            words += f": there are {', '.join(Priority)}"
        raise place.of_tenant(name, at, words) from error
    for field, holds, words in TENANT_RULES:
        if not holds(tenant):
            raise place.of_tenant(name, field, words + _said(getattr(tenant, field)))
    for folder in tenant.folders:
        if not folder.startswith(f"{name}/"):
            words = f"'{folder}' is not in the tenant's own folder, which is {name}/"
            raise place.of_tenant(name, "folders", words)
    return tenant


def _nearest(field: str, known: Sequence[str]) -> str:
    near = get_close_matches(field, known, n=1)
    return f"; is it {near[0]}?" if near else ""


def read_dollars(text: str, name: str) -> Mapping[str, int]:
    """Limits in nano-dollars, by what they limit: `[budget]` with `render_dollars`, `day_dollars`.

    Raises LaneFault.
    """
    try:
        limits = _loaded(text).get("budget", {})
        found = {field: round(Fraction(str(value)) * DOLLAR) for field, value in limits.items()}
    except (TypeError, AttributeError, ValueError) as error:
        raise LaneFault(f"{name}: [budget] needs dollars, such as 2.50: {error!r}") from error
    for field, value in found.items():
        if field not in ("render_dollars", "day_dollars") or value < 0:
            raise LaneFault(
                f"{name}: budget.{field} is no limit: there are render_dollars and day_dollars, "
                "0 at least"
            )
    return {field.removesuffix("_dollars"): value for field, value in found.items()}


def _check_names(one: Mapping[str, Any], number: int, kind: type, place: "_Place") -> None:
    known = [field.name for field in fields(kind)]
    for field in one:
        if field not in known:
            what = place.key.removesuffix("s")
            raise place.fault(number, field, f"is no field of a {what}{_nearest(field, known)}")


def _unreadable(said: str, place: "_Place") -> LaneFault:
    """The codec names a lane by its number, and the field by its path."""
    where = _AT.search(said)
    words = _AT.sub("", said.partition(": ")[2]).strip(" -")
    if where is None or where["number"] is None:
        return LaneFault(f"{place.name}: {words}")
    missing = re.search(r"required field `(\w+)`", words)
    if missing and not where["field"]:
        return place.fault(int(where["number"]), missing[1], "is missing")
    return place.fault(int(where["number"]), where["field"], words)


class _Place:
    """Where in the text a lane's field stands."""

    def __init__(self, text: str, name: str, key: str = "lanes") -> None:
        self.name = name
        self.key = key
        """Of the tables: `lanes` or `quotas`."""
        header = re.compile(rf"\s*\[\[\s*{key}\s*\]\]")
        self._lines = text.splitlines()
        self._begins = [n for n, line in enumerate(self._lines) if header.match(line)]

    def fault(self, number: int, field: str, words: str) -> LaneFault:
        """A sentence with file, line, lane and field."""
        line = self._line(number, re.split(r"[.\[]", field)[0])
        where = f", line {line}" if line else ""
        return LaneFault(f"{self.name}{where}: {self.key}[{number}].{field} {words}")

    def of_tenant(self, tenant: str, field: str, words: str) -> LaneFault:
        """The same of a tenant's field."""
        table = re.compile(rf"""\s*\[\s*tenants\s*\.\s*["']?{re.escape(tenant)}["']?\s*[.\]]""")
        own = re.compile(rf"\s*(\[.*\.)?{re.escape(field)}\b" if field else "$.")
        begin = next((n for n, line in enumerate(self._lines) if table.match(line)), None)
        if begin is None:
            return LaneFault(f"{self.name}: tenants.{tenant}.{field} {words}")
        after = ((n, self._lines[n]) for n in range(begin + 1, len(self._lines)))
        others = (n for n, line in after if _TABLE.match(line) and not table.match(line))
        lines = range(begin, next(others, len(self._lines)))
        at = next((n for n in lines if own.match(self._lines[n])), begin)
        return LaneFault(f"{self.name}, line {at + 1}: tenants.{tenant}.{field} {words}")

    def _line(self, number: int, field: str) -> int | None:
        """Its own, or that of the lane's beginning; None in text that has no such lines."""
        if number >= len(self._begins):
            return None
        begin = self._begins[number]
        end = self._begins[number + 1] if number + 1 < len(self._begins) else len(self._lines)
        own = re.compile(rf"\s*(\[+\s*{self.key}\.)?{re.escape(field)}\b")
        lines = (n for n in range(begin, end) if own.match(self._lines[n]))
        return next(lines, begin) + 1
