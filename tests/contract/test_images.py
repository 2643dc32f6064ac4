"""Still images: honest ones are decoded, all others refused, in bounded time and memory."""

import sys
from datetime import timedelta
from pathlib import Path
from random import Random
from time import monotonic

import pytest

from functions.adapters.pyav_images import PyavImages
from schemas.ports import NotAnImage
from tests.sources import tool

IMAGES = PyavImages()


def drawn(folder: Path, name: str, words: str, of: str = "testsrc2=s=32x20") -> bytes:
    path = folder / name
    source = ("-nostdin", "-v", "error", "-f", "lavfi", "-i", of)
    tool(*source, *words.split(), "-frames:v", "1", str(path))
    return path.read_bytes()


@pytest.fixture(scope="module")
def png(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return drawn(tmp_path_factory.mktemp("images"), "a.png", "-pix_fmt rgba")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.png", "-pix_fmt rgba"),
        ("deep.png", "-pix_fmt rgba64be"),
        ("gray.png", "-pix_fmt gray"),
        ("a.jpg", ""),
        ("a.webp", "-lossless 1"),
    ],
)
def test_an_image_is_decoded(name: str, words: str, tmp_path: Path) -> None:
    image = IMAGES.decode(drawn(tmp_path, name, words))
    assert (image.width, image.height, len(image.pixels)) == (32, 20, 32 * 20 * 4)


def test_colours_and_opacity_are_what_they_were(tmp_path: Path) -> None:
    half = drawn(tmp_path, "half.png", "-pix_fmt rgba", of="color=0x00FF80@0.499:s=3x2,format=rgba")
    assert IMAGES.decode(half).pixels == b"\x00\xff\x80\x7f" * 6


@pytest.mark.parametrize("size", ["1600x1600", "100x5000"])
def test_an_image_beyond_the_limits_is_refused(size: str, tmp_path: Path) -> None:
    data = drawn(tmp_path, "large.png", "", of=f"color=s={size}")
    with pytest.raises(NotAnImage):
        IMAGES.decode(data)


def test_what_is_no_image_is_refused(png: bytes, tmp_path: Path) -> None:
    gif = drawn(tmp_path, "a.gif", "")
    for data in (b"", gif, png[:8], png[:200], png[:-20], b"\xff\xd8\xff", b"RIFF1234WEBPVP8 "):
        with pytest.raises(NotAnImage):
            IMAGES.decode(data)


def test_damage_is_an_image_or_a_refusal(png: bytes) -> None:
    draw = Random(7)
    for _ in range(8):
        data = bytearray(png)
        for _ in range(5):
            data[draw.randrange(8, len(data))] = draw.randrange(256)
        try:
            image = IMAGES.decode(bytes(data))
        except NotAnImage:
            continue
        assert len(image.pixels) == image.width * image.height * 4


@pytest.mark.parametrize(
    "code",
    [
        "import time; time.sleep(60)",
        "import os; os.kill(os.getpid(), 9)",
        "print('nonsense')",
        "print('x' * 10**6)",
        """print('{"width": 9999, "height": 9999}')""",
        """print('{"width": 9, "height": 9}')""",
        """print('{"width": 0, "height": 9}')""",
    ],
)
def test_a_child_that_hangs_dies_or_lies_is_a_refusal(code: str, tmp_path: Path) -> None:
    child = tmp_path / "child.py"
    child.write_text(code)
    began = monotonic()
    with pytest.raises(NotAnImage):
        PyavImages(child=child, wall=timedelta(seconds=1)).decode(b"\x89PNG" * 99_999)
    assert monotonic() - began < 10


@pytest.mark.skipif(sys.platform != "linux", reason="limits are Linux's")
def test_the_child_can_open_nothing(png: bytes, tmp_path: Path) -> None:
    """What a hijacked decoder would try."""
    source = Path("functions/adapters/image_child.py").read_text()
    wicked = source.replace(
        "    context = av.CodecContext",
        "    reached = []\n"
        "    for reach in (lambda: open('/etc/passwd'), lambda: os.fork(), lambda: os.pipe()):\n"
        "        with suppress(OSError):\n"
        "            reached.append(reach())\n"
        "    if not reached:\n"
        "        raise Refused('alone')\n"
        "    context = av.CodecContext",
    )
    child = tmp_path / "child.py"
    child.write_text(wicked)
    with pytest.raises(NotAnImage, match="alone"):
        PyavImages(child=child).decode(png)
