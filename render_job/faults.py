"""What is wrong with tracks and parts, in words; an empty list where nothing is."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from render_job.tracks import Track
from schemas.pieces import Span
from schemas.plan import SAMPLE_RATE, AudioPlan, OutputPlan

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.stream import AudioStream

    from render_job.studio import Part

BLOCK_BYTES = 1 << 20


def unheard() -> None:
    """Nobody waits for a sign of life."""


def time_faults(track: Track, plan: OutputPlan, frames: int) -> list[str]:
    """Every frame at its time, key frames on the GOP grid only, decoding times rising."""
    faults = []
    if len(track) != frames:
        faults.append(f"it has {len(track)} frames, not {frames}")
    off = track.off_beat(plan.frame_rate)
    if (first := next(off, None)) is not None:
        many = 1 + sum(1 for _ in off)
        faults.append(f"{many} frames are not at their time, the first is frame {first}")
    if not track.keys_every(plan.gop, frames, plan.frame_rate):
        faults.append(f"the key frames are not those on the grid of {plan.gop} frames")
    if track.leading:
        faults.append(f"{track.leading} frames are shown before their key frame: open GOPs")
    if not track.decoding_times_rise:
        faults.append("decoding times do not rise")
    if track.has_gaps or track.end != frames / plan.frame_rate:
        faults.append(f"its frames do not last until {float(frames / plan.frame_rate):.6f} s")
    return faults


def seam_faults(track: Track, plan: OutputPlan, pieces: Sequence[Span]) -> list[str]:
    """The pieces tile the output, and at each seam the new piece's key frame is one step on."""
    ends = [0, *(piece.end for piece in pieces)]
    if [piece.start for piece in pieces] != ends[:-1] or ends[-1] != plan.frames:
        return ["the pieces do not tile the output"]
    broken = (seam for seam in ends[1:-1] if not _is_whole(track, plan, seam))
    return [f"the seam at frame {seam} is broken" for seam in broken]


def _is_whole(track: Track, plan: OutputPlan, seam: int) -> bool:
    """One step from the frame before to the key frame."""
    if seam >= len(track):
        return False
    step = track.time(seam) - track.time(seam - 1)
    return step * plan.frame_rate == 1 and track.is_key(seam)


def sound_faults(track: Track, plan: AudioPlan) -> list[str]:
    """As long as planned, to the sample, and without a gap from time 0 on."""
    faults = []
    if samples_of(track) != plan.samples:
        faults.append(f"the sound is {samples_of(track)} samples long, not {plan.samples}")
    if track.has_gaps or track.start > 0:
        faults.append("the sound has gaps")
    return faults


def voice_faults(stream: "AudioStream") -> list[str]:
    """Stereo AAC at SAMPLE_RATE, or it cannot be what the recipe makes."""
    context = cast("AudioCodecContext | None", stream.codec_context)
    if context is None:
        return ["its sound is of no known kind"]
    kind = (context.name, context.sample_rate, context.layout.nb_channels)
    if kind != ("aac", SAMPLE_RATE, 2):
        return ["its sound is {}, {} samples a second, {} channels".format(*kind)]
    return []


def samples_of(track: Track) -> int:
    """The length that is played: from time 0, which is after the encoder's lead-in."""
    return round(track.end * SAMPLE_RATE)


def part_faults(part: "Part", length: int, heard: Callable[[], None]) -> list[str]:
    """Whether it is, byte for byte, what was verified, and was verified as what it is used for."""
    verdict = part.verdict
    if verdict is None or not verdict.passed:
        return ["it was never verified"]
    faults = []
    if verdict.subject not in ("", part.name):
        faults.append("it was made as another one")
    if verdict.frames != length:
        faults.append(f"it was verified with a length of {verdict.frames}, not {length}")
    if verdict.sha256 != sha256_of(part.path, heard):
        faults.append("its bytes are not those that were verified")
    return faults


def loudness_faults(sound: "Part", plan: AudioPlan) -> list[str]:
    """Whether it was measured and found as loud as asked for; its bytes are those measured."""
    told = sound.verdict.loudness if sound.verdict else None
    if (told.target if told else None) != plan.loudness:
        asked = f"{float(plan.loudness):g} LUFS" if plan.loudness is not None else "no loudness"
        return [f"sound: it was not made for {asked}"]
    return []


def sha256_of(path: Path, heard: Callable[[], None] = unheard) -> str:
    """The digest of the file's bytes, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            heard()
            digest.update(block)
    return digest.hexdigest()


def unreadable(error: Exception) -> str:
    """The fault without the path that the exception names."""
    return f"it cannot be read: {getattr(error, 'strerror', None) or error}"


def md5_of(data: bytes) -> str:
    """A short digest, in hex: it tells things apart and protects nothing."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def bounded(faults: Sequence[str]) -> tuple[str, ...]:
    """At most ten faults: a damaged file may have thousands."""
    rest = len(faults) - 10
    return (*faults[:10], f"and {rest} more") if rest > 0 else tuple(faults)
