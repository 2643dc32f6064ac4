"""What the tasks' logs say about their encoders: was anything committed encoded again?"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from schemas.pieces import Span

_LINE = re.compile(r"^(\S+ \S+) (encode|commit) (\S+) (\S+) (\d+)-(\d+)$")


@dataclass(frozen=True, slots=True, order=True)
class _Act:
    at: str
    verb: str
    output: str
    span: Span


def encoder_runs(logs: Path) -> int:
    """How many encoders were started for pictures."""
    return sum(act.verb == "encode" for act in _acts(logs))


def encoded_again(logs: Path) -> Sequence[str]:
    """Encoder runs that touched frames which were committed before they began."""
    committed: dict[str, list[Span]] = {}
    again = []
    for act in _acts(logs):
        before = committed.setdefault(act.output, [])
        if act.verb == "commit":
            before.append(act.span)
        elif any(act.span.start < one.end and one.start < act.span.end for one in before):
            again.append(f"{act.at} {act.output} {act.span}")
    return again


def _acts(logs: Path) -> Sequence[_Act]:
    """Every encode and commit of all tasks, in order of time."""
    lines = (line for path in logs.glob("*.log*") for line in path.read_text().splitlines())
    found = (_LINE.match(line) for line in lines)
    return sorted(
        _Act(match[1], match[2], f"{match[3]} {match[4]}", Span(int(match[5]), int(match[6])))
        for match in found
        if match
    )
