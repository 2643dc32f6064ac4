"""The files that a spec names are looked at before anything is started for it.

Each is read once, whole, in the generation that stands then; the plan holds that generation.
"""

from collections.abc import Iterator

from functions.ports import Uploaded
from schemas.assets import (
    LARGEST_CAPTIONS_BYTES,
    LARGEST_IMAGE_BYTES,
    LONGEST_IMAGE_SIDE,
    MOST_IMAGE_PIXELS,
    Asset,
    object_name,
)
from schemas.captions import CaptionFault, parse_captions
from schemas.ids import Upload
from schemas.ports import Images, NotAnImage, ObjectMissing
from schemas.spec import RenderSpec
from schemas.spec_fields import SpecFault

IMAGE_LIMIT = (
    f"a PNG, JPEG or WebP of at most {LARGEST_IMAGE_BYTES >> 20} MiB, {LONGEST_IMAGE_SIDE} pixels "
    f"a side and {MOST_IMAGE_PIXELS} in all"
)


def look_at_assets(
    spec: RenderSpec, upload: Upload, uploads: Uploaded, images: Images
) -> tuple[Asset, ...]:
    """What the spec names, each once. Raises SpecFault for the first that will not do."""
    found: dict[str, Asset] = {}
    for at, name, is_image in named(spec):
        full = object_name(upload, name, at)
        if full not in found:
            look = _image if is_image else _captions
            found[full] = look(full, name, at, uploads, images)
    return tuple(found.values())


def named(spec: RenderSpec) -> Iterator[tuple[str, str, bool]]:
    """Field and name of each file, and whether it is to be an image."""
    for number, output in enumerate(spec.outputs):
        if output.watermark is not None:
            yield f"outputs[{number}].watermark.image", output.watermark.image, True
        if output.captions is not None:
            yield f"outputs[{number}].captions.file", output.captions.file, False


def _image(full: str, name: str, at: str, uploads: Uploaded, images: Images) -> Asset:
    generation, data = _read(full, name, at, uploads, LARGEST_IMAGE_BYTES, IMAGE_LIMIT)
    try:
        image = images.decode(data)
    except NotAnImage as error:
        raise SpecFault(at, f"{name}, {error}", IMAGE_LIMIT) from None
    return Asset(
        name=full,
        generation=generation,
        size_bytes=len(data),
        width=image.width,
        height=image.height,
    )


def _captions(full: str, name: str, at: str, uploads: Uploaded, images: Images) -> Asset:
    limit = f"SubRip or WebVTT of at most {LARGEST_CAPTIONS_BYTES >> 10} KiB"
    generation, data = _read(full, name, at, uploads, LARGEST_CAPTIONS_BYTES, limit)
    try:
        parse_captions(data)
    except CaptionFault as fault:
        raise SpecFault(f"{at} {name}", fault.value, fault.limit) from None
    return Asset(name=full, generation=generation, size_bytes=len(data))


def _read(
    full: str, name: str, at: str, uploads: Uploaded, most: int, limit: str
) -> tuple[int, bytes]:
    """Generation and bytes of the object. Raises SpecFault if it is missing or too large."""
    info = uploads.stat(full)
    if info is None:
        raise SpecFault(at, name, f"a file that is there: put {full} there first, then ask again")
    if info.size_bytes > most:
        raise SpecFault(at, f"{name}, {info.size_bytes} bytes long", limit)
    try:
        data = uploads.read_range(full, 0, info.size_bytes, generation=info.generation)
    except ObjectMissing:
        raise SpecFault(at, name, "a file that does not change while it is looked at") from None
    return info.generation, data
