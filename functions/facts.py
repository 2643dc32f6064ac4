"""What a decision may know besides its render: read from the ports in the moment it is made."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from functions.core.budget import Budget, midnight, today
from functions.core.ledger import MEMORY, MOST_READ
from functions.core.render import RUNNING, TERMINAL, Render
from functions.core.share import MOST_LINES
from functions.core.step import Facts
from functions.core.switches import pauses
from functions.ports import Ports, RenderStore
from schemas import names
from schemas.ids import Upload


def facts_of(
    upload: Upload | None, render_id: str, before: Render | None, now: datetime, ports: Ports
) -> Facts:
    """What a decision may know; of others only if it is told for which upload."""
    if upload is None:
        return Facts(lanes=ports.lanes, draw=ports.draw(), policy=ports.policy, budget=ports.budget)
    others = ports.renders.of_upload(upload.bucket, upload.name)
    comes = before is None or before.state in TERMINAL
    shared = everybody(now, ports)
    return replace(
        shared,
        busy=_others(shared.busy, before),
        newest=max((other.upload.age_key for other in others), default=None),
        folder=folder_of(upload, render_id, ports.renders),
        heads=ports.renders.lines(limit=MOST_LINES) if comes else (),
    )


def everybody(now: datetime, ports: Ports) -> Facts:
    """What is the same for all renders at that moment."""
    return Facts(
        lanes=ports.lanes,
        draw=ports.draw(),
        policy=ports.policy,
        busy={lane.id: ports.renders.running(lane.id) for lane in ports.lanes},
        tenants=ports.tenants,
        budget=_budget(now, ports),
        spent_today=0 if ports.budget.day is None else ports.ledger.spent(midnight(now)),
        pauses=pauses(ports.switches.noted()),
        ledger=ports.ledger.recent(
            [lane.id for lane in ports.lanes], now - MEMORY, limit=MOST_READ
        ),
    )


def _budget(now: datetime, ports: Ports) -> Budget:
    """With what people have raised today."""
    if ports.budget.day is None:
        return ports.budget
    return today(ports.budget, ports.switches.raises(midnight(now)), now)


def _others(busy: Mapping[str, int], before: Render | None) -> Mapping[str, int]:
    """Without this one, if it runs: it gives up its place to decide anew."""
    mine = before.lane if before is not None and before.state in RUNNING else None
    return {lane: runs - (lane == mine) for lane, runs in busy.items()}


def folder_of(upload: Upload, render_id: str, renders: RenderStore) -> str:
    """The plain folder while it is free or its own; else one that only this render can have."""
    plain = names.output_folder(upload)
    return plain if renders.folder_holder(plain) in (None, render_id) else f"{plain}.{render_id}"
