"""Rules over whole histories, beside what the witness watches: each says what it saw broken."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from functions.core.render import State
from infra.simulator.evidence import Violation
from infra.simulator.history import Outcome, Recipe

Rule = Callable[[Outcome], str | None]
"""What was seen that must not be, in words; None if all is well. Its first line is its name."""


def rules_of(recipe: Recipe) -> Sequence[Rule]:
    """Those that its kind of history must keep."""
    return () if any(recipe.odds.values()) else (nothing_is_lost,)


def judged(outcome: Outcome, rules: Sequence[Rule]) -> Outcome:
    """The outcome with what the rules find; a history that is broken already is left as it is."""
    if outcome.violations:
        return outcome
    found = ((rule, rule(outcome)) for rule in rules)
    return replace(
        outcome,
        violations=tuple(
            Violation(invariant=_name(rule), seen=seen, at=outcome.seconds)
            for rule, seen in found
            if seen is not None
        ),
    )


def nothing_is_lost(outcome: Outcome) -> str | None:
    """Without a fault nothing is lost and nothing made twice."""
    counts = outcome.counts
    if set(counts.ends) - {State.DONE.value}:
        return f"the ends are {dict(counts.ends)}"
    frames = (counts.frames_encoded, counts.frames_committed, counts.frames_delivered)
    if len(set(frames)) > 1:
        return "{} frames were encoded, {} committed and {} delivered".format(*frames)
    return None


def _name(rule: Rule) -> str:
    """What people call it: the first line of what it says of itself."""
    return (rule.__doc__ or rule.__name__).partition("\n")[0].rstrip(".")
