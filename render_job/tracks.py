"""A track as its packets tell it: counts, times and a digest, read in one pass without decoding.

Packets come in the order of decoding, and are wanted in that of showing: they are sorted within a
window wider than any encoder reorders. So a track of hours takes no more room than one of seconds.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from render_job.steps import Steps

if TYPE_CHECKING:
    from av.packet import Packet

WINDOW = 64
"""Packets; H.264 reorders 16 at most (A.3.1, MaxDpbFrames)."""


@dataclass(kw_only=True)
class Track:
    """Takes in packets in file order and keeps a few numbers of all of them together.

    Times are exact fractions of seconds. The properties are for when the last packet is in.
    """

    base: Fraction
    """Seconds a tick."""
    size_bytes: int = 0
    """Of all packets together."""
    leading: int = 0
    """Frames shown before the key frame that they follow in the file: their GOP is open."""
    decoding_times_rise: bool = True
    """Whether every packet has a decoding time, each later than the one before."""
    _shown: Steps = field(default_factory=Steps)
    _keys: Steps = field(default_factory=Steps)
    _key: int | None = None
    _dts: int | None = None
    _end: int | None = None
    _gaps: bool = False
    _waiting: list[tuple[int, int]] = field(default_factory=list)
    _payload: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def take(self, packet: "Packet[Any]") -> None:
        """Count one packet; the empty one at the end of a stream is none."""
        if not packet.size:
            return
        self._decoded_at(packet.dts)
        if packet.pts is not None:
            if packet.is_keyframe:
                self._keys.append(packet.pts)
                self._key = packet.pts
            elif self._key is not None and packet.pts < self._key:
                self.leading += 1
            heappush(self._waiting, (packet.pts, packet.duration or 0))
            if len(self._waiting) > WINDOW:
                self._show(*heappop(self._waiting))
        self.size_bytes += packet.size
        self._payload.update(packet.size.to_bytes(8, "big"))
        self._payload.update(packet)

    def from_zero(self) -> "Track":
        """The same, so much earlier that its first packet's frame is shown at 0."""
        shown = self._all()
        by = -shown[0] if shown else 0
        return Track(
            base=self.base,
            size_bytes=self.size_bytes,
            leading=self.leading,
            decoding_times_rise=self.decoding_times_rise,
            _shown=shown.moved(by),
            _keys=self._keys.moved(by),
            _end=None if self._end is None else self._end + by,
            _gaps=self._gaps,
            _payload=self._payload,
        )

    def __len__(self) -> int:
        """How many packets have a time."""
        return len(self._all())

    def time(self, place: int) -> Fraction:
        """When the packet's frame is shown that comes at that place. Raises IndexError."""
        return self._all()[place] * self.base

    def off_beat(self, rate: Fraction) -> Iterator[int]:
        """The places of those that are not shown at their place's time."""
        beat = self.base * rate
        for run in self._all().runs:
            if run.first * beat == run.at and (run.count == 1 or run.step * beat == 1):
                continue
            for n in range(run.count):
                if (run.first + n * run.step) * beat != run.at + n:
                    yield run.at + n

    def keys_every(self, frames: int, of: int, rate: Fraction) -> bool:
        """Whether of so many frames every `frames`-th and no other is a key frame."""
        beat, grid = self.base * rate, range(0, of, frames)
        return len(self._keys) == len(grid) and all(
            key * beat == place for key, place in zip(self._keys, grid, strict=True)
        )

    def is_key(self, place: int) -> bool:
        """Whether the frame that is shown at that place is a key frame."""
        return self._all()[place] in self._keys

    @property
    def start(self) -> Fraction:
        """When the first packet's frame begins; 0 for an empty track."""
        shown = self._all()
        return shown[0] * self.base if shown else Fraction(0)

    @property
    def end(self) -> Fraction:
        """When the last packet's frame ends, by its stated duration; 0 for an empty track."""
        self._all()
        return (self._end or 0) * self.base

    @property
    def has_gaps(self) -> bool:
        """Whether some packet does not begin where the one before it ends."""
        self._all()
        return self._gaps

    @property
    def payload(self) -> str:
        """SHA-256 over the packets' lengths and bytes, in file order."""
        return self._payload.hexdigest()

    def _decoded_at(self, dts: int | None) -> None:
        late = dts is None or (self._dts is not None and dts <= self._dts)
        self.decoding_times_rise = self.decoding_times_rise and not late
        self._dts = dts if dts is not None else self._dts

    def _all(self) -> Steps:
        """Those that waited as well: nothing is shown before them any more."""
        while self._waiting:
            self._show(*heappop(self._waiting))
        return self._shown

    def _show(self, pts: int, length: int) -> None:
        self._gaps = self._gaps or self._end not in (None, pts)
        self._end = pts + length
        self._shown.append(pts)
