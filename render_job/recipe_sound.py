"""The recipe of a clip's sound: once for the whole clip, to the sample, at one gain.

    source ticks   asettb, asetpts ──► 0 = the clip's start, counted in samples
    the sound      stereo, gaps filled, what begins late preceded by silence
    its level      volume, and a limiter at four times the rate where peaks would be too high
    the clip       apad, atrim: exactly so many samples

Whoever changes the bytes that come out raises `schemas.plan.RECIPE_VERSION`.
"""

from collections.abc import Sequence
from pathlib import Path

from render_job.level import Level
from render_job.recipe import UNINDEXED_PREROLL_SECONDS, hardened, seek_words, start
from schemas.plan import SAMPLE_RATE, AudioPlan

OVERSAMPLED = 4 * SAMPLE_RATE
"""A true peak lies between samples: it is looked for at four times the rate (BS.1770-4, 2)."""


def sound(
    plan: AudioPlan,
    seekable: bool,
    *,
    input_url: str,
    out: Path,
    ffmpeg: str,
    level: Level | None = None,
    seek: bool = True,
    protocols: Sequence[str] = ("file",),
) -> list[str]:
    """The command that writes the clip's sound, `plan.samples` long to the sample, to `out`.

    Sound that starts late or ends early is filled with silence, also where none is left at all.
    `out` is plain MP4: ffmpeg 5.1 loses the encoder's lead-in when it reads a fragmented one.
    """
    return [
        *start(ffmpeg, 1),
        *_heard(plan, seekable, _levelling(level), input_url, seek=seek, protocols=protocols),
        *("-c:a", "aac", "-b:a", str(plan.bitrate)),
        *("-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact"),
        *("-movie_timescale", str(SAMPLE_RATE), "-f", "mp4", f"file:{out}"),
    ]


def measure(
    plan: AudioPlan,
    seekable: bool,
    *,
    input_url: str,
    ffmpeg: str,
    seek: bool = True,
    protocols: Sequence[str] = ("file",),
) -> list[str]:
    """The command that decodes the clip's sound and at its end says how loud it is, on stderr."""
    return [
        *start(ffmpeg, 1, loglevel="level+info"),
        *_heard(plan, seekable, [], input_url, seek=seek, protocols=protocols, last=(SCANNER,)),
        *("-f", "null", "-"),
    ]


SCANNER = "ebur128=peak=true:framelog=verbose"
"""It tells its sum as information, and what it hears every 100 ms more quietly than that."""


def _heard(
    plan: AudioPlan,
    seekable: bool,
    levelling: Sequence[str],
    input_url: str,
    *,
    seek: bool,
    protocols: Sequence[str],
    last: Sequence[str] = (),
) -> list[str]:
    back = 1 if seekable else 1 + UNINDEXED_PREROLL_SECONDS
    at = plan.start_seconds - back
    begin = round(plan.start_seconds * SAMPLE_RATE)
    chain = (
        f"asettb=1/{SAMPLE_RATE}",
        f"asetpts=PTS-({begin})",
        f"aformat=sample_fmts=fltp:sample_rates={SAMPLE_RATE}:channel_layouts=stereo",
        f"aresample={SAMPLE_RATE}:async=1:first_pts=0",
        *levelling,
        "apad",
        f"atrim=end_sample={plan.samples}",
        *last,
    )
    return [
        *hardened(protocols),
        *seek_words(at if seek and at > 0 else None),
        *("-threads", "1", "-copyts", "-i", input_url),
        *("-map", "0:a:0", "-vn", "-sn", "-dn", "-af", ",".join(chain)),
    ]


def _levelling(level: Level | None) -> Sequence[str]:
    """The limiter looks ahead and makes up for the delay, so nothing is heard later than before."""
    if level is None or not (level.gain or level.limited):
        return []
    gain = f"volume={level.gain}dB:precision=float"
    if not level.limited:
        return [gain]
    most = f"{10 ** (level.ceiling / 20):.6f}"
    limiter = f"alimiter=limit={most}:level=false:latency=true"
    return [gain, f"aresample={OVERSAMPLED}", limiter, f"aresample={SAMPLE_RATE}"]
