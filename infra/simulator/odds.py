"""Which faults are on, and how often they strike, as people say it: `preempted,silent=0.3`.

A name may be the short one or the words of the report, in any case, with spaces, underscores or
hyphens alike.
"""

from collections.abc import Mapping
from difflib import get_close_matches

from infra.simulator.faults import ODDS, Fault

ALL, NONE = "all", "none"
NEAREST = 3
"""How many known names an unknown one is answered with."""


class UnknownFault(ValueError):
    """No fault has that name; the message names the nearest ones. Say it otherwise."""


class NoOdds(ValueError):
    """Odds are a number from 0 to 1. Say them otherwise."""


def short_name(fault: Fault) -> str:
    """As people type it: `preempted-in-notice`."""
    return fault.name.lower().replace("_", "-")


def parse_odds(text: str) -> Mapping[Fault, float]:
    """The named faults alone at their usual odds, or at those that are said; `all`, or `none`.

    Raises UnknownFault or NoOdds with a sentence for people.
    """
    odds = dict.fromkeys(Fault, 0.0)
    for part in filter(None, map(str.strip, text.split(","))):
        name, says, share = part.partition("=")
        if _plain(name) == NONE and not says:
            continue
        faults = tuple(Fault) if _plain(name) == ALL else (_fault(name),)
        odds |= {fault: _share(share) if says else ODDS[fault] for fault in faults}
    return odds


def _fault(name: str) -> Fault:
    wanted = _plain(name)
    if wanted in _NAMES:
        return _NAMES[wanted]
    near = get_close_matches(wanted, _NAMES, n=2 * NEAREST, cutoff=0)
    names = list(dict.fromkeys(short_name(_NAMES[one]) for one in near))[:NEAREST]
    raise UnknownFault(
        f"'{name.strip()}' is no fault; the nearest are {', '.join(names)} (or {ALL}, or {NONE})."
    )


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise NoOdds(f"'{text.strip()}' are no odds: say a number from 0 to 1, as silent=0.3.")
    return share


def _plain(name: str) -> str:
    return " ".join(name.casefold().replace("_", " ").replace("-", " ").split())


_NAMES = {_plain(name): fault for fault in Fault for name in (fault.name, fault.value)}
