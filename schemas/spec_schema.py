"""The render spec as a JSON Schema, for editors and for those who check before they send."""

from collections.abc import Sequence
from typing import Any

from schemas.assets import CAPTION_SUFFIXES, IMAGE_SUFFIXES, LONGEST_NAME
from schemas.kinds import Image, Kind
from schemas.presets import DEFAULT, PRESETS
from schemas.priority import Priority
from schemas.spec import MOST_CLIPS, MOST_OUTPUTS
from schemas.spec_clip import FRAMES, LATEST_FRAME, SECONDS, Clip
from schemas.spec_fields import CLOCK, LATEST_SECOND, NAME, RATE
from schemas.spec_kinds import COLUMNS, EVERY, MP4
from schemas.spec_overlays import (
    MARGINS,
    MARK_WIDTHS,
    OPACITIES,
    Captions,
    Corner,
    Position,
    TextSize,
    Watermark,
)
from schemas.spec_picture import HEIGHTS, RATES, WIDTHS, Deinterlace, Fit, Quality
from schemas.spec_sound import LOUDNESSES

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def spec_schema() -> dict[str, Any]:
    """What a sidecar or an object's `clipline-spec` metadata may say.

    Wider than `parse_spec` where JSON Schema has no words: see its description.
    """
    seconds: dict[str, Any] = {
        "anyOf": [
            {"type": "number", "minimum": 0, "exclusiveMaximum": LATEST_SECOND},
            {"type": "string", "pattern": f"^{CLOCK.pattern}$"},
        ]
    }
    name = {"type": "string", "pattern": f"^{NAME.pattern}$"}
    low, high = LOUDNESSES
    loudness = {"anyOf": [{"type": "number", "minimum": low, "maximum": high}, {"type": "null"}]}
    return {
        "$schema": DIALECT,
        "$id": "urn:clipline:clipline.render-spec.v1",
        "title": "clipline.render-spec.v1",
        "description": "Every clip is made as every output. Checked besides: names are used once "
        "only, a clip's end is later than its start, sizes and frames are written without a "
        "fraction, a width and its height are even, a fit is said only where there is a width, and "
        "of a kind only what belongs to it. A named file must be there, and good, when the video "
        "is looked at.",
        "type": "object",
        "properties": {
            "version": {"const": 1, "default": 1},
            "clips": _list(
                _clip(name, seconds, loudness),
                MOST_CLIPS,
                apart=[(second, frame) for second in SECONDS for frame in FRAMES],
            ),
            "outputs": _list(
                {
                    "name": {
                        **name,
                        "description": "By default the preset, or else the size: `web-HEIGHT`, or "
                        "`WIDTHxHEIGHT` where a width is said; `hls-HEIGHT` of HLS, and of images "
                        "their kind.",
                    },
                    "preset": {
                        "enum": list(PRESETS),
                        "default": DEFAULT,
                        "description": "What all fields are that are not said.",
                    },
                    **_picture(),
                    **_overlays(),
                    **_kind(seconds),
                },
                MOST_OUTPUTS,
            ),
            "priority": {
                "enum": [*(one.value for one in Priority), None],
                "default": None,
                "description": "How urgent it is, up to what its tenant may ask for; null is what "
                "is configured of the tenant or folder.",
            },
            "loudness": {
                **loudness,
                "default": None,
                "description": "LUFS to bring the sound of every clip to; null leaves it.",
            },
        },
        "additionalProperties": False,
        "examples": [
            {},
            {"outputs": [{"height": 720}, {"height": 360, "quality": "small"}]},
            {"outputs": [{"preset": "vertical-1080", "fit": "blur"}, {"preset": "preview"}]},
            {
                "outputs": [
                    {
                        "preset": "vertical-1080",
                        "watermark": {"image": "brand/logo.png", "corner": "top-right"},
                        "captions": {"file": "holiday.srt"},
                    }
                ]
            },
            {"clips": [{"name": "intro", "end": 12.5}, {"name": "goal", "start": "0:41:07"}]},
            {"clips": [{"name": "goal", "start_frame": 61_140, "end_frame": 61_320}]},
            {"loudness": -14, "outputs": [{"height": 720}]},
            {"outputs": [{"kind": "hls"}, {"kind": "poster", "at": 3}, {"kind": "thumbnails"}]},
        ],
    }


def _clip(
    name: dict[str, Any], seconds: dict[str, Any], loudness: dict[str, Any]
) -> dict[str, Any]:
    """What a clip says: seconds or frames, never both."""
    frame = {"minimum": 0, "maximum": LATEST_FRAME}
    return {
        "name": {**name, "default": Clip().name},
        "start": {**seconds, "default": 0, "description": "Seconds, or H:MM:SS.sss."},
        "end": {
            "anyOf": [*seconds["anyOf"], {"type": "null"}],
            "default": None,
            "description": "As start; null is the video's end.",
        },
        "start_frame": {
            "type": "integer",
            **frame,
            "default": 0,
            "description": "Instead of start: the first frame, counted from 0, each as long as the "
            "video's length by its number of frames.",
        },
        "end_frame": {
            "type": ["integer", "null"],
            **frame,
            "default": None,
            "description": "Instead of end: the first frame that is not in the clip any more; null "
            "is the video's end.",
        },
        "loudness": {
            **loudness,
            "description": "LUFS; by default the spec's. null leaves the sound as it is.",
        },
    }


def _picture() -> dict[str, Any]:
    """What an output says of its picture; left out, it is as the preset has it."""
    return {
        "width": {
            "type": ["integer", "null"],
            "minimum": WIDTHS[0],
            "maximum": WIDTHS[1],
            "description": "Pixels. With it the output is exactly this wide and high; null is the "
            "source's shape.",
        },
        "height": {
            "type": "integer",
            "minimum": HEIGHTS[0],
            "maximum": HEIGHTS[1],
            "description": "Pixels; without a width a smaller source is not enlarged.",
        },
        "fit": {
            "enum": [fit.value for fit in Fit],
            "description": "How a picture comes into a frame of another shape: what lies beyond "
            "its edges is cut off, or it is seen whole on black, or on a blurred copy of itself.",
        },
        "quality": {"enum": [quality.value for quality in Quality]},
        "frame_rate": {
            "anyOf": [
                {"type": "number", "minimum": RATES[0], "maximum": RATES[1]},
                {"type": "string", "pattern": f"^{RATE.pattern}$"},
                {"type": "null"},
            ],
            "description": "Frames a second at most, 1 to 60; null is the source's own rate.",
        },
        "deinterlace": {
            "enum": [way.value for way in Deinterlace],
            "description": "Whether interlaced pictures are made whole.",
        },
    }


def _overlays() -> dict[str, Any]:
    """What an output says that is to be drawn on its picture."""
    watermark, captions = Watermark(image=""), Captions(file="")
    return {
        "watermark": _overlay(
            "image",
            _file(IMAGE_SUFFIXES),
            "An image on every picture: PNG, JPEG or WebP, in the upload's own folder.",
            {
                "corner": {
                    "enum": [corner.value for corner in Corner],
                    "default": watermark.corner.value,
                },
                "width": _percent(MARK_WIDTHS, watermark.width, "the output's width"),
                "margin": _percent(MARGINS, watermark.margin, "the output's shorter side"),
                "opacity": _percent(OPACITIES, watermark.opacity, "the image's own"),
            },
        ),
        "captions": _overlay(
            "file",
            _file(CAPTION_SUFFIXES),
            "Words on the picture: SubRip or WebVTT, in the upload's own folder. Its times are "
            "those of the whole video; of what it says of styles and places, nothing is done.",
            {
                "size": {
                    "enum": [size.value for size in TextSize],
                    "default": captions.size.value,
                },
                "position": {
                    "enum": [position.value for position in Position],
                    "default": captions.position.value,
                },
            },
        ),
    }


def _overlay(
    key: str, file: dict[str, Any], description: str, more: dict[str, Any]
) -> dict[str, Any]:
    return {
        "type": ["object", "null"],
        "properties": {key: file, **more},
        "required": [key],
        "additionalProperties": False,
        "description": description,
    }


def _file(suffixes: tuple[str, ...]) -> dict[str, Any]:
    """Suffixes in either case, which a pattern has to spell out."""
    ends = "|".join("".join(f"[{c}{c.upper()}]" for c in suffix[1:]) for suffix in suffixes)
    return {"type": "string", "maxLength": LONGEST_NAME, "pattern": rf"^[^/\\].*\.({ends})$"}


def _percent(limits: tuple[int, int], default: int, of: str) -> dict[str, Any]:
    return {
        "type": "integer",
        "minimum": limits[0],
        "maximum": limits[1],
        "default": default,
        "description": f"Percent of {of}.",
    }


def _kind(seconds: dict[str, Any]) -> dict[str, Any]:
    """What an output says of its kind."""
    low, high = EVERY
    return {
        "kind": {
            "enum": [kind.value for kind in Kind],
            "default": MP4.kind.value,
            "description": "One file of pictures and sound, the same as HLS, one picture, or a "
            "sheet of small ones with WebVTT.",
        },
        "at": {
            "anyOf": [*seconds["anyOf"], {"type": "null"}],
            "default": None,
            "description": "Of a poster: seconds from the clip's start; null is its middle.",
        },
        "image": {
            "enum": [image.value for image in Image],
            "default": MP4.image.value,
            "description": "How a poster is stored.",
        },
        "every": {
            "anyOf": [
                {"type": "number", "minimum": float(low), "maximum": float(high)},
                {"type": "null"},
            ],
            "default": None,
            "description": "Of thumbnails: seconds from one to the next; null is two, or more "
            "where that makes over a hundred.",
        },
        "columns": {
            "type": "integer",
            "minimum": COLUMNS[0],
            "maximum": COLUMNS[1],
            "default": MP4.columns,
            "description": "Of thumbnails: how many stand in a row of the sheet.",
        },
    }


def _list(
    properties: dict[str, Any], most: int, *, apart: Sequence[tuple[str, str]] = ()
) -> dict[str, Any]:
    """A list of objects, in none of which two fields of a pair of `apart` are."""
    item = {"type": "object", "properties": properties, "additionalProperties": False}
    if apart:
        item["not"] = {"anyOf": [{"required": list(pair)} for pair in apart]}
    return {"type": "array", "items": item, "minItems": 1, "maxItems": most, "default": [{}]}
