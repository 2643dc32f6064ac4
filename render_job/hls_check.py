"""Whether a playlist and its segments play what was verified, piece by piece and to the sample.

Every segment is read with the init segment before it, as a player does that begins there; its first
picture is decoded. All packets in order must be those of the pieces and of the sound.
"""

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, cast

from render_job.boxes import boxes, inside
from render_job.faults import time_faults, unreadable
from render_job.found import NO_BASE, content, track_of
from render_job.hls import INIT, segments
from render_job.looks import Look, is_blank, look_of, stands_alone
from render_job.movie import UPRIGHT, says_nothing
from render_job.parcel import Parcel
from render_job.studio import Part
from render_job.tracks import Track
from schemas.pieces import Span
from schemas.plan import SAMPLE_RATE, OutputPlan

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

MOST_DELAY = Fraction(1, 2)
"""Seconds after which the pictures begin, for their reordering; two frames of a usual rate."""
MICROSECOND = Fraction(1, 1_000_000)
"""To which a playlist tells its segments' lengths."""
_HEAD = ("#EXTM3U", "#EXT-X-VERSION:7")


def hls_faults(
    parcel: Parcel,
    plan: OutputPlan,
    pieces: Sequence[Part],
    sound: Part | None,
    *,
    heard: Callable[[], None],
) -> list[str]:
    """What is wrong with the playlist or any file that it names."""
    init, *media, _sums = parcel.beside
    spans = segments(plan)
    faults = _playlist_faults(parcel, plan)
    if len(media) != len(spans):
        return [*faults, f"there are {len(media)} segments, not {len(spans)}"]
    head = init.path.read_bytes()
    looks = content(pieces, "video", heard)[1]
    faults += _look_faults(head + media[0].path.read_bytes(), plan, looks)
    faults += [f"{INIT}: {fault}" for fault in _init_faults(init.path)]
    video, voice = Track(base=NO_BASE), Track(base=NO_BASE)
    for one, span in zip(media, spans, strict=True):
        found = _segment_faults(head, one.path, span, video, voice, heard)
        faults += [f"{one.path.name}: {fault}" for fault in found]
    return faults + _track_faults(video, voice, plan, pieces, sound, heard)


def _playlist_faults(parcel: Parcel, plan: OutputPlan) -> list[str]:
    """As a reader takes it: what it names in which order, and how long it says that is."""
    lines = parcel.path.read_text(encoding="utf-8", errors="replace").splitlines()
    init, *media, _sums = (one.name for one in parcel.beside)
    faults = []
    if tuple(lines[:2]) != _HEAD or lines[-1:] != ["#EXT-X-ENDLIST"]:
        faults.append("it is no whole playlist")
    if "#EXT-X-PLAYLIST-TYPE:VOD" not in lines or "#EXT-X-INDEPENDENT-SEGMENTS" not in lines:
        faults.append(
            "the playlist does not say that it is all, and that each segment stands alone"
        )
    maps = [line for line in lines if line.startswith("#EXT-X-MAP:")]
    if maps != [f'#EXT-X-MAP:URI="{init}"']:
        faults.append("the playlist does not name the init segment, once")
    if [line for line in lines if line and not line.startswith("#")] != media:
        faults.append("the playlist does not name the segments in their order")
    told = [Fraction(n) for n in re.findall(r"^#EXTINF:(\d+\.\d{6}),$", "\n".join(lines), re.M)]
    true = [len(span) / plan.frame_rate for span in segments(plan)]
    if len(told) != len(true) or any(
        abs(a - b) > MICROSECOND for a, b in zip(told, true, strict=True)
    ):
        faults.append("the playlist does not tell how long its segments are")
    if abs(sum(told) - plan.frames / plan.frame_rate) > MICROSECOND * len(true):
        faults.append(f"the playlist tells {float(sum(told)):.6f} s in all")
    most = [int(n) for n in re.findall(r"^#EXT-X-TARGETDURATION:(\d+)$", "\n".join(lines), re.M)]
    if len(most) != 1 or any(round(length) > most[0] for length in true):
        faults.append("the playlist's target duration is too short")
    return faults


def _init_faults(path: Path) -> list[str]:
    """It says how what follows is coded, and nothing else."""
    with path.open("rb") as file:
        found = list(boxes(file, path.stat().st_size))
        if [box.kind for box in found] != [b"ftyp", b"moov"] or found[
            -1
        ].end != path.stat().st_size:
            return ["its boxes are not ftyp, moov"]
        file.seek(found[1].body)
        movie = file.read(found[1].end - found[1].body)
    faults = []
    for kind, box in inside(movie):
        if kind == b"udta" and not all(says_nothing(*one) for one in inside(box)):
            faults.append("it carries metadata")
        if kind == b"trak":
            inner = dict(inside(box))
            if b"edts" in inner:
                faults.append("it has an edit list, which players read differently")
            if inner.get(b"tkhd", b"")[-44:-8] != UPRIGHT:
                faults.append("it turns or moves the picture")
        if kind not in (b"mvhd", b"trak", b"mvex", b"udta"):
            faults.append(f"it carries a box '{kind.decode('latin-1')}'")
    return faults


def _look_faults(data: bytes, plan: OutputPlan, looks: set[Look]) -> list[str]:
    """How it says that its pictures are coded is what was planned, and is true of every piece."""
    import av

    try:
        with av.open(BytesIO(data), "r", metadata_errors="replace") as container:
            mine = look_of(container.streams.video[0])
    except (av.FFmpegError, IndexError) as error:
        return [unreadable(error)]
    ways = sorted({way for look in looks for way in mine.unlike(look)})
    return mine.faults(plan) + [f"its {way} are not those of every piece" for way in ways]


def _segment_faults(
    head: bytes, path: Path, span: Span, video: Track, voice: Track, heard: Callable[[], None]
) -> list[str]:
    """Read the segment alone, and let the tracks take its packets."""
    import av

    with path.open("rb") as file:
        found = list(boxes(file, path.stat().st_size))
    kinds = [box.kind for box in found]
    whole = bool(found) and found[-1].end == path.stat().st_size
    if not whole or kinds != [b"moof", b"mdat"] * (len(kinds) // 2):
        return ["its boxes are not moof, mdat and so on"]
    frames, faults, bytes_read = 0, list[str](), 0
    try:
        with av.open(
            BytesIO(head + path.read_bytes()), "r", metadata_errors="replace"
        ) as container:
            picture = container.streams.video[0]
            avcc = look_of(picture).extradata
            for packet in container.demux():
                heard()
                if not packet.size:
                    continue
                track = video if packet.stream_index == picture.index else voice
                track.base = packet.time_base or NO_BASE
                track.take(packet)
                bytes_read += packet.size
                if track is video:
                    if frames == 0:
                        faults += _first_faults(cast("Packet[VideoStream]", packet), avcc)
                    frames += 1
    except (av.FFmpegError, IndexError) as error:
        faults.append(unreadable(error))
    if frames != len(span):
        faults.append(f"it has {frames} frames, not {len(span)}")
    held = sum(box.end - box.body for box in found if box.kind == b"mdat")
    if held != bytes_read:
        faults.append(f"{held - bytes_read} bytes of it belong to no packet")
    return faults


def _first_faults(packet: "Packet[VideoStream]", avcc: bytes) -> list[str]:
    """Whether a decoder that begins here has a picture at once."""
    import av

    if not stands_alone(packet, avcc):
        return ["it does not begin with a picture that stands alone"]
    decoder = av.CodecContext.create("h264", "r")
    decoder.extradata = avcc
    frames = [*decoder.decode(packet), *decoder.decode(None)]
    if len(frames) != 1 or frames[0].is_corrupt or is_blank(frames[0]):
        return ["its first picture does not decode"]
    return []


def _track_faults(
    video: Track,
    voice: Track,
    plan: OutputPlan,
    pieces: Sequence[Part],
    sound: Part | None,
    heard: Callable[[], None],
) -> list[str]:
    """All packets of all segments in order: those of the parts, at their times."""
    faults = time_faults(video.from_zero(), plan, plan.frames)
    if not 0 <= video.start <= MOST_DELAY:
        faults.append(f"its pictures begin at {float(video.start):.3f} s")
    if video.payload != content(pieces, "video", heard)[0]:
        faults.append("the pictures are not those of the verified pieces")
    if sound is None:
        return faults + (["it has a sound that was not planned"] if voice.size_bytes else [])
    true = track_of(sound, heard)
    if voice.payload != true.payload:
        faults.append("the sound is not the verified one")
    if voice.has_gaps:
        faults.append("the sound has gaps")
    late = (voice.start - video.start - true.start) * SAMPLE_RATE
    longer = (voice.end - voice.start - true.end + true.start) * SAMPLE_RATE
    if abs(late) > 1 or longer:
        faults.append(f"the sound is {float(late):.1f} samples late, {float(longer):g} longer")
    return faults
