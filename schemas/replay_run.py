"""How far the doing of a plan of replays is, as `clipline replay status` says it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar


class RunState(StrEnum):
    """What an `apply` is doing."""

    RUNNING = "running"
    STOPPED = "stopped"
    """On request, or since what was replayed failed again. The same command goes on."""
    INTERRUPTED = "interrupted"
    """Nothing was heard of it for a while: killed, perhaps. The same command goes on."""
    FINISHED = "finished"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRun:
    """The last run over one plan."""

    TYPE: ClassVar = "clipline.replay-run.v1"
    plan: str
    """The plan's digest."""
    made_at: datetime
    """When the plan was made: two plans of one digest are two."""
    state: RunState
    why: str
    """Of a stop, what stopped it."""
    by: str
    reason: str
    begun_at: datetime
    """This run; a plan that is applied again begins anew here."""
    seen_at: datetime
    """When it was last heard of: a run says so every second."""
    replays: int
    """Renders that the plan would have replayed."""
    through: int
    """Of those, how many are behind it: asked for, asked for by an earlier run, or left out."""
    asked: int
    """Asked for by this run."""
    left_out: int
    """Not asked for by this run, since they have moved."""
    pace: str = ""
    """While it runs: by what its pace is set, in words."""
    held_until: datetime | None = None
    """While it may ask for nothing: until when at least, where that is known."""
    version: int = 1
