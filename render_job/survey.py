"""Looking at the work bucket: one listing of the render's home tells all that there is to know."""

from render_job.choose import Claim, Seen, Worker
from schemas import names
from schemas.pieces import Span, covered
from schemas.plan import Order, RenderPlan
from schemas.ports import ObjectInfo, ObjectStore


def survey(work: ObjectStore, plan: RenderPlan, order: Order) -> Seen:
    """What stands there now. Pieces of other encoder classes are as good as absent."""
    now = work.now()
    home = names.home(plan.render)
    listing = {info.name: info for info in work.list(home)}
    outputs = {output.id: output for output in plan.outputs}
    prefixes = {
        names.pieces(plan.render, id, output.key(plan.upload, order.encoder_class)): id
        for id, output in outputs.items()
    }
    pieces: dict[str, set[Span]] = {id: set() for id in outputs}
    for name in listing:
        folder, _, _ = name.rpartition("/")
        if (id := prefixes.get(f"{folder}/")) and (span := names.span_of(name)):
            pieces[id].add(span)
    return Seen(
        now=now,
        pieces={id: frozenset(spans) for id, spans in pieces.items()},
        sound=frozenset(a.clip for a in plan.audio if sound_name(plan, a.clip) in listing),
        delivered=frozenset(id for id in outputs if names.delivered(plan.render, id) in listing),
        claims=_claims(listing, names.claim(plan.render, "").removesuffix(".json")),
        closed=names.closed(plan.render, order.attempt) in listing,
        cancelled=names.cancelled(plan.render) in listing,
    )


def sound_name(plan: RenderPlan, clip: str) -> str:
    """The object that holds the clip's sound. The clip must have one."""
    audio = plan.audio_of(clip)
    assert audio is not None, "only clips with sound are asked for"
    return names.audio(plan.render, clip, audio.key(plan.upload))


def committed_frames(plan: RenderPlan, seen: Seen) -> int:
    """Frames of the whole render that are made for good."""
    return sum(covered(seen.pieces[output.id], output.chunks) for output in plan.outputs)


def _claims(listing: dict[str, ObjectInfo], prefix: str) -> dict[str, Claim]:
    found = {}
    for name, info in listing.items():
        if name.startswith(prefix) and "execution" in info.metadata:
            found[name[len(prefix) :].removesuffix(".json")] = Claim(
                worker=Worker(
                    execution=info.metadata["execution"], task=int(info.metadata["task"])
                ),
                attempt=int(info.metadata["attempt"]),
                renewed_at=info.updated,
                generation=info.generation,
                frames=int(info.metadata.get("frames", "0")),
            )
    return found
