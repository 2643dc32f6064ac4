"""Which pieces the outputs of a render are joined of: what is shared, and where chunks begin."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from schemas.ids import Upload
from schemas.pieces import cut_into_chunks
from schemas.plan import OutputPlan
from schemas.spec_fields import SpecFault

CHUNK_SECONDS = (4, 15)
"""The shortest and longest chunk: below, the fixed cost shows (0.13 CPU seconds a chunk, and the
decoding from the key frame before); above, a preemption loses too much."""
FEWEST_CHUNKS = 4
"""Of a render, as long as none becomes too short: so that a few tasks have something to share."""
MOST_SHARES = 32
"""Tasks for which the last chunks are still short enough."""
MOST_CHUNKS = 10_000
"""Of one render: keeps its document, at about 30 bytes a chunk, far below Firestore's 1 MiB."""


def sharing(outputs: Sequence[OutputPlan], upload: Upload) -> Sequence[OutputPlan]:
    """The outputs; those of a clip that have the same pictures are told whose pieces they share.

    An MP4 and an HLS of one preset are the same packets in other files, and so is `web-1080` beside
    `web-720` of a source that is no larger. Stills have pictures of their own.
    """
    looks = [_look(output, upload) for output in outputs]
    many = Counter(looks)
    owners = {look: output.id for look, output in reversed([*zip(looks, outputs, strict=True)])}
    return [
        replace(output, shared=owners[look]) if output.kind.plays and many[look] > 1 else output
        for look, output in zip(looks, outputs, strict=True)
    ]


def chunked(outputs: Sequence[OutputPlan]) -> Sequence[OutputPlan]:
    """The outputs with their chunks; those that share pieces have the same ones.

    Raises SpecFault where there would be too many in all.
    """
    lengths = [
        output.frames / output.frame_rate
        if output.kind.plays and output.pieces_id == output.id
        else Fraction(0)
        for output in outputs
    ]
    whole = left = sum(lengths, Fraction(0))
    made: dict[str, OutputPlan] = {}
    chunks = 0
    for output, seconds in zip(outputs, lengths, strict=True):
        left -= seconds
        if output.pieces_id in made:
            output = replace(output, chunks=made[output.pieces_id].chunks)
        elif output.kind.plays:
            length = _length(output.frame_rate, whole=whole, later=left)
            spans = cut_into_chunks(output.frames, gop=output.gop, length=length)
            output = replace(output, chunks=spans)
        made[output.id] = output
        chunks += len(output.chunks)
        if chunks > MOST_CHUNKS:
            value = f"asking for {chunks} chunks in {len(made)} files"
            raise SpecFault("spec", value, f"at most {MOST_CHUNKS} in all")
    return [*made.values()]


def _look(output: OutputPlan, upload: Upload) -> tuple[str, str]:
    """The same for all outputs of a clip that have the same pictures, whatever files they become.

    Of stills it is their own.
    """
    if not output.kind.plays:
        return output.clip, output.id
    return output.clip, replace(output, shared=output.id).key(upload, "")


def _length(rate: Fraction, *, whole: Fraction, later: Fraction) -> Callable[[int], int]:
    """How long the next chunk of an output is, by how much of the output is left; in frames.

    Guided self-scheduling: one share of all that is left of the render, where it has as many shares
    as minutes, within limits. So chunks are long while all tasks are busy anyway, and short at the
    end, where tasks wait for the last one. How many tasks there will be is not known, and a shorter
    render has fewer shares because each chunk has its fixed cost. `whole` is the render's length,
    `later` what follows this output, both in seconds: only the last output's end is the end.
    """
    shortest, longest = CHUNK_SECONDS
    most = min(Fraction(longest), max(Fraction(shortest), whole / FEWEST_CHUNKS))
    shares = min((whole or Fraction(1)) / 60, Fraction(MOST_SHARES))
    shortest_frames, most_frames = round(shortest * rate), round(most * rate)
    # In whole numbers, a fifth of a fraction's time: a plan asks for up to MOST_CHUNKS lengths.
    later_frames = later * rate
    above = shares.denominator * later_frames.denominator
    below = shares.numerator * later_frames.denominator
    ahead = shares.denominator * later_frames.numerator

    def length(left: int) -> int:
        share = _rounded(left * above + ahead, below)
        return max(1, min(max(share, shortest_frames), most_frames))

    return length


def _rounded(above: int, below: int) -> int:
    """The fraction as `round` has it: of two whole numbers as near, the even one."""
    whole, rest = divmod(above, below)
    return whole + (2 * rest > below or (2 * rest == below and whole % 2))
