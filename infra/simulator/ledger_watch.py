"""What the ledger is told must be true: no outcome is invented, and every launch ends once.

    admitted ─► asked ─► refused, or accepted ─► began ─► ended
       what the ledger may say of a launch depends on how far it truly came

The watch knows how far every launch came, from the gate and from the lanes themselves. At rest each
attempt on record has its one end in the ledger, told as the record tells it, and the money of all
ends is the money of all attempts.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from functions.core.entries import HAD_MACHINES, Entry, Outcome
from functions.core.render import Render
from functions.core.waste import lasted, parts_of
from schemas.plan import Order

_NOT_ENDS = (Outcome.LAUNCHED, Outcome.STARTED)


@dataclass(slots=True)
class LedgerWatch:
    """Of one history."""

    told: dict[str, Entry] = field(default_factory=dict)
    """By key, as it was told first."""
    _admitted: set[str] = field(default_factory=set)
    _refused: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By launch, the reasons that its lane has truly given."""
    refused_at: dict[str, float] = field(default_factory=dict)
    accepted_at: dict[str, float] = field(default_factory=dict)
    began_at: dict[str, float] = field(default_factory=dict)
    """Moments of launches, in seconds since the dawn, the first of each."""
    _ends: dict[str, Entry] = field(default_factory=dict)
    """By launch."""

    # ── what truly happened ──

    def admitted(self, launch: Entry) -> None:
        """The gate let it pass."""
        self._admitted.add(launch.launch)

    def refused(self, order: Order, reason: str, at: float = 0.0) -> None:
        """The lane did not take it."""
        self._refused[_launch(order)].add(reason)
        self.refused_at.setdefault(_launch(order), at)

    def accepted(self, order: Order, at: float) -> None:
        """The lane took it; it may hang."""
        self.accepted_at.setdefault(_launch(order), at)

    def began(self, order: Order, at: float = 0.0) -> None:
        """Its machines are there."""
        self.began_at.setdefault(_launch(order), at)

    # ── what was told ──

    def appended(self, entries: Iterable[Entry]) -> Iterator[str]:
        """What is untrue of it, in words."""
        for one in entries:
            first = self.told.setdefault(one.key, one)
            if first != one:
                yield f"{one.key} was told as {first}, and again as {one}"
            if one.outcome not in _NOT_ENDS:
                end = self._ends.setdefault(one.launch, one)
                if end.outcome is not one.outcome:
                    yield f"{one.launch} ended as {end.outcome} and as {one.outcome}"
            if (untrue := self._untrue(one)) is not None:
                yield f"{one.key}, but {untrue}"

    def _untrue(self, one: Entry) -> str | None:
        if one.launch not in self._admitted:
            return "no such launch was admitted"
        if one.outcome in HAD_MACHINES and one.launch not in self.began_at:
            return "its machines never came"
        reasons = self._refused[one.launch]
        if one.outcome is Outcome.REFUSED and "stock_out" not in reasons:
            return "nobody said that there are no machines"
        if one.outcome is Outcome.OWN_QUOTA and "quota_exceeded" not in reasons:
            return "no quota refused it"
        return None

    # ── at rest ──

    def unsettled(self, renders: Iterable[Render]) -> Iterator[str]:
        """Attempts of which the ledger tells something else than their record, or nothing."""
        for render in renders:
            for record in render.attempts:
                end = render.entries_of(record)[-1:]
                if [self.told.get(one.key) for one in end] != end or not end:
                    yield f"attempt {record.number} of {render.id} on {record.lane}"

    def unbalanced(self, renders: Iterable[Render]) -> Iterator[str]:
        """Attempts that are not the sum of their causes, and the money of all if it is not.

        By the control plane's own records, of which a render keeps the last ones; the bills of the
        lanes are in `books.py`.
        """
        recorded = 0
        kept: set[tuple[str, int]] = set()
        for render in renders:
            kept |= {(render.id, record.number) for record in render.attempts}
            for record in render.attempts:
                recorded += record.nanodollars
                parts = [part for _, part in parts_of(record, render)]
                seconds = sum((part.lasted for part in parts), start=lasted(record) * 0)
                money = sum(part.nanodollars for part in parts)
                if (seconds, money) != (lasted(record), record.nanodollars):
                    yield (
                        f"attempt {record.number} of {render.id}: {lasted(record)} and "
                        f"{record.nanodollars} n$, caused {seconds} and {money} n$"
                    )
        of_kept = (one for one in self.told.values() if (one.render, one.attempt) in kept)
        told = sum(one.nanodollars for one in of_kept)
        if told != recorded:
            yield f"the ledger has {told} n$, the attempts {recorded} n$"


def _launch(order: Order) -> str:
    return f"{order.lane}/{order.render}/{order.attempt}"
