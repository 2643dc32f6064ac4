"""The recipe: which words to say to ffmpeg so that chunks join without a trace.

    source ticks   A ── settb, setpts=PTS-A ──► 0 = the clip's start
    output frames  fps=RATE:round=near          time base is now 1/RATE: a time is a frame number
    the chunk      trim=start_pts=n0:end_pts=n1 compares whole numbers: the same phase everywhere
    the piece      settb=1/RATE, setpts=PTS-n0  every piece starts at 0

Nothing on the way is a float or a microsecond, so a chunk has the frames that a single pass over
the whole clip has at the same numbers. Everything here is pure. Whoever changes the bytes that
come out raises `schemas.plan.RECIPE_VERSION`.
"""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor, lcm
from pathlib import Path

from render_job.engines import Engine, decoding, encoding, maker_of
from render_job.filters import graph
from render_job.studio import NOTHING, Drawn
from schemas.media import VideoStream
from schemas.pieces import Span
from schemas.plan import SAMPLE_RATE, OutputPlan
from schemas.uploads import DEMUXERS, LARGEST_BLOCK_BYTES, LIMITS, MOST_DECODED_PIXELS, decoders

PREROLL_FRAMES = 3
UNINDEXED_PREROLL_SECONDS = 12
"""How far before the wanted time a seek aims in a file without an index: there it lands between
key frames, and x264 sets them 250 frames apart by default: 10.4 s at 24 frames a second."""
FINEST_TIMESCALE = 10_000
LARGEST_TIMESCALE = 2**31 - 1


def video(
    plan: OutputPlan,
    source: VideoStream,
    seekable: bool,
    span: Span,
    *,
    input_url: str,
    ffmpeg: str,
    threads: int,
    seek: bool = True,
    protocols: Sequence[str] = ("file",),
    drawn: Drawn = NOTHING,
    engine: Engine = Engine.X264,
) -> list[str]:
    """The command that writes frames `span` of the output to stdout, as fragmented MP4.

    Every fragment is one GOP, so a cut file keeps its whole ones. `seek=False` decodes from the
    source's start: the answer to a piece that came out short. `input_url` is a URL, `file:/path`.
    `engine` is the machine's; the pictures of an image are the processor's on any machine.
    """
    engine = maker_of(plan, engine)
    at = _preroll(plan, source, seekable, span) if seek else None
    return [
        *start(ffmpeg, threads),
        *hardened(protocols),
        *seek_words(at),
        *(*decoding(engine, plan, source, threads), "-copyts", "-i", input_url),
        *_pictures(plan, source, span, drawn, engine, from_start=at is None),
        *("-an", "-sn", "-dn", "-fps_mode", "passthrough"),
        *encoding(engine, plan, threads),
        *("-frames:v", str(len(span)), *_lengths(plan)),
        *("-map_metadata", "-1", "-map_chapters", "-1"),
        *("-video_track_timescale", str(timescale(plan.frame_rate)), "-flush_packets", "1"),
        *("-movflags", "+frag_keyframe+empty_moov+delay_moov+default_base_moof"),
        *("-f", "mp4", "pipe:1"),
    ]


def join(
    listing: Path, audio: Path | None, plan: OutputPlan, out: Path, *, ffmpeg: str
) -> list[str]:
    """The command that joins the pieces named in the concat `listing`, and the sound, to `out`.

    Nothing is decoded. The concat demuxer adds durations in microseconds, so every time stamp is
    put back on the frame grid; it also repeats the parameter sets in every GOP, and they go, which
    is right only where all pieces have the same ones.
    """
    frame = frame_ticks(plan.frame_rate)
    on_grid = f"setts=pts=round(PTS/{frame})*{frame}:dts=round(DTS/{frame})*{frame}"
    tracks = ["-i", f"file:{audio}", "-map", "0:v:0", "-map", "1:a:0"] if audio else []
    return [
        *start(ffmpeg, 1),
        *("-protocol_whitelist", "file", "-f", "concat", "-safe", "0", "-i", f"file:{listing}"),
        *(tracks or ["-map", "0:v:0"]),
        *("-c", "copy", "-bsf:v", f"filter_units=remove_types=7|8,{on_grid}:duration={frame}"),
        *("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact"),
        *("-video_track_timescale", str(timescale(plan.frame_rate))),
        *("-movie_timescale", str(_movie_timescale(plan.frame_rate))),
        *("-movflags", "+faststart", "-f", "mp4", f"file:{out}"),
    ]


def _pictures(
    plan: OutputPlan,
    source: VideoStream,
    span: Span,
    drawn: Drawn,
    engine: Engine,
    *,
    from_start: bool,
) -> list[str]:
    """The filters, and before them the watermark as a second input: plain pixels, one picture."""
    words = graph(plan, source, span, drawn, from_start=from_start, engine=engine)
    if plan.watermark is None or drawn.mark is None:
        return ["-map", "0:V:0", "-vf", words]
    size = f"{plan.watermark.asset.width}x{plan.watermark.asset.height}"
    return [
        *("-protocol_whitelist", "file", "-f", "rawvideo", "-pixel_format", "rgba"),
        *("-video_size", size, "-framerate", "1", "-i", f"file:{drawn.mark}"),
        *("-filter_complex", words, "-map", "[out]"),
    ]


def timescale(rate: Fraction) -> int:
    """Ticks a second of an output's video track: a multiple of which every frame is whole."""
    ticks = rate.numerator
    while ticks < FINEST_TIMESCALE:
        ticks *= 2
    return ticks


def frame_ticks(rate: Fraction) -> int:
    """The length of one frame in those ticks."""
    return int(timescale(rate) / rate)


def _movie_timescale(rate: Fraction) -> int:
    """Ticks in which the lengths of picture and sound are both whole, if such ticks exist."""
    both = lcm(timescale(rate), SAMPLE_RATE)
    return both if both <= LARGEST_TIMESCALE else timescale(rate)


def start(ffmpeg: str, threads: int, *, loglevel: str = "error") -> list[str]:
    """How every command begins."""
    quiet = ("-nostdin", "-hide_banner", "-nostats", "-loglevel", loglevel, "-y")
    many = ("-filter_threads", str(threads), "-filter_complex_threads", str(threads))
    return [ffmpeg, *quiet, *many]


def protocols_of(url: str) -> Sequence[str]:
    """What ffmpeg needs to read a source: a file, or a port of this machine that serves it.

    The demuxers that would open other addresses, which an upload may name, are not in DEMUXERS.
    """
    return ("http", "tcp") if url.startswith("http://127.0.0.1:") else ("file",)


def hardened(protocols: Sequence[str]) -> list[str]:
    """What keeps a hostile upload from other files, the network and the machine's memory."""
    return [
        *("-max_alloc", str(LARGEST_BLOCK_BYTES), "-max_pixels", str(MOST_DECODED_PIXELS)),
        *("-max_streams", str(LIMITS.streams)),
        *("-protocol_whitelist", ",".join(protocols)),
        *("-format_whitelist", ",".join(DEMUXERS), "-codec_whitelist", ",".join(decoders())),
        *("-probesize", "20000000", "-analyzeduration", "10000000"),
    ]


def _lengths(plan: OutputPlan) -> list[str]:
    """Where frames are left out, those that stay last until the next one, also the last of all."""
    if plan.step == 1:
        return []
    length = 1 / plan.frame_rate
    return ["-bsf:v", f"setts=duration={length.numerator}/{length.denominator}/TB"]


def _preroll(plan: OutputPlan, source: VideoStream, seekable: bool, span: Span) -> Fraction | None:
    """Seconds on the source's time line to start decoding from; None for its beginning.

    The picture shown at the span's start may have begun one `largest_gap` earlier.
    """
    first, rate = plan.in_clip(span).start, plan.clip_rate
    wanted = plan.start_pts + first / (rate * source.time_base)
    frame = 1 / (min(rate, source.frame_rate) * source.time_base)
    ticks = floor(wanted) - source.largest_gap - ceil(PREROLL_FRAMES * frame)
    if not seekable:
        ticks -= ceil(UNINDEXED_PREROLL_SECONDS / source.time_base)
    return ticks * source.time_base if ticks > source.first_pts else None


def seek_words(at: Fraction | None) -> list[str]:
    """Begin reading at these seconds of the source, or at its beginning."""
    if at is None:
        return []
    whole, micros = divmod(abs(floor(at * 1_000_000)), 1_000_000)
    sign = "-" if at < 0 else ""
    return ["-seek_timestamp", "1", "-noaccurate_seek", "-ss", f"{sign}{whole}.{micros:06d}"]
