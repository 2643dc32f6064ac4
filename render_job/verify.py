"""Verified or not done: what is checked about a piece, a sound and a finished output.

Every check is a fault in words or nothing; times are compared as fractions, never as floats. PyAV
is imported inside the functions: it takes longer to import than all the rest of a task.

What is looked at only once: a piece and a sound are decoded when they are made, and never again.
Afterwards their digests stand for them, and an output is compared with them packet by packet. So
what no digest can tell is whether the right pictures were made in the first place: a black,
frozen or otherwise plausible picture in place of another passes.
"""

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from render_job.faults import (
    bounded,
    loudness_faults,
    md5_of,
    part_faults,
    samples_of,
    seam_faults,
    sha256_of,
    sound_faults,
    time_faults,
    unheard,
    unreadable,
    voice_faults,
)
from render_job.found import NO_BASE, content, picture_faults, read
from render_job.level import Level
from render_job.looks import Look, is_blank, look_of, stands_alone
from render_job.loudness import Meter
from render_job.movie import movie_faults
from render_job.strict import for_errors_alone, frames_of, strictly
from render_job.studio import Part
from render_job.tracks import Track
from schemas.certificate import Certificate, PieceVerdict
from schemas.media import VideoStream
from schemas.pieces import Span
from schemas.plan import RECIPE_VERSION, SAMPLE_RATE, AudioPlan, OutputPlan

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

AAC_FRAME_SAMPLES = 1024
AUDIBLE = 0.001
"""Of full scale, -60 dBFS: a sound that never reaches it counts as silent."""


def verify_piece(
    path: Path,
    plan: OutputPlan,
    span: Span,
    source: VideoStream,
    *,
    heard: Callable[[], None] = unheard,
) -> PieceVerdict:
    """Decode the piece from end to end and say what is wrong with it.

    It must hold one stream and in it exactly `len(span)` frames at 0, 1, 2 … frame times, IDR
    frames on the GOP grid and nowhere else, and decode without an error into pictures of the
    planned size and kind that are not blank, in colours tagged as the `source` tags its own. A file
    that cannot even be opened has a verdict too: a failed one, without frames.
    """
    import av

    track, decoded, look, streams = Track(base=NO_BASE), 0, Look(), 0
    shapes, faults, blank = set[tuple[tuple[int, int], str]](), list[str](), 0
    try:
        with av.open(f"file:{path}", metadata_errors="replace") as container:
            streams, stream = len(container.streams), container.streams.video[0]
            look = look_of(stream)
            track = Track(base=look.time_base)
            if look.codec:
                for_errors_alone(stream)
            for packet in container.demux(stream) if look.codec else ():
                heard()
                if packet.is_keyframe and packet.size and not stands_alone(packet, look.extradata):
                    faults.append(f"the key frame before frame {decoded} is no clean start")
                track.take(packet)
                for frame in frames_of(packet, faults):
                    if frame.is_corrupt:
                        faults.append(f"frame {decoded} is damaged")
                    if is_blank(frame):
                        faults.append(f"frame {decoded} is blank")
                        blank += 1
                    decoded += 1
                    shapes.add(((frame.width, frame.height), frame.format.name))
    except (av.FFmpegError, IndexError) as error:
        faults.append(unreadable(error))
    if streams > 1:
        faults.append(f"it has {streams} streams")
    if decoded != len(span):
        faults.append(f"{decoded} frames decode, not {len(span)}")
    faults += [*look.faults(plan), *look.colour_faults(source)]
    for size, kind in shapes - {(look.size, look.pixel_format)}:
        faults.append(f"some pictures are {size[0]}x{size[1]} of {kind}")
    times = time_faults(track, plan, len(span))
    kinds = {"blank": blank, "times": len(times), "": len(faults) - blank}
    alone = [kind for kind, count in kinds.items() if count]
    faults += times
    verdict = _verdict(path, len(track), decoded, look.extradata, faults)
    return replace(verdict, alone=alone[0]) if len(alone) == 1 else verdict


def verify_sound(
    path: Path,
    plan: AudioPlan,
    *,
    level: Level | None = None,
    heard: Callable[[], None] = unheard,
) -> PieceVerdict:
    """Decode a clip's sound from end to end; the verdict counts samples where it says frames.

    `frames` is the length that is played, `decoded_frames` what the decoder gave: up to one AAC
    frame more, since the last frame is filled up with silence that is not played. Silence is told,
    but is no fault: many sources have a silent track. With a `level` it is measured as well, and
    must have come out as wanted.
    """
    import av

    track, decoded, silent = Track(base=NO_BASE), 0, True
    extradata, faults, loudness = b"", list[str](), None
    try:
        with av.open(f"file:{path}", metadata_errors="replace") as container:
            stream = container.streams.audio[0]
            faults += voice_faults(stream)
            if len(container.streams) > 1:
                faults.append(f"it has {len(container.streams)} streams")
            extradata = b"" if faults else stream.codec_context.extradata or b""
            track = Track(base=stream.time_base or NO_BASE)
            if not faults:
                strictly(stream)
            meter = Meter(stream) if level and not faults else None
            for packet in () if faults else container.demux(stream):
                heard()
                track.take(packet)
                for frame in packet.decode():
                    decoded += frame.samples
                    silent = silent and not _is_audible(frame)
                    if meter:
                        meter.hear(frame)
            if level and meter:
                loudness = level.told(meter.heard)
                faults += level.faults(meter.heard)
    except (av.FFmpegError, IndexError) as error:
        faults.append(unreadable(error))
    if not 0 <= decoded - plan.samples < AAC_FRAME_SAMPLES:
        faults.append(f"{decoded} samples decode, for {plan.samples}")
    faults += sound_faults(track, plan)
    verdict = _verdict(path, samples_of(track), decoded, extradata, faults)
    return replace(verdict, silent=silent, loudness=loudness)


def verify_output(
    path: Path,
    plan: OutputPlan,
    audio: AudioPlan | None,
    pieces: Mapping[Span, Part],
    sound: Part | None,
    *,
    encoder_class: str,
    heard: Callable[[], None] = unheard,
) -> Certificate:
    """Check the finished file by its packets alone; the pictures were decoded piece by piece.

    Every part must be what its verdict was given for. The payload of every packet must be, byte
    for byte, that of the parts in order, and its time exactly that of its frame, over all seams;
    no byte of the file may belong to anything else. The sound must be as long as planned, to the
    sample: the encoder's lead-in lies before time 0 and the filling of the last AAC frame beyond
    the last packet's stated duration, so neither is played nor counted. So picture and sound end
    together but for the rounding to a whole sample: no seam may add to that.
    """
    found = read(path, heard)
    video, voice = found.video, found.sound
    faults = [*found.faults, *found.look.faults(plan)]
    if found.streams != (1 if audio is None else 2) or (voice is None) != (audio is None):
        faults.append("its streams are not one video and the planned sound")
    faults += time_faults(video, plan, plan.frames) + seam_faults(video, plan, list(pieces))
    for span, piece in pieces.items():
        faults += [f"piece {span}: {fault}" for fault in part_faults(piece, len(span), heard)]
    faults += picture_faults(found, list(pieces.values()), heard)
    samples = None if voice is None else samples_of(voice)
    drift = 0 if samples is None else samples - round(video.end * SAMPLE_RATE)
    if voice is not None and audio is not None:
        faults += sound_faults(voice, audio)
        if sound is not None:
            faults += [f"sound: {fault}" for fault in part_faults(sound, audio.samples, heard)]
            faults += loudness_faults(sound, audio)
        if sound is None or voice.payload != content([sound], "audio", heard)[0]:
            faults.append("the sound is not the verified one")
    if drift:
        faults.append(f"sound and picture differ by {drift} samples")
    faults += movie_faults(
        path,
        plan,
        packets_bytes=video.size_bytes + (voice.size_bytes if voice else 0),
        seconds=max(video.end, voice.end if voice else video.end),
    )
    return Certificate(
        planned_frames=plan.frames,
        frames=len(video),
        frame_rate=plan.frame_rate,
        width=found.look.size[0],
        height=found.look.size[1],
        duration_seconds=video.end - video.start,
        pieces=len(pieces),
        seams=len(pieces) - 1,
        audio_samples=samples,
        drift_samples=drift,
        size_bytes=path.stat().st_size,
        sha256=sha256_of(path, heard),
        encoder_class=encoder_class,
        recipe=RECIPE_VERSION,
        loudness=sound.verdict.loudness if sound and sound.verdict else None,
        faults=bounded(faults),
    )


def extradata_md5(path: Path) -> str | None:
    """The digest of a piece's H.264 parameter sets, as its verdict has it; None if unreadable."""
    import av

    try:
        with av.open(f"file:{path}", metadata_errors="replace") as container:
            return md5_of(look_of(container.streams.video[0]).extradata)
    except (av.FFmpegError, IndexError):
        return None


def _is_audible(frame: "AudioFrame") -> bool:
    """AAC decodes to planes of floats, one a channel; the others count as audible unlooked at."""
    if frame.format.name != "fltp":
        return True
    planes = (array("f", bytes(plane)[: 4 * frame.samples]) for plane in frame.planes)
    return any(max(samples) > AUDIBLE or min(samples) < -AUDIBLE for samples in planes if samples)


def _verdict(
    path: Path,
    frames: int,
    decoded: int,
    extradata: bytes,
    faults: Sequence[str],
) -> PieceVerdict:
    return PieceVerdict(
        frames=frames,
        decoded_frames=decoded,
        size_bytes=path.stat().st_size,
        sha256=sha256_of(path),
        extradata_md5=md5_of(extradata),
        faults=bounded(faults),
    )
