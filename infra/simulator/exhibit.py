"""A broken history on file, to be lived again: what `--replay` reads."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from pathlib import Path

import msgspec

from infra.simulator.evidence import Violation
from infra.simulator.history import Recipe
from infra.simulator.shrink import Shrunk, lots

FOLDER = Path("build", "simulator")
"""Where they are written, from the folder that one stands in."""


class NoHistory(ValueError):
    """That file is no history: name one that `python -m infra.simulator` wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One history, and what broke in it."""

    seed: str
    """Of the course."""
    number: int
    """In the course, before anything was left out."""
    violation: Violation
    recipe: Recipe


def write_exhibit(exhibit: Exhibit, folder: Path = FOLDER) -> Path:
    """Write it there, over an older one of the same history and invariant; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    words = f"{exhibit.seed}-{exhibit.number}-{exhibit.violation.invariant}"
    path = folder / (re.sub(r"[^0-9a-z]+", "-", words.lower()).strip("-")[:120] + ".json")
    data = msgspec.json.encode(exhibit, order="deterministic")
    path.write_bytes(msgspec.json.format(data) + b"\n")
    return path


def read_exhibit(path: Path) -> Exhibit:
    """The history on that file. Raises NoHistory with a sentence."""
    try:
        data = path.read_bytes()
        exhibit = msgspec.json.decode(data, type=Exhibit)
        if unknown := next(_unknown(json.loads(data), msgspec.to_builtins(exhibit)), None):
            raise NoHistory(f"'{path}' is no history: nothing is known of a field '{unknown}'.")
    except OSError as error:
        raise NoHistory(f"'{path}' cannot be read: {error.strerror}.") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NoHistory(f"'{path}' is no history: {error}.") from error
    return exhibit


def timeline(shrunk: Shrunk) -> Iterator[str]:
    """Deeds and faults in the order of their moments, and then what broke: a line each."""
    outcome = shrunk.outcome
    deeds = ((deed.at, str(deed)) for deed in outcome.recipe.scenario.deeds)
    faults = ((one.at, f"{one.at:7.1f} fault: {one}") for one in lots(outcome))
    yield from (line for _, line in merge(deeds, faults))
    violation = shrunk.violation
    yield f"{violation.at:7.1f} broken: {violation.invariant}: {violation.seen}"


def _unknown(raw: object, known: object, where: str = "") -> Iterator[str]:
    """Fields of `raw` that came to nothing in `known`, by their paths."""
    if isinstance(raw, dict) and isinstance(known, dict):
        for name, value in raw.items():
            if name not in known:
                yield f"{where}{name}"
            else:
                yield from _unknown(value, known[name], f"{where}{name}.")
    elif isinstance(raw, list) and isinstance(known, list | tuple):
        for value, other in zip(raw, known, strict=False):
            yield from _unknown(value, other, where)
