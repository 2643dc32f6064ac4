"""What a decision may know besides its render: read from the ports in the moment it is made."""

from datetime import datetime

from functions.core.budget import midnight
from functions.core.ledger import MEMORY, MOST_READ
from functions.core.render import RUNNING, Render
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
    return Facts(
        lanes=ports.lanes,
        draw=ports.draw(),
        policy=ports.policy,
        busy={lane.id: _others_on(lane.id, before, ports) for lane in ports.lanes},
        newest=max((other.upload.age_key for other in others), default=None),
        folder=_folder(upload, render_id, ports.renders),
        locations=ports.locations,
        budget=ports.budget,
        spent_today=0 if ports.budget.day is None else ports.ledger.spent(midnight(now)),
        pauses=pauses(ports.switches.noted()),
        ledger=ports.ledger.recent(
            [lane.id for lane in ports.lanes], now - MEMORY, limit=MOST_READ
        ),
    )


def _others_on(lane: str, before: Render | None, ports: Ports) -> int:
    """Renders that run on the lane, this one not counted: it gives up its place to decide anew."""
    mine = before is not None and before.state in RUNNING and before.lane == lane
    return ports.renders.running(lane) - mine


def _folder(upload: Upload, render_id: str, renders: RenderStore) -> str:
    """The plain folder while it is free or its own; else one that only this render can have."""
    plain = names.output_folder(upload)
    return plain if renders.folder_holder(plain) in (None, render_id) else f"{plain}.{render_id}"
