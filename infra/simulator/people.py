"""Whoever uploads, adds sidecars, cancels and replays: the deeds of a scenario, done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from functions.core.render import Render, State
from functions.ports import RenderStore
from infra.simulator.faults import Fate, Fault
from infra.simulator.scenario import IMPOSSIBLE, Deed
from infra.simulator.witness import Witness
from schemas.events import CancelRender, Event, ObjectFinalized, ReplayRender
from schemas.ids import SIDECAR_SUFFIX
from schemas.ports import ObjectStore
from schemas.topics import Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Their hands never tremble: what they do is done, and told as the bucket would tell it."""

    uploads: ObjectStore
    outputs: ObjectStore
    renders: RenderStore
    publish: Callable[[str, Event], None]
    fate: Fate
    witness: Witness

    def do(self, number: int, deed: Deed) -> None:
        """The deed of that number in its scenario; one without an object is left undone."""
        match deed.verb:
            case "upload":
                self._upload(number, deed)
            case "sidecar" if self.uploads.stat(deed.name):
                self._put(f"{deed.name}{SIDECAR_SUFFIX}", (deed.spec or "").encode(), {})
                self._note(number, Fault.LATE_SIDECAR, self._newest(deed))
            case "cancel" if render := self._newest(deed):
                self._note(number, Fault.CANCELLED, render)
                self._say(CancelRender(render=render.id, at=self._now(), by="ada", reason="no"))
            case "replay" if (render := self._newest(deed)) and render.state is State.FAILED:
                self._note(number, Fault.REPLAYED, render)
                self._say(ReplayRender(render=render.id, at=self._now(), by="ada", reason="again"))

            case "squat" if (render := self._newest(deed)) and render.plan:
                self._squat(number, render, render.plan.outputs[0].object_name)

    def _squat(self, number: int, render: Render, name: str) -> None:
        if self.outputs.stat(name) is None:
            self.witness.squatted(self.outputs.write(name, b"mine"))
            self._note(number, Fault.NAME_TAKEN, render)

    def _upload(self, number: int, deed: Deed) -> None:
        if self.uploads.stat(deed.name):
            self._note(number, Fault.SUPERSEDED, self._newest(deed))
        if deed.seconds == 0:
            self.fate.note(f"deed {number}", Fault.NOT_A_VIDEO, None)
        if deed.spec == IMPOSSIBLE:
            self.fate.note(f"deed {number}", Fault.IMPOSSIBLE_SPEC, None)
        metadata = {"clipline-spec": deed.spec} if deed.spec else {}
        data = msgspec.json.encode((deed.seconds, deed.sound, deed.poison))
        self._put(deed.name, data, metadata)

    def _put(self, name: str, data: bytes, metadata: Mapping[str, str]) -> None:
        info = self.uploads.write(name, data, metadata=metadata)
        event = ObjectFinalized(
            bucket=self.uploads.bucket, name=name, generation=info.generation, at=info.updated
        )
        self.publish(Topic.UPLOADS, event)

    def _say(self, command: CancelRender | ReplayRender) -> None:
        self.publish(Topic.RENDER_REQUESTS, command)

    def _newest(self, deed: Deed) -> Render | None:
        return next(iter(self.renders.of_upload(self.uploads.bucket, deed.name)), None)

    def _note(self, number: int, fault: Fault, render: Render | None) -> None:
        if render is not None:
            self.fate.note(f"deed {number}", fault, render.id)

    def _now(self) -> datetime:
        return self.uploads.now()
