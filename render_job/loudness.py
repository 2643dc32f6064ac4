"""Measuring how loud a sound is: by ffmpeg what was uploaded, by libavfilter what was made.

The upload is opened by the hardened ffmpeg alone, which says what it heard on stderr. The made
sound is decoded anyway when it is verified, and every decoded frame passes the meter here.
"""

import re
from math import log10
from typing import TYPE_CHECKING

from render_job.errors import RenderFault
from render_job.level import SILENT, Heard
from schemas.failures import Failure, FailureClass

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream

_NUMBER = r"(-?inf|-?nan|-?\d+(?:\.\d+)?)"
_LOUDNESS = re.compile(rf"^\s+I:\s+{_NUMBER} LUFS", re.MULTILINE)
_PEAK = re.compile(rf"^\s+Peak:\s+{_NUMBER} dBFS", re.MULTILINE)
SCANNER = "ebur128"
_PEAKS = ("lavfi.r128.true_peaks_ch0", "lavfi.r128.true_peaks_ch1")
"""Of full scale."""


def heard_of(words: str) -> Heard:
    """What ffmpeg's scanner said at its end. Raises RenderFault (dependency) if it said nothing.

    An upload's own texts may be among the words; they are said before it is decoded, so the last
    numbers count.
    """
    loudness, peak = (found.findall(words) for found in (_LOUDNESS, _PEAK))
    if not loudness or not peak:
        said = "ffmpeg did not say how loud the sound is."
        raise RenderFault(
            Failure(failure=FailureClass.DEPENDENCY, reason="not_measured", message=said)
        )
    return _heard(float(loudness[-1]), float(peak[-1]))


class Meter:
    """Hears decoded frames of stereo sound, in order; `heard` is for when the last one is in."""

    def __init__(self, stream: "AudioStream") -> None:
        import av

        self._graph = av.filter.Graph()
        source = self._graph.add_abuffer(template=stream)
        scanner = self._graph.add(SCANNER, "peak=true:metadata=1")
        sink = self._graph.add("abuffersink")
        source.link_to(scanner)
        scanner.link_to(sink)
        self._graph.configure()
        self._last: dict[str, str] = {}

    def hear(self, frame: "AudioFrame") -> None:
        """One frame more."""
        self._graph.push(frame)
        self._listen()

    @property
    def heard(self) -> Heard:
        """Over all frames; the last tenth of a second may not be counted."""
        peak = max((float(self._last.get(name, "0")) for name in _PEAKS), default=0.0)
        decibels = 20 * log10(peak) if peak > 0 else float("-inf")
        return _heard(float(self._last.get("lavfi.r128.I", "-inf")), decibels)

    def _listen(self) -> None:
        import av

        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return
            if frame.metadata:
                self._last = dict(frame.metadata)


def _heard(lufs: float, peak: float) -> Heard:
    """Silence has no number: the scanner stands at its gate, and a peak of nothing is -inf.

    At its gate it stands after less than 0.4 s as well, and there the peak is known.
    """
    if not peak > float("-inf"):
        return Heard(lufs=None, peak=None)
    return Heard(lufs=round(lufs, 2) if lufs > SILENT else None, peak=round(peak, 2))
