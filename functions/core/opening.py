"""From asked to launched: a render is opened, planned, and given a lane."""

from dataclasses import replace
from datetime import datetime

from functions.core import ends, words
from functions.core.budget import day_is_spent, overspent
from functions.core.effects import Launch, RemovePieces, SupersedeOlder, WakeNext
from functions.core.haste import next_look
from functions.core.lanes import Lane
from functions.core.need import Need, need_of
from functions.core.observations import Tick
from functions.core.plan import make_plan
from functions.core.quotas import launch_limits, running_limits
from functions.core.render import LONGEST_HISTORY, Render, State
from functions.core.route import Route, Scene, route
from functions.core.share import Line, first, line_name, line_of, used
from functions.core.step import Step, without
from functions.core.tenants import UNKNOWN, priority_of
from schemas.events import AttemptRecord, RenderRequested, ReplayRender, UploadRefused
from schemas.failures import Failure
from schemas.ids import Upload, render_id
from schemas.plan import Order
from schemas.priority import Priority
from schemas.spec import parse_spec
from schemas.spec_fields import SpecFault


def requested(render: None, event: RenderRequested, step: Step) -> Render:
    """An upload that can be rendered; born cancelled if a newer one of its name is known."""
    opened = replace(
        _opened(event.upload, step),
        media=event.media,
        spec_source=event.spec_source,
        spec_text=event.spec_text,
        assets=event.assets,
        instead_of=event.instead_of,
        only_lane=event.instead_of.lane if event.instead_of else None,
    )
    if _is_overtaken(opened, step):
        return ends.cancel(opened, words.superseded("a newer upload of this name"), step)
    return step.want(opened, SupersedeOlder(upload=event.upload))


def refused(render: None, event: UploadRefused, step: Step) -> Render:
    """An upload that cannot be rendered is a failed render, so that it is told like any other."""
    return ends.fail(_opened(event.upload, step), event.failure, step)


def _opened(upload: Upload, step: Step) -> Render:
    return Render(
        id=render_id(upload),
        upload=upload,
        state=State.ACCEPTED,
        created_at=step.now,
        updated_at=step.now,
        deadline=step.in_(step.facts.policy.deadline),
        revisit_at=step.now,
    )


def planned(render: Render, event: object, step: Step) -> Render:
    """Reads the spec and freezes the plan."""
    assert render.media is not None, "only a request with media is accepted"
    try:
        spec = parse_spec(render.spec_text)
        plan = make_plan(
            render.upload,
            render.media,
            spec,
            folder=step.facts.folder,
            assets=render.assets,
        )
    except SpecFault as fault:
        return ends.fail(render, fault.failure, step)
    priority = priority_of(render.upload, spec.priority, step.facts.tenants)
    return replace(render, state=State.PLANNED, plan=plan, priority=priority)


def routed(render: Render, event: object, step: Step) -> Render:
    """Launches the next attempt, or waits for a place, or says why there will be none."""
    if _is_overtaken(render, step):
        return ends.cancel(render, words.superseded("a newer upload of this name"), step)
    if step.now >= render.deadline:
        return ends.fail(render, words.deadline_passed(render), step)
    choice = route(step.facts.lanes, scene(render, step))
    spent = day_is_spent(step.facts.spent_today, step.facts.budget, step.now)
    if spent is not None and not choice.hopeless:
        return _waits(render, spent, choice, step)
    likely = choice.weighed[0] if choice.weighed else None
    if (over := overspent(render, step.facts.budget, next=likely)) is not None:
        return ends.fail(render, over, step)
    if choice.hopeless:
        cause = _why_barred(render, choice) or words.no_lane(choice.why, choice.failure)
        return ends.fail(replace(render, why=choice.why), cause, step)
    if choice.lane is None:
        return _waits(render, choice.why, choice, step)
    if (ahead := _ahead(render, choice.lane, choice, step)) is not None:
        return step.want(_waits(render, turn_words(ahead), choice, step), WakeNext())
    return _start(render, choice, step)


def _why_barred(render: Render, choice: Route) -> Failure | None:
    """What its last attempt failed by, if lanes were barred since it was opened or replayed."""
    barred = any(one.lane in render.barred for one in choice.rejected)
    return render.current.cause if barred and render.current else None


def _waits(render: Render, why: str, choice: Route, step: Step) -> Render:
    """In line while there is a lane for which others wait as well: it is woken in its turn.

    Otherwise, and then as well, it looks again as soon as a lane does not rest for it any more.
    """
    due = min(render.deadline, choice.until or render.deadline)
    in_line = len(choice.avoided) < len(step.facts.lanes)
    return replace(
        render,
        state=State.WAITING,
        why=why,
        avoids=choice.avoided if in_line else None,
        revisit_at=due,
        not_before=None,
    )


def _ahead(render: Render, lane: Lane, choice: Route, step: Step) -> Line | None:
    """The line that goes first to that lane, if one does: who has just come stands behind it."""
    tenants = step.facts.tenants
    waiting = [line_of(head.line, head.since, tenants) for head in step.facts.heads]
    name = line_name(render.upload.tenant, render.priority, choice.avoided)
    mine = line_of(name, render.created_at, tenants)
    lines = [one for one in waiting if one.takes(lane.id)]
    chosen = first([*lines, mine], used(step.facts.ledger, step.now)) if lines else mine
    return None if chosen is mine else chosen


def turn_words(ahead: Line) -> str:
    """For one that has to wait for others."""
    return f"waits its turn: {ahead.account} has waited since {ahead.since:%H:%M:%S} UTC"


def scene(render: Render, step: Step) -> Scene:
    """What is known when the render asks for a lane."""
    return Scene(
        now=step.now,
        barred=render.barred,
        only=render.only_lane,
        resting={rest.lane: rest.until for rest in render.resting},
        busy=step.facts.busy,
        standings={lane.id: step.standing(lane, render) for lane in step.facts.lanes},
        need=_need(render, step),
        tenant=render.upload.tenant,
        pauses=step.facts.pauses,
        running=running_limits(step.facts.lanes),
        launching=launch_limits(step.facts.lanes),
    )


def _need(render: Render, step: Step) -> Need:
    """Of what is known now; a render without a plan needs nothing yet."""
    if render.plan is None:
        return Need()
    last = step.lane(render.lane)
    return need_of(
        render.plan,
        frames=render.frames,
        made_by=last.encoder_class if last else None,
        deadline=render.deadline,
        locations=step.facts.tenants.get(render.upload.tenant, UNKNOWN).locations,
        is_thrifty=render.priority is Priority.BACKGROUND,
    )


def _is_overtaken(render: Render, step: Step) -> bool:
    newest = step.facts.newest
    return newest is not None and newest > render.upload.age_key


def _start(render: Render, choice: Route, step: Step) -> Render:
    chosen, why = choice.weighed[0], choice.why
    number, lane = render.attempt + 1, chosen.lane
    if chosen.wide:
        why = f"{why}; on {chosen.wide}"
    order = Order(
        render=render.id,
        attempt=number,
        lane=lane.id,
        encoder_class=lane.encoder_class,
        tasks=chosen.tasks,
        deadline=min(render.deadline, step.in_(lane.attempt_limit)),
        hedge=lane.hedge,
        takes=chosen.sure,
        priority=render.priority,
    )
    record = AttemptRecord(
        number=number,
        lane=lane.id,
        launched_at=step.now,
        frames_before=render.frames,
        why=why,
        encoder_class=lane.encoder_class,
        tasks=chosen.tasks,
        is_shared=lane.is_shared,
    )
    started = replace(
        render,
        state=State.STARTING,
        lane=lane.id,
        why=why,
        attempt=number,
        attempts=(*render.attempts, record)[-LONGEST_HISTORY:],
        barren=render.barren if lane.id == render.lane else 0,
        not_before=None,
        look_at=_look_at(render, choice, step) if lane.is_spot else None,
        revisit_at=step.in_(lane.start_within),
    )
    return step.want(started, Launch(order=order))


def _look_at(render: Render, choice: Route, step: Step) -> datetime:
    return next_look(choice.weighed, _need(render, step), render.deadline, step.now)


def woken(render: Render, event: Tick, step: Step) -> Render:
    """A waiting render looks for a place again, but not before its pause is over."""
    if render.not_before is not None and step.now < render.not_before:
        return render
    return replace(render, state=State.PLANNED)


def settle(render: Render, event: Tick, step: Step) -> Render:
    """A state that waits for nothing is left at once."""
    return replace(render, revisit_at=step.now)


def replayed(render: Render, event: ReplayRender, step: Step) -> Render:
    """Everything anew but its identity and its work; what cannot be read is not tried again.

    It may cost as much again: somebody wants it so.
    """
    repeated = render.replayed_at is not None and event.at <= render.replayed_at
    if render.media is None or repeated:
        return render
    return replace(
        without(render, RemovePieces),
        state=State.PLANNED if render.plan else State.ACCEPTED,
        deadline=step.in_(step.facts.policy.deadline),
        revisit_at=step.now,
        why=f"replayed by {event.by}: {event.reason}",
        replayed_at=event.at,
        only_lane=event.lane,
        spent=0,
        retries=0,
        barren=0,
        barred=(),
        resting=(),
        failure=None,
        settled=False,
    )
