"""The kinds of an output: what file, or which files, become of the pictures that were made."""

from enum import StrEnum


class Kind(StrEnum):
    """What an output is. Of several files one is announced, and stands after all the others."""

    MP4 = "mp4"
    """One file of H.264 and AAC."""
    HLS = "hls"
    """A playlist, an init segment and media segments: fragmented MP4, nothing encoded again."""
    POSTER = "poster"
    """One picture of the clip."""
    THUMBNAILS = "thumbnails"
    """A sheet of small pictures, and WebVTT that says which of them is shown when."""

    @property
    def plays(self) -> bool:
        """Whether it has all of the clip's pictures, and its sound."""
        return self in (Kind.MP4, Kind.HLS)


SEVERAL = (Kind.HLS, Kind.THUMBNAILS)
"""Those whose announced file refers to others."""


class Image(StrEnum):
    """How a poster is stored."""

    JPEG = "jpeg"
    PNG = "png"

    @property
    def extension(self) -> str:
        """Of its file's name."""
        return "jpg" if self is Image.JPEG else "png"
