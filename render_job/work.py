"""One task of one attempt: look, choose, claim, do, look again, until nothing is left."""

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from render_job import report
from render_job.choose import (
    Choice,
    Hedge,
    Idle,
    Leave,
    MakePiece,
    MakeSound,
    Seen,
    Stitch,
    Work,
    choose,
)
from render_job.claims import ClaimLost, Held, take
from render_job.deliver import announce, deliver, recorded
from render_job.diagnosis import of_os_error
from render_job.errors import Exit, RenderFault, Stopped
from render_job.piece import make_piece
from render_job.sound import make_sound
from render_job.survey import survey
from render_job.tools import Task
from schemas import names
from schemas.failures import Failure, FailureClass
from schemas.plan import RenderPlan
from schemas.ports import (
    NotPublished,
    ObjectMissing,
    PreconditionFailed,
    StoreRefused,
    StoreUnavailable,
)
from schemas.wire import from_json, to_json

LONGEST_IDLE = timedelta(seconds=2)
FIRST_IDLE = timedelta(milliseconds=100)
OF_ONE_OUTPUT = frozenset(
    (FailureClass.INPUT, FailureClass.INTERNAL, FailureClass.CRASH, FailureClass.OUT_OF_MEMORY)
)
"""Failures that say nothing of the other outputs; a full disk or a lost attempt says it all."""

log = logging.getLogger("clipline.work")


def work(task: Task) -> Exit:
    """Work until nothing is left for this task, and say how it ended.

    Reports every failure; where the disk lets it report nothing, or a service does not answer, its
    exit code alone says so.
    """
    try:
        return _worked(task)
    except (StoreUnavailable, NotPublished) as error:
        log.error("%s", error, extra={"action": "unavailable"})
        return Exit.UNAVAILABLE
    except StoreRefused as error:
        log.error("%s", error, extra={"action": "refused"})
        return Exit.REFUSED
    except OSError as error:
        failure = of_os_error(error)
        if failure is None:
            raise
        log.error("%s It cannot be told.", failure.message, extra={"action": "untold"})
        return Exit.DISK


def _worked(task: Task) -> Exit:
    if not _own(task):
        log.info("another execution owns the attempt", extra={"action": "not-owner"})
        return Exit.REPORTED
    try:
        _check_class(task)
        report.started(task)
        _announce_standing(task)
        _until_done(task)
    except RenderFault as fault:
        report.failed(task, fault.failure)
    except ObjectMissing as missing:
        report.failed(task, _gone(missing))
    except StoreRefused as refused:
        report.failed(task, _kept_out(refused))
    except OSError as error:
        failure = of_os_error(error)
        if failure is None:
            raise
        report.failed(task, failure)
    except Stopped:
        report.preempted(task)
        return Exit.TRY_AGAIN
    return Exit.REPORTED


def _own(task: Task) -> bool:
    """The first execution to create the owner record works; any other must not."""
    store, order = task.tools.work, task.order
    name = names.owner(order.render, order.attempt)
    with suppress(PreconditionFailed):
        store.write(name, to_json({"execution": task.worker.execution}), if_generation_match=0)
    return from_json(store.read(name), dict[str, str])["execution"] == task.worker.execution


def _check_class(task: Task) -> None:
    """Pieces of another encoder than was ordered could not be joined to the others."""
    mine = task.tools.studio.encoder_class
    if mine != task.order.encoder_class:
        message = f"this machine encodes as {mine}, but {task.order.encoder_class} was ordered"
        raise RenderFault(
            Failure(failure=FailureClass.DEPENDENCY, reason="encoder_class", message=message)
        )


def _announce_standing(task: Task) -> None:
    """Outputs that an earlier attempt delivered and perhaps could not announce."""
    seen = survey(task.tools.work, task.plan, task.order)
    for output_id in sorted(seen.delivered):
        announce(task, recorded(task, output_id))


def _until_done(task: Task) -> None:
    """A fault of one output withholds no other: it is raised when nothing else is left to do."""
    pause, left, faults = FIRST_IDLE, task.plan, list[RenderFault]()
    while True:
        if task.tools.stop():
            raise Stopped
        seen = survey(task.tools.work, task.plan, task.order)
        choice: Choice = choose(left, task.order, task.worker, seen)
        if isinstance(choice, Leave):
            log.info(choice.why, extra={"action": "leave", "render": task.order.render})
            if faults and not seen.closed and not seen.cancelled:
                raise faults[0]
            return
        try:
            worked = not isinstance(choice, Idle) and _do(task, left, choice, seen)
        except RenderFault as fault:
            if fault.failure.failure not in OF_ONE_OUTPUT:
                raise
            faults.append(fault)
            left, worked = _without(left, choice), True
        if worked:
            pause = FIRST_IDLE
        else:
            task.tools.clock.rest(pause.total_seconds(), until=task.tools.stop)
            pause = min(pause * 2, LONGEST_IDLE)


def _without(plan: RenderPlan, failed: Choice) -> RenderPlan:
    """The plan without the outputs that need what could not be made."""
    match failed:
        case MakeSound(audio=audio):
            outputs = tuple(o for o in plan.outputs if plan.audio_of(o) != audio)
        case MakePiece(output=output) | Hedge(output=output) | Stitch(output=output):
            outputs = tuple(o for o in plan.outputs if o.id != output.id)
        case _:
            outputs = plan.outputs
    return replace(plan, outputs=outputs)


def _do(task: Task, left: RenderPlan, choice: Work, seen: Seen) -> bool:
    """Claim the work and do it; False if another task was faster.

    What was seen is older than the claim: a neighbour may have committed this very work and given
    its claim back in between. So it is looked at once more under the claim.
    """
    standing = seen.claims.get(choice.claim)
    store = task.tools.work
    held = take(store, task.order, task.worker, choice.claim, standing, clock=task.tools.clock)
    if held is None:
        return False
    if choice != choose(left, task.order, task.worker, survey(store, task.plan, task.order)):
        held.release()
        return True
    task.tools.empty(task.tools.scratch)
    try:
        _perform(task, choice, held)
    except ClaimLost as lost:
        log.info(f"gave up {lost}", extra={"action": "claim-lost", "render": task.order.render})
        return True
    finally:
        if not isinstance(choice, Hedge):
            held.release()
    return True


def _perform(task: Task, choice: Work, held: Held) -> None:
    match choice:
        case MakeSound():
            make_sound(task, choice, held)
        case MakePiece() | Hedge():
            make_piece(task, choice, held)
        case Stitch():
            deliver(task, choice, held)


def _kept_out(refused: StoreRefused) -> Failure:
    """No bug of ours, and no retry mends it soon: somebody gives the task its rights back."""
    return Failure(
        failure=FailureClass.DEPENDENCY,
        reason="store_refused",
        message="A store does not let this task in, or its bucket is missing.",
        detail=str(refused),
    )


def _gone(missing: ObjectMissing) -> Failure:
    message = f"the upload or a piece is gone: {missing}"
    return Failure(failure=FailureClass.INPUT, reason="object_gone", message=message)
