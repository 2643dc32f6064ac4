"""What is drawn on an output's pictures, fetched and understood once a task.

An image is decoded in a process of its own and handed to ffmpeg as plain pixels, captions are read
here and handed on in words that this program chose: ffmpeg parses nothing of either that a stranger
wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from render_job.errors import RenderFault
from render_job.light import cube
from render_job.studio import Drawn
from render_job.subtitles import FONTS, script
from schemas.assets import Asset
from schemas.captions import CaptionFault, Cue, parse_captions
from schemas.failures import Failure, FailureClass
from schemas.plan import OutputPlan
from schemas.ports import Images, NotAnImage, ObjectStore

MARK, LIGHT, CAPTIONS = "watermark.rgba", "watermark.cube", "captions.ass"
MOST_KEPT = 4
"""Files of a kind; outputs mostly share theirs, and one that is needed again is fetched again."""
Kept = TypeVar("Kept")


@dataclass(slots=True, kw_only=True)
class Overlays:
    """Keeps what it fetched last: `MOST_KEPT` images of 8 MiB at most, and as many captions."""

    uploads: ObjectStore
    images: Images
    _pixels: dict[Asset, bytes] = field(default_factory=dict)
    _cues: dict[Asset, Sequence[Cue]] = field(default_factory=dict)

    def drawn(self, output: OutputPlan, folder: Path) -> Drawn:
        """The files that the output's pictures need, written into the folder.

        Raises ObjectMissing where a generation that the plan holds is gone, RenderFault (input)
        where it cannot be read any more.
        """
        mark = light = captions = None
        if output.watermark is not None:
            mark = folder / MARK
            mark.write_bytes(self._image(output.watermark.asset))
            if output.watermark.hdr is not None:
                light = folder / LIGHT
                light.write_text(cube(output.watermark.hdr), encoding="ascii")
        if output.captions is not None:
            captions = folder / CAPTIONS
            words = script(output, output.captions, self._read(output.captions.asset))
            captions.write_text(words, encoding="utf-8")
        fonts = FONTS if captions else None
        return Drawn(mark=mark, light=light, captions=captions, fonts=fonts)

    def _image(self, asset: Asset) -> bytes:
        if asset not in self._pixels:
            try:
                image = self.images.decode(self._bytes(asset))
            except NotAnImage as error:
                raise RenderFault(_unreadable(asset, error)) from error
            if (image.width, image.height) != (asset.width, asset.height):
                raise RenderFault(_unreadable(asset, f"{image.width}x{image.height} pixels"))
            _keep(self._pixels, asset, image.pixels)
        return self._pixels[asset]

    def _read(self, asset: Asset) -> Sequence[Cue]:
        if asset not in self._cues:
            try:
                _keep(self._cues, asset, parse_captions(self._bytes(asset)))
            except CaptionFault as fault:
                raise RenderFault(_unreadable(asset, fault)) from fault
        return self._cues[asset]

    def _bytes(self, asset: Asset) -> bytes:
        return self.uploads.read_range(asset.name, 0, asset.size_bytes, generation=asset.generation)


def _keep(kept: dict[Asset, Kept], asset: Asset, value: Kept) -> None:
    """In place of the one that came first, where it would be one too many."""
    if len(kept) >= MOST_KEPT:
        del kept[next(iter(kept))]
    kept[asset] = value


def _unreadable(asset: Asset, why: object) -> Failure:
    """It was good when the upload was looked at, by another release perhaps."""
    message = f"'{asset.name}' cannot be drawn: {why}"
    return Failure(failure=FailureClass.INPUT, reason="asset_unreadable", message=message)
