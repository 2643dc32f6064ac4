"""Pieces as a wrong recipe or a bad disk would leave them."""

from collections.abc import Callable
from pathlib import Path

from schemas.pieces import Span
from tests.corruptions.bench import FIRST, Bench, Change, Corruption, Deed
from tests.corruptions.damage import cut_at, edited, empty, flip, put, regrouped


def recoded(*changes: Change) -> Deed:
    """The piece as another recipe would make it."""
    return lambda bench, out: bench.encode(out, *changes)


def piece_bytes(change: Callable[[bytearray], None]) -> Deed:
    """The piece with other bytes."""
    return lambda bench, out: edited(bench.path(FIRST), out, change)


def piece_copied(words: str) -> Deed:
    """The piece's packets, changed on the way by ffmpeg."""

    def deed(bench: Bench, out: Path) -> Path:
        more = [bench.sound] if "1:a" in words else []
        fragmented = "-movflags +frag_keyframe+empty_moov+delay_moov+default_base_moof"
        return bench.copied(out, f"{words} {fragmented}", *more, of=bench.path(FIRST))

    return deed


def tagged(words: str) -> Deed:
    """The piece with the same pictures, and other tags."""
    return recoded(("setpts=PTS-0", f"setparams={words},setpts=PTS-0"))


GREEN = "geq=lum=0:cb=0:cr=0:enable='between(n,5,8)',setpts=PTS-0"
PIECES = (
    Corruption(name="empty file", of="piece", deed=empty, told="cannot be read"),
    Corruption(
        name="text in its place",
        of="piece",
        deed=lambda bench, out: edited(bench.path(FIRST), out, put(b"ftyp", -8, b"words " * 4000)),
        told="cannot be read",
    ),
    Corruption(
        name="truncated within a fragment", of="piece", deed=piece_bytes(cut_at(0.6)), told="decode"
    ),
    Corruption(
        name="truncated behind a GOP", of="piece", deed=regrouped([0, 1]), told="24 frames, not 36"
    ),
    Corruption(name="a GOP lost", of="piece", deed=regrouped([0, 2]), told="frames, not 36"),
    Corruption(name="GOPs swapped", of="piece", deed=regrouped([0, 2, 1]), told="decoding times"),
    Corruption(name="a GOP twice", of="piece", deed=regrouped([0, 1, 1, 2]), told="not 36"),
    Corruption(
        name="a frame dropped",
        of="piece",
        deed=piece_copied("-bsf:v noise=drop='eq(n\\,7)'"),
        told="35 frames, not 36",
    ),
    Corruption(
        name="a frame dropped, the others moved up",
        of="piece",
        deed=recoded(("setpts=PTS-0", "select='not(eq(n,7))',setpts=N"), ("-frames:v", "35")),
        told="35 frames, not 36",
    ),
    Corruption(
        name="a frame too many",
        of="piece",
        deed=lambda bench, out: bench.encode(out, span=Span(0, 37)),
        told="37 frames, not 36",
    ),
    Corruption(
        name="a frame shown twice as long",
        of="piece",
        deed=recoded(("setpts=PTS-0", "setpts='PTS+gt(N,9)'")),
        told="not at their time, the first is frame 10",
    ),
    Corruption(
        name="one frame at a wrong time",
        of="piece",
        deed=piece_copied("-bsf:v setts=pts='PTS+200*eq(N\\,35)'"),
        told="not at their time",
    ),
    Corruption(
        name="start shifted by a frame",
        of="piece",
        deed=recoded(("setpts=PTS-0", "setpts=PTS+1")),
        told="36 frames are not at their time",
    ),
    Corruption(
        name="another frame rate",
        of="piece",
        deed=recoded(("settb=1001/30000", "settb=1/25")),
        told="not at their time",
    ),
    Corruption(
        name="another time base",
        of="piece",
        deed=recoded(("-video_track_timescale", "90000")),
        told="counts time in 1/90000 s",
    ),
    Corruption(name="a key frame missing", of="piece", deed=recoded(("-g", "24"),
               ("-keyint_min", "24")), told="the grid of 12 frames"),
    Corruption(name="a key frame too many", of="piece", deed=recoded(("-g", "6"),
               ("-keyint_min", "6")), told="the grid of 12 frames"),
    Corruption(
        name="open GOPs",
        of="piece",
        deed=recoded(("-flags", "-cgop"), ("-x264-params", "open-gop=1")),
        told="no clean start",
    ),
    Corruption(name="another size", of="piece", deed=recoded(("scale=160:90", "scale=128:72")),
               told="128x72, not 160x90"),
    Corruption(name="pixels not square", of="piece", deed=recoded(("setsar=1", "setsar=4/3")),
               told="not square but 4/3"),
    Corruption(name="another pixel format", of="piece", deed=recoded(("format=yuv420p",
               "format=yuv422p")), told="yuv422p, not yuv420p"),
    Corruption(name="colours tagged with another transfer", of="piece",
               deed=tagged("color_trc=smpte2084"), told="transfer 16, the source's with 1"),
    Corruption(name="colours tagged with another matrix", of="piece",
               deed=tagged("colorspace=bt2020nc"), told="matrix 9, the source's with 1"),
    Corruption(name="colours tagged as of the full range", of="piece",
               deed=tagged("range=pc"), told="full range 1, the source's with 0"),
    Corruption(
        name="another codec",
        of="piece",
        deed=recoded(("-c:v", "mpeg4"), ("-sc_threshold", "1000000000")),
        told="coded as mpeg4, not h264",
    ),
    Corruption(name="an extra track", of="piece", deed=piece_copied("-map 0:v -map 1:a"),
               told="2 streams"),
    Corruption(name="green frames", of="piece", deed=recoded(("setpts=PTS-0", GREEN)),
               told="frame 5 is blank"),
    Corruption(name="bits flipped in packets", of="piece",
               deed=piece_bytes(flip(0.3, 0.4, 0.5, 0.6)), told="frame 0 is damaged"),
    Corruption(name="a hole of zeros in a packet", of="piece",
               deed=piece_bytes(put(b"mdat", 1500, bytes(400))), told="frame 0 is damaged"),
    Corruption(name="parameter sets damaged", of="piece",
               deed=piece_bytes(put(b"avcC", 8, bytes(12))), told="does not decode"),
)  # fmt: skip
