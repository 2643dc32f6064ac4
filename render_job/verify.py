"""Verified or not done: what is checked about a piece, a sound and a finished output.

Every check is a fault in words or nothing; times are compared as fractions, never as floats. PyAV
is imported inside the functions: it takes longer to import than all the rest of a task.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from render_job.tracks import Track
from schemas.certificate import Certificate, PieceVerdict
from schemas.pieces import Span
from schemas.plan import RECIPE_VERSION, SAMPLE_RATE, AudioPlan, OutputPlan

AAC_FRAME_SAMPLES = 1024
STRICT = {"err_detect": "explode"}
"""Decoder options: an error that could be concealed is an error."""
BLOCK_BYTES = 1 << 20
_NOTHING = Fraction(1)


def _unheard() -> None:
    """Nobody waits for a sign of life."""


def verify_piece(
    path: Path, plan: OutputPlan, span: Span, *, heard: Callable[[], None] = _unheard
) -> PieceVerdict:
    """Decode the piece from end to end and say what is wrong with it.

    It must hold exactly `len(span)` frames at 0, 1, 2 … frame times, key frames on the GOP grid
    and nowhere else, and decode without an error into pictures of the planned size. A file that
    cannot even be opened has a verdict too: a failed one, without frames.
    """
    import av

    track, decoded, extradata = Track(base=_NOTHING), 0, b""
    sizes, faults = set[tuple[int, int]](), list[str]()
    try:
        with av.open(f"file:{path}", options=STRICT) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            extradata = stream.codec_context.extradata or b""
            track = Track(base=stream.time_base or _NOTHING)
            for packet in container.demux(stream):
                heard()
                track.take(packet)
                for frame in packet.decode():
                    if frame.is_corrupt:
                        faults.append(f"frame {decoded} is damaged")
                    decoded += 1
                    sizes.add((frame.width, frame.height))
    except (av.FFmpegError, IndexError) as error:
        faults.append(_unreadable(error))
    if decoded != len(span):
        faults.append(f"{decoded} frames decode, not {len(span)}")
    faults += [_size_fault(size, plan) for size in sizes if size != (plan.width, plan.height)]
    faults += _time_faults(track, plan, len(span))
    return _verdict(path, len(track.times), decoded, extradata, faults)


def verify_sound(
    path: Path, plan: AudioPlan, *, heard: Callable[[], None] = _unheard
) -> PieceVerdict:
    """Decode a clip's sound from end to end; the verdict counts samples where it says frames.

    `frames` is the length that is played, `decoded_frames` what the decoder gave: up to one AAC
    frame more, since the last frame is filled up with silence that is not played.
    """
    import av

    track, decoded, extradata, faults = Track(base=_NOTHING), 0, b"", list[str]()
    try:
        with av.open(f"file:{path}", options=STRICT) as container:
            stream = container.streams.audio[0]
            extradata = stream.codec_context.extradata or b""
            track = Track(base=stream.time_base or _NOTHING)
            for packet in container.demux(stream):
                heard()
                track.take(packet)
                decoded += sum(frame.samples for frame in packet.decode())
    except (av.FFmpegError, IndexError) as error:
        faults.append(_unreadable(error))
    if not 0 <= decoded - plan.samples < AAC_FRAME_SAMPLES:
        faults.append(f"{decoded} samples decode, for {plan.samples}")
    faults += _sound_faults(track, plan)
    return _verdict(path, _samples(track), decoded, extradata, faults)


def verify_output(
    path: Path,
    plan: OutputPlan,
    audio: AudioPlan | None,
    pieces: Mapping[Span, Path],
    *,
    encoder_class: str,
    heard: Callable[[], None] = _unheard,
) -> Certificate:
    """Check the finished file by its packets alone; the pictures were decoded piece by piece.

    The payload of every packet must be, byte for byte, that of the verified pieces in order, and
    its time exactly that of its frame, over all seams. The sound must be as long as planned, to
    the sample: the encoder's lead-in lies before time 0 and the filling of the last AAC frame
    beyond the last packet's stated duration, so neither is played nor counted. Picture and sound
    may differ by the rounding in the plan; a drift of an AAC frame (1,024 samples) is a fault.
    """
    found = _read(path, heard)
    video, sound = found.video, found.sound
    faults = list(found.faults)
    if found.streams != (1 if audio is None else 2) or (sound is None) != (audio is None):
        faults.append("its streams are not one video and the planned sound")
    if found.size != (plan.width, plan.height):
        faults.append(_size_fault(found.size, plan))
    faults += _time_faults(video, plan, plan.frames) + _seam_faults(video, plan, list(pieces))
    if video.payload != _payload_of(pieces.values(), heard):
        faults.append("the pictures are not those of the verified pieces")
    samples = None if sound is None else _samples(sound)
    drift = 0 if samples is None else samples - round(video.end * SAMPLE_RATE)
    if sound is not None and audio is not None:
        faults += _sound_faults(sound, audio)
    if abs(drift) >= AAC_FRAME_SAMPLES:
        faults.append(f"sound and picture differ by {drift} samples")
    return Certificate(
        planned_frames=plan.frames,
        frames=len(video.times),
        frame_rate=plan.frame_rate,
        width=found.size[0],
        height=found.size[1],
        duration_seconds=video.end - video.start,
        pieces=len(pieces),
        seams=len(pieces) - 1,
        audio_samples=samples,
        drift_samples=drift,
        size_bytes=path.stat().st_size,
        sha256=sha256_of(path, heard),
        encoder_class=encoder_class,
        recipe=RECIPE_VERSION,
        faults=_bounded(faults),
    )


def extradata_md5(path: Path) -> str:
    """The digest of a piece's H.264 parameter sets, as its verdict has it."""
    import av

    with av.open(f"file:{path}") as container:
        return _md5(container.streams.video[0].codec_context.extradata or b"")


def sha256_of(path: Path, heard: Callable[[], None] = _unheard) -> str:
    """The digest of the file's bytes, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            heard()
            digest.update(block)
    return digest.hexdigest()


@dataclass(kw_only=True)
class _Found:
    """What a finished file's packets say."""

    video: Track = field(default_factory=lambda: Track(base=_NOTHING))
    sound: Track | None = None
    streams: int = 0
    size: tuple[int, int] = (0, 0)
    faults: list[str] = field(default_factory=list)


def _read(path: Path, heard: Callable[[], None]) -> _Found:
    import av

    found = _Found()
    try:
        with av.open(f"file:{path}") as container:
            picture, sounds = container.streams.video[0], container.streams.audio
            found.streams = len(container.streams)
            found.size = (picture.codec_context.width, picture.codec_context.height)
            found.video = Track(base=picture.time_base or _NOTHING)
            tracks = {picture.index: found.video}
            if sounds:
                found.sound = tracks[sounds[0].index] = Track(base=sounds[0].time_base or _NOTHING)
            for packet in container.demux():
                heard()
                if packet.stream_index in tracks:
                    tracks[packet.stream_index].take(packet)
    except (av.FFmpegError, IndexError) as error:
        found.faults.append(_unreadable(error))
    return found


def _time_faults(track: Track, plan: OutputPlan, frames: int) -> list[str]:
    """Every frame at its time, key frames on the GOP grid only, decoding times rising."""
    faults = []
    if len(track.times) != frames:
        faults.append(f"it has {len(track.times)} frames, not {frames}")
    off = [n for n, time in enumerate(track.times) if time * plan.frame_rate != n]
    if off:
        faults.append(f"{len(off)} frames are not at their time, the first is frame {off[0]}")
    if track.keys != [n / plan.frame_rate for n in range(0, frames, plan.gop)]:
        faults.append(f"the key frames are not those on the grid of {plan.gop} frames")
    if not track.decoding_times_rise:
        faults.append("decoding times do not rise")
    if track.has_gaps or track.end != frames / plan.frame_rate:
        faults.append(f"its frames do not last until {float(frames / plan.frame_rate):.6f} s")
    return faults


def _seam_faults(track: Track, plan: OutputPlan, pieces: Sequence[Span]) -> list[str]:
    """The pieces tile the output, and at each seam the new piece's key frame is one step on."""
    ends = [0, *(piece.end for piece in pieces)]
    if [piece.start for piece in pieces] != ends[:-1] or ends[-1] != plan.frames:
        return ["the pieces do not tile the output"]
    keys, step = set(track.keys), 1 / plan.frame_rate
    faults = []
    for seam in ends[1:-1]:
        around = track.times[seam - 1 : seam + 1]
        if len(around) != 2 or around[1] - around[0] != step or around[1] not in keys:
            faults.append(f"the seam at frame {seam} is broken")
    return faults


def _sound_faults(track: Track, plan: AudioPlan) -> list[str]:
    faults = []
    if _samples(track) != plan.samples:
        faults.append(f"the sound is {_samples(track)} samples long, not {plan.samples}")
    if track.has_gaps or track.start > 0:
        faults.append("the sound has gaps")
    return faults


def _samples(track: Track) -> int:
    """The length that is played: from time 0, which is after the encoder's lead-in."""
    return round(track.end * SAMPLE_RATE)


def _payload_of(paths: Iterable[Path], heard: Callable[[], None]) -> str:
    import av

    track = Track(base=_NOTHING)
    for path in paths:
        with av.open(f"file:{path}") as container:
            for packet in container.demux(video=0):
                heard()
                track.take(packet)
    return track.payload


def _verdict(
    path: Path, frames: int, decoded: int, extradata: bytes, faults: Sequence[str]
) -> PieceVerdict:
    return PieceVerdict(
        frames=frames,
        decoded_frames=decoded,
        size_bytes=path.stat().st_size,
        sha256=sha256_of(path),
        extradata_md5=_md5(extradata),
        faults=_bounded(faults),
    )


def _size_fault(size: tuple[int, int], plan: OutputPlan) -> str:
    return f"the picture is {size[0]}x{size[1]}, not {plan.width}x{plan.height}"


def _unreadable(error: Exception) -> str:
    """The fault without the path that the exception names."""
    return f"it cannot be read: {getattr(error, 'strerror', None) or error}"


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _bounded(faults: Sequence[str]) -> tuple[str, ...]:
    """At most ten faults: a damaged file may have thousands."""
    rest = len(faults) - 10
    return (*faults[:10], f"and {rest} more") if rest > 0 else tuple(faults)
