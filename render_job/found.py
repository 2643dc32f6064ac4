"""What the packets of a file say, read without decoding: of an output, and of its parts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from render_job.faults import unreadable, voice_faults
from render_job.looks import Look, look_of
from render_job.studio import Part
from render_job.tracks import Track

NO_BASE = Fraction(1)
"""The ticks of a track that says nothing of them."""


@dataclass(kw_only=True)
class Found:
    """What a finished file's packets say."""

    video: Track = field(default_factory=lambda: Track(base=NO_BASE))
    sound: Track | None = None
    streams: int = 0
    look: Look = field(default_factory=Look)
    faults: list[str] = field(default_factory=list)


def read(path: Path, heard: Callable[[], None]) -> Found:
    """Every packet of the file once; what cannot be read is a fault."""
    import av

    found = Found()
    try:
        with av.open(f"file:{path}", metadata_errors="replace") as container:
            picture, sounds = container.streams.video[0], container.streams.audio
            found.streams = len(container.streams)
            found.look = look_of(picture)
            found.video = Track(base=picture.time_base or NO_BASE)
            tracks = {picture.index: found.video}
            if sounds:
                found.faults += voice_faults(sounds[0])
                found.sound = tracks[sounds[0].index] = Track(base=sounds[0].time_base or NO_BASE)
            for packet in container.demux():
                heard()
                if packet.stream_index in tracks:
                    tracks[packet.stream_index].take(packet)
    except (av.FFmpegError, IndexError) as error:
        found.faults.append(unreadable(error))
    return found


def content(
    parts: Sequence[Part], kind: str, heard: Callable[[], None]
) -> tuple[str | None, set[Look]]:
    """The digest of all their packets in order, and how they look; None if one cannot be read."""
    import av

    track, looks = Track(base=NO_BASE), set[Look]()
    try:
        for part in parts:
            with av.open(f"file:{part.path}", metadata_errors="replace") as container:
                looks |= {look_of(stream) for stream in container.streams.video[:1]}
                for packet in container.demux(**{kind: 0}):
                    heard()
                    track.take(packet)
    except (av.FFmpegError, IndexError):
        return None, looks
    return track.payload, looks


def track_of(sound: Part, heard: Callable[[], None]) -> Track:
    """The packets of a sound; none where it cannot be read."""
    import av

    track = Track(base=NO_BASE)
    try:
        with av.open(f"file:{sound.path}", metadata_errors="replace") as container:
            track.base = container.streams.audio[0].time_base or NO_BASE
            for packet in container.demux(audio=0):
                heard()
                track.take(packet)
    except (av.FFmpegError, IndexError):
        return Track(base=NO_BASE)
    return track


def picture_faults(found: Found, pieces: Sequence[Part], heard: Callable[[], None]) -> list[str]:
    """Whether the output's pictures and what it says of them are those of the pieces, all alike."""
    payload, looks = content(pieces, "video", heard)
    ways = {way for look in looks for way in found.look.unlike(look)}
    faults = [f"its {way} are not those of every piece" for way in sorted(ways)]
    if found.video.payload != payload:
        faults.append("the pictures are not those of the verified pieces")
    return faults
