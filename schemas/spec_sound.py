"""What may be asked of a clip's sound."""

from fractions import Fraction

from schemas.spec_fields import SpecFault

LOUDNESSES = (-40, -5)
"""LUFS. Platforms play at -14 to -16, broadcasters at -23 or -24."""


def loudness_of(raw: object, at: str) -> Fraction | None:
    """The loudness in LUFS, to the tenth; None for null: the sound is left as it is."""
    low, high = LOUDNESSES
    if raw is None:
        return None
    if isinstance(raw, bool) or not isinstance(raw, int | Fraction) or not low <= raw <= high:
        raise SpecFault(at, raw, f"a number of LUFS, {low} to {high}")
    return Fraction(round(raw * 10), 10)
