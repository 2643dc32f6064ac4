"""A track as its packets tell it: counts, times and a digest, read in one pass without decoding."""

import hashlib
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from av.packet import Packet


@dataclass(kw_only=True)
class Track:
    """Takes in packets in file order and keeps a few numbers of each, never the bytes.

    Times are exact fractions of seconds. The properties are for when the last packet is in.
    """

    base: Fraction
    """Seconds a tick."""
    size_bytes: int = 0
    """Of all packets together."""
    _spans: list[tuple[int, int]] = field(default_factory=list)
    _keys: list[int] = field(default_factory=list)
    _decoding: list[int | None] = field(default_factory=list)
    _leading: int = 0
    _payload: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def take(self, packet: "Packet[Any]") -> None:
        """Count one packet; the empty one at the end of a stream is none."""
        if not packet.size:
            return
        self._decoding.append(packet.dts)
        if packet.pts is not None:
            self._spans.append((packet.pts, packet.duration or 0))
            if packet.is_keyframe:
                self._keys.append(packet.pts)
            elif self._keys and packet.pts < self._keys[-1]:
                self._leading += 1
        self.size_bytes += packet.size
        self._payload.update(packet.size.to_bytes(8, "big"))
        self._payload.update(packet)

    def from_zero(self) -> "Track":
        """The same, so much earlier that its first packet's frame is shown at 0."""
        by = min(self._spans)[0] if self._spans else 0
        moved = Track(base=self.base, size_bytes=self.size_bytes)
        moved._spans = [(pts - by, length) for pts, length in self._spans]
        moved._keys = [pts - by for pts in self._keys]
        moved._decoding = [None if dts is None else dts - by for dts in self._decoding]
        moved._leading, moved._payload = self._leading, self._payload
        return moved

    @cached_property
    def times(self) -> list[Fraction]:
        """When each packet's frame is shown, in that order."""
        return [pts * self.base for pts, _ in sorted(self._spans)]

    @cached_property
    def keys(self) -> list[Fraction]:
        """When the key frames are shown."""
        return [pts * self.base for pts in sorted(self._keys)]

    @property
    def start(self) -> Fraction:
        """When the first packet's frame begins; 0 for an empty track."""
        return min(self._spans)[0] * self.base if self._spans else Fraction(0)

    @property
    def end(self) -> Fraction:
        """When the last packet's frame ends, by its stated duration; 0 for an empty track."""
        return sum(max(self._spans)) * self.base if self._spans else Fraction(0)

    @property
    def has_gaps(self) -> bool:
        """Whether some packet does not begin where the one before it ends."""
        return any(a + length != b for (a, length), (b, _) in pairwise(sorted(self._spans)))

    @property
    def decoding_times_rise(self) -> bool:
        """Whether every packet has a decoding time, each later than the one before."""
        known = [dts for dts in self._decoding if dts is not None]
        return len(known) == len(self._decoding) and all(a < b for a, b in pairwise(known))

    @property
    def leading(self) -> int:
        """Frames shown before the key frame that they follow in the file: their GOP is open."""
        return self._leading

    @property
    def payload(self) -> str:
        """SHA-256 over the packets' lengths and bytes, in file order."""
        return self._payload.hexdigest()
