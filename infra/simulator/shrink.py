"""The least that still breaks: fewer deeds, then fewer faults, until nothing can be left out.

    deeds ──► those that are needed ──► faults that struck ──► those that are needed ─┐
      ▲                                                                               │
      └──────────────────────── until a round changes nothing ────────────────────────┘

Both by delta debugging (Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input,
2002). What is left out changes what happens after it, so every step is lived, never assumed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TypeVar

from infra.simulator.evidence import Violation
from infra.simulator.faults import BY_HAND, Struck
from infra.simulator.history import Outcome, Recipe
from infra.simulator.scenario import Deed, Scenario

LIVES = 1000
"""Lives at most. A planted rule that five histories broke took 22 to 685 lives, 18 s at most; the
most where 421 faults had struck. A crowd of 60 uploads took 106."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrunk:
    """The smallest history that was found."""

    outcome: Outcome
    invariant: str
    lives: int
    """How many it took."""
    is_minimal: bool
    """Whether each deed and fault of it is needed; False if the lives were used up before."""

    @property
    def violation(self) -> Violation:
        """What broke in it."""
        return next(v for v in self.outcome.violations if v.invariant == self.invariant)


def shrink(
    recipe: Recipe, invariant: str, live: Callable[[Recipe], Outcome], *, lives: int = LIVES
) -> Shrunk:
    """The least history of that recipe in which `live` sees the same invariant broken.

    Raises ValueError if the recipe's own life does not break it.
    """
    first = live(recipe)
    if not _breaks(first, invariant):
        raise ValueError(f"history {recipe.seed} does not break: {invariant}")
    search = _Search(best=first, invariant=invariant, live=live, lives=lives)
    size = None
    while size != search.size:
        size = search.size
        _fewest(search.best.recipe.scenario.deeds, search.with_deeds)
        # The script first: from here on no fault strikes that is not one of these.
        search.with_faults(lots(search.best))
        _fewest(lots(search.best), search.with_faults)
    return Shrunk(
        outcome=search.best,
        invariant=invariant,
        lives=search.lived,
        is_minimal=not search.is_cut_short,
    )


def lots(outcome: Outcome) -> tuple[Struck, ...]:
    """What struck by lot in it, in order: what a script can leave out."""
    return tuple(one for one in outcome.struck if one.fault not in BY_HAND)


def _breaks(outcome: Outcome, invariant: str) -> bool:
    return any(violation.invariant == invariant for violation in outcome.violations)


@dataclass(slots=True, kw_only=True)
class _Search:
    """Lives what is asked for, once each, and keeps the last history that broke."""

    best: Outcome
    invariant: str
    live: Callable[[Recipe], Outcome]
    lives: int
    lived: int = 1
    is_cut_short: bool = False
    _tried: set[tuple[tuple[Deed, ...], frozenset[str] | None]] = field(default_factory=set)

    @property
    def size(self) -> tuple[int, int]:
        """Deeds and faults of the best one."""
        return len(self.best.recipe.scenario.deeds), len(lots(self.best))

    def with_deeds(self, deeds: Sequence[Deed]) -> Sequence[Deed] | None:
        """These alone, if it breaks with them."""
        scenario = Scenario(deeds=tuple(deeds))
        return deeds if self._try(replace(self.best.recipe, scenario=scenario)) else None

    def with_faults(self, faults: Sequence[Struck]) -> Sequence[Struck] | None:
        """Those of them that struck, if it breaks while no other one may."""
        script = frozenset(one.id for one in faults)
        return lots(self.best) if self._try(replace(self.best.recipe, script=script)) else None

    def _try(self, recipe: Recipe) -> bool:
        key = recipe.scenario.deeds, recipe.script
        if key in self._tried:
            return False
        if self.lived >= self.lives:
            self.is_cut_short = True
            return False
        self._tried.add(key)
        self.lived += 1
        outcome = self.live(recipe)
        if _breaks(outcome, self.invariant):
            self.best = outcome
            return True
        return False


def _fewest(items: Sequence[T], still: Callable[[Sequence[T]], Sequence[T] | None]) -> None:
    """Delta debugging: ask `still` for ever finer parts, and for all but a part, to the last one.

    It answers what is left of what it was asked for, or None if that does not break.
    """
    if items and still(()) is not None:
        return
    parts = 2
    while len(items) > 1:
        starts = range(0, len(items), -(-len(items) // parts))
        size = starts.step
        alone = ((items[at : at + size], 2) for at in starts)
        without = (([*items[:at], *items[at + size :]], max(parts - 1, 2)) for at in starts)
        for asked, then in chain(alone, without):
            left = still(asked)
            if left is not None:
                items, parts = left, then
                break
        else:
            if parts >= len(items):
                return
            parts = min(2 * parts, len(items))
