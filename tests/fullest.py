"""The largest document that a plan can lead to: all verified, none announced, the longest names."""

from dataclasses import replace
from fractions import Fraction

from functions.core.effects import AnnounceDone
from functions.core.plan import make_plan
from functions.core.render import LONGEST_HISTORY, Pending, Render, State
from schemas.assets import Asset
from schemas.certificate import Companions, Delivered, Effort
from schemas.events import AttemptRecord, OutputVerified, RenderDone
from schemas.ids import Upload
from schemas.kinds import Kind
from schemas.loudness import Loudness
from schemas.plan import RenderPlan
from schemas.spec import LONGEST_SPEC, MOST_OUTPUTS, Output, RenderSpec
from schemas.spec_clip import Clip
from schemas.spec_fields import SpecFault
from schemas.spec_kinds import Wish
from schemas.spec_overlays import Captions, Watermark
from tests.unit.makers import NOW, UPLOAD, certificate, failure, media

LONG = replace(UPLOAD, name="acme/" + "/".join(['é"' * 60] * 5) + ".mp4")
"""As long as an object's name may be, of letters that take more than one byte."""


def asked(*, clips: int, outputs: int, drawn: bool) -> tuple[RenderSpec, tuple[Asset, ...]]:
    """So many clips and outputs with names as long as they may be, and what they draw."""
    files = [f"{'y' * 190}{n}" for n in range(outputs if drawn else 0)]
    spec = RenderSpec(
        clips=tuple(Clip(name=f"{'c' * 38}{n:02}") for n in range(clips)),
        outputs=tuple(
            Output(
                name=f"{'o' * 39}{n}",
                wish=Wish(kind=Kind.HLS if n % 2 else Kind.MP4),
                frame_rate=Fraction(30 - n // 2, 1001) * 1000,
                watermark=Watermark(image=f"{files[n]}.png") if drawn else None,
                captions=Captions(file=f"{files[n]}.srt") if drawn else None,
            )
            for n in range(outputs)
        ),
    )
    shape = {"generation": 10**18, "size_bytes": 10**6, "width": 4096, "height": 512}
    found = (f"acme/{file}.{suffix}" for file in files for suffix in ("png", "srt"))
    return spec, tuple(Asset(name=name, **shape) for name in found)


def planned(upload: Upload, *, clips: int, outputs: int, drawn: bool, length: int) -> RenderPlan:
    """The plan of that, of a video of so many seconds. Raises SpecFault."""
    spec, assets = asked(clips=clips, outputs=outputs, drawn=drawn)
    folder = upload.name.rpartition(".")[0] + ".r-00000000000000000000"
    return make_plan(upload, media(length=length), spec, folder=folder, assets=assets)


def largest(upload: Upload, *, drawn: bool, length: int) -> RenderPlan:
    """The plan of the most clips, as all outputs that may be asked for, that is not refused."""
    clips, plan = 1, None
    while True:
        try:
            plan = planned(upload, clips=clips, outputs=MOST_OUTPUTS, drawn=drawn, length=length)
        except SpecFault:
            assert plan is not None, "not even one clip may be made as all outputs"
            return plan
        clips += 1


def fullest(upload: Upload, plan: RenderPlan, spec_text: str = '"' * LONGEST_SPEC) -> Render:
    """Every output verified and none announced, after as many attempts as are kept."""
    cause = replace(failure(), message='"' * 500, detail='"' * 2000)
    attempts = tuple(
        AttemptRecord(
            number=number,
            lane="batch/us-central1/l4/standard",
            launched_at=NOW,
            execution="e" * 63,
            started_at=NOW,
            ended_at=NOW,
            cause=cause,
            frames_before=10**6,
            frames_after=10**6,
        )
        for number in range(LONGEST_HISTORY)
    )
    sheet = certificate(
        frames=10**7,
        planned_frames=10**7,
        audio_samples=10**10,
        size_bytes=10**12,
        duration_seconds=Fraction(10**9 + 1, 30_000),
        encoder_class="h264_nvenc/ada/470.57.02",
        loudness=Loudness(
            target=Fraction(-14),
            before=-23.123456789,
            gain_db=9.123456789,
            limited=True,
            held_back=False,
            reached=-14.123456789,
            true_peak=-1.123456789,
        ),
        companions=Companions(
            folder="f" * 500 + "/", files=10**4, size_bytes=10**12, sums_sha256="ab" * 32
        ),
        effort=Effort(encoding_cpu_seconds=10**7 + 0.123, verifying_cpu_seconds=10**6 + 0.123),
    )
    verified = tuple(
        OutputVerified(
            render=plan.render,
            attempt=20,
            at=NOW,
            output_id=output.id,
            delivered=Delivered(bucket="b" * 63, name=output.object_name, generation=10**18),
            certificate=sheet,
        )
        for output in plan.outputs
    )
    pending = tuple(
        Pending(
            effect=AnnounceDone(
                event=RenderDone(
                    render=plan.render,
                    at=NOW,
                    tenant=upload.tenant,
                    upload=upload,
                    output_id=one.output_id,
                    delivered=one.delivered,
                    certificate=one.certificate,
                )
            ),
            others_after=NOW,
        )
        for one in verified
    )
    return Render(
        id=plan.render,
        upload=upload,
        state=State.RENDERING,
        created_at=NOW,
        updated_at=NOW,
        deadline=NOW,
        revisit_at=NOW,
        media=plan.media,
        spec_text=spec_text,
        assets=plan.assets,
        plan=plan,
        attempts=attempts,
        outputs=verified,
        pending=pending,
    )
