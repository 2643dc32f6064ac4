"""What an upload's spec may pull in beside the video: images and captions of the same tenant.

An asset is an object of the uploads bucket. A spec names it below its tenant's folder, so that no
spec can name another tenant's; a plan holds its generation, so that every piece, whenever it is
made, has the same bytes on it. By itself an asset is no upload: nothing is made of it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.ids import Upload
from schemas.spec_fields import SpecFault

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
CAPTION_SUFFIXES = (".srt", ".vtt")
LONGEST_NAME = 200
LARGEST_IMAGE_BYTES = 2 << 20
LARGEST_CAPTIONS_BYTES = 1 << 19
MOST_IMAGE_PIXELS = 1 << 21
"""A little more than 1920x1080: 8 MiB once decoded, and a task keeps all that its plan names."""
LONGEST_IMAGE_SIDE = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One generation of one image or caption file, looked at and found good."""

    name: str
    generation: int
    size_bytes: int
    width: int = 0
    """Pixels of an image; 0 for captions."""
    height: int = 0


def is_asset(name: str) -> bool:
    """Whether an object's name says that it is to be pulled in, not rendered."""
    return name.lower().endswith((*IMAGE_SUFFIXES, *CAPTION_SUFFIXES))


def asset_name_of(raw: object, at: str, suffixes: tuple[str, ...]) -> str:
    """The name below the tenant's folder, as a spec may say it."""
    limit = f"the name of a file in the upload's own folder, ending in {', '.join(suffixes)}"
    if not isinstance(raw, str) or not raw.lower().endswith(suffixes) or not raw.isprintable():
        raise SpecFault(at, raw, limit)
    if len(raw) > LONGEST_NAME:
        raise SpecFault(at, f"{len(raw)} characters long", f"at most {LONGEST_NAME}")
    if "\\" in raw or any(part in ("", ".", "..") for part in raw.split("/")):
        raise SpecFault(at, raw, limit)
    return raw


def object_name(upload: Upload, name: str, at: str) -> str:
    """The object that an upload's spec means. Raises SpecFault where it is another tenant's."""
    folder, slash, _ = upload.name.partition("/")
    full = f"{folder}/{name}" if slash else name
    if Upload(bucket=upload.bucket, name=full, generation=0).tenant != upload.tenant:
        raise SpecFault(at, name, f"a file of {upload.tenant}")
    return full


def find_asset(assets: Iterable[Asset], name: str, at: str) -> Asset:
    """The one that was looked at. Raises SpecFault if none was."""
    found = next((asset for asset in assets if asset.name == name), None)
    if found is None:
        raise SpecFault(at, name, "a file that is there when the video is looked at")
    return found
