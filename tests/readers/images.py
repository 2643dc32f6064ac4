"""Still images to their last byte: JPEG (ITU-T T.81, B) and PNG (ISO/IEC 15948)."""

import zlib
from struct import unpack

from tests.readers import Broken

SIGNATURE = b"\x89PNG\r\n\x1a\n"
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Marks of a JPEG's frame, whichever way it is coded; the three are tables."""
CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}
"""Of a pixel of a PNG, by its colour type."""


def image_size(data: bytes) -> tuple[int, int]:
    """Width and height. Raises Broken where the file is not whole."""
    return _png(data) if data.startswith(SIGNATURE) else _jpeg(data)


def _jpeg(data: bytes) -> tuple[int, int]:
    if data[:2] != b"\xff\xd8" or data[-2:] != b"\xff\xd9":
        raise Broken("it is no JPEG from its first byte to its last")
    at, size = 2, None
    while data[at + 1] != 0xDA:
        if data[at] != 0xFF:
            raise Broken(f"no mark of a JPEG at {at}")
        if data[at + 1] in FRAMES:
            precision, height, width = unpack(">BHH", data[at + 4 : at + 9])
            if size is not None or precision != 8:
                raise Broken(f"a second frame, or one of {precision} bits")
            size = width, height
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    scan = data[at:-2].replace(b"\xff\x00", b"")
    if size is None or any(mark in scan for mark in (b"\xff\xd8", b"\xff\xd9")):
        raise Broken("it has no frame, or another image in its scan")
    return size


def _png(data: bytes) -> tuple[int, int]:
    at, size, coded = len(SIGNATURE), (0, 0), b""
    depth = channels = 0
    kind = b""
    while kind != b"IEND":
        length, kind = unpack(">I4s", data[at : at + 8])
        body, check = data[at + 8 : at + 8 + length], data[at + 8 + length : at + 12 + length]
        if check != zlib.crc32(kind + body).to_bytes(4, "big"):
            raise Broken(f"the chunk at {at} is damaged")
        if kind == b"IHDR":
            width, height, depth, colour = unpack(">IIBB", body[:10])
            size, channels = (width, height), CHANNELS[colour]
        coded += body if kind == b"IDAT" else b""
        at += 12 + length
    rows = zlib.decompress(coded)
    if at != len(data) or len(rows) != size[1] * (1 + (size[0] * channels * depth + 7) // 8):
        raise Broken("its pixels are not as many as it says, or bytes follow its end")
    return size
