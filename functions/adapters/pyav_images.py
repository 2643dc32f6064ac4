"""Still images decoded in a process that has nothing but two pipes to this one.

Whatever the child says was perhaps said by the image: a child that dies, hangs or talks nonsense is
a refusal of the image. Only a child that cannot be started is a fault of this installation.
"""

import re
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from threading import Thread, Timer
from typing import IO

from schemas.assets import LARGEST_IMAGE_BYTES, LONGEST_IMAGE_SIDE, MOST_IMAGE_PIXELS
from schemas.ports import Image, NotAnImage

CHILD = Path(__file__).with_name("image_child.py")
WALL = timedelta(seconds=20)
LONGEST_LINE = 1024
_HEAD = re.compile(rb'\{"width": (\d{1,6}), "height": (\d{1,6})\}\n')
_REFUSED = re.compile(rb'\{"refused": "([^"\\]*)"\}\n')


class PyavImages:
    """Images that lends each of them a process of its own, about 0.2 s of one processor."""

    def __init__(self, *, child: Path = CHILD, wall: timedelta = WALL) -> None:
        self._child = child
        self._wall = wall

    def decode(self, data: bytes) -> Image:
        """See schemas.ports.Images. Raises OSError when no child can be started."""
        if len(data) > LARGEST_IMAGE_BYTES:
            raise NotAnImage(f"{len(data)} bytes long")
        library = find_spec("av")
        if library is None or library.origin is None:
            raise OSError("PyAV is not installed: install requirements.txt.")
        process = subprocess.Popen(
            # -I -S: neither the environment nor a .pth file changes what is imported.
            [
                *(sys.executable, "-I", "-S", "-B", str(self._child)),
                *(str(Path(library.origin).parents[1]), str(MOST_IMAGE_PIXELS)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            start_new_session=True,  # a Ctrl-C at the terminal is no fault of the image
        )
        assert process.stdin is not None
        assert process.stdout is not None
        watch = Timer(self._wall.total_seconds(), process.kill)
        # It may answer before it has read all, and both pipes are short.
        writer = Thread(target=_give, args=(process.stdin, data), daemon=True)
        try:
            watch.start()
            writer.start()
            return _heard(process.stdout)
        finally:
            watch.cancel()
            process.kill()
            writer.join()
            process.stdout.close()
            process.wait()


def _give(pipe: IO[bytes], data: bytes) -> None:
    with suppress(BrokenPipeError), pipe:
        pipe.write(data)


def _heard(pipe: IO[bytes]) -> Image:
    line = pipe.readline(LONGEST_LINE)
    if refused := _REFUSED.fullmatch(line):
        raise NotAnImage(refused[1].decode("ascii", errors="replace"))
    head = _HEAD.fullmatch(line)
    if head is None:
        raise NotAnImage("damaged")
    width, height = int(head[1]), int(head[2])
    if not (0 < width <= LONGEST_IMAGE_SIDE and 0 < height <= LONGEST_IMAGE_SIDE):
        raise NotAnImage(f"{width}x{height} pixels")
    if width * height > MOST_IMAGE_PIXELS:
        raise NotAnImage(f"{width}x{height} pixels")
    pixels = pipe.read(width * height * 4)
    if len(pixels) != width * height * 4:
        raise NotAnImage("damaged")
    return Image(width=width, height=height, pixels=pixels)
