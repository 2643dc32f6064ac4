"""`[tenants.NAME]`: what is configured of tenants."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from functions.core.tenants import Tenant, Tenants
from functions.lane_file.text import LaneFault, Place, field_of, loaded, nearest, said
from schemas.priority import Priority
from schemas.wire import Unreadable, from_json, to_json

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
    for folder in tenant.folders:
        if not folder.startswith(f"{name}/"):
            words = f"'{folder}' is not in the tenant's own folder, which is {name}/"
            raise place.of_tenant(name, "folders", words)
    return tenant
