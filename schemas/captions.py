"""Captions: SubRip and WebVTT read strictly, into plain text and times and nothing else.

What a file says of styles, voices, positions and regions is left out, whatever it is: a caption is
its words. The words are never anything but words to whoever draws them: see
`render_job/subtitles.py`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from schemas.letters import HAS

MOST_CUES = 5_000
MOST_AT_ONCE = 4
LONGEST_TEXT = 500
"""Characters of a cue, tags not counted."""
MOST_LINES = 6
MOST_NAMED = 5
"""Letters that a fault names one by one."""
DRAWN = "letters of DejaVu Sans, which has no Chinese, Japanese, Korean or Indian script"

_VTT_TIME = r"(?:(\d{2,3}):)?([0-5]\d):([0-5]\d)\.(\d{3})"
_SRT_TIME = r"(\d{1,3}):([0-5]\d):([0-5]\d)[,.](\d{3})"
_VTT_TIMING = re.compile(rf"{_VTT_TIME}[ \t]+-->[ \t]+{_VTT_TIME}(?:[ \t].*)?", re.ASCII)
_SRT_TIMING = re.compile(rf"{_SRT_TIME}[ \t]*-->[ \t]*{_SRT_TIME}(?:[ \t].*)?", re.ASCII)
_VTT_TAG = re.compile(r"<[^<>]*>")
_SRT_TAG = re.compile(r"</?(?:[biu]|font(?: [^<>]*)?)>|\{\\an[1-9]\}", re.IGNORECASE)
"""Also what many write to have a line at the top."""
_ENTITIES = {
    "&lt;": "<", "&gt;": ">", "&nbsp;": "\N{NO-BREAK SPACE}", "&lrm;": "", "&rlm;": "",
    "&amp;": "&",
}  # fmt: skip
_UNSEEN = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\u00ad]")
"""Characters that only say how others are to be set; without them the text reads the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """Words from one moment to another, in milliseconds from the start of the video."""

    start: int
    end: int
    text: str
    """One line or more, each without spaces around it."""


class CaptionFault(ValueError):
    """The file will not do: `value` is what is wrong and where, `limit` would have been right."""

    def __init__(self, value: str, limit: str, *, line: int | None = None) -> None:
        self.value = value if line is None else f"line {line}: {value}"
        self.limit = limit
        super().__init__(f"{self.value}, but must be {limit}")


def parse_captions(data: bytes) -> Sequence[Cue]:
    """Cues that follow one another and never overlap: where several were at once, they are one.

    Raises CaptionFault for the first line that will not do.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise CaptionFault(f"the byte {data[error.start]:#04x}", "UTF-8", line=line) from None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    is_vtt = lines[0] == "WEBVTT" or lines[0].startswith(("WEBVTT ", "WEBVTT\t"))
    cues = []
    for first, block in _blocks(lines):
        if is_vtt and (first == 1 or block[0].split(maxsplit=1)[0] in ("NOTE", "STYLE", "REGION")):
            continue
        cues.append(_cue(first, block, is_vtt=is_vtt))
        if len(cues) > MOST_CUES:
            raise CaptionFault("one cue more", f"at most {MOST_CUES} cues", line=first)
    return tuple(_in_turn([cue for cue in cues if cue.text]))


def _blocks(lines: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    """Runs of lines that are not blank, each with the number of its first one."""
    block: list[str] = []
    for number, line in enumerate([*lines, ""], start=1):
        if line.strip():
            block.append(line)
        elif block:
            yield number - len(block), block
            block = []


def _cue(first: int, block: Sequence[str], *, is_vtt: bool) -> Cue:
    """The second line is the timing where the first is a name or a number."""
    named = "-->" not in block[0] and len(block) > 1
    at, timing = first + named, block[named].strip()
    form = "[HH:]MM:SS.mmm --> [HH:]MM:SS.mmm" if is_vtt else "HH:MM:SS,mmm --> HH:MM:SS,mmm"
    match = (_VTT_TIMING if is_vtt else _SRT_TIMING).fullmatch(timing)
    if match is None:
        raise CaptionFault(_shown(timing), form, line=at)
    start, end = _milliseconds(match.groups()[:4]), _milliseconds(match.groups()[4:])
    if end <= start:
        raise CaptionFault(_shown(timing), "a time that ends after it starts", line=at)
    return Cue(start=start, end=end, text=_text(at + 1, block[named + 1 :], is_vtt=is_vtt))


def _milliseconds(groups: Sequence[str | None]) -> int:
    hours, minutes, seconds, millis = (int(part or 0) for part in groups)
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + millis


def _text(first: int, lines: Sequence[str], *, is_vtt: bool) -> str:
    """The words, of letters that can be drawn."""
    if len(lines) > MOST_LINES:
        raise CaptionFault(f"{len(lines)} lines of text", f"at most {MOST_LINES}", line=first)
    plain = []
    for number, line in enumerate(lines, start=first):
        words = (_VTT_TAG if is_vtt else _SRT_TAG).sub("", line)
        for entity, letter in _ENTITIES.items() if is_vtt else ():
            words = words.replace(entity, letter)
        words = _UNSEEN.sub("", words).replace("\t", " ").strip()
        if missing := [letter for letter in dict.fromkeys(words) if ord(letter) not in HAS]:
            raise CaptionFault(_named(missing), DRAWN, line=number)
        if words:
            plain.append(words)
    text = "\n".join(plain)
    if len(text) > LONGEST_TEXT:
        raise CaptionFault(f"{len(text)} characters", f"at most {LONGEST_TEXT}", line=first)
    return text


def _in_turn(cues: Iterable[Cue]) -> Iterator[Cue]:
    """The same words at the same moments, but one cue at a time; who began first stands above."""
    ordered = sorted(enumerate(cues), key=lambda one: (one[1].start, one[0]))
    moments = sorted({moment for _, cue in ordered for moment in (cue.start, cue.end)})
    spoken: list[Cue] = []
    at = 0
    for start, end in pairwise(moments):
        spoken = [cue for cue in spoken if cue.end > start]
        while at < len(ordered) and ordered[at][1].start == start:
            spoken.append(ordered[at][1])
            at += 1
        if len(spoken) > MOST_AT_ONCE:
            seconds = f"{start // 1000}.{start % 1000:03} s"
            raise CaptionFault(f"{len(spoken)} cues at {seconds}", f"{MOST_AT_ONCE} at once")
        if spoken:
            yield Cue(start=start, end=end, text="\n".join(cue.text for cue in spoken))


def _named(letters: Sequence[str]) -> str:
    each = [f"{_shown(letter)} (U+{ord(letter):04X})" for letter in letters[:MOST_NAMED]]
    more = len(letters) - len(each)
    rest = f" and {more} more" if more else ""
    return f"the letter{'s' if len(letters) > 1 else ''} {', '.join(each)}{rest}"


def _shown(text: str) -> str:
    return repr(text)[1:-1][:60]
