"""The kill switch: who paused launches, of what, since when and why.

Pauses and resumptions are written down one after another and never changed: so the list that says
what is paused now is also the record of who did what.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Reach(StrEnum):
    """What a switch is for."""

    ALL = "all"
    LANE = "lane"
    TENANT = "tenant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Switching:
    """Somebody paused launches, or let them go on."""

    reach: Reach
    name: str = ""
    """Of the lane or the tenant; empty for all."""
    paused: bool
    by: str
    reason: str
    at: datetime

    @property
    def what(self) -> str:
        """In words: `lane cloud-run/us-east4/l4`, or `all`."""
        return f"{self.reach} {self.name}" if self.name else self.reach.value

    @property
    def words(self) -> str:
        """For whoever waits."""
        who = "everything" if self.reach is Reach.ALL else self.what
        return f"{who} is paused by {self.by} since {self.at:%Y-%m-%d %H:%M:%S} UTC: {self.reason}"


def pauses(switchings: Iterable[Switching]) -> tuple[Switching, ...]:
    """What is paused now: of each thing the last switching counts, whatever order they come in."""
    last: dict[tuple[Reach, str], Switching] = {}
    for one in sorted(switchings, key=lambda one: (one.at, not one.paused)):
        last[one.reach, one.name] = one
    return tuple(one for _, one in sorted(last.items()) if one.paused)


def of_tenant(tenant: str, paused: Sequence[Switching]) -> Switching | None:
    """The pause that keeps all of a tenant's renders from being launched, if there is one."""
    for one in paused:
        if one.reach is Reach.ALL or (one.reach is Reach.TENANT and one.name == tenant):
            return one
    return None


def of_lane(lane: str, paused: Sequence[Switching]) -> Switching | None:
    """The pause of that lane, if there is one."""
    return next((one for one in paused if one.reach is Reach.LANE and one.name == lane), None)
