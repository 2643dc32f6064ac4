"""How large a render's document can become by its plan: known before anything is made.

A document holds the plan, every output that is verified, and until it is published every event that
announces one. Firestore takes 1 MiB (https://cloud.google.com/firestore/quotas), and a render that
has outgrown it in the middle of its life could not even be given up.
"""

from collections.abc import Iterable

from schemas.plan import AudioPlan, OutputPlan
from schemas.spec_fields import SpecFault

MOST_BYTES = 1_000_000
"""What is planned for, below the limit of 1,048,576."""
BESIDE = 250_000
"""All that does not grow with the plan: the spec's text, escaped, the attempts, other effects."""
PLANNED, VERIFIED, SOUND, CHUNK = 1_100, 1_500, 300, 34
"""Of an output in the plan, of its certificate, of a sound, of a chunk, without what has a name."""
OVERLAY = 400


def record_bytes(
    outputs: Iterable[OutputPlan], audio: Iterable[AudioPlan], *, upload_name: str
) -> int:
    """At most so many bytes, every output verified and none announced yet."""
    size = BESIDE
    for output in outputs:
        size += PLANNED + 2 * VERIFIED + CHUNK * len(output.chunks)
        size += 3 * _length(output.object_name) + _length(upload_name)
        for drawn in (output.watermark, output.captions):
            size += OVERLAY + _length(drawn.asset.name) if drawn else 0
    return size + sum(SOUND for _ in audio)


def check_record(
    outputs: Iterable[OutputPlan], audio: Iterable[AudioPlan], *, upload_name: str
) -> None:
    """Raises SpecFault where the document could become too large."""
    outputs = tuple(outputs)
    size = record_bytes(outputs, audio, upload_name=upload_name)
    if size > MOST_BYTES:
        chunks = sum(len(output.chunks) for output in outputs)
        value = f"asking for {len(outputs)} files in {chunks} chunks, {size} bytes on record"
        limit = f"at most {MOST_BYTES} bytes: fewer clips or outputs, or shorter names"
        raise SpecFault("spec", value, limit)


def _length(text: str) -> int:
    """In JSON: a quote or a backslash takes two bytes, a control character six."""
    return (
        sum(6 if ord(c) < 32 else 1 + (c in '"\\') for c in text) + len(text.encode()) - len(text)
    )
