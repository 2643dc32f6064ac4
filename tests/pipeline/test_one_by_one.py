"""Outputs are delivered one by one: one that cannot be made withholds no other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from render_job.encoder import find_ffmpeg
from render_job.errors import Exit
from render_job.ffmpeg_studio import FfmpegStudio
from render_job.parcel import Parcel
from render_job.studio import Part
from schemas.certificate import Certificate
from schemas.kinds import Kind
from schemas.plan import OutputPlan
from tests.pipeline.workshop import workshop
from tests.sources import Sources

SPEC = """{"clips": [{"end": 1.5}],
           "outputs": [{"kind": "poster", "height": 90}, {"height": 90, "name": "film"},
                       {"kind": "thumbnails"}]}"""


@dataclass(frozen=True, kw_only=True)
class Mistrusting(FfmpegStudio):
    """Finds a fault in every output of one kind."""

    kind: Kind

    def check_parcel(
        self,
        parcel: Parcel,
        output: OutputPlan,
        joined: Path,
        certificate: Certificate,
        pieces: Sequence[Part],
        sound: Part | None,
        *,
        heard: Callable[[], None],
    ) -> Certificate:
        seen = super().check_parcel(parcel, output, joined, certificate, pieces, sound, heard=heard)
        return replace(seen, faults=("planted",)) if output.kind is self.kind else seen


def test_an_output_that_is_not_verified_withholds_no_other(
    sources: Sources, tmp_path: Path
) -> None:
    studio = Mistrusting(encoder=find_ffmpeg(), kind=Kind.POSTER)
    it = workshop(sources.path("ntsc"), tmp_path, SPEC, studio=studio)
    assert it.run() is Exit.REPORTED
    assert it.failures() == ["full/poster: planted"]
    assert it.certificate("full/film").verified
    assert it.certificate("full/thumbnails").verified
    assert not any("poster" in name for name in it.names())


def test_where_the_sound_cannot_be_made_the_images_are(sources: Sources, tmp_path: Path) -> None:
    it = workshop(sources.path("ntsc"), tmp_path, SPEC)
    sound = replace(it.task.plan.audio[0], bitrate=-1)
    plan = replace(it.task.plan, audio=(sound,))
    it = replace(it, task=replace(it.task, plan=plan))
    assert it.run() is Exit.REPORTED
    assert len(it.failures()) == 1
    assert sorted(name.rpartition("/")[2] for name in it.names()) == [
        "SHA256SUMS",
        "poster.jpg",
        "sheet.jpg",
        "thumbnails.vtt",
    ]
