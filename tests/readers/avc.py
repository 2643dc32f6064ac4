"""H.264 in a sample (ISO/IEC 14496-15, 5): its configuration, and the units that a sample is of."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.readers import Broken
from tests.readers.box import Box
from tests.readers.movie import Sample

IDR, SPS, PPS = 5, 7, 8
"""Kinds of units (H.264, table 7-1)."""
HEAD = 78
"""Bytes of a visual sample entry before the boxes that it holds (12.1.3)."""
SHAPED = (100, 110, 122, 244, 44, 83, 86, 118, 128)
"""Profiles whose parameter set says how its colours are sampled (7.3.2.1.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Avc:
    """What avcC and its first sequence parameter set say."""

    profile: int
    level: int
    width: int
    height: int
    prefix: int
    """Bytes of the length before each unit."""


def read_avc(entry: Box) -> Avc:
    """How the samples of an `avc1` track are coded. Raises Broken."""
    if entry.kind != "avc1":
        raise Broken(f"the pictures are {entry.kind}, not avc1")
    width, height = entry.read("HH", 24)
    found = [box for box in entry.behind(HEAD) if box.kind == "avcC"]
    if len(found) != 1:
        raise Broken(f"avc1 has {len(found)} avcC")
    data = found[0].data[found[0].body : found[0].end]
    version, profile, _, level, prefix, count = data[:6]
    if version != 1 or count & 31 != 1:
        raise Broken(f"avcC of version {version} has {count & 31} sequence parameter sets")
    length = int.from_bytes(data[6:8], "big")
    sps = data[8 : 8 + length]
    if len(sps) != length or sps[0] & 31 != SPS or sps[1] != profile or sps[3] != level:
        raise Broken("avcC and its sequence parameter set disagree")
    coded = _size(sps)
    if coded != (width, height):
        raise Broken(f"avc1 says {width}x{height}, and its parameter set {coded[0]}x{coded[1]}")
    return Avc(profile=profile, level=level, width=width, height=height, prefix=(prefix & 3) + 1)


def units(sample: Sample, prefix: int) -> Sequence[int]:
    """The kinds of the units that a sample is made of, to its last byte. Raises Broken."""
    kinds, at = [], 0
    while at < len(sample.data):
        length = int.from_bytes(sample.data[at : at + prefix], "big")
        at += prefix + length
        if length < 1 or at > len(sample.data):
            raise Broken(f"a unit of {length} bytes goes on after its sample at {sample.start}")
        kinds.append(sample.data[at - length] & 31)
    return kinds


def check_samples(samples: Sequence[Sample], avc: Avc) -> None:
    """What is called a sync sample is an IDR picture, nothing else is, and no set comes later."""
    for number, sample in enumerate(samples):
        kinds = units(sample, avc.prefix)
        if (IDR in kinds) is not sample.sync:
            raise Broken(f"sample {number} is{' no' * sample.sync} IDR, and is said otherwise")
        if {SPS, PPS} & set(kinds):
            raise Broken(f"sample {number} brings parameter sets along: that would be avc3")


class _Bits:
    """The bits of a unit without its emulation prevention (7.4.1)."""

    def __init__(self, unit: bytes) -> None:
        data = unit.replace(b"\0\0\3", b"\0\0")
        self._bits = "".join(f"{byte:08b}" for byte in data)
        self._at = 0

    def take(self, count: int) -> int:
        self._at += count
        return int(self._bits[self._at - count : self._at], 2)

    def golomb(self) -> int:
        """ue(v), 9.1."""
        zeros = self._bits.index("1", self._at) - self._at
        self._at += zeros
        return self.take(zeros + 1) - 1


def _size(sps: bytes) -> tuple[int, int]:
    """Width and height in pixels, what is cropped left out (7.4.2.1.1)."""
    bits = _Bits(sps[1:])
    profile = bits.take(8)
    bits.take(16)
    bits.golomb()
    chroma = 1
    if profile in SHAPED:
        chroma = bits.golomb()
        if chroma == 3:
            bits.take(1)
        bits.golomb(), bits.golomb(), bits.take(1)
        if bits.take(1):
            raise Broken("a scaling matrix is not expected of x264")
    bits.golomb()
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        raise Broken("picture order 1 is not expected of x264")
    bits.golomb(), bits.take(1)
    across, down, whole = bits.golomb() + 1, bits.golomb() + 1, bits.take(1)
    if not whole:
        bits.take(1)
    bits.take(1)
    left, right, top, bottom = (bits.golomb() for _ in range(4)) if bits.take(1) else (0,) * 4
    unit_x, unit_y = (2 if chroma in (1, 2) else 1), (2 if chroma == 1 else 1) * (2 - whole)
    return across * 16 - unit_x * (left + right), down * 16 * (2 - whole) - unit_y * (top + bottom)
