"""An upload is looked at, and either asked for as a render or refused. No machine is started."""

import logging

from functions.assets import look_at_assets
from functions.ports import NotRenderable, Ports
from schemas.assets import Asset, is_asset
from schemas.events import ObjectFinalized, RenderRequested, SpecSource, UploadRefused
from schemas.failures import Failure, FailureClass
from schemas.ids import SIDECAR_SUFFIX, Upload
from schemas.ports import ObjectInfo, ObjectMissing
from schemas.spec import LONGEST_SPEC, parse_spec
from schemas.spec_fields import SpecFault
from schemas.topics import Topic

SPEC_METADATA = "clipline-spec"
"""The object metadata key under which an upload may carry its spec."""

log = logging.getLogger("clipline.intake")


def admit(event: ObjectFinalized, ports: Ports) -> None:
    """Publish what the upload is: a request or a refusal, under an id that repeats share.

    An object that is gone or overwritten meanwhile is nobody's wish any more: its newer
    generation has an event of its own.
    """
    if is_asset(event.name):
        log.info("to be named by a spec", extra={"action": "skipped", "object": event.name})
        return
    name = event.name.removesuffix(SIDECAR_SUFFIX)
    video = ports.uploads.stat(name)
    if video is None or (name == event.name and video.generation != event.generation):
        log.info("nothing to render", extra={"action": "skipped", "object": event.name})
        return
    sidecar = ports.uploads.stat(f"{name}{SIDECAR_SUFFIX}")
    upload = Upload(
        bucket=event.bucket,
        name=name,
        generation=video.generation,
        revision=sidecar.generation if sidecar else 0,
    )
    told: RenderRequested | UploadRefused
    try:
        source, text = _spec(video, sidecar, ports)
        assets = _assets(text, upload, ports)
        told = RenderRequested(
            upload=upload,
            media=ports.prober.probe(ports.uploads, name, generation=video.generation),
            spec_source=source,
            spec_text=text,
            at=video.updated,
            assets=assets,
        )
    except SpecFault as fault:
        told = UploadRefused(upload=upload, failure=fault.failure, at=video.updated)
    except NotRenderable as refusal:
        told = UploadRefused(upload=upload, failure=refusal.failure, at=video.updated)
    except ObjectMissing:
        log.info("gone while it was looked at", extra={"action": "skipped", "object": name})
        return
    ports.publisher.publish(Topic.RENDER_REQUESTS, told)


def _spec(
    video: ObjectInfo, sidecar: ObjectInfo | None, ports: Ports
) -> tuple[SpecSource, str | None]:
    """Where the spec comes from: a sidecar before the object's metadata before the default."""
    if sidecar is None:
        text = video.metadata.get(SPEC_METADATA)
        return (SpecSource.METADATA if text else SpecSource.DEFAULT), text
    if sidecar.size_bytes > LONGEST_SPEC:
        message = f"the sidecar has {sidecar.size_bytes} bytes, but may have {LONGEST_SPEC}"
        raise NotRenderable(
            Failure(
                failure=FailureClass.SPEC,
                reason="spec_too_long",
                message=message,
                field="spec",
                value=f"{sidecar.size_bytes} bytes long",
                limit=f"at most {LONGEST_SPEC} bytes long",
            )
        )
    return SpecSource.SIDECAR, ports.uploads.read(sidecar.name).decode(errors="replace")


def _assets(text: str | None, upload: Upload, ports: Ports) -> tuple[Asset, ...]:
    """The files that the spec names. Raises SpecFault for one that will not do.

    A spec that cannot be read names none: whoever plans the render says what is wrong with it.
    """
    try:
        spec = parse_spec(text)
    except SpecFault:
        return ()
    return look_at_assets(spec, upload, ports.uploads, ports.images)
