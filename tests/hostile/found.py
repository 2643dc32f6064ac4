"""What the fuzzer found, one case each; the seed and number are of the run that found it."""

from tests.hostile.bombs import put
from tests.hostile.case import BEHIND, Case

FOUND = (
    # 2026/140, 175, 222, 237, 464, 504 and 568 were called a crash: no decoder is no death.
    Case(of="found", name="a codec that nobody knows, unprobed", fooled=True, ends=BEHIND,
         quick=True,
         make=lambda kitchen, scene: kitchen.data("silent").replace(b"avc1", b"xvc9")),
    # 7/32 was called a crash: ffmpeg says "Input/output error" of a file that ends too soon.
    Case(of="found", name="Matroska cut within its head, unprobed", fooled=True, ends=BEHIND,
         make=lambda kitchen, scene: kitchen.data("mkv")[:538], upload="team/film.mkv",
         quick=True),
    # 2027/82 was called a crash: nothing but heads of boxes, each with less behind it than it says.
    Case(of="found", name="an index that ends at once, unprobed", fooled=True, ends=BEHIND,
         quick=True, make=lambda kitchen, scene: kitchen.data("front")[:32] + bytes(4) + b"moov"),
    # 1/18 was called a crash: a transfer curve that ffmpeg's scaler does not know.
    Case(of="found", name="a logarithmic transfer curve", ends=("source_unreadable", "verified"),
         quick=True,
         make=lambda kitchen, scene: kitchen.cook(
             scene.folder / "curve.mp4", kitchen.path("front"),
             "-c copy -bsf:v h264_metadata=transfer_characteristics=9")),
    # 2026/508 was called a crash: a box of a version that ffmpeg does not know.
    Case(of="found", name="a box of version 8, unprobed", fooled=True, ends=BEHIND, quick=True,
         make=lambda kitchen, scene: put(kitchen.data("silent"), b"mdhd", 0, b"\x08")),
)  # fmt: skip
