"""A ledger that is read once and held, for somebody who decides many times in a row."""

from collections.abc import Sequence
from datetime import datetime

from functions.core.admission import Gate
from functions.core.entries import Entry
from functions.ports import Ledger


class HeldLedger:
    """A Ledger over another one, for the seconds of one sweep.

    What it writes it knows; what others write meanwhile it does not. The gates of launches are the
    other ledger's own, so what is held may only make a decision vain: then it is read again.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._entries: list[Entry] | None = None
        self._spent: dict[datetime, int] = {}

    def append(self, entries: Sequence[Entry]) -> None:
        """Written at once."""
        self._ledger.append(entries)
        self._note(*entries)

    def recent(self, lanes: Sequence[str], since: datetime, *, limit: int) -> Sequence[Entry]:
        """As it was when it was read first; whoever asks asks for the same lanes each time."""
        if self._entries is None:
            self._entries = list(self._ledger.recent(lanes, since, limit=limit))
        return tuple(self._entries)

    def spent(self, since: datetime) -> int:
        """As it was when it was read first."""
        if since not in self._spent:
            self._spent[since] = self._ledger.spent(since)
        return self._spent[since]

    def admit(self, launch: Entry, gate: Gate) -> bool:
        """The other's word. A refusal tells that others have launched: what is held is dropped."""
        passes = self._ledger.admit(launch, gate)
        if passes:
            self._note(launch)
        else:
            self._entries = None
        return passes

    def _note(self, *entries: Entry) -> None:
        if self._entries is not None:
            self._entries += entries
