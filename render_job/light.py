"""Between HDR pictures and all that is not HDR: what is drawn on them, and images made of them.

An image's white is the largest number that it knows. In a picture that is coded by PQ or HLG that
number is a highlight of 10,000 or 1,000 candelas a square metre; graphics belong at the reference
white of ITU-R BT.2408, which is 203. So colours are turned into light, as sRGB means it, and light
into the picture's numbers (ITU-R BT.2100) and primaries (ITU-R BT.2087). An image file knows no
such numbers, and is given the same way back; what is brighter than paper is pressed into its last
fifth.
"""

from collections.abc import Callable, Sequence
from functools import cache
from math import exp, log

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
_FROM_BT2020 = (
    (1.6605, -0.5876, -0.0728),
    (-0.1246, 1.1329, -0.0083),
    (-0.0182, -0.1006, 1.1187),
)
"""Back again (BT.2407, annex 2); colours that sRGB does not have lose what it cannot show."""
_LUMA = (0.2627, 0.6780, 0.0593)
KNEE = 0.8
"""Of white: what is brighter comes ever closer to it."""


@cache
def cube(transfer: int) -> str:
    """A table of colours for ffmpeg's `lut3d`: sRGB to the numbers of PQ or HLG."""
    return _table(lambda colour: numbers([_light_of(number) for number in colour], transfer))


@cache
def image_cube(transfer: int) -> str:
    """A table of colours for ffmpeg's `lut3d`: the numbers of PQ or HLG to sRGB."""
    return _table(lambda colour: as_srgb(colour, transfer))


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


def as_srgb(colour: Sequence[float], transfer: int) -> Sequence[float]:
    """Red, green and blue of an image, 0 to 1, for such numbers of an HDR picture."""
    light = [_from_pq(n) if transfer == PQ else _from_hlg(n) for n in colour]
    if transfer == HLG:
        luma = sum(a * b for a, b in zip(_LUMA, light, strict=True))
        light = [part * luma ** (HLG_GAMMA - 1) for part in light]
    shown = [part * PEAK[transfer] / REFERENCE_WHITE for part in light]
    narrow = [sum(a * b for a, b in zip(row, shown, strict=True)) for row in _FROM_BT2020]
    brightest = max(*narrow, 1e-9)
    less = _pressed(brightest) / brightest
    return [_number_of(min(1.0, max(0.0, part * less))) for part in narrow]


def _table(of: Callable[[Sequence[float]], Sequence[float]]) -> str:
    steps = [n / (POINTS - 1) for n in range(POINTS)]
    rows = (
        " ".join(f"{number:.6f}" for number in of((red, green, blue)))
        for blue in steps
        for green in steps
        for red in steps
    )
    return "\n".join((f"LUT_3D_SIZE {POINTS}", *rows, ""))


def _pressed(light: float) -> float:
    """Of all that is brighter than KNEE, something below white."""
    if light <= KNEE:
        return light
    return KNEE + (1 - KNEE) * (1 - exp(-(light - KNEE) / (1 - KNEE)))


def _number_of(light: float) -> float:
    """What sRGB has for it (IEC 61966-2-1)."""
    return 12.92 * light if light <= 0.0031308 else float(1.055 * light ** (1 / 2.4) - 0.055)


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


def _from_pq(number: float) -> float:
    power = number ** (32 / 2523)
    return float(
        (max(0.0, power - 3424 / 4096) / (2413 / 128 - 2392 / 128 * power)) ** (16384 / 2610)
    )


def _from_hlg(number: float) -> float:
    if number <= 0.5:
        return number * number / 3
    a = 0.17883277
    return (exp((number - 0.5 + a * log(4 * a)) / a) + 1 - 4 * a) / 12
