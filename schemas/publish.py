"""`python -m schemas.publish` writes what others read of us; `--check` says what has drifted.

Everything is written from the code: JSON Schemas of the events, of the certificate, of the render
spec and of what the desk says, the AsyncAPI page, and the page of actors and flows.
"""

import argparse
import inspect
import json
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from schemas import examples
from schemas.asyncapi import asyncapi
from schemas.certificate import Certificate
from schemas.dead_letters import DeadLetterGroup, DeadLetterRecord
from schemas.events import Event, ObjectFinalized
from schemas.flows import FLOWS
from schemas.flows_page import page
from schemas.letters_file import LettersEnd, LettersHead, LettersLine
from schemas.replay_plan import AuditRecord, PlanEnd, PlanHead, PlanItem, PlanLine
from schemas.said_examples import LETTERS, SAID
from schemas.spec_reading import (
    AskedOutput,
    PresetOffer,
    QualityOffer,
    SpecForecast,
    SpecVerdict,
)
from schemas.spec_schema import DIALECT, spec_schema
from schemas.tagged import Tagged
from schemas.wire import json_schema, to_json

ROOT = Path(__file__).parents[1]
JSON = Path("schemas/json")
PAGE = Path("docs/actors-and-flows.md")


def published() -> dict[Path, str]:
    """Every published file's path below the checkout, and its text."""
    events = {kind for flow in FLOWS for kind in flow.events if kind is not ObjectFinalized}
    schemas = {kind.TYPE: event_schema(kind) for kind in sorted(events, key=lambda k: k.TYPE)}
    schemas["clipline.certificate.v1"] = certificate_schema()
    schemas["clipline.render-spec.v1"] = spec_schema()
    schemas[PlanLine.TYPE] = plan_schema()
    schemas[LettersLine.TYPE] = lines_schema(LettersLine, (LettersHead, LettersEnd), LETTERS)
    schemas[DeadLetterRecord.TYPE] = desk_schema(DeadLetterRecord, examples.RECORDS)
    schemas[AuditRecord.TYPE] = desk_schema(AuditRecord, (examples.AUDIT,))
    schemas[DeadLetterGroup.TYPE] = desk_schema(DeadLetterGroup, (examples.GROUP,))
    for kind in (SpecVerdict, AskedOutput, SpecForecast, PresetOffer, QualityOffer):
        schemas[kind.TYPE] = spec_reading_schema(kind)
    for said in {type(one) for one in SAID}:
        schemas[said.TYPE] = said_schema(said)
    files = {JSON / f"{name}.schema.json": _text(schema) for name, schema in schemas.items()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    files[JSON / "asyncapi.json"] = _text(asyncapi(project["version"]))
    files[PAGE] = page()
    return files


def drifted(root: Path = ROOT) -> list[Path]:
    """The files that are missing, stale or too many, in order."""
    files = published()
    stale = [p for p, t in files.items() if _read(root / p) != t]
    extra = [JSON / p.name for p in (root / JSON).glob("*.json") if JSON / p.name not in files]
    return sorted(stale + extra)


def write(root: Path = ROOT) -> list[Path]:
    """Make the checkout say what the code says; the files that were changed."""
    files = published()
    changed = drifted(root)
    for path in changed:
        if path in files:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(files[path])
        else:
            (root / path).unlink()
    return changed


def event_schema(kind: type[Event]) -> dict[str, Any]:
    """What a message of that type carries as data. Readers ignore fields they do not know."""
    told = [json.loads(to_json(e)) for e in examples.EVENTS if isinstance(e, kind)]
    return _document(kind, kind.TYPE, told)


def certificate_schema() -> dict[str, Any]:
    """What a done event says about how its file was checked."""
    told = json.loads(to_json(examples.CERTIFICATE))
    return _document(Certificate, "clipline.certificate.v1", [told])


def desk_schema(
    kind: type[DeadLetterRecord | DeadLetterGroup | AuditRecord], shown: Sequence[object]
) -> dict[str, Any]:
    """What the dead-letter desk keeps, or says with `--json`."""
    return _document(kind, kind.TYPE, [json.loads(to_json(one)) for one in shown])


def spec_reading_schema(
    kind: type[SpecVerdict | AskedOutput | SpecForecast | PresetOffer | QualityOffer],
) -> dict[str, Any]:
    """What `clipline spec` says with `--json`."""
    told = [json.loads(to_json(one)) for one in examples.SPEC_READINGS if isinstance(one, kind)]
    return _document(kind, kind.TYPE, told)


def said_schema(kind: type) -> dict[str, Any]:
    """What another command says with `--json`; the kind has a TYPE."""
    told = [json.loads(to_json(one)) for one in SAID if isinstance(one, kind)]
    return _document(kind, kind.TYPE, told)  # type: ignore[attr-defined]  # every example's has it


def plan_schema() -> dict[str, Any]:
    """One line of a plan of replays."""
    return lines_schema(PlanLine, (PlanHead, PlanItem, PlanEnd), examples.PLAN)


def lines_schema(
    family: type[Tagged], kinds: Sequence[type], shown: Sequence[object]
) -> dict[str, Any]:
    """One line of a file whose lines are told apart by `kind`."""
    parts = [json_schema(kind) for kind in kinds]
    definitions = {name: body for part in parts for name, body in part["$defs"].items()}
    lines = [{"$ref": part["$ref"]} for part in parts]
    told = [json.loads(to_json(line)) for line in shown]
    name: str = family.TYPE  # type: ignore[attr-defined]  # every family that is a file has one
    return _told({"oneOf": lines, "$defs": definitions}, name, told)


def _document(kind: type, name: str, told: list[Any]) -> dict[str, Any]:
    return _told(json_schema(kind), name, told)


def _told(schema: dict[str, Any], name: str, told: list[Any]) -> dict[str, Any]:
    for definition in schema["$defs"].values():
        definition["description"] = inspect.cleandoc(definition.get("description", ""))
        for field, value in definition.get("properties", {}).items():
            if field == "at" or field.endswith("_at"):
                _as_moment(value)
    return {
        "$schema": DIALECT,
        "$id": f"urn:clipline:{name}",
        "title": name,
        **schema,
        "examples": told,
    }


def _as_moment(value: dict[str, Any]) -> None:
    """A time has a zone; msgspec by itself only says that it is text."""
    for one in value.get("anyOf", [value]):
        if one.get("type") == "string":
            one["format"] = "date-time"


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def main(arguments: list[str] | None = None) -> int:
    """0 if all is as the code says, or was made so; 1 if `--check` found a difference."""
    parser = argparse.ArgumentParser(prog="schemas.publish", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if files drifted")
    told = parser.parse_args(arguments)
    changed = drifted() if told.check else write()
    for path in changed:
        print(f"{path} {'has drifted: run `make schemas`' if told.check else 'written'}")
    return 1 if told.check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
