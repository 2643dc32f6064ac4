"""A media playlist (RFC 8216): what a player is told, and the rules that it may rely on."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from tests.readers import Broken

_ONCE = ("VERSION", "TARGETDURATION", "PLAYLIST-TYPE", "INDEPENDENT-SEGMENTS", "MAP", "ENDLIST")
_MAP = re.compile(r'URI="([^"]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Playlist:
    """A playlist that is whole: nothing will be added to it."""

    version: int
    init: str
    segments: Sequence[tuple[Fraction, str]]
    """Seconds, and where it is from the playlist on."""


def read_playlist(data: bytes) -> Playlist:
    """The playlist. Raises Broken where the RFC says MUST and it does not."""
    text = data.decode("utf-8")
    lines = [line for line in text.split("\n") if line]
    if not text.startswith("#EXTM3U\n") or "\r" in text:
        raise Broken("it does not begin with #EXTM3U")  # 4.3.1.1
    tags: dict[str, str] = {}
    segments: list[tuple[Fraction, str]] = []
    length: Fraction | None = None
    for line in lines[1:]:
        if not line.startswith("#"):
            if length is None:
                raise Broken(f"{line} has no EXTINF")  # 4.3.2.1
            segments.append((length, _relative(line)))
            length = None
        elif line.startswith("#EXTINF:"):
            length = Fraction(line.removeprefix("#EXTINF:").split(",")[0])
        else:
            name, _, value = line.removeprefix("#EXT-X-").partition(":")
            if name not in _ONCE or name in tags:
                raise Broken(f"{line} is unknown, or there for the second time")
            if name == "MAP" and segments:
                raise Broken("the init segment is named after the segments that need it")
            tags[name] = value
    if set(tags) != set(_ONCE) or lines[-1] != "#EXT-X-ENDLIST" or tags["PLAYLIST-TYPE"] != "VOD":
        raise Broken(f"a whole playlist says {', '.join(_ONCE)}, and this one {', '.join(tags)}")
    version, longest, named = (
        int(tags["VERSION"]),
        int(tags["TARGETDURATION"]),
        _MAP.search(tags["MAP"]),
    )
    if version < 6 or named is None:
        raise Broken("EXT-X-MAP needs version 6 and a URI")  # 7, 4.3.2.5
    if any(round(seconds) > longest for seconds, _ in segments):
        raise Broken(f"a segment is longer than {longest} s")  # 4.3.3.1
    return Playlist(version=version, init=_relative(named[1]), segments=segments)


def _relative(name: str) -> str:
    """Below the playlist, wherever that is put."""
    if name.startswith(("/", ".")) or ".." in name or ":" in name:
        raise Broken(f"{name} leads away from the playlist")
    return name
