"""What people do in one history: they upload, add sidecars, cancel and replay. It is a value."""

from dataclasses import dataclass
from random import Random

from infra.simulator.faults import ODDS, Fault

NAMES = ("acme/trip/beach.mp4", "acme/talk.mov", "lone.mp4", "zeta/a.mp4", "zeta/a.mov")
"""Few, so that uploads of one name meet, and two names that want one folder."""
TWO_OUTPUTS = '{"outputs": [{"height": 240}, {"height": 360}]}'
IMPOSSIBLE = '{"outputs": [{"height": -1}]}'
BUSIEST = 180.0
"""Seconds within which all uploads of a history come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One thing that somebody does at a moment."""

    at: float
    verb: str
    """`upload`, `sidecar`, `cancel` or `replay`."""
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


def scenario(seed: str, *, uploads: int, interference: bool) -> Scenario:
    """So many uploads; with interference, people also change their minds."""
    draw = Random(f"{seed}/scenario")
    deeds: list[Deed] = []
    for number in range(uploads):
        at = draw.uniform(0, BUSIEST)
        name = draw.choice(NAMES) if interference else f"calm/{number}.mp4"
        deeds.append(_upload(draw, at, name, odd=interference))
        if interference:
            deeds += _second_thoughts(draw, at, name)
    return Scenario(deeds=tuple(sorted(deeds, key=lambda deed: deed.at)))


def _upload(draw: Random, at: float, name: str, *, odd: bool) -> Deed:
    kind = draw.random() if odd else 1.0
    return Deed(
        at=at,
        verb="upload",
        name=name,
        seconds=0 if kind < 0.04 else draw.choice((3, 9, 16, 30, 75)),
        sound=draw.random() < 0.8,
        spec=IMPOSSIBLE if 0.04 <= kind < 0.07 else TWO_OUTPUTS if draw.random() < 0.2 else None,
        poison=0.07 <= kind < 0.11,
    )


def _second_thoughts(draw: Random, at: float, name: str) -> list[Deed]:
    """Between a second and some minutes after the upload."""

    def later() -> float:
        return at + draw.choice((1.0, 10.0, 60.0, 300.0)) * draw.uniform(0.2, 2)

    deeds = []
    if draw.random() < ODDS[Fault.CANCELLED]:
        deeds.append(Deed(at=later(), verb="cancel", name=name))
    if draw.random() < ODDS[Fault.LATE_SIDECAR]:
        deeds.append(Deed(at=later(), verb="sidecar", name=name, spec=TWO_OUTPUTS))
    if draw.random() < ODDS[Fault.SUPERSEDED]:
        deeds.append(_upload(draw, later(), name, odd=True))
    if draw.random() < ODDS[Fault.REPLAYED]:
        deeds.append(Deed(at=later() + 300, verb="replay", name=name))
    return deeds
