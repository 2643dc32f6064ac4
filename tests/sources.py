"""Videos to test with, all derived from the committed sample, and what they truly are.

`media_of` reads every packet, which no prober would: it is the truth that others are held to.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise
from math import floor
from pathlib import Path
from struct import pack

import av
from av.video.frame import VideoFrame

from render_job.encoder import find_ffmpeg
from render_job.ffmpeg import ask
from schemas.media import AudioStream, Media, VideoStream
from schemas.pieces import Span, cut_into_chunks
from schemas.plan import SAMPLE_RATE, AudioPlan, OutputPlan

SAMPLE = Path(__file__).parents[1] / "infra" / "laptop" / "sample" / "sample.mp4"


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """How a source is made: from the sample or another source, by ffmpeg's words."""

    suffix: str = "mp4"
    of: str | None = None
    first: str = ""
    """Options before the input."""
    then: str
    """Options after the input; `{input}` is the input once more."""


_SMALL = "-t 10 -c:a copy -c:v libx264 -preset veryfast -crf 28 -bf 3 -g 250 -sc_threshold 0"
_HEVC = "-t 10 -c:a copy -c:v libx265 -preset ultrafast -crf 28 -vf scale=160:90"
SOURCES = {
    "constant": Derived(then=f"{_SMALL} -vf scale=160:90"),
    "ntsc": Derived(then=f"{_SMALL} -vf scale=160:90,fps=30000/1001"),
    "ntsc_film": Derived(then=f"{_SMALL} -vf scale=160:90,fps=24000/1001"),
    "pal": Derived(then=f"{_SMALL} -vf scale=160:90,fps=25"),
    "fast": Derived(then=f"{_SMALL} -t 5 -vf scale=160:90,fps=60000/1001"),
    "open_gop": Derived(then=f"{_SMALL} -vf scale=160:90 -g 48 -x264-params open-gop=1"),
    "open_gop_hevc": Derived(
        then=f"{_HEVC} -x265-params log-level=none:open-gop=1:keyint=48:bframes=3"
    ),
    "hdr": Derived(
        then=f"{_HEVC} -pix_fmt yuv420p10le -x265-params log-level=none:hdr10=1:colorprim=bt2020:"
        "transfer=smpte2084:colormatrix=bt2020nc"
    ),
    "hlg": Derived(
        then=f"{_HEVC} -pix_fmt yuv420p10le -x265-params log-level=none:colorprim=bt2020:"
        "transfer=arib-std-b67:colormatrix=bt2020nc"
    ),
    "variable": Derived(
        then=f"{_SMALL} -fps_mode vfr -vf scale=160:90,select='mod(n\\,7)*mod(n\\,11)'"
    ),
    "hole": Derived(
        then=f"{_SMALL} -fps_mode vfr -vf scale=160:90,"
        "select='mod(n\\,7)*not(between(t\\,2.9\\,7.4))'"
    ),
    "late_sound": Derived(
        of="ntsc", then="-itsoffset 2.4 -i {input} -map 0:v -map 1:a -c copy"
    ),
    "late_picture": Derived(
        of="ntsc", first="-itsoffset 0.5", then="-i {input} -map 0:v -map 1:a -c copy"
    ),
    "silent": Derived(of="ntsc", then="-an -c copy"),
    "rotated": Derived(of="ntsc", then="-c copy"),
    "interlaced": Derived(  # at twice the speed, so that every field is of another moment
        first="-ss 12",
        then=f"{_SMALL} -t 3 -vf setpts=PTS/2,fps=48,scale=160:96,setsar=1,interlace=scan=tff "
        "-flags +ilme+ildct",
    ),
    "brief": Derived(of="ntsc", then="-t 3 -c copy"),
    "brief_turned": Derived(of="ntsc", then="-t 3 -c copy"),
    "upside_down": Derived(of="ntsc", then="-c copy"),
    "turned_back": Derived(of="ntsc", then="-c copy"),
    "mirrored": Derived(of="ntsc", then="-c copy"),
    "mirrored_upside_down": Derived(of="ntsc", then="-c copy"),
    "mirrored_and_turned": Derived(of="ntsc", then="-c copy"),
    "edited": Derived(of="ntsc", first="-ss 3.3", then="-c copy"),
    "long": Derived(then=f"{_SMALL} -t 30 -vf scale=160:90,fps=30000/1001"),
    "transport": Derived(suffix="ts", of="long", then="-c copy"),
    "one_key": Derived(suffix="ts", then=f"{_SMALL} -t 30 -vf scale=160:90 -g 999"),
    "far_transport": Derived(suffix="ts", of="hole", then="-c copy -output_ts_offset 50000"),
    "wrapped": Derived(
        suffix="ts", of="long", then="-c copy -muxdelay 0 -output_ts_offset 95438"
    ),
    "fragmented": Derived(of="ntsc", then="-c copy -movflags +frag_keyframe+empty_moov"),
    "webm": Derived(
        suffix="webm",
        of="ntsc",
        then="-c:v libvpx -b:v 200k -deadline realtime -cpu-used 8 -c:a libopus -b:a 48k",
    ),
    "vp9": Derived(
        suffix="webm",
        of="ntsc",
        then="-c:v libvpx-vp9 -b:v 200k -deadline good -cpu-used 5 -c:a libopus -b:a 48k",
    ),
    "av1": Derived(of="ntsc", then="-c:v libsvtav1 -preset 12 -crf 40 -g 120 -c:a copy"),
    "mpeg2_transport": Derived(
        suffix="ts", of="ntsc", then="-c:v mpeg2video -q:v 6 -bf 2 -g 15 -c:a mp2 -b:a 96k"
    ),
    "third": Derived(
        suffix="3gp",
        of="ntsc",
        then="-vf scale=176:144 -c:v h263 -q:v 6 -c:a aac -ar 8000 -ac 1 -b:a 16k",
    ),
    "avi": Derived(
        suffix="avi", of="constant", then="-c:v mpeg4 -q:v 5 -g 100 -c:a libmp3lame -b:a 64k"
    ),
    "matroska": Derived(suffix="mkv", of="variable", then="-c copy"),
    "even_matroska": Derived(suffix="mkv", of="ntsc", then="-c copy"),
    "truncated": Derived(of="ntsc", then="-c copy -movflags +faststart"),
}  # fmt: skip
UNINDEXED = ("mpegts",)


def _shown_by(movie: bytes, a: int, b: int, c: int, d: int) -> bytes:
    """The movie whose first track is to be shown by that matrix (ISO/IEC 14496-12, 8.3.2)."""
    at = movie.index(b"tkhd") + 44
    matrix = pack(">9i", a << 16, b << 16, 0, c << 16, d << 16, 0, 0, 0, 1 << 30)
    return movie[:at] + matrix + movie[at + len(matrix) :]


def _turned(movie: bytes) -> bytes:
    """Clockwise, by 90 degrees."""
    return _shown_by(movie, 0, 1, -1, 0)


AFTERWARDS: dict[str, Callable[[bytes], bytes]] = {
    "rotated": _turned,
    "brief_turned": _turned,
    "upside_down": lambda movie: _shown_by(movie, -1, 0, 0, -1),
    "turned_back": lambda movie: _shown_by(movie, 0, -1, 1, 0),
    "mirrored": lambda movie: _shown_by(movie, -1, 0, 0, 1),
    "mirrored_upside_down": lambda movie: _shown_by(movie, 1, 0, 0, -1),
    "mirrored_and_turned": lambda movie: _shown_by(movie, 0, 1, 1, 0),
    "truncated": lambda movie: movie[: len(movie) // 2],
}
"""What no ffmpeg option does, or not the same one in every version."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Makes each source once, in its folder; several processes may share it."""

    folder: Path

    def path(self, name: str) -> Path:
        """The source of that name in SOURCES."""
        derived = SOURCES[name]
        made = self.folder / f"{name}.{derived.suffix}"
        if not made.exists():
            origin = self.path(derived.of) if derived.of else SAMPLE
            then = (str(origin) if word == "{input}" else word for word in derived.then.split())
            mine = self.folder / f"{os.getpid()}.{made.name}"
            words = [*derived.first.split(), "-i", str(origin), *then, str(mine)]
            tool("-nostdin", "-v", "error", *words)
            if name in AFTERWARDS:
                mine.write_bytes(AFTERWARDS[name](mine.read_bytes()))
            mine.replace(made)
        return made


def tool(*words: str, limit: timedelta = timedelta(minutes=1)) -> str:
    """What the ffmpeg that renders here answers; an error of its own fails the test."""
    status, said = ask([find_ffmpeg().path, *words], limit=limit)
    assert status == 0, said
    return said


def media_of(path: Path) -> Media:
    """What the file is, from all its packets and one decoded frame."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        base = stream.time_base or Fraction(1)
        sound = container.streams.audio[0] if container.streams.audio else None
        shown = sorted(
            (pts, packet.duration or 0)
            for packet in container.demux(stream)
            if packet.size
            and not packet.is_discard
            # AVI knows no presentation times; its decode times are the same grid.
            and (pts := packet.dts if packet.pts is None else packet.pts) is not None
        )
        times = [pts for pts, _ in shown]
        picture = _first_picture(path)
        video = VideoStream(
            codec=stream.codec_context.codec.canonical_name,
            width=stream.codec_context.width,
            height=stream.codec_context.height,
            rotation=int(-picture.rotation % 360),
            interlaced=picture.interlaced_frame,
            matrix=int(picture.colorspace),
            full_range=int(picture.color_range) == 2,
            transfer=int(picture.color_trc),
            pixel_format=stream.codec_context.pix_fmt or "",
            sample_aspect=Fraction(stream.sample_aspect_ratio or 1),
            time_base=base,
            frame_rate=stream.average_rate or Fraction(1),
            frames=len(times),
            first_pts=times[0],
            end_pts=sum(shown[-1]),
            largest_gap=max(b - a for a, b in pairwise(times)),
        )
        return Media(
            container=container.format.name,
            size_bytes=path.stat().st_size,
            seekable=container.format.name not in UNINDEXED,
            video=video,
            audio=None
            if sound is None
            else AudioStream(
                codec=sound.codec_context.codec.canonical_name,
                sample_rate=sound.codec_context.sample_rate,
                channels=sound.codec_context.channels,
            ),
        )


def _first_picture(path: Path) -> VideoFrame:
    with av.open(str(path)) as container:
        return next(container.decode(video=0))


def frames_of(media: Media, rate: Fraction, start_pts: int) -> int:
    """How many frames a single pass makes from `start_pts` to the end: rounded, halves up."""
    left = (media.video.end_pts - start_pts) * media.video.time_base
    return floor(left * rate + Fraction(1, 2))


def plan_of(
    media: Media,
    *,
    rate: Fraction,
    start: Fraction = Fraction(0),
    gop: int = 12,
    length: int = 36,
    lossless: bool = True,
    size: tuple[int, int] | None = None,
) -> OutputPlan:
    """One output of the source from `start` seconds to its end, in chunks of about `length`."""
    start_pts = media.video.first_pts + round(start / media.video.time_base)
    frames = frames_of(media, rate, start_pts)
    width, height = size or media.video.display_size
    return OutputPlan(
        clip="full",
        output="test",
        start_pts=start_pts,
        frame_rate=rate,
        frames=frames,
        gop=gop,
        chunks=cut_into_chunks(frames, gop=gop, length=lambda left: length),
        width=width,
        height=height,
        crf=0 if lossless else 23,
        preset="ultrafast" if lossless else "veryfast",
        lossless=lossless,
        object_name="test.mp4",
    )


def whole(plan: OutputPlan) -> Span:
    """The span of a single pass."""
    return Span(0, plan.frames)


def sound_of(media: Media, plan: OutputPlan) -> AudioPlan:
    """The sound that belongs to the output."""
    return AudioPlan(
        clip=plan.clip,
        start_seconds=plan.start_pts * media.video.time_base,
        samples=round(plan.frames / plan.frame_rate * SAMPLE_RATE),
        bitrate=96_000,
    )


def frame_md5s(*words: str | Path) -> Sequence[str]:
    """A digest of every decoded picture, in order; a file, or options around one."""
    at = next(n for n, word in enumerate(words) if isinstance(word, Path))
    before, source, then = words[:at], words[at], words[at + 1 :]
    command = (*before, "-i", source, "-map", "0:V:0", *then, "-f", "framemd5", "-")
    said = tool("-nostdin", "-v", "error", *map(str, command))
    return [line.split(",")[-1].strip() for line in said.splitlines() if line[:1] == "0"]


def times_of(path: Path) -> Sequence[Fraction]:
    """When every picture is shown, by the packets: exact, unlike ffmpeg's own framemd5."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        base = stream.time_base or Fraction(1)
        return sorted(p.pts * base for p in container.demux(stream) if p.size and p.pts is not None)
