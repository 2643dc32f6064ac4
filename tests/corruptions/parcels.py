"""Files of outputs that are no MP4, made wrongly or tampered with, and what is said of them."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from render_job.faults import sha256_of
from render_job.ffmpeg import run
from render_job.hls import fragmented, segmented
from render_job.pack import pack
from render_job.parcel import Parcel
from render_job.studio import Part, Terms
from schemas.kinds import Kind
from schemas.pieces import Span
from schemas.plan import OutputPlan
from tests.corruptions.bench import LIMIT, Bench, Stitched, certify, unheard
from tests.corruptions.damage import add, cut_at, flip, hide
from tests.corruptions.outputs import later
from tests.sources import tool

TERMS = Terms(limit=LIMIT, heard=lambda frames: None, stop=lambda: False)
PLACE = "-metadata location=+48.8577+002.2950/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A true parcel, what it was made of, and the means to make it wrong."""

    bench: Bench
    plan: OutputPlan
    joined: Path
    parcel: Parcel
    pieces: Sequence[Part]

    def faults(self, parcel: Parcel) -> tuple[str, ...]:
        """What the look says that a task takes before it delivers."""
        studio, sound = self.bench.studio, None
        if self.plan.kind.plays:
            sound = self.bench.heard(self.bench.sound)
        base = certify(self.bench, Stitched(path=self.bench.output))
        return studio.check_parcel(
            parcel, self.plan, self.joined, base, self.pieces, sound, heard=unheard
        ).faults

    def copied(self, folder: Path) -> Parcel:
        """The same files elsewhere, to be spoilt there."""
        folder.mkdir()
        beside = tuple(
            replace(one, path=Path(shutil.copy(one.path, folder))) for one in self.parcel.beside
        )
        return Parcel(path=Path(shutil.copy(self.parcel.path, folder)), beside=beside)


Deed = Callable[[Made, Path], Parcel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoilt:
    """One way to be wrong, and the words in which that is told."""

    name: str
    of: Kind
    deed: Deed
    told: str


def make(bench: Bench, kind: Kind, folder: Path) -> Made:
    """A true parcel of that kind, of the bench's clip."""
    folder.mkdir()
    plan = replace(bench.plan, kind=kind)
    if kind is Kind.HLS:
        plan = replace(plan, segment_frames=24, object_name="clip/film.m3u8")
        joined, pieces = Path(shutil.copy(bench.output, folder / "joined.mp4")), bench.pieces
        made = list(pieces.values())
    else:
        plan = replace(plan, gop=1, crf=0, lossless=True, preset="ultrafast")
        if kind is Kind.POSTER:
            plan = replace(plan, frames=1, offset=40, object_name="clip/poster.jpg")
        else:
            plan = replace(plan, frames=6, offset=8, step=16, clip_frames=96, columns=4, rows=2)
            plan = replace(plan, frame_rate=plan.frame_rate / 16, object_name="clip/sheet.vtt")
        span = Span(0, plan.frames)
        piece = bench.encode(folder / "piece.mp4", plan=plan, span=span)
        verdict = bench.studio.check_pictures(piece, plan, span, bench.media.video, heard=unheard)
        assert verdict.passed, verdict.faults
        made = [Part(path=piece, name="", verdict=verdict)]
        joined = replace(bench, plan=plan).join([piece], None, folder / "joined.mp4")
    spare = Path(shutil.copy(joined, folder / "packed.mp4"))
    parcel = pack(plan, spare, ffmpeg=bench.studio.encoder.path, terms=TERMS)
    return Made(bench=bench, plan=plan, joined=joined, parcel=parcel, pieces=made)


def believed(parcel: Parcel) -> Parcel:
    """The same, sealed as if it had been made so."""
    beside = [replace(one, sha256=sha256_of(one.path)) for one in parcel.beside[:-1]]
    last = parcel.beside[-1]
    last.path.write_text("".join(f"{one.sha256}  {one.name}\n" for one in beside))
    return replace(parcel, beside=(*beside, replace(last, sha256=sha256_of(last.path))))


def spoilt(number: int, change: Callable[[bytearray], None], *, rotten: bool = False) -> Deed:
    """With other bytes in the file of that number, or afterwards, once it was sealed."""

    def deed(made: Made, folder: Path) -> Parcel:
        parcel = made.copied(folder)
        path = parcel.beside[number].path
        data = bytearray(path.read_bytes())
        change(data)
        path.write_bytes(data)
        return parcel if rotten else believed(parcel)

    return deed


def told(old: str, new: str, *, times: int = 1) -> Deed:
    """With other words in the announced file."""

    def deed(made: Made, folder: Path) -> Parcel:
        parcel = made.copied(folder)
        text = parcel.path.read_text()
        assert old in text
        parcel.path.write_text(text.replace(old, new, times))
        return parcel

    return deed


def swapped(made: Made, folder: Path) -> Parcel:
    """The second and third segment hold each other's packets."""
    parcel = made.copied(folder)
    one, other = (parcel.beside[number].path for number in (2, 3))
    data = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(data)
    return believed(parcel)


def lost(made: Made, folder: Path) -> Parcel:
    """The last segment is not delivered."""
    parcel = made.copied(folder)
    *rest, _, last = parcel.beside
    return believed(replace(parcel, beside=(*rest, last)))


def listed_less(made: Made, folder: Path) -> Parcel:
    """The list of digests ends early."""
    parcel = made.copied(folder)
    last = parcel.beside[-1]
    last.path.write_text("".join(last.path.read_text().splitlines(keepends=True)[:-1]))
    beside = (*parcel.beside[:-1], replace(last, sha256=sha256_of(last.path)))
    return replace(parcel, beside=beside)


def cut_from(joined: Callable[[Made, Path], Path], words: str = "", *, drop: str = "") -> Deed:
    """Segments as another recipe cuts them, or of another file, under the true names."""

    def deed(made: Made, folder: Path) -> Parcel:
        parcel = made.copied(folder)
        whole, work = folder / "fragments.mp4", folder / "work"
        work.mkdir()
        command = fragmented(
            joined(made, work), whole, made.plan, ffmpeg=made.bench.studio.encoder.path
        )
        for word in drop.split():
            at = command.index(word)
            del command[at : at + 2]
        at = len(command) - 3
        command[at:at] = words.split()
        run(command, limit=LIMIT)
        files = segmented(whole, made.plan)
        beside = [replace(one, path=path) for one, path in zip(parcel.beside, files, strict=False)]
        return believed(replace(parcel, beside=(*beside, parcel.beside[-1])))

    return deed


def true(made: Made, folder: Path) -> Path:
    """The joined file itself."""
    return made.joined


def other_quality(made: Made, folder: Path) -> Path:
    """The same clip encoded once more."""
    bench, plan = made.bench, replace(made.bench.plan, crf=40)
    pieces = [
        bench.encode(folder / f"{span.start}.mp4", span=span, plan=plan) for span in bench.pieces
    ]
    return bench.join(pieces, bench.sound, folder / "joined.mp4")


def other_sound(made: Made, folder: Path) -> Path:
    """The same pictures with a later moment's sound."""
    bench = made.bench
    voice = bench.voice(folder / "sound.m4a", plan=later(bench))
    pieces = [bench.path(span) for span in bench.pieces]
    return bench.join(pieces, voice, folder / "joined.mp4")


def other_encoder(made: Made, folder: Path) -> Path:
    """With parameter sets of another setting."""
    bench = made.bench
    pieces = [
        bench.encode(folder / f"{span.start}.mp4", ("-preset", "ultrafast"), span=span)
        for span in bench.pieces
    ]
    return bench.join(pieces, bench.sound, folder / "joined.mp4")


def redrawn(words: str, codec: str = "-c:v mjpeg -q:v 2 -f mjpeg") -> Deed:
    """The image made with other filters."""

    def deed(made: Made, folder: Path) -> Parcel:
        parcel = made.copied(folder)
        path = parcel.beside[0].path if parcel.beside else parcel.path
        true = "scale=out_color_matrix=bt601:out_range=full,format=yuvj420p"
        chain = words.replace("TRUE", true)
        options = f"-map_metadata -1 -flags:v +bitexact -frames:v 1 {codec}".split()
        tool("-nostdin", "-v", "error", "-y", "-i", str(made.joined), "-vf", chain,
             *options, str(path))  # fmt: skip
        return believed(parcel) if parcel.beside else parcel

    return deed


def image_bytes(change: Callable[[bytearray], None]) -> Deed:
    """The poster with other bytes."""

    def deed(made: Made, folder: Path) -> Parcel:
        parcel = made.copied(folder)
        data = bytearray(parcel.path.read_bytes())
        change(data)
        parcel.path.write_bytes(data)
        return parcel

    return deed


def exif(data: bytearray) -> None:
    """Where it was taken, in a segment of its own."""
    said = b"Exif\0\0+48.8577+002.2950/"
    data[2:2] = b"\xff\xe1" + (len(said) + 2).to_bytes(2, "big") + said


def another_poster(made: Made, folder: Path) -> Parcel:
    """The picture of half a second later."""
    plan = replace(made.plan, offset=60)
    piece = made.bench.encode(folder.with_suffix(".mp4"), plan=plan, span=Span(0, 1))
    return redrawn("TRUE")(replace(made, joined=piece), folder)


XMP = b"uuid" + bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + b"<x:xmpmeta>Paris</x:xmpmeta>"
HLS = (
    Spoilt(name="a segment cut short", of=Kind.HLS, deed=spoilt(2, cut_at(0.6)),
           told="00001.m4s: its boxes are not"),
    Spoilt(name="an empty segment", of=Kind.HLS, deed=spoilt(1, cut_at(0)),
           told="00000.m4s: its boxes are not"),
    Spoilt(name="two segments swapped", of=Kind.HLS, deed=swapped, told="decoding times"),
    Spoilt(name="the last segment lost", of=Kind.HLS, deed=lost,
           told="there are 3 segments, not 4"),
    Spoilt(name="a segment named twice", of=Kind.HLS, deed=told("00001.m4s", "00000.m4s"),
           told="does not name the segments in their order"),
    Spoilt(name="a segment of elsewhere", of=Kind.HLS, deed=told("film/", "https://a.example/"),
           told="does not name the init segment"),
    Spoilt(name="lengths in whole seconds", of=Kind.HLS, deed=told("0.800800", "1.000000"),
           told="how long its segments are"),
    Spoilt(name="a length left out", of=Kind.HLS, deed=told("#EXTINF:0.800800,\n", ""),
           told="how long its segments are"),
    Spoilt(name="a playlist without an end", of=Kind.HLS, deed=told("#EXT-X-ENDLIST\n", ""),
           told="it is no whole playlist"),
    Spoilt(name="a playlist that goes on", of=Kind.HLS,
           deed=told("#EXT-X-PLAYLIST-TYPE:VOD\n", ""), told="does not say that it is all"),
    Spoilt(name="a target duration too short", of=Kind.HLS,
           deed=told("DURATION:1", "DURATION:0"), told="target duration is too short"),
    Spoilt(name="text in place of the playlist", of=Kind.HLS, deed=told("#EXTM3U", "#words"),
           told="it is no whole playlist"),
    Spoilt(name="another quality", of=Kind.HLS, deed=cut_from(other_quality),
           told="the pictures are not those of the verified pieces"),
    Spoilt(name="another encoder", of=Kind.HLS, deed=cut_from(other_encoder),
           told="parameter sets are not those of every piece"),
    Spoilt(name="the first frame lost", of=Kind.HLS,
           deed=cut_from(true, "-bsf:v noise=drop='eq(n,0)'"), told="that stands alone"),
    Spoilt(name="no sound", of=Kind.HLS, deed=cut_from(true, "-an"),
           told="the sound is not the verified one"),
    Spoilt(name="another moment's sound", of=Kind.HLS, deed=cut_from(other_sound),
           told="the sound is not the verified one"),
    Spoilt(name="sound 20 ms late", of=Kind.HLS, deed=cut_from(true, "-bsf:a setts=ts=TS+960"),
           told="samples late"),
    Spoilt(name="a gap in the sound", of=Kind.HLS,
           deed=cut_from(true, "-bsf:a noise=drop='eq(n,40)'"), told="not the verified one"),
    Spoilt(name="edit lists", of=Kind.HLS, deed=cut_from(true, drop="-use_editlist"),
           told="edit list"),
    Spoilt(name="where it was filmed", of=Kind.HLS, deed=cut_from(true, PLACE),
           told="init.mp4: it carries metadata"),
    Spoilt(name="XMP behind the init segment", of=Kind.HLS, deed=spoilt(0, add(XMP)),
           told="init.mp4: its boxes are not ftyp, moov"),
    Spoilt(name="XMP in a segment", of=Kind.HLS, deed=spoilt(1, add(XMP)),
           told="00000.m4s: its boxes are not"),
    Spoilt(name="bytes that belong to no packet", of=Kind.HLS,
           deed=spoilt(1, lambda data: hide_last(data, b"a secret")), told="8 bytes of it"),
    Spoilt(name="bits flipped in packets", of=Kind.HLS,
           deed=spoilt(3, flip(0.3, 0.5, 0.7)), told="are not"),
    Spoilt(name="rotten once it was sealed", of=Kind.HLS,
           deed=spoilt(2, flip(0.5), rotten=True), told="00001.m4s is not what its digest says"),
    Spoilt(name="a list of digests without the last", of=Kind.HLS, deed=listed_less,
           told="the list of digests does not list its files"),
)  # fmt: skip


def hide_last(data: bytearray, secret: bytes) -> None:
    """In the last box of the segment."""
    at = data.rindex(b"mdat") - 4
    tail = data[at:]
    hide(secret)(tail)
    data[at:] = tail


POSTERS = (
    Spoilt(name="cut short", of=Kind.POSTER, deed=image_bytes(cut_at(0.7)), told="no whole jpeg"),
    Spoilt(name="empty", of=Kind.POSTER, deed=image_bytes(cut_at(0)), told="no whole jpeg"),
    Spoilt(name="another moment", of=Kind.POSTER, deed=another_poster,
           told="not that of its frame"),
    Spoilt(name="another size", of=Kind.POSTER, deed=redrawn("scale=128:72,TRUE"),
           told="128x72, not 160x90"),
    Spoilt(name="mirrored", of=Kind.POSTER, deed=redrawn("hflip,TRUE"),
           told="not that of its frame"),
    Spoilt(name="a corner covered", of=Kind.POSTER,
           deed=redrawn("drawbox=0:0:30:20:white:fill,TRUE"), told="not that of its frame"),
    Spoilt(name="black", of=Kind.POSTER, deed=redrawn("drawbox=t=fill:c=black,TRUE"),
           told="not that of its frame"),
    Spoilt(name="without colours", of=Kind.POSTER, deed=redrawn("hue=s=0,TRUE"),
           told="not that of its frame"),
    Spoilt(name="a PNG in its place", of=Kind.POSTER,
           deed=redrawn("format=rgb24", "-c:v png -f image2pipe"), told="no whole jpeg"),
    Spoilt(name="where it was taken", of=Kind.POSTER, deed=image_bytes(exif),
           told="carries a segment E1"),
    Spoilt(name="bytes behind its end", of=Kind.POSTER,
           deed=image_bytes(lambda data: data.extend(b"abc")), told="no whole jpeg"),
    Spoilt(name="damaged", of=Kind.POSTER,
           deed=image_bytes(lambda data: data.__setitem__(slice(1500, 1900), bytes(400))),
           told="it"),
)  # fmt: skip
SHEETS = (
    Spoilt(name="a gap between two cues", of=Kind.THUMBNAILS,
           deed=told("00:00:00.534 -->", "00:00:00.540 -->"), told="gap or overlap at 534 ms"),
    Spoilt(name="a cue left out", of=Kind.THUMBNAILS, deed=told(
           "00:00:00.000 --> 00:00:00.534\n", ""), told="no WebVTT of thumbnails"),
    Spoilt(name="the end too early", of=Kind.THUMBNAILS,
           deed=told("--> 00:00:03.203", "--> 00:00:03.103"), told="not at 3203"),
    Spoilt(name="another place of the sheet", of=Kind.THUMBNAILS,
           deed=told("xywh=160,0", "xywh=320,0"), told="shows another place"),
    Spoilt(name="another sheet", of=Kind.THUMBNAILS, deed=told("sheet/", "other/"),
           told="names another sheet"),
    Spoilt(name="SubRip in its place", of=Kind.THUMBNAILS, deed=told("WEBVTT\n\n", "1\n"),
           told="no WebVTT of thumbnails"),
    Spoilt(name="a sheet cut short", of=Kind.THUMBNAILS, deed=spoilt(0, cut_at(0.8)),
           told="no whole jpeg"),
    Spoilt(name="a smaller sheet", of=Kind.THUMBNAILS, deed=redrawn("TRUE,scale=80:46,tile=4x2"),
           told="the sheet is 320x92, not 640x180"),
    Spoilt(name="thumbnails moved on by one", of=Kind.THUMBNAILS,
           deed=redrawn("TRUE,select='gt(n,0)',tile=4x2"), told="is not that of its frame"),
    Spoilt(name="two thumbnails swapped", of=Kind.THUMBNAILS,
           deed=redrawn("TRUE,shuffleframes=0 2 1 3 4 5,tile=4x2"),
           told="thumbnail at 160,0 is not that of its frame"),
    Spoilt(name="laid out in columns of another number", of=Kind.THUMBNAILS,
           deed=redrawn("TRUE,tile=3x2"), told="the sheet is 480x180"),
    Spoilt(name="where it was taken", of=Kind.THUMBNAILS, deed=spoilt(0, exif),
           told="carries a segment E1"),
    Spoilt(name="rotten once it was sealed", of=Kind.THUMBNAILS,
           deed=spoilt(0, lambda data: data.__setitem__(-40, data[-40] ^ 1), rotten=True),
           told="sheet.jpg is not what its digest says"),
)  # fmt: skip
PARCELS = (*HLS, *POSTERS, *SHEETS)
