"""How a clip's sound is brought to the loudness that was asked for: pure arithmetic.

One gain for the whole clip. Where it lifts the peaks above the ceiling, a limiter holds these down
and nothing else. The encoder adds a little to peaks that stand at the ceiling (up to 1.7 dB were
measured with AAC), and a limiter takes a little loudness away; so the made sound is measured, and
made again with what was learnt.
"""

from dataclasses import dataclass, replace
from fractions import Fraction

from schemas.loudness import PEAK_LIMIT, Loudness

SILENT = -69.9
"""LUFS: the gate of BS.1770 is at -70, below which nothing is measured."""
MOST_GAIN_DB = 30.0
"""More would make the noise of an empty room as loud as speech."""
MOST_LIMITED_DB = 10.0
"""How far the limiter may take the highest peak down; more is heard as distortion."""
HEADROOM_DB = 0.5
"""Below PEAK_LIMIT, for what an encoder adds to the peaks of any sound."""
TOLERANCE_DB = 0.5
"""How near to the target is as asked for (EBU Tech 3343)."""
NEAR_DB = 0.3
"""How near it is before no further try is made."""
LIMITERS_TOLL_DB = 15.0
"""More loudness than that no limiter took that takes MOST_LIMITED_DB off the highest peak: a sound
that is all peaks lost 10.2."""
PEAK_STEP_DB = 0.3
"""By how much more than it has to the ceiling comes down, so that few tries are enough."""
MOST_TRIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A sound as it was measured; None is silence, or too short to be measured."""

    lufs: float | None
    peak: float | None
    """The true peak, in dBTP."""

    @property
    def is_silent(self) -> bool:
        """Nothing that could be made louder."""
        return self.lufs is None or self.peak is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What is done to a sound, and why."""

    target: float
    """LUFS."""
    before: Heard
    gain: float = 0.0
    """dB."""
    ceiling: float = PEAK_LIMIT - HEADROOM_DB
    """dBTP, for the limiter."""

    @property
    def limited(self) -> bool:
        """Whether the gain lifts a peak above the ceiling."""
        if self.before.is_silent:
            return False
        return self.before.peak is not None and self.before.peak + self.gain > self.ceiling

    @property
    def held_back(self) -> bool:
        """Whether the target is out of reach."""
        return self.before.lufs is not None and self.gain >= self._most and self._wanted > 0

    @property
    def _most(self) -> float:
        """The most gain that this sound can bear."""
        peak = self.before.peak or 0.0
        return round(min(MOST_GAIN_DB, self.ceiling + MOST_LIMITED_DB - peak), 2)

    @property
    def _wanted(self) -> float:
        return 0.0 if self.before.lufs is None else self.target - self.before.lufs

    def faults(self, heard: Heard) -> list[str]:
        """What is not as wanted about the made sound, as it was measured."""
        if self.before.is_silent:
            return []
        if heard.lufs is None or heard.peak is None:
            return ["nothing of it can be measured"]
        least, most = self._expected
        faults = []
        if not least <= heard.lufs <= most:
            faults.append(f"it has {heard.lufs:.1f} LUFS, not {least:.1f} to {most:.1f}")
        if heard.peak > PEAK_LIMIT:
            faults.append(f"its true peak is {heard.peak:.1f} dBTP, above {PEAK_LIMIT:.1f}")
        return faults

    def settled(self, made: Loudness) -> bool:
        """Whether another try would bring nothing: it is as asked for, or as near as it can be."""
        if made.reached is None or made.true_peak is None:
            return True
        near = self.held_back or abs(made.reached - self.target) <= NEAR_DB
        return near and made.reached <= self.target + TOLERANCE_DB and made.true_peak <= PEAK_LIMIT

    @property
    def _expected(self) -> tuple[float, float]:
        """LUFS between which the made sound is; of limiting only a bound is known."""
        plain = (self.before.lufs or 0.0) + self.gain
        if not self.limited:
            return plain - TOLERANCE_DB, plain + TOLERANCE_DB
        return plain - LIMITERS_TOLL_DB, self.target + TOLERANCE_DB

    def after(self, made: Loudness) -> "Level":
        """The next try, from what the last one came out as."""
        if made.reached is None or made.true_peak is None:
            return self
        over = made.true_peak - PEAK_LIMIT
        down = over + PEAK_STEP_DB if over > 0 else 0.0
        lower = replace(self, ceiling=round(self.ceiling - down, 2))
        return replace(lower, gain=_least(self.gain + self.target - made.reached, lower._most))

    def told(self, heard: Heard) -> Loudness:
        """The same as a certificate says it."""
        return Loudness(
            target=Fraction(self.target).limit_denominator(100),
            before=self.before.lufs,
            gain_db=self.gain,
            limited=self.limited,
            held_back=self.held_back,
            reached=heard.lufs,
            true_peak=None if heard.is_silent else heard.peak,
        )


def first_level(target: Fraction, before: Heard) -> Level:
    """The first try: the gain that is missing, as far as the sound can bear it."""
    level = Level(target=float(target), before=before)
    if before.is_silent:
        return level
    return replace(level, gain=_least(level._wanted, level._most))


def _least(wanted: float, most: float) -> float:
    return round(min(wanted, most), 2)
