"""Performing effects: the only way from a decision to the outside world."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from functions.core.effects import (
    AnnounceDeadLetter,
    AnnounceDone,
    CloseAttempt,
    Effect,
    Launch,
    Look,
    RemoveOutput,
    RemovePieces,
    StopExecution,
    SupersedeOlder,
    WakeNext,
    Withdraw,
)
from functions.core.machine import Occurrence
from functions.core.observations import (
    LaunchAccepted,
    LaunchDenied,
    PiecesRemoved,
    Superseded,
    Surveyed,
    Tick,
)
from functions.core.render import TERMINAL, Render
from functions.made import made
from functions.outcomes.untold import says_why
from functions.ports import ExecutionState, LaunchRefused, Ports
from functions.turn import next_in_turn
from schemas import labels, names
from schemas.events import OutputVerified
from schemas.failures import Failure, FailureClass
from schemas.kinds import SEVERAL
from schemas.ports import ObjectInfo, ObjectStore, PreconditionFailed
from schemas.topics import Topic
from schemas.wire import from_json, to_json

MOST_REMOVED = 500
"""Objects removed in one go."""


def perform(effect: Effect, render: Render, ports: Ports) -> list[Occurrence]:
    """Do it, and return what it told. Raises what the adapter raises; repeating is harmless."""
    return _PERFORMERS[type(effect)](effect, render, ports)


def _launch(effect: Launch, render: Render, ports: Ports) -> list[Occurrence]:
    """Closes the attempt before it first: whoever was to do that may have died."""
    order = effect.order
    if order.attempt > 1:
        _close(render.id, order.attempt - 1, ports)
    with contextlib.suppress(PreconditionFailed):
        ports.work.write(names.plan(render.id), to_json(render.plan), if_generation_match=0)
    name = names.order(render.id, order.attempt)
    with contextlib.suppress(PreconditionFailed):
        ports.work.write(name, to_json(order), if_generation_match=0)
    try:
        execution = ports.backends[order.lane].launch(order)
    except LaunchRefused as refused:
        return [LaunchDenied(render=render.id, attempt=order.attempt, failure=refused.failure)]
    return [LaunchAccepted(render=render.id, attempt=order.attempt, execution=execution)]


def _stop_execution(effect: StopExecution, render: Render, ports: Ports) -> list[Occurrence]:
    if effect.lane in ports.backends:
        ports.backends[effect.lane].stop(effect.execution)
    return []


def _close_attempt(effect: CloseAttempt, render: Render, ports: Ports) -> list[Occurrence]:
    _close(render.id, effect.attempt, ports)
    _note(render, effect.attempt, ports)
    return []


def _note(render: Render, attempt: int, ports: Ports) -> None:
    """All renders learn what became of it; told twice, it stands in the ledger once."""
    for record in render.attempts:
        if record.number == attempt and record.ended_at is not None:
            ports.ledger.append(render.entries_of(record))


def _close(render: str, attempt: int, ports: Ports) -> None:
    with contextlib.suppress(PreconditionFailed):
        ports.work.write(names.closed(render, attempt), b"{}", if_generation_match=0)


def _look(effect: Look, render: Render, ports: Ports) -> list[Occurrence]:
    """The execution first: what has ended delivers nothing after the outputs were looked at.

    But outputs are told first: what is verified counts, whatever became of its attempt.
    """
    owner = _owner(effect, render, ports)
    state = _execution_state(effect, owner, ports)
    delivered = tuple(_delivered(render, ports))
    found = made(render, ports.work)
    surveyed = Surveyed(
        render=render.id,
        attempt=effect.attempt,
        frames=found.committed,
        owner=owner,
        ended=state.ended,
        failure=state.failure,
        gave_up=effect.gave_up,
        made_at=found.last,
    )
    return [*delivered, surveyed]


def _delivered(render: Render, ports: Ports) -> Iterator[OutputVerified]:
    """What stands under its final name, also where its stitcher died before it could say so."""
    for output in render.plan.outputs if render.plan else ():
        info = ports.outputs.stat(output.object_name)
        if info is not None and labels.is_of(info, render.id):
            yield labels.record_of(info, ports.outputs.bucket, output.id)


def _owner(effect: Look, render: Render, ports: Ports) -> str | None:
    name = names.owner(render.id, effect.attempt)
    if ports.work.stat(name) is None:
        return None
    return str(from_json(ports.work.read(name), dict[str, str])["execution"])


def _execution_state(effect: Look, owner: str | None, ports: Ports) -> ExecutionState:
    """A notice is believed that the execution is over; why, only if it says so."""
    execution, told = owner or effect.execution, None
    if effect.ended is not None and execution in (None, effect.ended.execution):
        execution = effect.ended.execution
        told = ExecutionState(ended=True, failure=effect.ended.failure)
        if says_why(told.failure):
            return told
    if execution is None or effect.lane not in ports.backends:
        return told or ExecutionState(ended=False)
    state = ports.backends[effect.lane].state(execution)
    if told is not None:
        return state if state is not None and state.ended else told
    if state is not None:
        return state
    message = f"the execution '{execution}' is not known on {effect.lane} any more"
    vanished = Failure(failure=FailureClass.CRASH, reason="execution_vanished", message=message)
    return ExecutionState(ended=True, failure=vanished)


def _withdraw(effect: Withdraw, render: Render, ports: Ports) -> list[Occurrence]:
    with contextlib.suppress(PreconditionFailed):
        reason = to_json(render.failure)
        ports.work.write(names.cancelled(render.id), reason, if_generation_match=0)
    return []


def _remove_output(effect: RemoveOutput, render: Render, ports: Ports) -> list[Occurrence]:
    with contextlib.suppress(PreconditionFailed):
        ports.outputs.delete(effect.name, if_generation_match=effect.generation)
    return []


def _remove_pieces(effect: RemovePieces, render: Render, ports: Ports) -> list[Occurrence]:
    """So many in one go that it fits into a function's time; the sweep comes back for the rest."""
    page = list(islice(_unneeded(render, ports), MOST_REMOVED + 1))
    for store, info in page[:MOST_REMOVED]:
        with contextlib.suppress(PreconditionFailed):
            store.delete(info.name, if_generation_match=info.generation)
    return [PiecesRemoved(render=render.id, more=len(page) > MOST_REMOVED)]


def _unneeded(render: Render, ports: Ports) -> Iterator[tuple[ObjectStore, ObjectInfo]]:
    """Pieces and claims, and in the outputs what a delivery left that was never announced."""
    for prefix in names.perishable(render.id):
        yield from ((ports.work, info) for info in ports.work.list(prefix))
    kept = {output.output_id: output for output in render.outputs}
    for plan in render.plan.outputs if render.plan else ():
        if plan.kind in SEVERAL:
            announced = kept.get(plan.id)
            keep = labels.companions_of(announced) if announced else None
            for info in ports.outputs.list(names.beside(plan.object_name)):
                if labels.is_of(info, render.id) and not (keep and info.name.startswith(keep)):
                    yield ports.outputs, info


def _announce_done(effect: AnnounceDone, render: Render, ports: Ports) -> list[Occurrence]:
    ports.publisher.publish(Topic.RENDER_DONE, effect.event)
    return []


def _announce_dead_letter(
    effect: AnnounceDeadLetter, render: Render, ports: Ports
) -> list[Occurrence]:
    ports.publisher.publish(Topic.RENDER_DEAD_LETTER, effect.event)
    return []


def _supersede_older(effect: SupersedeOlder, render: Render, ports: Ports) -> list[Occurrence]:
    """All but the newest request for the name: of two that came at once, this may be the older."""
    upload = effect.upload
    everyone = ports.renders.of_upload(upload.bucket, upload.name)
    newest = max(everyone, key=lambda one: one.upload.age_key)
    return [
        Superseded(render=other.id, by=newest.id)
        for other in everyone
        if other.upload.age_key < newest.upload.age_key and other.state not in TERMINAL
    ]


def _wake_next(effect: WakeNext, render: Render, ports: Ports) -> list[Occurrence]:
    """Its lane has a place again, and first of all a line in the ledger."""
    _note(render, render.attempt, ports)
    turn = next_in_turn(ports, render.lane)
    return [Tick(render=turn)] if turn else []


_PERFORMERS: Mapping[type[Effect], Callable[[Any, Render, Ports], list[Occurrence]]] = {
    Launch: _launch,
    StopExecution: _stop_execution,
    CloseAttempt: _close_attempt,
    Look: _look,
    Withdraw: _withdraw,
    RemoveOutput: _remove_output,
    RemovePieces: _remove_pieces,
    AnnounceDone: _announce_done,
    AnnounceDeadLetter: _announce_dead_letter,
    SupersedeOlder: _supersede_older,
    WakeNext: _wake_next,
}
