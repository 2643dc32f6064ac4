"""Every event and command of the path. Events are in the past tense, commands in the imperative.

Each knows its wire type, which render it is about, and its id: the same fact has the same id
wherever and however often it is told, so a repeat is seen by eye. A change of meaning is a new
type (`….v2`); fields are only added, and readers ignore what they do not know.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from schemas.assets import Asset
from schemas.certificate import Certificate, Delivered
from schemas.failures import Failure
from schemas.ids import Upload, render_id
from schemas.media import Media
from schemas.pieces import Span


class SpecSource(StrEnum):
    """Where the spec of a request came from."""

    DEFAULT = "default"
    """The built-in one."""
    FOLDER = "folder"
    """The default of the upload's folder."""
    METADATA = "metadata"
    SIDECAR = "sidecar"
    REPLAY = "replay"
    """That of a failed render, changed by a person on call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InsteadOf:
    """The failed render in whose place another one is asked for, by whom and why."""

    render: str
    by: str
    reason: str
    lane: str | None = None
    """The only lane that the new one's attempts may use; None for any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFinalized:
    """An object, or a new generation of one, stands complete in the uploads bucket.

    Cloud Storage's own event (`google.cloud.storage.object.v1.finalized`), read by
    `schemas/wire.py`; the same object may be told by several messages.
    """

    TYPE: ClassVar = "google.cloud.storage.object.v1.finalized"
    bucket: str
    name: str
    generation: int
    at: datetime

    @property
    def subject(self) -> str:
        """The object, as Eventarc names it."""
        return f"objects/{self.name}"

    @property
    def id(self) -> str:
        """Bucket, name and generation."""
        return f"{self.bucket}/{self.name}#{self.generation}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderRequested:
    """An upload is a video that can be rendered, and this is what its creator wrote about it."""

    TYPE: ClassVar = "clipline.render.requested.v1"
    upload: Upload
    media: Media
    spec_source: SpecSource
    spec_text: str | None
    at: datetime
    assets: tuple[Asset, ...] = ()
    """The files that the spec names, looked at and found good."""
    instead_of: InsteadOf | None = None
    """None of what a creator asks for."""

    @property
    def subject(self) -> str:
        """The render that the request opens."""
        return render_id(self.upload)

    @property
    def id(self) -> str:
        """One request a render."""
        return f"{self.subject}/requested"


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRefused:
    """An upload cannot be rendered at all; no machine was started for it."""

    TYPE: ClassVar = "clipline.upload.refused.v1"
    upload: Upload
    failure: Failure
    at: datetime

    @property
    def subject(self) -> str:
        """The render that is closed before it began."""
        return render_id(self.upload)

    @property
    def id(self) -> str:
        """One refusal an upload."""
        return f"{self.subject}/refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfRender:
    """What all later events have: the render, and when it happened."""

    render: str
    at: datetime

    @property
    def subject(self) -> str:
        """The render."""
        return self.render


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRender(_OfRender):
    """Stop, and leave no output."""

    TYPE: ClassVar = "clipline.render.cancel.v1"
    by: str
    reason: str

    @property
    def id(self) -> str:
        """One command a moment."""
        return f"{self.render}/cancel/{self.at.isoformat()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRender(_OfRender):
    """Try a failed render again, keeping its identity and all that is committed."""

    TYPE: ClassVar = "clipline.render.replay.v1"
    by: str
    reason: str
    lane: str | None = None
    """The only lane that its attempts may use, until another replay; None for any."""

    @property
    def id(self) -> str:
        """One command a moment."""
        return f"{self.render}/replay/{self.at.isoformat()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfAttempt(_OfRender):
    """What the tasks of an attempt tell; `attempt` is the fence against stale tellers."""

    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted(_OfAttempt):
    """The first task of the owning execution runs."""

    TYPE: ClassVar = "clipline.attempt.started.v1"
    execution: str

    @property
    def id(self) -> str:
        """One start an attempt and execution."""
        return f"{self.render}/{self.attempt}/started/{self.execution}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderProgress(_OfAttempt):
    """How far the whole render is: committed frames, and those now in an encoder."""

    TYPE: ClassVar = "clipline.render.progress.v1"
    task: int
    frames: int

    @property
    def id(self) -> str:
        """One report a task and moment."""
        return f"{self.render}/{self.attempt}/progress/{self.task}/{self.at.isoformat()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkCommitted(_OfAttempt):
    """A piece stands in the work bucket; `frames` are the render's committed frames then."""

    TYPE: ClassVar = "clipline.chunk.committed.v1"
    output_id: str
    span: Span
    frames: int

    @property
    def id(self) -> str:
        """One commit a piece."""
        return f"{self.render}/{self.attempt}/{self.output_id}/{self.span.start}-{self.span.end}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StitchStarted(_OfAttempt):
    """All pieces of an output are there, and one task joins them."""

    TYPE: ClassVar = "clipline.stitch.started.v1"
    output_id: str

    @property
    def id(self) -> str:
        """One start an output and attempt."""
        return f"{self.render}/{self.attempt}/{self.output_id}/stitching"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputVerified(_OfAttempt):
    """An output stands verified under its final name; true whoever tells it, however late.

    `attempt` and `at` are those of the first commit, read from the delivered record, so that
    every teller says the same bytes.
    """

    TYPE: ClassVar = "clipline.output.verified.v1"
    output_id: str
    delivered: Delivered
    certificate: Certificate

    @property
    def id(self) -> str:
        """One verification an output."""
        return f"{self.render}/{self.output_id}/verified"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed(_OfAttempt):
    """A task gave up for a reason that another task of the attempt would meet as well."""

    TYPE: ClassVar = "clipline.attempt.failed.v1"
    execution: str
    failure: Failure

    @property
    def id(self) -> str:
        """One failure an attempt and fingerprint."""
        return f"{self.render}/{self.attempt}/failed/{self.failure.fingerprint}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptPreempted(_OfAttempt):
    """A task's machine was taken away; what it had made is committed."""

    TYPE: ClassVar = "clipline.attempt.preempted.v1"
    execution: str
    task: int

    @property
    def id(self) -> str:
        """One notice a task and moment."""
        return f"{self.render}/{self.attempt}/preempted/{self.task}/{self.at.isoformat()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionEnded(_OfAttempt):
    """The place where an attempt ran says that it is over.

    `failure` is None if every task exited 0, which is not success: that is the verified output.
    """

    TYPE: ClassVar = "clipline.execution.ended.v1"
    execution: str
    failure: Failure | None

    @property
    def id(self) -> str:
        """One end an execution."""
        return f"{self.execution}/ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderDone(_OfRender):
    """Public contract: this file exists and is verified. One event id per output of a render."""

    TYPE: ClassVar = "clipline.render.done.v1"
    tenant: str
    upload: Upload
    output_id: str
    delivered: Delivered
    certificate: Certificate

    @property
    def id(self) -> str:
        """Render, clip and output."""
        return f"{self.render}/{self.output_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One attempt as history tells it; times are None for what never happened."""

    number: int
    lane: str
    launched_at: datetime
    execution: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    cause: Failure | None = None
    frames_before: int = 0
    """Committed frames of the render when it was launched: what it found made."""
    frames_after: int = 0
    """Committed frames when it was last heard of: an attempt that adds none is barren."""
    why: str = ""
    """Why its lane was chosen, and no other."""
    nanodollars: int = 0
    """What it has cost, once it has ended; 0 as well where the lane has no price."""
    encoder_class: str = ""
    """Of what it makes; empty if an earlier version launched it."""
    tasks: int = 0
    """How many it has, each on a machine of its own; 0 if an earlier version launched it."""
    made_at: datetime | None = None
    """When its last piece was committed, read at its end; None if there was none, or no look."""
    is_shared: bool = False
    """Whether its machines went on to other renders, so that no minute was billed for it alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderDeadLetter(_OfRender):
    """Public contract: this render ended failed, why, and what was tried."""

    TYPE: ClassVar = "clipline.render.dead-letter.v1"
    tenant: str
    upload: Upload
    failure: Failure
    fingerprint: str
    advice: str
    attempts: tuple[AttemptRecord, ...]
    frames_committed: int
    frames_planned: int
    outputs_done: tuple[str, ...]
    spec_text: str | None
    number: int = 1
    """The render's first failure is 1; a replay that fails again writes the next record."""

    @property
    def id(self) -> str:
        """One record a failure."""
        return f"{self.render}/failed/{self.number}"


Result = (
    AttemptStarted
    | RenderProgress
    | ChunkCommitted
    | StitchStarted
    | OutputVerified
    | AttemptFailed
    | AttemptPreempted
)
Command = CancelRender | ReplayRender
Event = (
    ObjectFinalized
    | RenderRequested
    | UploadRefused
    | Command
    | Result
    | ExecutionEnded
    | RenderDone
    | RenderDeadLetter
)
