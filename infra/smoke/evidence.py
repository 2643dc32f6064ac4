"""What a trial measured, and what that says about what only a live project can answer.

The questions are those of docs/deploy.md, in its order and words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from functions.core.render import Render
from infra.smoke.heard import Heard
from schemas.events import (
    AttemptPreempted,
    ExecutionEnded,
)

NOT_TRIED = "not measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Moments and numbers of one trial."""

    lane: str
    to_start: timedelta | None
    """From the last launch to its first task."""
    stopped_tasks: int
    """Tasks that told of their SIGTERM when the execution was stopped."""
    after_stop: timedelta | None
    """From the stop to the first of these."""
    ends: Sequence[tuple[str, timedelta]]
    """Every notice of an end: its execution, and how late it was."""
    success_told: bool
    """Whether the end of the execution that succeeded was told as well."""
    to_done: timedelta
    """From the first upload to the done event."""

    @classmethod
    def of(cls, heard: Heard, *, render: Render, stopped: datetime, done: datetime) -> "Evidence":
        """What was heard of that render."""
        ends = [
            (one.event.execution, one.at - one.event.at)
            for one in heard.of(ExecutionEnded, render.id)
            if isinstance(one.event, ExecutionEnded)
        ]
        preempted = heard.of(AttemptPreempted, render.id)
        current = render.current
        started = (
            current.started_at - current.launched_at if current and current.started_at else None
        )
        return cls(
            lane=render.lane or "",
            to_start=started,
            stopped_tasks=len({one.event.id for one in preempted}),
            after_stop=min((one.at - stopped for one in preempted), default=None),
            ends=ends,
            success_told=bool(current and current.execution in [name for name, _ in ends]),
            to_done=done - render.created_at,
        )


def questions(seen: Evidence | None) -> list[tuple[str, str]]:
    """Each question, and what this trial says about it."""
    return [
        (
            "What RunJob says at a quota's limit, and where there is no machine.",
            _start(seen) if seen else NOT_TRIED,
        ),
        (
            "How a GPU task learns that its machine is taken for maintenance.",
            f"{NOT_TRIED}: no maintenance was met",
        ),
        (
            "Whether SIGTERM reaches a container that is stopped or out of time.",
            _sigterm(seen) if seen else NOT_TRIED,
        ),
        (
            "What is told of a task that ran out of memory.",
            f"{NOT_TRIED}: nothing is made to run out of it",
        ),
        (
            "Whether a start token may be repeated.",
            f"{NOT_TRIED}: not used here",
        ),
        (
            "Whether a GPU task may take longer than an hour.",
            f"{NOT_TRIED}: lanes say an hour",
        ),
        (
            "How late the log sink is, and how often it repeats itself.",
            _sink(seen) if seen else NOT_TRIED,
        ),
        (
            "EGL and Vulkan in the container.",
            f"{NOT_TRIED}: not used here",
        ),
    ]


def _start(seen: Evidence) -> str:
    began = (
        "its start was not heard of"
        if seen.to_start is None
        else f"began after {_s(seen.to_start)}"
    )
    return f"no limit was met: a launch on {seen.lane} was taken and {began}"


def _sigterm(seen: Evidence) -> str:
    if seen.after_stop is None:
        return "no task told of it: it was not delivered, or nothing ran yet"
    tasks = f"{seen.stopped_tasks} task{'' if seen.stopped_tasks == 1 else 's'}"
    return f"of a stopped one, yes: {tasks} told of it, the first after {_s(seen.after_stop)}"


def _sink(seen: Evidence) -> str:
    if not seen.ends:
        return "no end was heard of"
    lags = sorted(lag for _, lag in seen.ends)
    names = [name for name, _ in seen.ends]
    success = (
        "the one that succeeded was told as well" if seen.success_told else "no success was told"
    )
    return (
        f"{len(names)} notices of {len(set(names))} ends, {_s(lags[0])} to {_s(lags[-1])} late; "
        f"{success}"
    )


def _s(length: timedelta) -> str:
    return f"{max(0.0, length.total_seconds()):.1f} s"
