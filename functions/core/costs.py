"""What renders have cost, summed: by tenant, lane, preset and cause, exactly as their attempts say.

Every microsecond and nano-dollar of every attempt that has ended is in one sum of each kind, since
the parts of an attempt are the attempt (`functions/core/waste.py`): so all sums together are all
attempts together, and a sum of some of them is what it says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from functions.core.render import Render
from functions.core.waste import Cause, Part, parts_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where a part of an attempt is entered."""

    tenant: str
    lane: str
    preset: str
    """Of all that the render was to make, in the order of their names; empty if it has no plan."""
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A time of which the costs are asked: attempts that ended in it."""

    since: datetime | None = None
    until: datetime | None = None
    """Before that."""

    def holds(self, moment: datetime) -> bool:
        """Whether it ended then."""
        return (self.since is None or moment >= self.since) and (
            self.until is None or moment < self.until
        )


ALWAYS = Span()


def accounts(renders: Iterable[Render], span: Span = ALWAYS) -> Mapping[Account, Part]:
    """The sums, each of something. Only they are kept of the renders that go by."""
    sums: dict[Account, Part] = {}
    for render in renders:
        preset = _preset(render)
        for record in render.attempts:
            if record.ended_at is None or not span.holds(record.ended_at):
                continue
            for cause, part in parts_of(record, render):
                if part == Part():
                    continue
                account = Account(
                    tenant=render.upload.tenant, lane=record.lane, preset=preset, cause=cause
                )
                sums[account] = sums.get(account, Part()) + part
    return sums


def _preset(render: Render) -> str:
    outputs = render.plan.outputs if render.plan else ()
    return "+".join(sorted({one.output for one in outputs}))
