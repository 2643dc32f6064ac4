"""Captions in the words that ffmpeg draws: a script for libass, all of it our own.

The words of a caption come last in a line and are escaped whatever they are: a brace would open a
command, a backslash begins one. What a stranger wrote is shown, and never obeyed.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import floor
from pathlib import Path

from render_job.light import white
from schemas.captions import Cue
from schemas.pieces import Span
from schemas.plan import CaptionPlan, OutputPlan
from schemas.spec_overlays import Position

FONTS = Path(__file__).parent / "fonts"
FONT = "DejaVu Sans"
"""The family of the one font in FONTS, which is bold; libass finds nothing better elsewhere."""
SIDE_MARGIN = Fraction(6, 100)
OUTLINE = Fraction(1, 14)
"""Of a line's height: white words stay readable on snow."""

_ALIGNMENTS = {Position.BOTTOM: 2, Position.MIDDLE: 5, Position.TOP: 8}
_ESCAPES = str.maketrans({"\\": "\\\N{WORD JOINER}", "{": "\\{", "}": "\\}", "\n": "\\N"})
"""A backslash that is followed by nothing visible is only itself."""


def script(output: OutputPlan, plan: CaptionPlan, cues: Sequence[Cue]) -> str:
    """The whole script, in the output's pixels and the output's own time."""
    style = (
        *("Caption", FONT, plan.text_size),
        *(_grey(white(plan.hdr)), _grey(white(plan.hdr)), _grey(0), _grey(0)),
        *(1, 0, 0, 0, 100, 100, 0, 0),
        *(1, max(1, round(plan.text_size * OUTLINE)), 0),
        _ALIGNMENTS[plan.position],
        *(round(output.width * SIDE_MARGIN), round(output.width * SIDE_MARGIN), plan.margin),
        1,
    )
    lines = (
        "[Script Info]",
        "ScriptType: v4.00+",
        f"PlayResX: {output.width}",
        f"PlayResY: {output.height}",
        "WrapStyle: 0",
        "ScaledBorderAndShadow: yes",
        "YCbCr Matrix: None",
        "",
        "[V4+ Styles]",
        "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, "
        "BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, "
        "BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding",
        f"Style: {','.join(map(str, style))}",
        "",
        "[Events]",
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text",
        *_events(output, plan, cues),
        "",
    )
    return "\n".join(lines)


def _grey(value: int) -> str:
    """Opaque, in libass's words."""
    return "&H00" + f"{value:02X}" * 3


def escaped(text: str) -> str:
    """The words as libass shows them letter by letter."""
    return text.translate(_ESCAPES)


def _events(output: OutputPlan, plan: CaptionPlan, cues: Sequence[Cue]) -> Iterator[str]:
    """Those that are seen in the output, each from its first hundredth of a second to its last."""
    last = output.in_clip(Span(0, output.frames)).end
    length = floor(last / output.clip_rate * 100) + 1
    for cue in cues:
        start = max(0, floor((Fraction(cue.start, 1000) - plan.offset) * 100))
        end = min(length, floor((Fraction(cue.end, 1000) - plan.offset) * 100))
        if start < end:
            times = f"{_clock(start)},{_clock(end)}"
            yield f"Dialogue: 0,{times},Caption,,0,0,0,,{escaped(cue.text)}"


def _clock(hundredths: int) -> str:
    seconds, hundredths = divmod(hundredths, 100)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}.{hundredths:02}"
