"""What a decision wants done outside. Performing one twice is harmless; each says why."""

from dataclasses import dataclass

from schemas.events import ExecutionEnded, RenderDeadLetter, RenderDone
from schemas.failures import Failure
from schemas.ids import Upload
from schemas.plan import Order
from schemas.tagged import Tagged


class Effect(Tagged):
    """One thing to do outside, saved with the state that wants it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch(Effect):
    """Start an attempt. Twice: the second execution finds the attempt owned, and exits."""

    order: Order
    kind: str = "launch"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopExecution(Effect):
    """Cancel what still runs for an attempt. Twice: it is stopped already."""

    lane: str
    execution: str
    kind: str = "stop-execution"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseAttempt(Effect):
    """Tell whoever still works for an attempt that it was given up. Twice: the mark stands."""

    attempt: int
    kind: str = "close-attempt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look(Effect):
    """Read the truth about an attempt: delivered outputs, committed frames, whether it still runs.

    What led here: `ended`, the notice that the execution is over, or `gave_up`, why one of its
    tasks cannot go on while others perhaps still work; neither when the sweep asks by itself. It
    only reads.
    """

    attempt: int
    lane: str
    execution: str | None
    ended: ExecutionEnded | None
    gave_up: Failure | None = None
    kind: str = "look"


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw(Effect):
    """Forbid all further work on the render. Twice: the mark stands already."""

    kind: str = "withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveOutput(Effect):
    """Remove an output that was delivered after the cancellation. Twice: it is gone already."""

    name: str
    generation: int
    kind: str = "remove-output"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovePieces(Effect):
    """Remove pieces, sound and claims after the end. Twice: they are gone already."""

    kind: str = "remove-pieces"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceDone(Effect):
    """Publish a done event. Twice: the same id and bytes again."""

    event: RenderDone
    kind: str = "announce-done"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnounceDeadLetter(Effect):
    """Publish a dead letter. Twice: the same id and bytes again."""

    event: RenderDeadLetter
    kind: str = "announce-dead-letter"


@dataclass(frozen=True, slots=True, kw_only=True)
class SupersedeOlder(Effect):
    """Cancel unfinished renders of older content of this upload. Twice: they are cancelled."""

    upload: Upload
    kind: str = "supersede-older"


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeNext(Effect):
    """A place on the lane came free: let the render that waits longest look again."""

    kind: str = "wake-next"
