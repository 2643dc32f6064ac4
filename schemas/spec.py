"""The render spec: what a creator may ask for, read strictly and refused with the field named.

What may be asked of a clip is in `schemas/spec_clip.py`, of an output's picture in
`schemas/spec_picture.py`, how a field is read in `schemas/spec_fields.py`, and the same as a JSON
Schema in `schemas/spec_schema.py`.
"""

from dataclasses import dataclass, replace

from schemas.kinds import Kind
from schemas.presets import DEFAULT, PRESETS
from schemas.priority import Priority
from schemas.spec_clip import Clip, clip_of
from schemas.spec_fields import SpecFault, decoded, fields_of, list_of, name_of, refuse_twins
from schemas.spec_kinds import KIND_FIELDS, MP4, THUMBNAIL_HEIGHT, Wish, wish_of
from schemas.spec_picture import PICTURE_FIELDS, Picture, picture_of
from schemas.spec_sound import loudness_of

VERSION = 1
LONGEST_SPEC = 65_536
MOST_CLIPS = 100
MOST_OUTPUTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Output(Picture):
    """What to make of every clip; by default one file, H.264 and AAC in MP4."""

    name: str = DEFAULT
    wish: Wish = MP4
    """Its kind, and what is asked of that kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderSpec:
    """Every clip is made as every output; without a spec, the whole video as `web-720`."""

    clips: tuple[Clip, ...] = (Clip(),)
    outputs: tuple[Output, ...] = (Output(),)
    priority: Priority | None = None
    """How urgent it is, up to what its tenant may ask for; None for what is configured."""


def parse_spec(text: str | None) -> RenderSpec:
    """The spec that the JSON text means; None or blank text means the default one.

    Raises SpecFault for the first field that is wrong. Unknown fields are faults too: a misspelt
    wish must not be dropped in silence.
    """
    if text is None or not text.strip():
        return RenderSpec()
    if len(text) > LONGEST_SPEC:
        raise SpecFault("spec", f"{len(text)} characters long", f"at most {LONGEST_SPEC}")
    spec = fields_of(decoded(text), "spec", ("version", "clips", "outputs", "loudness", "priority"))
    version = spec.get("version", VERSION)
    if isinstance(version, bool) or version != VERSION:
        raise SpecFault("version", version, str(VERSION))
    loudness = loudness_of(spec.get("loudness"), "loudness")
    priority = _priority(spec.get("priority"))
    clips = [
        clip_of(c, f"clips[{i}]", loudness)
        for i, c in enumerate(list_of(spec, "clips", MOST_CLIPS))
    ]
    outputs = [
        _output(o, f"outputs[{i}]") for i, o in enumerate(list_of(spec, "outputs", MOST_OUTPUTS))
    ]
    refuse_twins("clips", [clip.name for clip in clips])
    refuse_twins("outputs", [output.name for output in outputs])
    return RenderSpec(
        clips=tuple(clips) or (Clip(),),
        outputs=tuple(outputs) or (Output(),),
        priority=priority,
    )


def _priority(raw: object) -> Priority | None:
    if raw is not None and raw not in tuple(Priority):
        raise SpecFault("priority", raw, f"one of {', '.join(Priority)}")
    return None if raw is None else Priority(str(raw))


def _output(raw: object, at: str) -> Output:
    given = fields_of(raw, at, ("name", "preset", "kind", *PICTURE_FIELDS, *KIND_FIELDS))
    wish = wish_of(given, at)
    preset = given.get("preset", DEFAULT)
    if not isinstance(preset, str) or preset not in PRESETS:
        raise SpecFault(f"{at}.preset", preset, f"one of {', '.join(PRESETS)}")
    start = PRESETS[preset]
    if wish.kind is Kind.THUMBNAILS and "preset" not in given:
        start = replace(start, height=THUMBNAIL_HEIGHT)
    picture = picture_of(given, at, start)
    usual = preset if "preset" in given else _usual_name(wish.kind, picture)
    name = name_of(given.get("name", usual), f"{at}.name")
    said = {field: getattr(picture, field) for field in PICTURE_FIELDS}
    return Output(name=name, wish=wish, **said)


def _usual_name(kind: Kind, picture: Picture) -> str:
    """What an output is called that says neither name nor preset."""
    if not kind.plays:
        return kind.value
    if picture.width:
        return f"{picture.width}x{picture.height}"
    return f"{'hls' if kind is Kind.HLS else 'web'}-{picture.height}"
