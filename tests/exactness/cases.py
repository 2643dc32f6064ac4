"""The cases: a source of `tests/sources.py`, the rate of the output, and where its clip begins."""

from fractions import Fraction

NTSC = Fraction(30000, 1001)
FILM = Fraction(24)
CASES: dict[str, tuple[str, Fraction, Fraction | int]] = {
    "constant rate, B-frames, key frames 10 s apart": ("constant", FILM, 0),
    "23.976": ("ntsc_film", Fraction(24000, 1001), 0),
    "25": ("pal", Fraction(25), 0),
    "29.97": ("ntsc", NTSC, 0),
    "59.94": ("fast", Fraction(60000, 1001), 0),
    "29.97 at 24": ("ntsc", FILM, 0),
    "24 at 29.97": ("constant", NTSC, 0),
    "59.94 at 25": ("fast", Fraction(25), 0),
    "a rate that nobody uses": ("ntsc", Fraction(2997, 125), 0),
    "variable rate": ("variable", FILM, 0),
    "a hole of 4.5 s": ("hole", FILM, 0),
    "open GOPs, H.264": ("open_gop", FILM, 0),
    "open GOPs, HEVC": ("open_gop_hevc", FILM, 0),
    "HDR10, HEVC": ("hdr", FILM, 0),
    "interlaced, made whole": ("interlaced", FILM, 0),
    "turned by 90 degrees": ("rotated", NTSC, 0),
    "sound that begins late": ("late_sound", NTSC, 0),
    "picture that begins late": ("late_picture", NTSC, 0),
    "no sound": ("silent", NTSC, 0),
    "an edit list": ("edited", NTSC, 0),
    "fragmented MP4": ("fragmented", NTSC, 0),
    "Matroska": ("matroska", FILM, 0),
    "WebM, VP8": ("webm", NTSC, 0),
    "WebM, VP9": ("vp9", NTSC, 0),
    "AV1": ("av1", NTSC, 0),
    "a transport stream of MPEG-2": ("mpeg2_transport", NTSC, 0),
    "3GP, H.263": ("third", NTSC, 0),
    "AVI, MPEG-4": ("avi", FILM, 0),
    "a transport stream": ("transport", NTSC, 0),
    "a transport stream from 50,000 s on, with a hole": ("far_transport", FILM, 0),
    "a transport stream whose times wrap around 33 bits": ("wrapped", NTSC, 0),
    "a clip from the middle": ("ntsc", NTSC, Fraction(37, 10)),
    "a clip from inside the hole": ("hole", FILM, Fraction(5)),
    "a clip from within open GOPs": ("open_gop", FILM, Fraction(31, 10)),
    "a clip from the middle of a transport stream": ("transport", NTSC, Fraction(37, 10)),
    "a clip from after the wrap": ("wrapped", NTSC, Fraction(9)),
}
FEW = (
    "constant rate, B-frames, key frames 10 s apart",
    "29.97 at 24",
    "variable rate",
    "open GOPs, HEVC",
    "interlaced, made whole",
    "an edit list",
    "a clip from inside the hole",
    "a clip from the middle of a transport stream",
)
"""Those that `make test` tries; `make test-long` tries all."""
