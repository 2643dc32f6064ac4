"""What people do in one history: they upload, add sidecars, cancel and replay. It is a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from infra.simulator.faults import ODDS, Fault

NAMES = ("acme/trip/beach.mp4", "acme/talk.mov", "lone.mp4", "zeta/a.mp4", "zeta/a.mov")
"""Few, so that uploads of one name meet, and two names that want one folder."""
TWO_OUTPUTS = '{"outputs": [{"height": 240}, {"height": 360}]}'
ALL_KINDS = (
    '{"outputs": [{"kind": "poster"}, {"kind": "hls", "height": 240},'
    ' {"kind": "thumbnails"}, {"height": 240}]}'
)
IMPOSSIBLE = '{"outputs": [{"height": -1}]}'
SLEPT_ON = (300.0, 300.0, 300.0, 5400.0)
"""Seconds after which somebody replays; at the last, nothing of a failed render works any more."""
BUSIEST = 180.0
"""Seconds within which all uploads of a history come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One thing that somebody does at a moment."""

    at: float
    verb: str
    """`upload`, `sidecar`, `cancel`, `replay`, or `squat`: put a file under its output's name."""
    name: str
    seconds: int = 0
    """The length of the video; 0 is no video at all."""
    sound: bool = True
    spec: str | None = None
    poison: bool = False

    def __str__(self) -> str:
        what = f"{self.at:7.1f} {self.verb} {self.name}"
        if self.verb == "upload":
            what += f", {self.seconds} s" if self.seconds else ", not a video"
            what += ", poisoned" if self.poison else ""
        return what + (f", spec {self.spec}" if self.spec else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """The deeds of one history, in the order of their moments."""

    deeds: tuple[Deed, ...]

    @property
    def last(self) -> float:
        """When the last one is done."""
        return max((deed.at for deed in self.deeds), default=0.0)

    @property
    def uploads(self) -> int:
        """How many there are."""
        return sum(deed.verb == "upload" for deed in self.deeds)


def scenario(
    seed: str,
    *,
    uploads: int,
    interference: bool,
    odds: Mapping[Fault, float] = ODDS,
) -> Scenario:
    """So many uploads; with interference some are odd, and people change their minds."""
    draw = Random(f"{seed}/scenario")
    odds = odds if interference else {}
    deeds: list[Deed] = []
    names: set[str] = set()
    for number in range(uploads):
        at = draw.uniform(0, BUSIEST)
        name = draw.choice(NAMES)
        if not odds.get(Fault.SUPERSEDED) and (name in names or not interference):
            name = f"calm/{number}.mp4"
        names.add(name)
        deeds.append(_upload(draw, at, name, odds))
        deeds += _second_thoughts(draw, at, name, odds)
    return Scenario(deeds=tuple(sorted(deeds, key=lambda deed: deed.at)))


def _upload(draw: Random, at: float, name: str, odds: Mapping[Fault, float]) -> Deed:
    empty, absurd, poison = (
        draw.random() < odds.get(fault, 0.0)
        for fault in (Fault.NOT_A_VIDEO, Fault.IMPOSSIBLE_SPEC, Fault.POISONED)
    )
    lot = draw.random()
    spec = TWO_OUTPUTS if lot < 0.2 else ALL_KINDS if lot < 0.3 else None
    return Deed(
        at=at,
        verb="upload",
        name=name,
        seconds=0 if empty else draw.choice((3, 9, 16, 30, 75)),
        sound=draw.random() < 0.8,
        spec=IMPOSSIBLE if absurd else spec,
        poison=poison,
    )


def _second_thoughts(draw: Random, at: float, name: str, odds: Mapping[Fault, float]) -> list[Deed]:
    """Between a second and some minutes after the upload."""

    def later() -> float:
        return at + draw.choice((1.0, 10.0, 60.0, 300.0)) * draw.uniform(0.2, 2)

    deeds = []
    if draw.random() < odds.get(Fault.CANCELLED, 0.0):
        deeds.append(Deed(at=later(), verb="cancel", name=name))
    if draw.random() < odds.get(Fault.LATE_SIDECAR, 0.0):
        deeds.append(Deed(at=later(), verb="sidecar", name=name, spec=TWO_OUTPUTS))
    if draw.random() < odds.get(Fault.SUPERSEDED, 0.0):
        deeds.append(_upload(draw, later(), name, odds))
    if draw.random() < odds.get(Fault.REPLAYED, 0.0):
        deeds.append(Deed(at=later() + draw.choice(SLEPT_ON), verb="replay", name=name))
    if draw.random() < odds.get(Fault.NAME_TAKEN, 0.0):
        deeds.append(Deed(at=later(), verb="squat", name=name))
    return deeds
