"""How loud a sound is, and was made: EBU R 128's words, measured as ITU-R BS.1770-4 says."""

from dataclasses import dataclass
from fractions import Fraction

PEAK_LIMIT = -1.0
"""dBTP: no levelled sound has a higher true peak (EBU R 128, for what is encoded afterwards)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """What became of a wish for a loudness, measured in the finished sound.

    `before` and `reached` are LUFS over the whole clip; None where nothing could be measured,
    since it is silent or shorter than 0.4 s: then nothing was made louder or quieter.
    """

    target: Fraction
    """LUFS that were asked for."""
    before: float | None
    gain_db: float
    """One gain for the whole clip: what is quiet stays quieter than what is loud."""
    limited: bool
    """Whether its peaks were held below the limit; everything else has the plain gain."""
    held_back: bool
    """Whether more gain was wanted than such a sound can bear: it stays quieter than asked for."""
    reached: float | None
    true_peak: float | None
    """dBTP, at most PEAK_LIMIT; None where nothing could be measured."""
