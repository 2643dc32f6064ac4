"""What the tasks' logs say about their encoders: was anything committed encoded again?"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from schemas.pieces import Span

_LINE = re.compile(r"^(\S+ \S+) (encode|commit) (\S+) (\S+) (\d+)-(\d+)$")


@dataclass(frozen=True, slots=True, order=True)
class _Act:
    at: str
    verb: str
    output: str
    span: Span
    task: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One encoder run for pictures."""

    task: str
    """EXECUTION-INDEX, as its log is named."""
    began: datetime
    span: Span
    kept: Span | None = None
    """What was committed of it; less than the span if it was stopped, None if nothing was."""
    committed_at: datetime | None = None


def runs(logs: Path, render: str) -> Sequence[Run]:
    """Those of one render, each task's in order of time."""
    found: dict[str, list[Run]] = {}
    for act in _acts(logs):
        if not act.output.startswith(f"{render} "):
            continue
        mine = found.setdefault(act.task, [])
        if act.verb == "encode":
            mine.append(Run(task=act.task, began=_moment(act.at), span=act.span))
        elif mine:
            mine[-1] = replace(mine[-1], kept=act.span, committed_at=_moment(act.at))
    return [run for task in sorted(found) for run in found[task]]


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
    return sorted(act for path in logs.glob("*.log*") for act in _acts_of(path))


def _acts_of(log: Path) -> Iterator[_Act]:
    task, _, _ = log.name.partition(".")
    for match in filter(None, map(_LINE.match, log.read_text().splitlines())):
        span = Span(int(match[5]), int(match[6]))
        yield _Act(match[1], match[2], f"{match[3]} {match[4]}", span, task)


def _moment(at: str) -> datetime:
    """As logging writes it, in this machine's own time."""
    return datetime.strptime(at, "%Y-%m-%d %H:%M:%S,%f").astimezone()
