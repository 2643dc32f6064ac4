"""Real containers changed by lot: a mutation knows the structure that it breaks.

boxes      of MP4 and MOV: sizes, kinds, numbers; taken out, doubled, exchanged, put elsewhere,
           with the boxes around them told of it or not
elements   of Matroska: the same
packets    of a transport stream, and chunks of an AVI
bits       of anything
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from struct import unpack_from

from tests.hostile.damage import structures

TS_PACKET = 188
MASTERS = frozenset(
    (
        *(0x18538067, 0x1549A966, 0x1654AE6B, 0x114D9B74, 0x4DBB, 0x1F43B675, 0xAE, 0xE0, 0xE1),
        *(0xA0, 0x1C53BB6B, 0xBB, 0xB7, 0x1254C367, 0x7373, 0x6D80, 0x6240, 0x5034, 0x1A45DFA3),
    )
)
"""Elements that hold elements."""
KINDS = (
    b"moov trak mdia minf stbl stts stsz stsc stco co64 ctts stsd edts elst mdat free moof".split()
)
EXTREMES = (0, 1, 2, 7, 8, 255, 256, 65535, 1 << 24, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)


@dataclass(frozen=True, slots=True)
class Part:
    """A structure: where its head begins, where what it holds begins, and where that ends."""

    start: int
    body: int
    end: int
    size_at: int
    """Where its size is written."""
    size_bytes: int


def mutated(data: bytes, suffix: str, draw: Random) -> bytes:
    """The file with one to four mutations."""
    out = data
    for _ in range(draw.choice((1, 1, 1, 2, 2, 4))):
        parts = list(_PARTS.get(suffix, _chunks)(out))
        change = draw.choice(_CHANGES if parts else (_bits,))
        out = change(out, parts, draw)
    return out


def _boxes(data: bytes) -> Iterator[Part]:
    for _, start, end in structures(data):
        yield Part(start, start + 8, end, start, 4)


def _elements(data: bytes) -> Iterator[Part]:
    """RFC 8794: a name and a length, each as long as the zeros at its beginning say."""
    stack = [(0, len(data))]
    while stack:
        at, end = stack.pop()
        while at + 2 <= end:
            named = _length(data[at])
            if not named or at + named >= end:
                break
            sized = _length(data[at + named])
            if not sized or at + named + sized > end:
                break
            body = at + named + sized
            raw = int.from_bytes(data[at + named : body], "big")
            size = raw & ((1 << (7 * sized)) - 1)
            unknown = size == (1 << (7 * sized)) - 1
            stop = end if unknown else min(body + size, end)
            yield Part(at, body, stop, at + named, sized)
            if int.from_bytes(data[at : at + named], "big") in MASTERS:
                stack.append((body, stop))
            at = stop


def _length(first: int) -> int:
    return 9 - first.bit_length() if first else 0


def _packets(data: bytes) -> Iterator[Part]:
    for at in range(0, len(data) - TS_PACKET + 1, TS_PACKET):
        yield Part(at, at + 4, at + TS_PACKET, at + 1, 3)


def _chunks(data: bytes) -> Iterator[Part]:
    """Of a RIFF, flat: lists are gone into."""
    at = 0
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], unpack_from("<I", data, at + 4)[0]
        end = min(at + 8 + size + (size & 1), len(data))
        yield Part(at, at + 8, end, at + 4, 4)
        at = at + 12 if kind in (b"RIFF", b"LIST") else end


def _set(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


def _number(draw: Random, size: int) -> bytes:
    value = draw.choice((*EXTREMES, draw.getrandbits(8 * size)))
    return (value % (1 << (8 * size))).to_bytes(size, draw.choice(("big", "big", "little")))


def _size(data: bytes, parts: Sequence[Part], draw: Random) -> bytes:
    part = draw.choice(parts)
    if draw.random() < 0.5:
        return _set(data, part.size_at, _number(draw, part.size_bytes))
    raw = int.from_bytes(data[part.size_at : part.size_at + part.size_bytes], "big")
    near = max(0, raw + draw.choice((-9, -8, -4, -1, 1, 4, 8, 100)))
    return _set(data, part.size_at, (near % (1 << (8 * part.size_bytes))).to_bytes(
        part.size_bytes, "big"))  # fmt: skip


def _kind(data: bytes, parts: Sequence[Part], draw: Random) -> bytes:
    part, other = draw.choice(parts), draw.choice(parts)
    named = draw.choice((data[other.start : other.start + 4], draw.choice(KINDS)))
    at = part.start + 4 if part.size_at == part.start else part.start
    return _set(data, at, named)


def _field(data: bytes, parts: Sequence[Part], draw: Random) -> bytes:
    """A number within a small structure: there the tables and the times are."""
    small = [part for part in parts if part.body < part.end <= part.body + 2000] or parts
    part = draw.choice(small)
    size = draw.choice((1, 2, 4, 4, 4, 8))
    at = part.body + draw.randrange(max(1, part.end - part.body))
    at = part.body + (at - part.body) // 4 * 4 if draw.random() < 0.7 else at
    return _set(data, at, _number(draw, size)[: max(0, len(data) - at)])


def _spliced(data: bytes, parts: Sequence[Part], draw: Random) -> bytes:
    """A structure taken out, doubled, exchanged for another or put elsewhere."""
    part, other = draw.choice(parts), draw.choice(parts)
    taken = data[part.start : part.end]
    deed = draw.randrange(4)
    if deed == 0:
        return _grown(data, parts, part.start, part.end, b"", draw)
    if deed == 1:
        return _grown(data, parts, part.end, part.end, taken[:100_000], draw)
    if deed == 2:
        return _grown(data, parts, other.body, other.body, taken[:100_000], draw)
    return _grown(data, parts, other.start, other.end, taken[:100_000], draw)


def _grown(
    data: bytes, parts: Sequence[Part], start: int, end: int, held: bytes, draw: Random
) -> bytes:
    """Other bytes there; what is around is told of the new size, mostly."""
    grown = len(held) - (end - start)
    out = data
    if draw.random() < 0.7:
        for part in parts:
            if part.body <= start and end <= part.end and part.start < start:
                whole = slice(part.size_at, part.size_at + part.size_bytes)
                size = int.from_bytes(data[whole], "big") + grown
                limit = 1 << (8 * part.size_bytes)
                out = _set(out, part.size_at, (size % limit).to_bytes(part.size_bytes, "big"))
    return out[:start] + held + out[end:]


def _cut(data: bytes, parts: Sequence[Part], draw: Random) -> bytes:
    part = draw.choice(parts)
    return data[: draw.randint(part.start, part.end)] or data[:1]


def _bits(data: bytes, parts: Sequence[Part], draw: Random) -> bytes:
    out = bytearray(data)
    for _ in range(draw.choice((1, 1, 4, 16, 64)) if out else 0):
        out[draw.randrange(len(out))] ^= 1 << draw.randrange(8)
    return bytes(out)


_CHANGES: tuple[Callable[[bytes, Sequence[Part], Random], bytes], ...] = (
    *(_size, _size, _kind, _field, _field, _field, _field, _spliced, _spliced, _cut, _bits, _bits),
)
_PARTS: dict[str, Callable[[bytes], Iterator[Part]]] = {
    "mp4": _boxes,
    "mov": _boxes,
    "mkv": _elements,
    "ts": _packets,
    "avi": _chunks,
}
