"""`[[quotas]]`: what lanes may share, by the names that lanes give."""

from collections.abc import Mapping
from typing import Any

from functions.core.quotas import Quota
from functions.lane_file.text import Place, check_names, field_of, nearest, said, tables
from schemas.wire import Unreadable, from_json, to_json


def read_quotas(text: str, name: str) -> Mapping[str, Quota]:
    """By id, what lanes may share: one `[[quotas]]` table each. Raises LaneFault."""
    place = Place(text, name, "quotas")
    found: dict[str, Quota] = {}
    for number, table in enumerate(tables(text, name, "quotas")):
        check_names(table, number, Quota, place)
        try:
            quota = from_json(to_json(table), Quota)
        except Unreadable as error:
            field, words = field_of(error)
            raise place.fault(number, field or "id", words) from error
        if not quota.id.strip() or quota.id in found:
            raise place.fault(number, "id", f"'{quota.id}' is empty, or there twice")
        for field in ("executions", "gpus", "launches_a_minute"):
            if (most := getattr(quota, field)) is not None and most < 1:
                raise place.fault(number, field, f"must be 1 at least{said(most)}")
        found[quota.id] = quota
    return found


def with_quotas(
    one: Mapping[str, Any], number: int, quotas: Mapping[str, Quota], place: Place
) -> Mapping[str, Any]:
    """The lane with its quotas in the place of their names. Raises LaneFault."""
    names = one.get("quotas") or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise place.fault(number, "quotas", "must be the ids of [[quotas]] tables, a list")
    for name in names:
        if name not in quotas:
            words = f"'{name}' is the id of no [[quotas]] table{nearest(name, list(quotas))}"
            raise place.fault(number, "quotas", words)
        if (gpus := quotas[name].gpus) is not None and gpus < (one.get("tasks") or 1):
            words = f"'{name}' has fewer GPUs ({gpus}) than the lane has tasks: nothing could start"
            raise place.fault(number, "quotas", words)
    return {**one, "quotas": [quotas[name] for name in names]}
