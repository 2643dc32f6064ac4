"""Protocol Buffers as far as a provider needs them: fields by number, no generated code.

https://protobuf.dev/programming-guides/encoding/ says the wire's form, and Terraform's
docs/plugin-protocol/tfplugin6.0.proto the numbers.
"""

from collections.abc import Iterable, Mapping

Value = bytes | str | int | bool | Iterable[bytes]


def message(fields: Mapping[int, Value]) -> bytes:
    """A message; nothing is written of what is empty, a list is a repeated field."""
    return b"".join(_field(number, value) for number, value in fields.items())


def entries(messages: Mapping[str, bytes]) -> list[bytes]:
    """What a map field holds."""
    return [message({1: key, 2: value}) for key, value in messages.items()]


def read(data: bytes) -> dict[int, bytes]:
    """The fields with a length, the last of each number; numbers are passed over."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 2:
            size, at = _varint(data, at)
            found[tag >> 3] = data[at : at + size]
            at += size
        elif kind == 0:
            _, at = _varint(data, at)
        else:
            at += 8 if kind == 1 else 4
    return found


def _field(number: int, value: Value) -> bytes:
    if isinstance(value, int):
        return _number(number << 3) + _number(int(value)) if value else b""
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return _number(number << 3 | 2) + _number(len(value)) + value if value else b""
    return b"".join(_number(number << 3 | 2) + _number(len(one)) + one for one in value)


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
