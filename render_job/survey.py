"""Looking at the work bucket: one listing of the render's home tells all that there is to know."""

from collections import defaultdict

from render_job.choose import Claim, Seen, Worker
from schemas import names
from schemas.claimed import frames_made, taken_at
from schemas.pieces import Span, covered
from schemas.plan import AudioPlan, Order, RenderPlan, once
from schemas.ports import ObjectInfo, ObjectStore


def survey(work: ObjectStore, plan: RenderPlan, order: Order) -> Seen:
    """What stands there now. Pieces of other encoder classes are as good as absent.

    Of a piece its span is kept and nothing of its verdict: a long render has thousands.
    """
    now = work.now()
    home = names.home(plan.render)
    prefixes = {
        names.pieces(
            plan.render, output.pieces_id, output.key(plan.upload, order.encoder_class)
        ): output.pieces_id
        for output in plan.outputs
    }
    pieces: dict[str, set[Span]] = {id: set() for id in prefixes.values()}
    made: dict[str, list[ObjectInfo]] = {id: [] for id in prefixes.values()}
    claimed = names.claim(plan.render, "").removesuffix(".json")
    claims, standing = dict[str, Claim](), set[str]()
    for info in work.list(home):
        folder, _, _ = info.name.rpartition("/")
        if (id := prefixes.get(f"{folder}/")) and (span := names.span_of(info.name)):
            pieces[id].add(span)
            if order.hedge:
                made[id].append(info)
        elif info.name.startswith(claimed) and "execution" in info.metadata:
            claims[info.name[len(claimed) :].removesuffix(".json")] = _claim(info)
        else:
            standing.add(info.name)
    return Seen(
        now=now,
        pieces={id: frozenset(spans) for id, spans in pieces.items()},
        sound=frozenset(a.id for a in plan.audio if sound_name(plan, a) in standing),
        delivered=frozenset(
            output.id
            for output in plan.outputs
            if names.delivered(plan.render, output.id) in standing
        ),
        claims=claims,
        paces={id: _paces(infos) for id, infos in made.items()} if order.hedge else {},
        closed=names.closed(plan.render, order.attempt) in standing,
        cancelled=names.cancelled(plan.render) in standing,
    )


def sound_name(plan: RenderPlan, audio: AudioPlan) -> str:
    """The object that holds that sound."""
    return names.audio(plan.render, audio.clip, audio.key(plan.upload))


def committed_frames(plan: RenderPlan, seen: Seen) -> int:
    """Frames of the whole render that are made for good."""
    return sum(
        covered(seen.pieces[output.pieces_id], output.chunks) for output in once(plan.outputs)
    )


def _paces(pieces: list[ObjectInfo]) -> dict[Worker, float]:
    """Frames a second of each task, over all of its pieces; some do not say who made them."""
    frames: dict[Worker, int] = defaultdict(int)
    seconds: dict[Worker, float] = defaultdict(float)
    for info in pieces:
        span = names.span_of(info.name)
        if span is not None and "seconds" in info.metadata:
            worker = _worker(info)
            frames[worker] += len(span)
            seconds[worker] += float(info.metadata["seconds"])
    return {worker: frames[worker] / seconds[worker] for worker in frames if seconds[worker] > 0}


def _worker(info: ObjectInfo) -> Worker:
    return Worker(execution=info.metadata["execution"], task=int(info.metadata["task"]))


def _claim(info: ObjectInfo) -> Claim:
    return Claim(
        worker=_worker(info),
        attempt=int(info.metadata["attempt"]),
        taken_at=taken_at(info),
        renewed_at=info.updated,
        generation=info.generation,
        frames=frames_made(info),
    )
