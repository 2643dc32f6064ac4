"""What a delivered file says of itself, in its metadata: enough to announce it whoever finds it."""

from collections.abc import Mapping
from datetime import datetime

from schemas.certificate import Certificate, Delivered
from schemas.events import OutputVerified
from schemas.ports import ObjectInfo
from schemas.times import utc
from schemas.wire import from_json, to_json

_RENDER = "clipline-render"
_ATTEMPT = "clipline-attempt"
_VERIFIED_AT = "clipline-verified-at"
_CERTIFICATE = "clipline-certificate"
_SHA256 = "clipline-sha256"


def label(render: str, attempt: int, at: datetime, certificate: Certificate) -> Mapping[str, str]:
    """The metadata of an output that passed."""
    return {
        _RENDER: render,
        _ATTEMPT: str(attempt),
        _VERIFIED_AT: at.isoformat(),
        _CERTIFICATE: to_json(certificate).decode(),
    }


def mark(render: str, sha256: str) -> Mapping[str, str]:
    """The metadata of a file that the announced one refers to."""
    return {_RENDER: render, _SHA256: sha256}


def is_marked(info: ObjectInfo, render: str, sha256: str) -> bool:
    """Whether it is that file of that render."""
    return is_of(info, render) and info.metadata.get(_SHA256) == sha256


def is_of(info: ObjectInfo, render: str) -> bool:
    """Whether that render delivered it."""
    return info.metadata.get(_RENDER) == render


def companions_of(output: OutputVerified) -> str | None:
    """The prefix of the names of all files that the announced one refers to; None without any."""
    companions = output.certificate.companions
    if companions is None:
        return None
    return f"{output.delivered.name.rpartition('/')[0]}/{companions.folder}"


def record_of(info: ObjectInfo, bucket: str, output_id: str) -> OutputVerified:
    """The record of a labelled output: the same words whoever reads them, and whenever."""
    return OutputVerified(
        render=info.metadata[_RENDER],
        attempt=int(info.metadata[_ATTEMPT]),
        output_id=output_id,
        delivered=Delivered(bucket=bucket, name=info.name, generation=info.generation),
        certificate=from_json(info.metadata[_CERTIFICATE].encode(), Certificate),
        at=utc(datetime.fromisoformat(info.metadata[_VERIFIED_AT])),
    )
