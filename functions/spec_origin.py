"""Where the spec of an upload comes from, and how long one is waited for.

In this order: the sidecar beside it, its own metadata, the default of its folder, the built-in one.
"""

from datetime import datetime, timedelta

from functions.core.tenants import Tenants, default_of
from functions.ports import NotRenderable, Ports
from schemas.events import SpecSource
from schemas.failures import Failure, FailureClass
from schemas.ids import SIDECAR_SUFFIX
from schemas.ports import ObjectInfo
from schemas.spec import LONGEST_SPEC

SPEC_METADATA = "clipline-spec"
"""The object metadata key under which an upload may carry its spec."""


def spec_of(
    video: ObjectInfo, sidecar: ObjectInfo | None, ports: Ports
) -> tuple[SpecSource, str | None]:
    """Its source and its text, None for the built-in one. Raises NotRenderable, ObjectMissing."""
    if sidecar is not None:
        return SpecSource.SIDECAR, _read(sidecar, ports)
    if text := video.metadata.get(SPEC_METADATA):
        return SpecSource.METADATA, text
    if text := default_of(video.name, ports.tenants).spec:
        return SpecSource.FOLDER, text
    return SpecSource.DEFAULT, None


def awaits_sidecar_until(video: ObjectInfo, tenants: Tenants) -> datetime | None:
    """The moment from which on it is rendered without one, by the clock of the uploads' store.

    None if it need not wait: it has a spec of its own, or its folder awaits none.
    """
    if video.name.endswith(SIDECAR_SUFFIX) or video.metadata.get(SPEC_METADATA):
        return None
    wait = default_of(video.name, tenants).await_sidecar
    return video.updated + wait if wait > timedelta(0) else None


def _read(sidecar: ObjectInfo, ports: Ports) -> str:
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
    return ports.uploads.read(sidecar.name).decode(errors="replace")
