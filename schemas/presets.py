"""The presets: complete sets of what may be asked of a picture, by the name that a spec says.

A spec's own fields stand above those of its preset: `{"preset": "square", "fit": "blur"}`.
"""

from collections.abc import Mapping
from fractions import Fraction

from schemas.spec_picture import Deinterlace, Fit, Picture, Quality

PRESETS: Mapping[str, Picture] = {
    "web-1080": Picture(
        width=None,
        height=1080,
        fit=Fit.COVER,
        quality=Quality.BALANCED,
        frame_rate=None,
        deinterlace=Deinterlace.AUTO,
    ),
    "web-720": Picture(
        width=None,
        height=720,
        fit=Fit.COVER,
        quality=Quality.BALANCED,
        frame_rate=None,
        deinterlace=Deinterlace.AUTO,
    ),
    "vertical-1080": Picture(
        width=1080,
        height=1920,
        fit=Fit.COVER,
        quality=Quality.BALANCED,
        frame_rate=None,
        deinterlace=Deinterlace.AUTO,
    ),
    "square": Picture(
        width=1080,
        height=1080,
        fit=Fit.COVER,
        quality=Quality.BALANCED,
        frame_rate=None,
        deinterlace=Deinterlace.AUTO,
    ),
    "preview": Picture(
        width=None,
        height=360,
        fit=Fit.COVER,
        quality=Quality.SMALL,
        frame_rate=Fraction(30),
        deinterlace=Deinterlace.AUTO,
    ),
}
DEFAULT = "web-720"
"""What an output is that names no preset."""
