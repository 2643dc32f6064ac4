"""The dead-letter desk: records that are kept until somebody disposes of them, and how they come.

    topic ─► subscription ─pull─► record ─keep─► store, durable ─► ack

Nothing is acknowledged before it is stored. A process that dies between the two lets the message
come again, and it is the same record then.
"""

import json
from collections.abc import Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

from functions.landed import DESK, record_of
from schemas.dead_letters import DeadLetterRecord
from schemas.events import Event
from schemas.failures import FailureClass
from schemas.presets import DEFAULT
from schemas.replay_plan import AuditRecord
from schemas.replay_run import ReplayRun
from schemas.reproduction import FetchRecord
from schemas.subscriptions import ReceivedMessage

MOST_KEPT = 500
"""Records that every store keeps in one go: all or none."""
BATCH = 100
"""Messages that are stored in one go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which records are asked for: those that are all of what is not None."""

    since: datetime | None = None
    """Failed at that moment or later."""
    failure: FailureClass | None = None
    tenant: str | None = None
    lane: str | None = None
    """Tried on that lane, perhaps among others."""
    fingerprint: str | None = None
    """Begins with that."""
    id: str | None = None
    """Begins with that; a record's own or its render's."""
    preset: str | None = None
    """One of its outputs was to be made as that; one that names no preset, as the default."""
    text: str | None = None
    """In upper or lower case, part of a record's ids, its upload's name or its failure's words."""

    def fits(self, record: DeadLetterRecord) -> bool:
        """Whether that record is one of them, however it was found."""
        return (
            (self.since is None or record.at >= self.since)
            and self.failure in (None, record.failure.failure)
            and self.tenant in (None, record.tenant)
            and (self.lane is None or self.lane in record.lanes)
            and record.fingerprint.startswith(self.fingerprint or "")
            and (self.preset is None or self.preset in presets_of(record))
            and any(id.startswith(self.id or "") for id in (record.id, record.render or ""))
            and (self.text is None or self.text.casefold() in words_of(record))
        )


def presets_of(record: DeadLetterRecord) -> Set[str]:
    """What its outputs were to be made as; nothing of a message, or of a spec that is none."""
    if record.letter is None:
        return frozenset()
    if record.letter.spec_text is None:
        return frozenset({DEFAULT})
    try:
        spec = json.loads(record.letter.spec_text)
        outputs = spec.get("outputs", [{}])
        return frozenset(str(one.get("preset", DEFAULT)) for one in outputs)
    except (ValueError, AttributeError, TypeError, RecursionError):
        return frozenset()


def words_of(record: DeadLetterRecord) -> str:
    """All in which `text` is looked for, folded."""
    letter, failure = record.letter, record.failure
    upload = letter.upload.name if letter else ""
    words = (record.id, record.render or "", upload, failure.reason, failure.message)
    return "\n".join((*words, failure.detail)).casefold()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """All wanted records of one fingerprint; `example` is the one that failed last."""

    count: int
    first_at: datetime
    lanes: tuple[str, ...]
    """Every lane that any of them was tried on, in the order of their names."""
    example: DeadLetterRecord
    nanodollars: int
    """What all attempts of all of them have cost."""


class DeadLetters(Protocol):
    """One document a dead letter, until somebody disposes of it."""

    def keep(self, records: Sequence[DeadLetterRecord]) -> int:
        """How many were new. All are durable when it returns, or none was kept and it raises.

        That is for MOST_KEPT at once; of more than that, some may be kept when it raises.
        What is known already stays as it is, and what was disposed of stays away.
        """

    def find(self, wanted: Wanted) -> Iterator[DeadLetterRecord]:
        """Those that failed last come first. However many there are, only a few are in memory.

        What is kept or disposed of meanwhile may come or not; all others come once.
        """

    def groups(self, wanted: Wanted, *, limit: int) -> Sequence[Group]:
        """The largest groups first, then the one that failed last."""

    def count(self, wanted: Wanted) -> int:
        """How many there are."""

    def taken_from(self) -> dict[str, int]:
        """How many there are by the subscription that they were taken from."""

    def dispose(self, id: str, *, by: str, reason: str, at: datetime) -> bool:
        """Nobody needs it any more: it is not found again, but who, when and why stay on record.

        False if there is no such record, or it was disposed of before.
        """

    def restore(self, id: str) -> bool:
        """It is found again as it was. False if it was not disposed of."""

    def note(self, audit: AuditRecord) -> None:
        """Kept for good, durable when it returns."""

    def audits(self, *, limit: int, plan: str = "") -> Sequence[AuditRecord]:
        """What was noted last comes first; of plans whose digest begins so."""

    def note_run(self, run: ReplayRun) -> None:
        """In place of what was noted of that plan before; durable when it returns."""

    def runs(self, *, limit: int, plan: str = "") -> Sequence[ReplayRun]:
        """What was heard of last comes first; of plans whose digest begins so."""

    def note_fetch(self, fetch: FetchRecord) -> None:
        """Kept for good, durable when it returns: who looks into an upload is on record."""

    def fetches(self, *, limit: int) -> Sequence[FetchRecord]:
        """What was noted last comes first."""


class Inbox(Protocol):
    """A bus, as somebody sees it who asks for messages."""

    def pull(self, subscription: str, limit: int, now: datetime) -> Sequence[ReceivedMessage]:
        """Due messages, which are the caller's until the ack deadline."""

    def ack_all(self, ack_ids: Sequence[str]) -> None:
        """Done with them: they never come again."""

    def nack(self, ack_id: str, now: datetime) -> None:
        """It could not be taken now: it comes again."""


class Outbox(Protocol):
    """A bus, as somebody sees it who commands many renders at once."""

    def publish_all(self, topic: str, events: Sequence[Event]) -> None:
        """Returns once all are stored, in one go where the bus can. Raises NotPublished.

        If it raises, some may be stored all the same.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where dead letters come from, and where they are kept."""

    inbox: Inbox
    outbox: Outbox
    letters: DeadLetters
    is_served: bool = False
    """Whether somebody collects for all who look: then they need not, and may have no right to."""
    at_once: int = 1
    """Subscriptions that are emptied side by side, where an empty one has to be waited for."""

    def catch_up(self, now: datetime) -> None:
        """Collect before a look, unless somebody does it for all."""
        if not self.is_served:
            self.collect(now)

    def collect(self, now: datetime, *, most: int | None = None) -> int:
        """Store what has landed, then acknowledge it; how many messages that were.

        From each subscription `most` and a BATCH at most: what is left stays there.
        """
        empty = partial(self._empty, now=now, most=most)
        if self.at_once == 1:
            return sum(map(empty, DESK))
        with ThreadPoolExecutor(self.at_once) as threads:
            return sum(threads.map(empty, DESK))

    def _empty(self, subscription: str, *, now: datetime, most: int | None) -> int:
        taken = 0
        while (most is None or taken < most) and (
            received := self.inbox.pull(subscription, BATCH, now)
        ):
            try:
                self.letters.keep([record_of(one) for one in received])
            except BaseException:
                for one in received:
                    self.inbox.nack(one.ack_id, now)
                raise
            self.inbox.ack_all([one.ack_id for one in received])
            taken += len(received)
        return taken
