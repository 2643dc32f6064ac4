"""Elements of EBML (RFC 8794), which Matroska and WebM are made of."""


def element(name: int, *held: bytes) -> bytes:
    """An element with its length in eight bytes."""
    body = b"".join(held)
    return identity(name) + (len(body) | 1 << 56).to_bytes(8, "big") + body


def number(name: int, value: int) -> bytes:
    """An element that is an unsigned number."""
    return element(name, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def identity(name: int) -> bytes:
    """An element's name with its marker, as it stands in the file."""
    return name.to_bytes((name.bit_length() + 7) // 8, "big")
