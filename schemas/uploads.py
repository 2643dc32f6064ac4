"""What an upload may be: every limit and list that decides it, read by prober, recipe and tests.

The prober refuses what is beyond them before a machine is started; ffmpeg is told the same lists,
so that what was admitted by a mistake reaches no other demuxer and no other decoder.

    demuxer    six that hold their pictures themselves. Playlists, lists of files and session
               descriptions (HLS, DASH, concat, SDP) would open other people's files and addresses.
    decoder    by codec, what ffmpeg calls the decoders of it: its whitelist knows only those names.
    limit      a field, what is too much, and the sentence of the refusal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

DEMUXERS = ("mov", "mp4", "matroska", "webm", "mpegts", "avi")
"""The demuxers that ffmpeg may use."""
MOV_ALIASES = ("m4a", "3gp", "3g2", "mj2")
"""Other names of the mov demuxer, which a list must have where the whole list is compared."""

VIDEO_DECODERS: Mapping[str, tuple[str, ...]] = {
    "av1": ("libdav1d", "av1"),
    "dnxhd": ("dnxhd",),
    "flv1": ("flv",),
    "h263": ("h263",),
    "h264": ("h264",),
    "hevc": ("hevc",),
    "mjpeg": ("mjpeg",),
    "mpeg1video": ("mpeg1video",),
    "mpeg2video": ("mpeg2video",),
    "mpeg4": ("mpeg4",),
    "msmpeg4v2": ("msmpeg4v2",),
    "msmpeg4v3": ("msmpeg4",),
    "prores": ("prores",),
    "vc1": ("vc1",),
    "vp8": ("vp8",),
    "vp9": ("vp9",),
    "wmv1": ("wmv1",),
    "wmv2": ("wmv2",),
    "wmv3": ("wmv3",),
}
"""What pictures may be coded as. None for still pictures: 840 KB of PNG are 784 MiB of memory."""
SOUND_DECODERS: Mapping[str, tuple[str, ...]] = {
    "aac": ("aac",),
    "ac3": ("ac3",),
    "adpcm_ima_qt": ("adpcm_ima_qt",),
    "adpcm_ima_wav": ("adpcm_ima_wav",),
    "adpcm_ms": ("adpcm_ms",),
    "alac": ("alac",),
    "amr_nb": ("amrnb",),
    "amr_wb": ("amrwb",),
    "dts": ("dca",),
    "eac3": ("eac3",),
    "flac": ("flac",),
    "mp2": ("mp2float", "mp2"),
    "mp3": ("mp3float", "mp3"),
    "opus": ("opus", "libopus"),
    "pcm_alaw": ("pcm_alaw",),
    "pcm_f32le": ("pcm_f32le",),
    "pcm_mulaw": ("pcm_mulaw",),
    "pcm_s16be": ("pcm_s16be",),
    "pcm_s16le": ("pcm_s16le",),
    "pcm_s24be": ("pcm_s24be",),
    "pcm_s24le": ("pcm_s24le",),
    "pcm_u8": ("pcm_u8",),
    "vorbis": ("vorbis",),
    "wmav1": ("wmav1",),
    "wmav2": ("wmav2",),
}
"""What the sound may be coded as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that an upload may have; each with the reason for its number."""

    size_bytes: int = 64 << 30
    """An hour of ProRes 422 HQ at 2160p24 is 300 GB, at 1080p24 it is 79 GB; of H.264, 10."""
    streams: int = 32
    """A demuxer keeps buffers for each; 300 fit in a file of some KB."""
    pixels: int = 8192 * 4320
    """Of a picture. 420 KB of 16384x8704 take 774 MiB to decode."""
    frame_rate: int = 240
    """Frames a second; a file of 100,000 costs more than 6 CPU seconds a second."""
    duration: timedelta = timedelta(hours=12)
    gap: timedelta = timedelta(seconds=60)
    """Between two frames; a file of 2 KB can hold one of 27 hours. A recording of a screen may well
    stand still for ten seconds; a still picture of more than a minute is mostly a damaged time."""
    sample_rates: tuple[int, int] = (4_000, 384_000)
    channels: int = 24
    """Of the sound; 22.2 is the largest arrangement in use."""
    aspects: tuple[Fraction, Fraction] = (Fraction(1, 20), Fraction(20))
    """Width of a pixel, in heights of one."""


LIMITS = Limits()

MOST_DECODED_PIXELS = 8192 * 8192
"""What ffmpeg is told: above the limit, since decoders count in whole blocks of a picture."""
LARGEST_BLOCK_BYTES = 1 << 30
"""Of memory in one piece, also for the tables of a container that claims billions of samples."""


def decoders() -> tuple[str, ...]:
    """Every decoder that an upload may reach, by ffmpeg's names of them."""
    lists = (*VIDEO_DECODERS.values(), *SOUND_DECODERS.values())
    return tuple(dict.fromkeys(name for names in lists for name in names))
