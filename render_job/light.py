"""What is drawn on an HDR picture is as bright as paper, not as the sun.

An image's white is the largest number that it knows. In a picture that is coded by PQ or HLG that
number is a highlight of 10,000 or 1,000 candelas a square metre; graphics belong at the reference
white of ITU-R BT.2408, which is 203. So colours are turned into light, as sRGB means it, and light
into the picture's numbers (ITU-R BT.2100) and primaries (ITU-R BT.2087).
"""

from collections.abc import Sequence
from functools import cache
from math import log

from schemas.media import HLG, PQ

REFERENCE_WHITE = 203
"""Candelas a square metre (BT.2408, table 1)."""
PEAK = {PQ: 10_000, HLG: 1_000}
"""Of the largest number, in candelas; of HLG on its reference display."""
HLG_GAMMA = 1.2
"""Of that display (BT.2100, table 5)."""
POINTS = 33
"""Of a table's side: between them ffmpeg interpolates, within one of 255 steps."""
_TO_BT2020 = (
    (0.6274, 0.3293, 0.0433),
    (0.0691, 0.9195, 0.0114),
    (0.0164, 0.0880, 0.8956),
)
"""From the primaries of sRGB (BT.2087, M2)."""
_LUMA = (0.2627, 0.6780, 0.0593)


@cache
def cube(transfer: int) -> str:
    """A table of colours for ffmpeg's `lut3d`: sRGB to the numbers of PQ or HLG."""
    steps = [_light_of(n / (POINTS - 1)) for n in range(POINTS)]
    rows = (
        " ".join(f"{number:.6f}" for number in numbers((red, green, blue), transfer))
        for blue in steps
        for green in steps
        for red in steps
    )
    return "\n".join((f"LUT_3D_SIZE {POINTS}", *rows, ""))


def white(transfer: int | None) -> int:
    """What a picture of that transfer has for a graphic's white, of 255."""
    return 255 if transfer is None else round(255 * numbers((1, 1, 1), transfer)[0])


def numbers(light: Sequence[float], transfer: int) -> Sequence[float]:
    """Red, green and blue, 0 to 1, for linear light in parts of white, as sRGB has it."""
    wide = [sum(a * b for a, b in zip(row, light, strict=True)) for row in _TO_BT2020]
    shown = [min(1.0, part) * REFERENCE_WHITE / PEAK[transfer] for part in wide]
    if transfer == PQ:
        return [_pq(part) for part in shown]
    luma = sum(a * b for a, b in zip(_LUMA, shown, strict=True))
    scene = luma ** ((1 - HLG_GAMMA) / HLG_GAMMA) if luma else 0.0
    return [_hlg(part * scene) for part in shown]


def _light_of(number: float) -> float:
    """What sRGB means by its number (IEC 61966-2-1)."""
    return number / 12.92 if number <= 0.04045 else float(((number + 0.055) / 1.055) ** 2.4)


def _pq(shown: float) -> float:
    """BT.2100, table 4: the number for light in parts of 10,000 candelas."""
    power = shown ** (2610 / 16384)
    ratio = (3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)
    return float(ratio ** (2523 / 32))


def _hlg(scene: float) -> float:
    """BT.2100, table 5: the number for light in parts of the scene's largest."""
    if scene <= 1 / 12:
        return float((3 * scene) ** 0.5)
    a = 0.17883277
    return a * log(12 * scene - (1 - 4 * a)) + 0.5 - a * log(4 * a)
