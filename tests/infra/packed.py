"""MessagePack as far as Terraform speaks it to a provider, with its one extension: not known yet.

https://github.com/msgpack/msgpack/blob/master/spec.md
https://github.com/hashicorp/terraform/blob/main/docs/plugin-protocol/object-wire-format.md
"""

import struct
from typing import Any, Final


class Unknown:
    """A value that is known after the apply."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = Unknown()
_SIZES = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_LISTS = {0xDC: 2, 0xDD: 4}
_MAPS = {0xDE: 2, 0xDF: 4}
_NUMBERS = {
    **{0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q"},
    **{0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"},
}
_FIXED_EXTENSIONS = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
_EXTENSIONS = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}


def unpack(data: bytes) -> Any:
    """The value; `UNKNOWN` wherever Terraform does not know it, refined or not."""
    return _Reader(data).value()


def pack(value: Any) -> bytes:
    """The bytes of a value of None, bool, int, float, str, list, dict and UNKNOWN."""
    if value is UNKNOWN:
        return b"\xd4\x00\x00"
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return b"\xd3" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"\xcb" + struct.pack(">d", value)
    if isinstance(value, str):
        text = value.encode()
        return b"\xdb" + struct.pack(">I", len(text)) + text
    if isinstance(value, list):
        return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(pack, value))
    parts = (pack(key) + pack(one) for key, one in sorted(value.items()))
    return b"\xdf" + struct.pack(">I", len(value)) + b"".join(parts)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def value(self) -> Any:
        kind = self._take(1)[0]
        if kind in _CONSTANTS:
            return _CONSTANTS[kind]
        if kind < 0x80:
            return kind
        if kind >= 0xE0:
            return kind - 0x100
        if kind < 0x90:
            return self._map(kind & 0x0F)
        if kind < 0xA0:
            return self._list(kind & 0x0F)
        if kind < 0xC0:
            return self._take(kind & 0x1F).decode()
        return self._longer(kind)

    def _longer(self, kind: int) -> Any:
        if kind in _NUMBERS:
            form = _NUMBERS[kind]
            return struct.unpack(form, self._take(struct.calcsize(form)))[0]
        if kind in _SIZES:
            return self._take(self._size(_SIZES[kind])).decode()
        if kind in _LISTS:
            return self._list(self._size(_LISTS[kind]))
        if kind in _MAPS:
            return self._map(self._size(_MAPS[kind]))
        size = _FIXED_EXTENSIONS.get(kind) or self._size(_EXTENSIONS[kind])
        self._take(1 + size)
        return UNKNOWN

    def _list(self, length: int) -> list[Any]:
        return [self.value() for _ in range(length)]

    def _map(self, length: int) -> dict[str, Any]:
        return {self.value(): self.value() for _ in range(length)}

    def _size(self, width: int) -> int:
        return int.from_bytes(self._take(width), "big")

    def _take(self, length: int) -> bytes:
        self._at += length
        return self._data[self._at - length : self._at]
