"""The text of a lane file: its tables, and where in it a fault is."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from schemas.wire import Unreadable

_JSON = re.compile(r"\s*\[\s*[{\]]")
_TABLE = re.compile(r"\s*\[")
_AT_FIELD = re.compile(r"at `\$\.?(?P<field>\w*)[^`]*`")


class LaneFault(ValueError):
    """The lanes cannot be used as they are written; the message says where and why."""


def loaded(text: str) -> Mapping[str, Any]:
    """All of it, of either kind. Raises ValueError, which TOML's own error is as well."""
    if text.lstrip().startswith("{"):
        found: Mapping[str, Any] = json.loads(text)
        return found
    return {"lanes": json.loads(text)} if _JSON.match(text) else tomllib.loads(text)


def tables(text: str, name: str, key: str) -> list[Mapping[str, Any]]:
    """Those of that name, of either kind of text."""
    try:
        found = loaded(text).get(key, [])
    except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
        raise LaneFault(f"{name}: neither TOML nor JSON: {error}") from error
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise LaneFault(f"{name}: {key} are a list of tables, each [[{key}]]")
    return found


def check_names(one: Mapping[str, Any], number: int, kind: type, place: "Place") -> None:
    """Raises LaneFault for a field that the kind of table has not."""
    known = [field.name for field in fields(kind)]
    for field in one:
        if field not in known:
            what = place.key.removesuffix("s")
            raise place.fault(number, field, f"is no field of a {what}{nearest(field, known)}")


def nearest(field: str, known: Sequence[str]) -> str:
    """What may have been meant, in words."""
    near = get_close_matches(field, known, n=1)
    return f"; is it {near[0]}?" if near else ""


def said(value: object) -> str:
    """A number that will not do, in words."""
    return f" (it is {value})" if isinstance(value, int) else ""


def field_of(error: Unreadable) -> tuple[str, str]:
    """The field of one table that the codec could not read, if it says one, and its words."""
    found = _AT_FIELD.search(str(error))
    words = _AT_FIELD.sub("", str(error).partition(": ")[2]).strip(" -")
    return (found["field"] if found else ""), words


class Place:
    """Where in the text a table's field stands."""

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
        own = rf"\s*(\[.*\.)?{re.escape(field)}\b" if field else "$."
        return self._in_tenant(tenant, (own,), f"{field} {words}")

    def of_folder(self, tenant: str, folder: str, field: str, words: str) -> LaneFault:
        """The same of a field of its folder's default; of the folder itself, if there is none."""
        begins = rf""".*["']{re.escape(folder)}["']"""
        own = (begins, rf"(.*[{{,])?\s*{re.escape(field)}\s*=") if field else (begins,)
        at = f"defaults.'{folder}'" + (f".{field}" if field else "")
        return self._in_tenant(tenant, own, f"{at} {words}")

    def _in_tenant(self, tenant: str, patterns: Sequence[str], words: str) -> LaneFault:
        """With the line to which they lead, each from where the one before it was found."""
        table = re.compile(rf"""\s*\[\s*tenants\s*\.\s*["']?{re.escape(tenant)}["']?\s*[.\]]""")
        begin = next((n for n, line in enumerate(self._lines) if table.match(line)), None)
        if begin is None:
            return LaneFault(f"{self.name}: tenants.{tenant}.{words}")
        after = ((n, self._lines[n]) for n in range(begin + 1, len(self._lines)))
        others = (n for n, line in after if _TABLE.match(line) and not table.match(line))
        end, at = next(others, len(self._lines)), begin
        for pattern in patterns:
            at = next((n for n in range(at, end) if re.match(pattern, self._lines[n])), at)
        return LaneFault(f"{self.name}, line {at + 1}: tenants.{tenant}.{words}")

    def _line(self, number: int, field: str) -> int | None:
        """Its own, or that of the lane's beginning; None in text that has no such lines."""
        if number >= len(self._begins):
            return None
        begin = self._begins[number]
        end = self._begins[number + 1] if number + 1 < len(self._begins) else len(self._lines)
        own = re.compile(rf"\s*(\[+\s*{self.key}\.)?{re.escape(field)}\b")
        lines = (n for n in range(begin, end) if own.match(self._lines[n]))
        return next(lines, begin) + 1
