"""An upload is looked at, and either asked for as a render or refused. No machine is started."""

import logging

from functions.assets import look_at_assets
from functions.ports import NotRenderable, Ports
from functions.spec_origin import awaits_sidecar_until, spec_of
from schemas.assets import Asset, is_asset
from schemas.events import ObjectFinalized, RenderRequested, UploadRefused
from schemas.ids import SIDECAR_SUFFIX, Upload
from schemas.ports import ObjectInfo, ObjectMissing
from schemas.spec import parse_spec
from schemas.spec_fields import SpecFault
from schemas.topics import Topic

log = logging.getLogger("clipline.intake")


def admit(event: ObjectFinalized, ports: Ports) -> None:
    """Publish what the upload is: a request or a refusal, under an id that repeats share.

    An object that is gone or overwritten meanwhile is nobody's wish any more: its newer
    generation has an event of its own. Nothing is published of one that waits for its sidecar.
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
    if sidecar is None and _still_waits(video, ports):
        return
    upload = Upload(
        bucket=event.bucket,
        name=name,
        generation=video.generation,
        revision=sidecar.generation if sidecar else 0,
    )
    told: RenderRequested | UploadRefused
    try:
        source, text = spec_of(video, sidecar, ports)
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


def _still_waits(video: ObjectInfo, ports: Ports) -> bool:
    """Whether its sidecar may still come: its event, or the sweep when the time is over, is next.

    This process may read the store's clock a second behind the sweep's that told it, at worst:
    then the next reminder finds it (`functions/forgotten.py`).
    """
    until = awaits_sidecar_until(video, ports.tenants)
    if until is None or ports.uploads.now() >= until:
        return False
    log.info(
        "%s waits for its sidecar until %s UTC",
        video.name,
        f"{until:%Y-%m-%d %H:%M:%S}",
        extra={"action": "awaits_sidecar", "object": video.name, "until": until.isoformat()},
    )
    return True


def _assets(text: str | None, upload: Upload, ports: Ports) -> tuple[Asset, ...]:
    """The files that the spec names. Raises SpecFault for one that will not do.

    A spec that cannot be read names none: whoever plans the render says what is wrong with it.
    """
    try:
        spec = parse_spec(text)
    except SpecFault:
        return ()
    return look_at_assets(spec, upload, ports.uploads, ports.images)
