"""`[tenants.NAME]`: what is configured of tenants."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any

from functions.core.tenants import FolderDefault, Tenant, Tenants
from functions.lane_file.text import LaneFault, Place, field_of, loaded, nearest, said
from schemas.priority import Priority
from schemas.spec import parse_spec
from schemas.spec_fields import SpecFault
from schemas.wire import Unreadable, from_json, to_json

LONGEST_WAIT = 3600
"""Seconds for which a folder may await sidecars: uploads that wait are seen in the log alone."""
RULES: Sequence[tuple[str, Callable[[Tenant], bool], str]] = (
    (
        "locations",
        lambda tenant: tenant.locations is None or bool(tenant.locations),
        "must be one at least: leave it out for anywhere",
    ),
    ("weight", lambda tenant: 1 <= tenant.weight <= 100, "must be from 1 to 100"),
)
"""Field, what must hold, and the words of who breaks it."""


def read_tenants(text: str, name: str) -> Tenants:
    """What is configured of tenants: `[tenants.NAME]` with any field of `Tenant`.

    A list of lanes in JSON has no tenants. Raises LaneFault.
    """
    place = Place(text, name)
    try:
        tables = loaded(text).get("tenants", {})
        found = {tenant: dict(table) for tenant, table in tables.items()}
    except (TypeError, AttributeError, ValueError) as error:
        raise LaneFault(f"{name}: [tenants.NAME] is a table for each tenant: {error!r}") from error
    return {tenant: _tenant(tenant, table, place) for tenant, table in found.items()}


def _tenant(name: str, table: Mapping[str, Any], place: Place) -> Tenant:
    known = [field.name for field in fields(Tenant)]
    for field in table:
        if field not in known:
            raise place.of_tenant(name, field, f"is no field of a tenant{nearest(field, known)}")
    _check_defaults(name, table.get("defaults"), place)
    try:
        tenant = from_json(to_json(table), Tenant)
    except Unreadable as error:
        at, words = field_of(error)
        if at in ("priority", "ceiling", "folders"):
            words += f": there are {', '.join(Priority)}"
        raise place.of_tenant(name, at, words) from error
    for field, holds, words in RULES:
        if not holds(tenant):
            raise place.of_tenant(name, field, words + said(getattr(tenant, field)))
    for field in ("folders", "defaults"):
        for folder in getattr(tenant, field):
            if not folder.startswith(f"{name}/"):
                words = f"'{folder}' is not in the tenant's own folder, which is {name}/"
                raise place.of_tenant(name, field, words)
    for folder, default in tenant.defaults.items():
        for field, words in _faults(folder, default):
            raise place.of_folder(name, folder, field, words)
    return tenant


def _check_defaults(name: str, tables: object, place: Place) -> None:
    """Raises LaneFault for a field that a folder's default has not."""
    known = [field.name for field in fields(FolderDefault)]
    for folder, table in tables.items() if isinstance(tables, dict) else ():
        for field in table if isinstance(table, dict) else ():
            if field not in known:
                words = f"is no field of a folder's default{nearest(field, known)}"
                raise place.of_folder(name, folder, field, words)


def _faults(folder: str, default: FolderDefault) -> Iterator[tuple[str, str]]:
    """Field and words of what will not do."""
    if not folder.endswith("/"):
        yield "", "must end in /, as a folder does"
    wait = default.await_sidecar_seconds
    if not 0 <= wait <= LONGEST_WAIT:
        yield "await_sidecar_seconds", f"must be from 0 to {LONGEST_WAIT}{said(wait)}"
    try:
        parse_spec(default.spec)
    except SpecFault as fault:
        yield "spec", f"will not do: {fault}"
