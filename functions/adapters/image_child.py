"""The process that decodes a still image; it trusts nothing in it and can reach nothing else.

It runs by its path and imports none of our packages. It reads the whole image from stdin and writes
one JSON line to stdout, `{"width": 320, "height": 200}` and after it the pixels as RGBA, or
`{"refused": "..."}`. No container is opened and nothing is guessed: the first bytes say which of
three decoders gets all of them.
"""

import json
import os
import resource
import sys
from contextlib import suppress

MEMORY_BYTES = 1 << 30
CPU_SECONDS = 10
NOBODY = 65534


def limit(which: int, most: int) -> None:
    """From here on, for good; macOS knows no limit to the address space."""
    with suppress(ValueError, OSError):
        resource.setrlimit(which, (most, most))


if __name__ == "__main__":
    limit(resource.RLIMIT_AS, MEMORY_BYTES)
    limit(resource.RLIMIT_CPU, CPU_SECONDS)
    limit(resource.RLIMIT_FSIZE, 0)
    limit(resource.RLIMIT_CORE, 0)
    sys.path.append(sys.argv[1])

import av  # noqa: E402  # after the limits are set
import av.video.codeccontext  # noqa: E402  # after the limits are set
import av.video.frame  # noqa: E402  # after the limits are set
import av.video.reformatter  # noqa: E402  # after the limits are set

KINDS = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "mjpeg"), (b"RIFF", "webp"))


class Refused(Exception):
    """No image that may be used; the message says what it is."""


def alone() -> None:
    """Nothing can be opened or started any more. Root could raise limits, and becomes nobody."""
    limit(resource.RLIMIT_NOFILE, 0)
    with suppress(OSError):
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    limit(resource.RLIMIT_NPROC, 0)


def decoded(data: bytes, most_pixels: int) -> "av.VideoFrame":
    """Its one picture. Raises Refused, or what PyAV raises."""
    kind = next((kind for magic, kind in KINDS if data.startswith(magic)), None)
    if kind is None or (kind == "webp" and data[8:12] != b"WEBP"):
        raise Refused("no PNG, JPEG or WebP")
    context = av.CodecContext.create(kind, "r")
    assert isinstance(context, av.video.codeccontext.VideoCodecContext)
    context.thread_count = 1
    context.options = {"max_pixels": str(most_pixels)}
    frames = [*context.decode(av.Packet(data)), *context.decode(None)]
    if len(frames) != 1:
        raise Refused(f"{len(frames)} pictures")
    return frames[0]


def main(most_pixels: int) -> None:
    """One image, then the end."""
    data = sys.stdin.buffer.read()
    alone()
    out = sys.stdout.buffer
    try:
        frame = decoded(data, most_pixels)
        plain = frame.reformat(format="rgba", threads=1)
        (plane,) = plain.planes
        rows, length = memoryview(plane), plain.width * 4
        head = json.dumps({"width": plain.width, "height": plain.height})
        out.write(head.encode() + b"\n")
        for row in range(plain.height):
            start = row * plane.line_size
            out.write(rows[start : start + length])
    except Refused as refusal:
        out.write(json.dumps({"refused": str(refusal)}).encode() + b"\n")
    except (OSError, ValueError, MemoryError):
        out.write(b'{"refused": "damaged or too large"}\n')
    out.flush()


if __name__ == "__main__":
    main(int(sys.argv[2]))
