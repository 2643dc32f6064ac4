"""Real containers cut off at each of their structures, and with bits turned over."""

from collections.abc import Iterator
from random import Random
from struct import unpack_from

from functions.adapters.probe_verdict import REASONS
from tests.hostile.case import Case, Make
from tests.hostile.kitchen import Kitchen
from tests.hostile.trial import Scene

HOLDING = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"edts", b"dinf")
REFUSED = tuple(REASONS)
FAILED = ("source_unreadable", "frames_missing", "sound_not_verified", "pictures_blank",
          "pictures_misplaced",
          "spec_fault")  # fmt: skip
ANY = ("verified", *REFUSED, *FAILED)
"""A damaged file may be whole enough, or be refused; a task may find what the prober could not."""


def structures(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Every box of an MP4 with where it begins and ends, the outer before the inner."""
    stack = [(0, len(data))]
    while stack:
        at, end = stack.pop()
        while at + 8 <= end:
            size, kind = unpack_from(">I4s", data, at)
            if size < 8 or at + size > end:
                break
            yield kind, at, at + size
            if kind in HOLDING:
                stack.append((at + 8, at + size))
            at += size


def _cut_box(movie: str, kind: bytes, share: float) -> Make:
    def make(kitchen: Kitchen, scene: Scene) -> bytes:
        data = kitchen.data(movie)
        _, start, end = next(one for one in structures(data) if one[0] == kind)
        return data[: start + max(1, int((end - start) * share))]

    return make


def _cut(movie: str, share: float) -> Make:
    return lambda kitchen, scene: kitchen.data(movie)[: int(len(kitchen.data(movie)) * share)]


def _cut_last(movie: str, count: int) -> Make:
    return lambda kitchen, scene: kitchen.data(movie)[:-count]


def _flipped(movie: str, bits: int, seed: int, part: tuple[float, float]) -> Make:
    def make(kitchen: Kitchen, scene: Scene) -> bytes:
        data, draw = bytearray(kitchen.data(movie)), Random(seed)
        low, high = int(len(data) * part[0]), int(len(data) * part[1])
        for _ in range(bits):
            data[draw.randrange(low, high)] ^= 1 << draw.randrange(8)
        return bytes(data)

    return make


def _zeroed(movie: str, part: tuple[float, float]) -> Make:
    def make(kitchen: Kitchen, scene: Scene) -> bytes:
        data = bytearray(kitchen.data(movie))
        low, high = int(len(data) * part[0]), int(len(data) * part[1])
        data[low:high] = bytes(high - low)
        return bytes(data)

    return make


def _without(movie: str, kind: bytes) -> Make:
    """The box is there, and called otherwise."""
    return lambda kitchen, scene: kitchen.data(movie).replace(kind, b"free", 1)


_FRONT = (b"ftyp", b"moov", b"mvhd", b"trak", b"tkhd", b"edts", b"mdia", b"mdhd", b"hdlr", b"minf",
          b"stbl", b"stsd", b"stts", b"stss", b"stsc", b"stsz", b"stco", b"mdat")  # fmt: skip
TRUNCATIONS = (
    *(Case(of="truncation", name=f"MP4 cut within {kind.decode()}", ends=ANY,
           make=_cut_box("front", kind, 0.5), quick=kind in (b"stsd", b"mdat"))
      for kind in _FRONT),
    *(Case(of="truncation", name=f"fragmented MP4 cut within {kind.decode()}", ends=ANY,
           make=_cut_box("fragmented", kind, 0.5)) for kind in (b"moof", b"traf", b"trun")),
    Case(of="truncation", name="MP4, its index at the end, cut before it", ends=("truncated",),
         make=_cut_box("plain", b"mdat", 0.9), quick=True),
    Case(of="truncation", name="MP4 without its last byte", ends=ANY, make=_cut_last("front", 1)),
    *(Case(of="truncation", name=f"{movie} cut at {share:.0%}", ends=ANY, upload=f"team/f.{movie}",
           make=_cut(movie, share), quick=(movie, share) in (("mkv", 0.01), ("avi", 0.5)))
      for movie in ("mkv", "ts", "avi") for share in (0.001, 0.01, 0.05, 0.5, 0.99)),
    *(Case(of="truncation", name=f"MP4 without {kind.decode()}", ends=ANY,
           make=_without("plain", kind)) for kind in (b"ftyp", b"mvhd", b"tkhd", b"mdhd", b"stsd",
                                                      b"stts", b"stsc", b"stsz", b"stco", b"avcC")),
)  # fmt: skip

FLIPS = (
    *(Case(of="flips", name=f"{movie}: {bits} bits of {where}", ends=ANY, upload=f"team/f.{movie}",
           make=_flipped(movie if movie != "mp4" else "front", bits, seed, part),
           quick=(movie, seed) in (("mp4", 1), ("mkv", 2)))
      for movie in ("mp4", "mkv", "ts", "avi")
      for seed, (bits, where, part) in enumerate((
          (4, "its head", (0.0, 0.05)), (40, "its head", (0.0, 0.05)),
          (40, "all of it", (0.0, 1.0)), (400, "its end", (0.5, 1.0)),
      ))),
    *(Case(of="flips", name=f"{movie}: a hole of zeros", ends=ANY, upload=f"team/f.{movie}",
           make=_zeroed("front" if movie == "mp4" else movie, (0.4, 0.6)))
      for movie in ("mp4", "mkv", "ts", "avi")),
)  # fmt: skip
