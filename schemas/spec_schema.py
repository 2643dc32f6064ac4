"""The render spec as a JSON Schema, for editors and for those who check before they send."""

from typing import Any

from schemas.spec import MOST_CLIPS, MOST_OUTPUTS, Clip, Output
from schemas.spec_fields import CLOCK, LATEST_SECOND, NAME
from schemas.spec_picture import HEIGHTS, Quality

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def spec_schema() -> dict[str, Any]:
    """What a sidecar or an object's `clipline-spec` metadata may say.

    Wider than `parse_spec` where JSON Schema has no words: see its description.
    """
    clip, output = Clip(), Output()
    seconds: dict[str, Any] = {
        "anyOf": [
            {"type": "number", "minimum": 0, "exclusiveMaximum": LATEST_SECOND},
            {"type": "string", "pattern": f"^{CLOCK.pattern}$"},
        ]
    }
    name = {"type": "string", "pattern": f"^{NAME.pattern}$"}
    return {
        "$schema": DIALECT,
        "$id": "urn:clipline:clipline.render-spec.v1",
        "title": "clipline.render-spec.v1",
        "description": "Every clip is made as every output. Checked besides: names are used once "
        "only, a clip's end is later than its start, and a height is written without a fraction.",
        "type": "object",
        "properties": {
            "version": {"const": 1, "default": 1},
            "clips": _list(
                {
                    "name": {**name, "default": clip.name},
                    "start": {**seconds, "default": 0, "description": "Seconds, or H:MM:SS.sss."},
                    "end": {
                        "anyOf": [*seconds["anyOf"], {"type": "null"}],
                        "default": None,
                        "description": "As start; null is the video's end.",
                    },
                },
                MOST_CLIPS,
            ),
            "outputs": _list(
                {
                    "name": {**name, "description": "By default `web-` and the height."},
                    "height": {
                        "type": "integer",
                        "minimum": HEIGHTS[0],
                        "maximum": HEIGHTS[1],
                        "default": output.height,
                        "description": "Pixels; a smaller source is not enlarged.",
                    },
                    "quality": {
                        "enum": [quality.value for quality in Quality],
                        "default": output.quality.value,
                    },
                },
                MOST_OUTPUTS,
            ),
        },
        "additionalProperties": False,
        "examples": [
            {},
            {"outputs": [{"height": 720}, {"height": 360, "quality": "small"}]},
            {"clips": [{"name": "intro", "end": 12.5}, {"name": "goal", "start": "0:41:07"}]},
        ],
    }


def _list(properties: dict[str, Any], most: int) -> dict[str, Any]:
    item = {"type": "object", "properties": properties, "additionalProperties": False}
    return {"type": "array", "items": item, "minItems": 1, "maxItems": most, "default": [{}]}
