"""A movie in fragments (ISO/IEC 14496-12, 8.8): an init segment, and media segments with it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tests.readers import Broken
from tests.readers.box import Box, outline
from tests.readers.movie import (
    Sample,
    Track,
    by_handler,
    edits_of,
    header_times,
    sample_entry,
    shown_size,
)

BASE_IS_MOOF, NO_SYNC = 0x020000, 0x010000
"""Of tfhd: offsets count from the moof. Of a sample: no decoding can begin with it."""
OFFSET, FIRST_FLAGS = 0x000001, 0x000004
"""Of trun, what stands before its rows (8.8.8)."""
LENGTHS, SIZES, FLAGS, LATE = 0x000100, 0x000200, 0x000400, 0x000800
"""Of trun, what stands in each of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What a sample is that says nothing of its own (8.8.3, 8.8.7)."""

    length: int
    size: int
    flags: int


def read_init(data: bytes) -> Mapping[int, tuple[Track, Defaults]]:
    """By their numbers the tracks, yet without samples. Raises Broken."""
    found = outline(data)
    if list(found) != ["ftyp", "moov"]:
        raise Broken(f"an init segment is {', '.join(found)}")
    moov = found["moov"][0]
    scale, _ = header_times(moov.one("mvhd"))
    usual = {}
    for trex in moov.one("mvex").all("trex"):
        number, _, length, size, flags = trex.read("5I")
        usual[number] = Defaults(length=length, size=size, flags=flags)
    tracks = {}
    for trak in moov.all("trak"):
        tkhd, stbl = trak.one("tkhd"), trak.one("mdia/minf/stbl")
        (number,) = tkhd.read("I", 20 if tkhd.version() else 12)
        if stbl.one("stsz").read("II") != (0, 0) or stbl.one("stts").rows("II"):
            raise Broken("an init segment has samples")
        entry = sample_entry(stbl)
        (handler,) = trak.one("mdia/hdlr").read("4s", 8)
        track = Track(
            handler=handler.decode("latin-1"),
            timescale=header_times(trak.one("mdia/mdhd"))[0],
            coding=entry.kind,
            entry=entry,
            size=shown_size(tkhd),
            samples=(),
            edits=edits_of(trak, scale),
        )
        tracks[number] = (track, usual[number])
    return tracks


def read_segments(init: bytes, segments: Sequence[bytes]) -> Sequence[Mapping[str, Track]]:
    """What each segment has of every track, by handler. Raises Broken.

    Over all of them the samples of a track follow one another without a gap, and the fragments are
    numbered one by one.
    """
    tracks, told, made = read_init(init), dict[int, int](), []
    numbers: list[int] = []
    for segment in segments:
        found = list(outline(segment))
        if found != ["moof", "mdat"]:
            raise Broken(f"a media segment is {', '.join(found)}")
        samples: dict[int, list[Sample]] = {number: [] for number in tracks}
        for moof, mdat in _pairs(segment):
            numbers.append(moof.one("mfhd").read("I")[0])
            spans = []
            for traf in moof.all("traf"):
                number, new = _samples(traf, moof, tracks)
                if new and told.setdefault(number, new[0].decoded) != new[0].decoded:
                    raise Broken(f"track {number} goes on at {new[0].decoded}, not {told[number]}")
                told[number] = new[-1].decoded + new[-1].length
                samples[number] += new
                spans += [(sample.start, sample.start + sample.size) for sample in new]
            _check_filled(mdat, spans)
        made.append(by_handler(replace(tracks[n][0], samples=s) for n, s in samples.items() if s))
    if any(after != before + 1 for before, after in pairwise(numbers)):
        raise Broken("the fragments are not numbered one by one")
    return made


def _pairs(segment: bytes) -> Iterator[tuple[Box, Box]]:
    found = outline(segment)
    ordered = sorted((*found["moof"], *found["mdat"]), key=lambda box: box.start)
    for moof, mdat in zip(ordered[::2], ordered[1::2], strict=True):
        if (moof.kind, mdat.kind) != ("moof", "mdat"):
            raise Broken("a segment is not moof and mdat in turn")
        yield moof, mdat


def _samples(
    traf: Box, moof: Box, tracks: Mapping[int, tuple[Track, Defaults]]
) -> tuple[int, list[Sample]]:
    """The track's number, and its samples in one fragment (8.8.7, 8.8.8, 8.8.12)."""
    tfhd, tfdt = traf.one("tfhd"), traf.one("tfdt")
    (number,) = tfhd.read("I")
    if not tfhd.flags() & BASE_IS_MOOF or tfhd.flags() & 1:
        raise Broken("offsets do not count from the moof: a segment alone could not be read")
    usual, at = tracks[number][1], 8
    said = {}
    for flag, field in ((8, "length"), (16, "size"), (32, "flags")):
        if tfhd.flags() & 2 and flag == 8:
            at += 4
        if tfhd.flags() & flag:
            (said[field],), at = tfhd.read("I", at), at + 4
    usual = replace(usual, **said)
    (decoded,) = tfdt.read("Q" if tfdt.version() else "I")
    samples: list[Sample] = []
    for trun in traf.all("trun"):
        samples += _run(trun, moof, usual, decoded)
        decoded = samples[-1].decoded + samples[-1].length
    return number, samples


def _run(trun: Box, moof: Box, usual: Defaults, decoded: int) -> Iterator[Sample]:
    flags, (count,), at = trun.flags(), trun.read("I"), 8
    if not flags & OFFSET:
        raise Broken("a run does not say where it begins")
    (offset,), at = trun.read("i", at), at + 4
    first = None
    if flags & FIRST_FLAGS:
        (first,), at = trun.read("I", at), at + 4
    form = "".join(
        letter
        for flag, letter in (
            (LENGTHS, "I"), (SIZES, "I"), (FLAGS, "I"), (LATE, "i" if trun.version() else "I")
        )
        if flags & flag
    )  # fmt: skip
    start = moof.start + offset
    for n, row in enumerate(trun.rows(form, at=at, count=count)):
        values = iter(row)
        length = next(values) if flags & LENGTHS else usual.length
        size = next(values) if flags & SIZES else usual.size
        its = next(values) if flags & FLAGS else usual.flags
        its = first if n == 0 and first is not None else its
        late = next(values) if flags & LATE else 0
        yield Sample(
            start=start,
            size=size,
            decoded=decoded,
            shown=decoded + late,
            length=length,
            sync=not its & NO_SYNC,
            data=moof.data[start : start + size],
        )
        start, decoded = start + size, decoded + length


def _check_filled(mdat: Box, spans: list[tuple[int, int]]) -> None:
    """The samples of a fragment are its mdat, byte by byte."""
    at = mdat.body
    for start, end in sorted(spans):
        if start != at:
            raise Broken(f"a sample begins at {start}, and the one before ends at {at}")
        at = end
    if at != mdat.end:
        raise Broken(f"the samples end at {at}, and their mdat at {mdat.end}")
