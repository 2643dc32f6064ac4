"""What a run of replays has asked for, watched to its end: how far it is, and what fails again."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from functions.core.render import RUNNING, TERMINAL, State
from functions.core.spare import Own
from functions.ports import Ports, Stored
from ops.replay_file import Plan
from ops.replay_moved import Verdict, took
from schemas.ids import short

MOST = 10_000
"""Of more than that, the first are not watched any more."""


class Stopped(Exception):
    """The old fingerprint came back, one of the first failed, or somebody asked for a stop.

    The rest was not asked for.
    """


class Watched(NamedTuple):
    """A render that was asked for."""

    id: str
    fingerprint: str
    version: int
    """Of its document when it was looked at: while it is that one, nothing has happened."""
    nanodollars: int
    """What it will cost, by the plan."""
    has_place: bool = False


@dataclass(slots=True, kw_only=True)
class Watch:
    """Each that was asked for and is not known to have ended, looked at in turn."""

    plan: Plan
    ports: Ports
    _renders: deque[Watched] = field(default_factory=lambda: deque(maxlen=MOST))

    def __len__(self) -> int:
        return len(self._renders)

    @property
    def own(self) -> Own:
        """As far as they were looked at."""
        return Own(
            placeless=frozenset(one.id for one in self._renders if not one.has_place),
            nanodollars=sum(one.nanodollars for one in self._renders),
            lane=self.plan.head.to_lane,
        )

    def add(self, asked: Iterable[Verdict]) -> None:
        """What was asked for just now, or by an earlier run."""
        # What an earlier run asked for may have ended already: it is looked at whatever it is.
        self._renders.extend(
            Watched(
                one.id,
                one.item.fingerprint,
                0 if one.took else one.version,
                one.item.nanodollars or 0,
            )
            for one in asked
        )

    def look(self, count: int, *, strict: bool = False) -> None:
        """At so many of them. Raises Stopped if one failed as before, or at all if strict."""
        some = [self._renders.popleft() for _ in range(min(count, len(self._renders)))]
        versions = self.ports.renders.versions([one.id for one in some])
        self._renders.extend(one for one in some if versions.get(one.id, 0) == one.version)
        changed = [one for one in some if versions.get(one.id, 0) != one.version]
        found = self.ports.renders.load_all([one.id for one in changed])
        for one, stored in zip(changed, found, strict=True):
            if stored is not None and not self._has_ended(one, stored, strict=strict):
                runs = stored.render.state in RUNNING
                self._renders.append(one._replace(version=stored.version, has_place=runs))

    def _has_ended(self, one: Watched, stored: Stored, *, strict: bool) -> bool:
        render = stored.render
        if render.state is not State.FAILED:
            return render.state in TERMINAL
        opened = self.plan.head.spec_patch is not None  # It was not there before it was asked for.
        if not opened and not took(stored, self.plan):
            return False
        now = render.failure.fingerprint if render.failure else ""
        if now == one.fingerprint:
            raise Stopped(f"{short(one.id)} failed again as before ({now})")
        if strict:
            raise Stopped(f"{short(one.id)} failed otherwise than before ({now})")
        return True
