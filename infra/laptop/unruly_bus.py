"""Between the bus and its pusher: messages come late, twice and in another order."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from heapq import heappop, heappush
from itertools import count

from infra.laptop.misbehaviour import Fate
from infra.laptop.pusher import Inbox
from schemas.subscriptions import ReceivedMessage


class UnrulyBus:
    """An Inbox over another. Nothing gets lost in it, also when it is dropped with all it holds.

    What it holds back is on lease from the bus below, which hands it out again if this process
    ends. `lease` is for one thread.
    """

    def __init__(self, inbox: Inbox, fates: Iterator[Fate]) -> None:
        self._inbox = inbox
        self._fates = fates
        self._order = count()
        self._held: list[tuple[datetime, int, ReceivedMessage]] = []
        self.taken = self.doubled = self.delayed = 0

    def lease(self, limit: int, now: datetime) -> Sequence[ReceivedMessage]:
        """What is due by its fate; at most `limit`."""
        for received in self._inbox.lease(limit, now):
            self._hold(received, next(self._fates), now)
        ready: list[ReceivedMessage] = []
        while len(ready) < limit and self._held and self._held[0][0] <= now:
            ready.append(heappop(self._held)[-1])
        return ready

    def ack(self, ack_id: str) -> None:
        """As below: for a copy it is a repeated one, which does no harm."""
        self._inbox.ack(ack_id)

    def nack(self, ack_id: str, now: datetime) -> None:
        """As below."""
        self._inbox.nack(ack_id, now)

    def _hold(self, received: ReceivedMessage, fate: Fate, now: datetime) -> None:
        self.taken += 1
        self.doubled += len(fate.copies) > 1
        self.delayed += bool(min(fate.copies))
        for after in fate.copies:
            heappush(self._held, (now + after, next(self._order), received))
