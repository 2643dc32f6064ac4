"""How loud a sound is by ITU-R BS.1770-4, from its text: slow, and nothing of a library in it."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from math import log10

RATE = 48_000
"""The rate that the filters' numbers are for."""
BLOCK, STEP = RATE * 4 // 10, RATE // 10
"""Samples: 400 ms, each 100 ms after the one before."""
ABSOLUTE, RELATIVE = -70.0, -10.0
"""LUFS below which a block does not count, and LU below the mean of those that do."""
_HEAD = (
    (1.53512485958697, -2.69169618940638, 1.19839281085285),
    (-1.69065929318241, 0.73248077421585),
)
"""Table 1: how a head makes high tones louder."""
_LOW = ((1.0, -2.0, 1.0), (-1.99004745483398, 0.99007225036621))
"""Table 2: how low tones are heard less."""


def integrated(channels: Sequence[Sequence[float]]) -> float:
    """LUFS of a sound of one or two channels at 48,000 samples a second."""
    sums = [
        list(accumulate((s * s for s in _filtered(_filtered(c, *_HEAD), *_LOW)), initial=0.0))
        for c in channels
    ]
    starts = range(0, len(sums[0]) - BLOCK, STEP)
    powers = [sum((one[at + BLOCK] - one[at]) / BLOCK for one in sums) for at in starts]
    loud = [power for power in powers if power > 0 and _lufs(power) > ABSOLUTE]
    least = _lufs(sum(loud) / len(loud)) + RELATIVE
    heard = [power for power in loud if _lufs(power) > least]
    return _lufs(sum(heard) / len(heard))


def _lufs(power: float) -> float:
    return -0.691 + 10 * log10(power)


def _filtered(
    samples: Sequence[float], ahead: tuple[float, float, float], back: tuple[float, float]
) -> Sequence[float]:
    return list(_biquad(samples, ahead, back))


def _biquad(
    samples: Sequence[float], ahead: tuple[float, float, float], back: tuple[float, float]
) -> Iterator[float]:
    b0, b1, b2 = ahead
    a1, a2 = back
    x1 = x2 = y1 = y2 = 0.0
    for x in samples:
        y = b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2
        x1, x2, y1, y2 = x, x1, y, y1
        yield y
