"""A plan of replays on file: written as it is made, and read line by line."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from functions.desk import Desk, Wanted
from functions.ports import Ports
from ops.replay_plan import Totals, digest, planned
from schemas.replay_plan import PlanEnd, PlanHead, PlanItem, PlanLine
from schemas.wire import Unreadable, from_json, to_json


class PlanRefused(Exception):
    """It is not applied, and nothing was done; the message says why, a sentence a line."""


def write(
    head: PlanHead, asked: Wanted, place: Desk, ports: Ports, out: Path | None
) -> tuple[Path, PlanEnd]:
    """The plan's file and its last line. It has its name once it is whole, and replaces another."""
    folder = out.parent if out else Path()
    draft = folder / f".replay-{os.getpid()}.part"
    totals = Totals(digest(head))
    try:
        with draft.open("wb") as file:
            file.write(to_json(head) + b"\n")
            for item in planned(place.letters.find(asked), ports, head):
                file.write(totals.line(item))
            end = totals.end
            file.write(to_json(end) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        path = out or Path(f"replay-{end.digest[:12]}.jsonl")
        return draft.replace(path), end
    finally:
        draft.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole plan on file. Its items are read anew each time, and not kept."""

    path: Path
    head: PlanHead
    end: PlanEnd

    def replays(self) -> Iterator[tuple[PlanItem, str]]:
        """The items that are not refused, each with its render."""
        for item in _lines(self.path):
            if isinstance(item, PlanItem) and item.refused is None and item.render is not None:
                yield item, item.render


def read(path: Path) -> Plan:
    """Raises PlanRefused for what is no plan, not whole, or was changed."""
    head: PlanLine | None = None
    end: PlanLine | None = None
    seen, items = sha256(), 0
    with path.open("rb") as file:
        for line in file:
            if end is not None:
                raise PlanRefused(f"'{path}' goes on after its end")
            one = _line(line, path)
            if head is None and isinstance(one, PlanHead):
                seen = digest(one)
            head = head or one
            if isinstance(one, PlanItem):
                seen.update(line)
                items += 1
            end = one if isinstance(one, PlanEnd) else None
    if not isinstance(head, PlanHead) or not isinstance(end, PlanEnd):
        raise PlanRefused(f"'{path}' is no plan of replays, or not whole")
    if (end.digest, end.items) != (seen.hexdigest(), items):
        raise PlanRefused(f"'{path}' was changed since it was made")
    return Plan(path=path, head=head, end=end)


def _lines(path: Path) -> Iterator[PlanLine]:
    with path.open("rb") as file:
        for line in file:
            yield _line(line, path)


def _line(line: bytes, path: Path) -> PlanLine:
    try:
        return from_json(line, PlanLine)
    except Unreadable as error:
        raise PlanRefused(f"'{path}' is no plan of replays, or not whole") from error
