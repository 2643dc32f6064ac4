"""What must hold at rest, when nothing is under way and nothing more would happen by itself."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise

from functions.core.render import TERMINAL, Render, State
from infra.simulator.evidence import Moved
from infra.simulator.witness import OVERSTAY, Witness
from schemas import labels, names
from schemas.failures import FailureClass
from schemas.ids import SIDECAR_SUFFIX
from schemas.plan import once
from schemas.ports import ObjectInfo

MICRO = 10**6
"""Femto-dollars of a nano-dollar."""
_OUR_FAULTS = {
    "mixed_encoders",
    "output_not_verified",
    "piece_not_verified",
    "sound_lost",
    "output_name_taken",
}
_PASSING = {FailureClass.CAPACITY, FailureClass.PREEMPTED}


def judge(witness: Witness) -> None:
    """Everything that was uploaded has its end, and everybody was told the truth."""
    renders = {render.id: render for render in witness.renders.newest(limit=1_000_000)}
    for info in witness.uploads.list():
        name = info.name.removesuffix(SIDECAR_SUFFIX)
        mine = [r.upload for r in renders.values() if r.upload.name == name]
        if name == info.name and all(u.generation != info.generation for u in mine):
            witness.broken("every upload has a render", f"{name}#{info.generation}")
        if name != info.name and all(u.revision != info.generation for u in mine):
            witness.broken("every sidecar has a render", f"{info.name}#{info.generation}")
    for render in renders.values():
        _end_of(witness, render)
        _overtaken(witness, render, renders.values())
    standing = {info.name: info for info in witness.outputs.list()}
    for name in witness.strangers - set(standing):
        witness.broken("what others put there is left alone", name)
    for info in standing.values():
        _announced(witness, info, renders)
    _accounts(witness)
    for seen in witness.ledger.unsettled(renders.values()):
        witness.broken("the ledger has every end", seen)
    for seen in witness.ledger.unbalanced(renders.values()):
        witness.broken("sum of attempts = sum of causes", seen)
    for render in renders.values():
        for prefix in names.perishable(render.id):
            for info in witness.work.list(prefix, limit=1):
                witness.broken("what nobody needs is removed", f"{info.name}, {render.state}")


def _accounts(witness: Witness) -> None:
    """The bill of every attempt is the sum of its causes, to the microsecond and its price."""
    books, counts = witness.books, witness.counts
    causes = books.settle()
    counts.containers = books.lived
    counts.metered = MICRO * sum(one.nanodollars for one in witness.ledger.told.values())
    for seen in books.unexplained():
        witness.broken("every end has a cause", seen)
    for seen in books.unbalanced(causes):
        witness.broken("sum of attempts = sum of causes", seen)
    for spent in causes.values():
        for (cause, lane, price), passed in spent.items():
            counts.spent[cause, lane] += passed
            counts.money[cause, lane] += passed * price


def _end_of(witness: Witness, render: Render) -> None:
    witness.counts.ends[render.state.value] += 1
    done = {output.output_id for output in render.outputs}
    delivered = once(o for o in (render.plan.outputs if render.plan else ()) if o.id in done)
    witness.counts.frames_delivered += sum(output.frames for output in delivered)
    witness.counts.video += sum(
        int(o.certificate.duration_seconds * 1_000_000) for o in render.outputs
    )
    seconds = witness.saves[render.id]
    if seconds:
        end = witness.finished.get(render.id, witness.world.time)
        witness.counts.lifetimes.append(end - seconds[0])
        first = next((one.started_at for one in render.attempts if one.started_at), None)
        if first is not None:
            waited = (first - render.created_at).total_seconds()
            witness.counts.waits[render.account].append(waited)
        witness.counts.moved += _moved(witness, render)
        per_second = Counter(int(at) for at in seconds)
        witness.counts.busiest_second = max(witness.counts.busiest_second, *per_second.values())
    if render.state not in TERMINAL:
        witness.broken("everything ends", f"{render.id} is {render.state}: {render.why}")
    if render.pending:
        witness.broken("everything is performed", f"{render.id}: {render.pending[0].effect}")
    if render.state is State.DONE and render.missing:
        witness.broken("done means every output", render.id)
    passing = render.failure and render.failure.failure in _PASSING
    if render.state is State.FAILED and passing:
        seen = f"{render.id}: {render.failure.message if render.failure else ''}"
        witness.broken("what passes by itself fails nobody", seen)
    reason = render.failure.reason if render.failure else ""
    if reason == "output_name_taken" and _meets_a_stranger(witness, render):
        reason = ""
    if reason == "render_deadline":
        seen = f"{render.id} after {len(render.attempts)} attempts: {render.failure}"
        witness.broken("nobody waits until his deadline", seen)
    if render.failure and reason in _OUR_FAULTS:
        witness.broken("no bug of ours fails anybody", f"{render.id}: {render.failure.message}")
    if render.state in (State.FAILED, State.CANCELLED) and render.failure is None:
        witness.broken("an end has a reason", render.id)
    for output in render.outputs:
        if f"{render.id}/{output.output_id}" not in witness.done:
            witness.broken("what is verified is announced", f"{render.id} {output.output_id}")
    letters = sum(id.startswith(f"{render.id}/failed/") for id in witness.letters)
    if letters != render.failures:
        seen = f"{render.id} failed {render.failures} times and has {letters} dead letters"
        witness.broken("a failure is on record", seen)


def _moved(witness: Witness, render: Render) -> Iterator[Moved]:
    """Starts after an attempt that found no machines, by the true moments."""
    watch = witness.ledger
    for before, after in pairwise(render.attempts):
        out = before.cause is not None and before.cause.failure is FailureClass.CAPACITY
        lost, found = (f"{one.lane}/{render.id}/{one.number}" for one in (before, after))
        if not out or before.started_at is not None or found not in watch.began_at:
            continue
        hung = lost not in watch.refused_at
        if hung and lost not in watch.accepted_at:
            continue  # nobody was asked: the launch itself was lost
        wait = witness.start_within[before.lane]
        told = watch.accepted_at[lost] + wait if hung else watch.refused_at[lost]
        began = watch.began_at[found]
        yield Moved(hung=hung, after=began - told, start=began - watch.accepted_at[found])


def _overtaken(witness: Witness, render: Render, others: Iterable[Render]) -> None:
    """Nobody goes on for long with what a newer upload of the name has superseded.

    An upload that was refused supersedes nothing: there is nothing to have instead.
    """
    for newer in others:
        same = newer.upload.name == render.upload.name
        refused = newer.media is None
        if not same or refused or newer.upload.age_key <= render.upload.age_key:
            continue
        late = witness.finished.get(render.id, 0.0) - witness.saves[newer.id][0]
        if render.state is State.DONE and late > OVERSTAY:
            witness.broken("the newest wins", f"{render.id} was done {late:.0f} s after {newer.id}")


def _announced(witness: Witness, info: ObjectInfo, renders: dict[str, Render]) -> None:
    render = renders.get(info.metadata.get("clipline-render", ""))
    if render is None and info.name in witness.strangers:
        return
    if render is None:
        witness.broken("every output has a render", info.name)
    elif not any(
        info.name == output.delivered.name
        or info.name.startswith(labels.companions_of(output) or "none of it")
        for output in render.outputs
    ):
        rule = (
            "cancelled leaves no output"
            if render.state is State.CANCELLED
            else ("what stands is announced")
        )
        witness.broken(rule, f"{info.name} of {render.id}, which is {render.state}")


def _meets_a_stranger(witness: Witness, render: Render) -> bool:
    planned = render.plan.outputs if render.plan else ()
    return any(output.object_name in witness.strangers for output in planned)
