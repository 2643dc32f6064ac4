"""What a claim in the work bucket says beside who holds it; tasks write it, others read it too."""

from datetime import datetime

from schemas.ports import ObjectInfo
from schemas.times import utc


def taken_at(claim: ObjectInfo) -> datetime:
    """By the store's clock: renewals repeat it, the first writing is it."""
    told = claim.metadata.get("taken")
    return utc(datetime.fromisoformat(told)) if told else claim.updated


def frames_made(claim: ObjectInfo) -> int:
    """As its holder last said; none of what has no frames, or is only begun."""
    return int(claim.metadata.get("frames", "0"))
