"""A plan of replays: what would happen, item by item, before anything does.

A plan is a file of JSON lines, told apart by `kind`: a head, the items, an end. Its digest is over
the items' lines, and the lane and the patch that are asked for, alone, so that two plans of an
unchanged world have the same one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

from schemas.failures import FailureClass
from schemas.ids import Upload
from schemas.tagged import Tagged


class Refusal(StrEnum):
    """Why a dead letter is not replayed."""

    NOT_A_RENDER = "not_a_render"
    UNKNOWN_RENDER = "unknown_render"
    ALREADY_DONE = "already_done"
    CANCELLED = "cancelled"
    UNDER_WAY = "under_way"
    NEWER_GENERATION = "newer_generation"
    INPUT_GONE = "input_gone"
    SAME_FAULT = "same_fault"
    """The fault is in the upload or in the spec, and a replay would find the same ones."""
    LANE_UNFIT = "lane_unfit"
    """The one lane that is asked for can never take it."""
    SPEC_FAULT = "spec_fault"
    """With the patch its spec will not do."""
    PARTLY_DONE = "partly_done"
    """With another spec, it would deliver once more what stands already."""


class PlanLine(Tagged):
    """One line of a plan."""

    TYPE: ClassVar = "clipline.replay-plan.v1"
    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanHead(PlanLine):
    """The first line: when it was made, and of what."""

    made_at: datetime
    filters: Mapping[str, str] = field(default_factory=dict)
    """The words of the command line, by option."""
    to_lane: str | None = None
    """The only lane that its replays may use; None for any."""
    spec_patch: str | None = None
    """A JSON merge patch (RFC 7396) over each render's spec; None where they stay as they are."""
    version: int = 1
    kind: str = "head"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanItem(PlanLine):
    """One render that failed, or one message; the frames are 0 where it is refused."""

    record: str
    """The id of its dead letter; of several, that of the last failure."""
    render: str | None
    failures: int
    """How often the render had failed: another number, and the world has moved."""
    upload: Upload | None = None
    """What the render is of."""
    version: int = 0
    """Of the render's document in its store: the same one, and nothing of it has moved."""
    tenant: str | None
    failure: FailureClass
    fingerprint: str
    refused: Refusal | None
    """None where it is to be replayed."""
    why: str
    """The sentence for a person."""
    becomes: str | None = None
    """The render that is opened in its place, of the same upload with the patched spec; None where
    it is tried again itself."""
    frames_committed: int = 0
    """Of the outputs that are missing: they will not be rendered again."""
    frames_to_render: int = 0
    outputs_done: tuple[str, ...] = ()
    outputs_to_make: tuple[str, ...] = ()
    """Each is announced on `render-done`, to all who listen there."""
    lane: str | None = None
    """Where it would go, alone and asked for now; None if it would wait, or nobody knows."""
    takes: timedelta | None = None
    """From the first task to the end, by what that lane has taken of late; None if nobody knows."""
    nanodollars: int | None = None
    """What that would be billed; None if nobody knows, or the lane has no price."""
    is_guess: bool = False
    """Whether time and cost are guessed: it is far larger than all that ran there of late."""
    kind: str = "item"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanEnd(PlanLine):
    """The last line, without which a plan is not whole."""

    items: int
    replays: int
    refusals: Mapping[str, int]
    """How many items were refused, by reason."""
    frames_committed: int
    frames_to_render: int
    outputs_to_make: int
    takes: timedelta = timedelta(0)
    """Of all attempts together, as far as it is known."""
    takes_unknown: int = 0
    """Of how many replays it is not."""
    nanodollars: int = 0
    """Of all together, as far as it is known."""
    nanodollars_unknown: int = 0
    """Of how many replays it is not."""
    guesses: int = 0
    """Of how many replays time and cost are guessed."""
    digest: str
    """SHA-256 over the items' lines, each with its line's end; before them the id of the lane and
    the patch that are asked for, where they are, each with a line's end."""
    kind: str = "end"


STOP_ASKED = "stop asked for"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """Who did what with many dead letters at once, when and why."""

    TYPE: ClassVar = "clipline.replay-audit.v1"
    at: datetime
    by: str
    reason: str
    what: str
    """`begun`, `continued`, `finished`, `stopped: …`, or `stop asked for` by somebody else."""
    plan: str
    """The digest of the plan of replays."""
    made_at: datetime
    """When that plan was made."""
    asked: int
    """Renders that were asked to be replayed, up to then and by that run."""
    version: int = 1
