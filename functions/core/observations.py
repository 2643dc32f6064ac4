"""What performing an effect, or the sweep's clock, tells the machine; none of it is published."""

from dataclasses import dataclass
from datetime import datetime

from schemas.failures import Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class _Observation:
    render: str

    @property
    def subject(self) -> str:
        """The render."""
        return self.render


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick(_Observation):
    """Time has passed; a waiting render may also have been woken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded(_Observation):
    """A newer request for the same upload name has come."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchAccepted(_Observation):
    """The lane took the attempt."""

    attempt: int
    execution: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchDenied(_Observation):
    """The lane did not take the attempt; nothing runs."""

    attempt: int
    failure: Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed(_Observation):
    """What a look at an attempt found, after the delivered outputs were told one by one."""

    attempt: int
    frames: int
    """Committed frames of the whole render, by listing."""
    owner: str | None
    """The execution that works for the attempt; None while no task has started."""
    ended: bool
    failure: Failure | None = None
    gave_up: Failure | None = None
    """Why a task could not go on: the attempt is over, but others may still work and deliver."""
    made_at: datetime | None = None
    """When the last piece was committed; None if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PiecesRemoved(_Observation):
    """What was made on the way is gone; `more` says that it was too much for one go."""

    more: bool


Observation = Tick | Superseded | LaunchAccepted | LaunchDenied | Surveyed | PiecesRemoved
