"""A movie in one file (ISO/IEC 14496-12, 8): which bytes are which sample, and shown when."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from tests.readers import Broken
from tests.readers.box import Box, outline

NOTHING = -1
"""The media time of an edit that shows nothing (8.6.6.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One sample; times are ticks of its track."""

    start: int
    """Its first byte in its file."""
    size: int
    decoded: int
    shown: int
    length: int
    sync: bool
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One track, its samples in the order of decoding."""

    handler: str
    timescale: int
    coding: str
    """Four letters, such as `avc1`."""
    entry: Box
    """The sample entry, which says how they are coded."""
    size: tuple[int, int]
    """As it is to be shown, in pixels."""
    samples: Sequence[Sample]
    edits: Sequence[tuple[Fraction, int]] = ()
    """Seconds, and the tick of the media with which they begin."""

    @property
    def seconds(self) -> Fraction:
        """Of all samples, by their lengths."""
        return Fraction(sum(sample.length for sample in self.samples), self.timescale)

    @property
    def times(self) -> Sequence[Fraction]:
        """When each sample is shown, in seconds of the movie and in that order, edits applied."""
        wait = sum((length for length, at in self.edits if at == NOTHING), Fraction(0))
        begun = [at for _, at in self.edits if at != NOTHING]
        if len(begun) > 1:
            raise Broken(f"the {self.handler} track is edited in {len(begun)} parts")
        first = begun[0] if begun else 0
        return sorted(wait + Fraction(s.shown - first, self.timescale) for s in self.samples)

    @property
    def played(self) -> Fraction:
        """Seconds of it that a player plays: by its edit list, or all of it."""
        shown = [length for length, at in self.edits if at != NOTHING]
        return sum(shown, Fraction(0)) if self.edits else self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Movie:
    """What a file holds."""

    seconds: Fraction
    """As its header says."""
    tracks: Mapping[str, Track]
    """By handler: `vide`, `soun`."""
    faststart: bool
    """Whether all that a player needs to begin stands before the pictures."""


def read_movie(data: bytes) -> Movie:
    """The movie in the file. Raises Broken for whatever the standard does not allow."""
    found = outline(data)
    if next(iter(found)) != "ftyp" or len(found.get("moov", ())) != 1:
        raise Broken(f"it is no movie: {', '.join(found)}")
    moov, media = found["moov"][0], found.get("mdat", ())
    scale, length = header_times(moov.one("mvhd"))
    tracks = [_track(trak, scale) for trak in moov.all("trak")]
    _check_places([sample for track in tracks for sample in track.samples], media)
    return Movie(
        seconds=Fraction(length, scale),
        tracks=by_handler(tracks),
        faststart=all(moov.end <= box.start for box in media),
    )


def header_times(box: Box) -> tuple[int, int]:
    """Ticks a second and the length in them, of `mvhd` and `mdhd` (8.2.2, 8.4.2)."""
    scale, length = box.read("IQ", 20) if box.version() else box.read("II", 12)
    if scale == 0:
        raise Broken(f"{box.kind} has no ticks")
    return scale, length


def by_handler(tracks: Iterable[Track]) -> Mapping[str, Track]:
    """Raises Broken where two are of one kind."""
    found: dict[str, Track] = {}
    for track in tracks:
        if track.handler in found:
            raise Broken(f"two tracks are {track.handler}")
        found[track.handler] = track
    return found


def sample_entry(stbl: Box) -> Box:
    """The one way in which the samples are coded (8.5.2)."""
    stsd = stbl.one("stsd")
    (count,) = stsd.read("I")
    entries = stsd.behind(8)
    if count != 1 or len(entries) != 1:
        raise Broken(f"stsd has {len(entries)} entries and says {count}")
    return entries[0]


def shown_size(tkhd: Box) -> tuple[int, int]:
    """Width and height, of which a fraction of a pixel is refused."""
    width, height = tkhd.read("II", 88 if tkhd.version() else 76)
    if width % 65536 or height % 65536:
        raise Broken("it is shown at a fraction of a pixel")
    return width >> 16, height >> 16


def edits_of(trak: Box, scale: int) -> Sequence[tuple[Fraction, int]]:
    """The edit list (8.6.6), which has seconds of the movie's own ticks."""
    if not trak.all("edts"):
        return ()
    elst = trak.one("edts/elst")
    rows = elst.rows("QqI" if elst.version() else "IiI")
    if any(rate != 1 << 16 for _, _, rate in rows):
        raise Broken("an edit plays faster or slower")
    return [(Fraction(length, scale), at) for length, at, _ in rows]


def _track(trak: Box, scale: int) -> Track:
    stbl, mdhd = trak.one("mdia/minf/stbl"), trak.one("mdia/mdhd")
    timescale, length = header_times(mdhd)
    samples = _samples(stbl)
    if sum(sample.length for sample in samples) != length:
        raise Broken(f"mdhd says {length} ticks, and the samples are not as long")
    entry = sample_entry(stbl)
    (handler,) = trak.one("mdia/hdlr").read("4s", 8)
    return Track(
        handler=handler.decode("latin-1"),
        timescale=timescale,
        coding=entry.kind,
        entry=entry,
        size=shown_size(trak.one("tkhd")),
        samples=samples,
        edits=edits_of(trak, scale),
    )


def _samples(stbl: Box) -> Sequence[Sample]:
    """The sample tables laid side by side: all say the same number of samples (8.6, 8.7)."""
    stsz = stbl.one("stsz")
    same, count = stsz.read("II")
    sizes = [same] * count if same else [row[0] for row in stsz.rows("I", at=8)]
    lengths = [length for n, length in stbl.one("stts").rows("II") for _ in range(n)]
    late = [0] * len(sizes)
    for ctts in stbl.all("ctts"):
        late = [by for n, by in ctts.rows("Ii" if ctts.version() else "II") for _ in range(n)]
    keys = {row[0] for stss in stbl.all("stss") for row in stss.rows("I")}
    if stbl.all("stss") and not keys <= set(range(1, len(sizes) + 1)):
        raise Broken("a sync sample is none of the samples")
    starts = _starts(stbl, sizes)
    if not len(sizes) == len(lengths) == len(late) == len(starts):
        raise Broken(
            f"stsz, stts, ctts and stsc say {len(sizes)}, {len(lengths)}, {len(late)} and "
            f"{len(starts)} samples"
        )
    decoded, samples = 0, []
    for n, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        samples.append(
            Sample(
                start=start,
                size=size,
                decoded=decoded,
                shown=decoded + late[n],
                length=lengths[n],
                sync=not stbl.all("stss") or n + 1 in keys,
                data=stbl.data[start : start + size],
            )
        )
        decoded += lengths[n]
    return samples


def _starts(stbl: Box, sizes: Sequence[int]) -> Sequence[int]:
    """Where each sample begins: chunk by chunk, sample behind sample (8.7.4, 8.7.5)."""
    wide = stbl.all("co64")
    chunks = [row[0] for row in (wide[0].rows("Q") if wide else stbl.one("stco").rows("I"))]
    runs = [(first, many) for first, many, _ in stbl.one("stsc").rows("III")]
    if [first for first, _ in runs] != sorted({first for first, _ in runs}) or runs[0][0] != 1:
        raise Broken("stsc does not begin with the first chunk, or does not go on")
    ends = [*(first for first, _ in runs[1:]), len(chunks) + 1]
    counts = [
        many for (first, many), end in zip(runs, ends, strict=True) for _ in range(first, end)
    ]
    starts: list[int] = []
    for at, many in zip(chunks, counts, strict=True):
        for size in sizes[len(starts) : len(starts) + many]:
            starts.append(at)
            at += size
    return starts


def _check_places(samples: Sequence[Sample], media: Sequence[Box]) -> None:
    """Every sample lies in an mdat, no byte belongs to two, and none to nobody."""
    ordered = sorted(samples, key=lambda sample: sample.start)
    for sample in ordered:
        if not any(
            box.body <= sample.start <= sample.start + sample.size <= box.end for box in media
        ):
            raise Broken(f"a sample at {sample.start}, {sample.size} bytes, lies in no mdat")
    for one, other in pairwise(ordered):
        if one.start + one.size > other.start:
            raise Broken(f"the samples at {one.start} and {other.start} overlap")
    idle = sum(box.end - box.body for box in media) - sum(sample.size for sample in samples)
    if idle:
        raise Broken(f"{idle} bytes of mdat belong to no sample")
