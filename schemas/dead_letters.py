"""The desk's record of one thing that did not work: what a person on call looks at and disposes of.

A render that ended failed, and a message that nobody could take, become records of one kind, so
that they are grouped, searched and counted alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from schemas.events import RenderDeadLetter
from schemas.failures import Failure, FailureClass


class Landed(StrEnum):
    """What kind of thing landed on the desk."""

    RENDER = "render"
    """A render that ended failed: `letter` is what it told at its end."""
    MESSAGE = "message"
    """A message that its subscriber refused too often, or that the desk cannot read: `original`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A message as its publisher made it; `data` is base64 in JSON.

    Its attributes are exact but for `CloudPubSubDeadLetter*`, which Pub/Sub adds on the way here:
    published again as it is, it is the message that it was.
    """

    attributes: Mapping[str, str]
    data: bytes
    message_id: str
    """Of the copy that landed here. Pub/Sub gives each copy a new one."""
    published_at: datetime
    """When its publisher published it, where Pub/Sub says so; else when the copy was made."""
    refused_by: str | None = None
    """The subscription that gave it up; None where it landed here directly."""
    deliveries: int | None = None
    """How often that subscription had it delivered. Pub/Sub calls the number approximate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterRecord:
    """One dead letter. The same thing has the same id, however often it lands here."""

    TYPE: ClassVar = "clipline.dead-letter-record.v1"
    id: str
    """`d-` and 20 hex digits."""
    landed: Landed
    subscription: str
    """Where it was taken from."""
    at: datetime
    """When the render failed, or the message was published."""
    failure: Failure
    fingerprint: str
    advice: str
    render: str | None
    """Which render it is about, where it says so."""
    tenant: str | None
    lanes: tuple[str, ...]
    """Every lane that was tried, in the order of the first try on each."""
    letter: RenderDeadLetter | None = None
    original: Original | None = None
    logs: str | None = None
    """Where what its tasks wrote is read: files on a laptop, a page of Logs Explorer on Google
    Cloud. Said by the place that shows the record: in a store or a file it is None, as it is where
    there was no attempt."""
    version: int = 1

    @property
    def nanodollars(self) -> int:
        """What all its attempts have cost, as far as their lanes have prices."""
        return sum(one.nanodollars for one in self.letter.attempts) if self.letter else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterGroup:
    """All records of one cause that were asked for, as `clipline dead-letters --json` says it.

    `example` is the id of the record that failed last; sentence and advice are its own.
    """

    TYPE: ClassVar = "clipline.dead-letter-group.v1"
    fingerprint: str
    count: int
    first_at: datetime
    last_at: datetime
    failure: FailureClass
    reason: str
    message: str
    advice: str
    lanes: tuple[str, ...]
    """Every lane that any of them was tried on, in the order of their names."""
    example: str
    action: str
    """The command that a person would give next."""
    nanodollars: int = 0
    """What all attempts of all of them have cost so far, as far as their lanes have prices."""
    version: int = 1
