"""The trial: one video, held back, let go, stopped on purpose, found, replayed, done.

    pause a tenant of our own ─ upload ─► asked for ─► waits         on_upload, start_render
    resume ───────────────────────► launched ─► a piece is made      sweep
    stop its execution at the place ──────► a dead letter            on_execution
    …  ───────────────────────────────────► a record on the desk     collect
    replay ─► the rest is made ───────────► done, and heard of       on_result

Each line fails without the function at its end, since nothing else does that within the time given.
It only does what people may do: upload, pause, resume, stop an execution, replay; and it listens.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from functions.core.render import Render, State
from functions.core.switches import Reach, Switching
from functions.desk import DeadLetters, Wanted
from functions.landed import record_of
from functions.ports import Ports
from functions.spec_origin import SPEC_METADATA
from infra.smoke.evidence import Evidence
from infra.smoke.heard import Heard
from ops.replay_look import frames, looks, refusal
from schemas.dead_letters import DeadLetterRecord
from schemas.events import (
    AttemptStarted,
    ChunkCommitted,
    ExecutionEnded,
    RenderDeadLetter,
    RenderDone,
    RenderRequested,
    ReplayRender,
)
from schemas.ids import short
from schemas.ports import ObjectInfo
from schemas.topics import Topic

TENANT = "smoke"
SPEC = '{"outputs": [{"height": 360}]}'
WHO = "make smoke"
WHY = "a trial of the whole deployment"


class NotSeen(Exception):
    """Something did not happen in its time; the message says what, and what is missing then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long each thing may take. The defaults are for Google Cloud, with everything cold."""

    told: timedelta = timedelta(seconds=90)
    """From the upload to its request."""
    waits: timedelta = timedelta(seconds=60)
    """From the request to a render that waits."""
    let_go: timedelta = timedelta(seconds=180)
    """From the resumption to a launch: half a minute of waiting, and a sweep every minute."""
    started: timedelta = timedelta(minutes=10)
    """From the launch to the first piece: machines may be scarce."""
    ended: timedelta = timedelta(seconds=150)
    """From the stop to the dead letter: a grace of 10 s and a log sink, and far less than the five
    minutes of silence after which the sweep would look by itself."""
    collected: timedelta = timedelta(seconds=180)
    """From the dead letter to its record: the desk is emptied every minute."""
    done: timedelta = timedelta(minutes=20)
    """From the replay to the finished file."""


@dataclass(slots=True, kw_only=True)
class Trial:
    """One trial. `say` is told each step as it is done: its name, and what was seen."""

    ports: Ports
    letters: DeadLetters
    heard: Heard
    video: Path
    patience: Patience
    say: Callable[[str, str], None]
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def run(self) -> Evidence:
        """What was seen. Raises NotSeen at the first thing that did not happen."""
        begun = self.now()
        name = f"{TENANT}/{begun:%Y%m%d-%H%M%S-%f}.mp4"
        self._switch(paused=True)
        try:
            upload = self._uploaded(name)
            asked = self._asked_for(upload)
            self._waits(asked)
        finally:
            self._switch(paused=False)
        resumed = self.now()
        self._launched(asked, resumed)
        stopped = self._stop(self._in_the_middle(asked))
        record = self._on_the_desk(self._dead_letter(asked, stopped))
        replayed = self._replay(record)
        last, done = self._done(asked, replayed)
        self._was_heard_of(last)
        self._hear_of_the_end(last)
        evidence = Evidence.of(self.heard, render=last, stopped=stopped, done=done)
        self._clear(upload, last, record)
        self.say("cleared", f"{name}, its output and its dead letter are removed again")
        return evidence

    # ── what people do ──

    def _switch(self, *, paused: bool) -> None:
        self.ports.switches.note(
            Switching(
                reach=Reach.TENANT,
                name=TENANT,
                paused=paused,
                by=WHO,
                reason=WHY,
                at=self.now(),
            )
        )
        self.say("paused" if paused else "resumed", f"tenant {TENANT}: nobody else's")

    def _uploaded(self, name: str) -> ObjectInfo:
        info = self.ports.uploads.upload(
            name, self.video, if_generation_match=0, metadata={SPEC_METADATA: SPEC}
        )
        self.say("uploaded", f"{self.ports.uploads.bucket}/{name}, {info.size_bytes / 1e6:.1f} MB")
        return info

    def _stop(self, render: Render) -> datetime:
        assert render.lane is not None
        assert render.current is not None
        assert render.current.execution is not None, "it has started"
        self.ports.backends[render.lane].stop(render.current.execution)
        self.say("broken", f"execution {render.current.execution} was stopped, on purpose")
        return self.now()

    def _replay(self, record: DeadLetterRecord) -> datetime:
        render = self._load(record.render or "")
        (look,) = looks([render.id], self.ports)
        if (refused := refusal(look, self.ports)) is not None:
            raise NotSeen(f"The desk would refuse to replay it ({refused[0]}): {refused[1]}.")
        committed, left = frames(render, self.ports)
        at = self.now()
        command = ReplayRender(render=render.id, at=at, by=WHO, reason=WHY)
        self.ports.publisher.publish(Topic.RENDER_REQUESTS, command)
        self.say("replayed", f"{committed} frames are committed already, {left} are to be rendered")
        return at

    def _clear(self, upload: ObjectInfo, render: Render, record: DeadLetterRecord) -> None:
        self.letters.dispose(record.id, by=WHO, reason=WHY, at=self.now())
        self.ports.uploads.delete(upload.name, if_generation_match=upload.generation)
        for output in render.outputs:
            delivered = output.delivered
            self.ports.outputs.delete(delivered.name, if_generation_match=delivered.generation)

    # ── what must come of it ──

    def _asked_for(self, upload: ObjectInfo) -> str:
        """The render's id."""

        def look() -> str | None:
            for one in self.heard.said:
                event = one.event
                if isinstance(event, RenderRequested) and event.upload.name == upload.name:
                    return event.subject
            return None

        render = self.heard.until(look, self.patience.told)
        if render is None:
            raise NotSeen(
                f"on_upload is missing: nobody asked for a render of {upload.name} on the topic "
                f"'{Topic.RENDER_REQUESTS}' within {_s(self.patience.told)} of its upload. Either "
                "the bucket's event does not reach it, or it refuses: see its logs."
            )
        self.say("asked for", f"{short(render)}: on_upload has looked at it")
        return render

    def _waits(self, render: str) -> None:
        def look() -> Render | None:
            stored = self.ports.renders.load(render)
            return stored.render if stored else None

        found = self.heard.until(look, self.patience.waits)
        if found is None:
            raise NotSeen(
                f"start_render is missing: {short(render)} was asked for and is not on record "
                f"after {_s(self.patience.waits)}. See its logs and its subscription's backlog."
            )
        if found.state is not State.WAITING:
            raise NotSeen(
                f"The pause of tenant {TENANT} did not hold: {short(render)} is {found.state}."
            )
        self.say("waits", found.why)

    def _launched(self, render: str, resumed: datetime) -> None:
        def look() -> Render | None:
            found = self._load(render)
            return found if found.state is not State.WAITING else None

        found = self.heard.until(look, self.patience.let_go)
        if found is None:
            raise NotSeen(
                f"sweep is missing: {short(render)} still waits {_s(self.patience.let_go)} after "
                f"its pause was taken back ({self._load(render).why}). Nobody looks what is due: "
                "see Cloud Scheduler's job and the function's logs."
            )
        self.say("launched", f"on {found.lane}, {_s(self.now() - resumed)} after the resumption")

    def _in_the_middle(self, render: str) -> Render:
        """Something is committed, which a replay must not make again; as its tasks tell."""

        def look() -> Render | None:
            found = self._load(render)
            is_known = found.current is not None and found.current.execution is not None
            return found if is_known and self.heard.of(ChunkCommitted, render) else None

        found = self.heard.until(look, self.patience.started)
        if found is None:
            has_begun = bool(self.heard.of(AttemptStarted, render))
            raise NotSeen(
                f"{'Nothing is committed' if has_begun else 'No task has begun'} "
                f"{_s(self.patience.started)} after the launch: {self._load(render).why}. That is "
                "no function's fault, but a machine or the image: "
                "docs/runbook/README.md#no-lane-starts."
            )
        self.say("rendering", "its tasks have begun, and a first piece is committed")
        return found

    def _dead_letter(self, render: str, stopped: datetime) -> DeadLetterRecord:
        def look() -> DeadLetterRecord | None:
            letters = self.heard.of(RenderDeadLetter, render)
            return record_of(letters[0].message) if letters else None

        record = self.heard.until(look, self.patience.ended)
        if record is None:
            if self._load(render).state is State.DONE:
                raise NotSeen(f"{short(render)} was done before it could be broken: try once more.")
            raise NotSeen(
                f"on_execution is missing: {short(render)} has no dead letter "
                f"{_s(self.patience.ended)} after its execution was stopped. Nobody hears when an "
                "execution is over: see the log sink, the topic and the function's logs."
            )
        self.say(
            "dead letter",
            f"{record.id}: {record.failure.failure}, {record.failure.message} "
            f"({_s(self.now() - stopped)} after the stop)",
        )
        return record

    def _on_the_desk(self, letter: DeadLetterRecord) -> DeadLetterRecord:
        """As the desk has it, where people find it."""

        def look() -> DeadLetterRecord | None:
            return next(iter(self.letters.find(Wanted(id=letter.id))), None)

        record = self.heard.until(look, self.patience.collected)
        if record is None:
            raise NotSeen(
                f"collect is missing: {letter.id} was published and is not on the desk "
                f"{_s(self.patience.collected)} later. Nobody takes dead letters from their "
                "subscription: docs/runbook/README.md#uncollected-dead-letters."
            )
        self.say("on the desk", f"clipline show {record.id} tells it")
        return record

    def _done(self, render: str, replayed: datetime) -> tuple[Render, datetime]:
        def look() -> tuple[Render, datetime] | None:
            found = self._load(render)
            told = {one.event.id: one.at for one in self.heard.of(RenderDone, render)}
            wanted = [f"{render}/{output.output_id}" for output in found.outputs]
            if found.state is State.DONE and wanted and all(id in told for id in wanted):
                return found, max(told[id] for id in wanted)
            if found.state is State.FAILED and found.failures > 1:
                raise NotSeen(
                    f"The replay failed as well: {found.failure.message if found.failure else '?'}"
                )
            return None

        found = self.heard.until(look, self.patience.done)
        if found is None:
            last = self._load(render)
            raise NotSeen(
                f"{short(render)} is {last.state} {_s(self.patience.done)} after its replay, and "
                f"should be done: {last.why}. If it is still '{State.FAILED}', nobody obeys "
                "commands: see the logs of start_render."
            )
        for output in found[0].outputs:
            if self.ports.outputs.stat(output.delivered.name) is None or not (
                output.certificate.verified
            ):
                raise NotSeen(f"It is said to be done, but {output.delivered.name} is not there.")
        self.say("done", f"verified, {_s(found[1] - replayed)} after the replay")
        return found

    def _was_heard_of(self, render: Render) -> None:
        if render.current is None or render.current.started_at is None:
            raise NotSeen(
                f"on_result is missing: {short(render.id)} became done, but nothing that its tasks "
                "told on the way was heard. It took the end of its execution to notice: see the "
                "function's logs and its subscription's backlog."
            )
        self.say("heard of", "what its tasks told has arrived")

    def _hear_of_the_end(self, render: Render) -> None:
        """Of the execution that succeeded. Nothing hangs on it: it is one of the open questions."""
        assert render.current is not None
        execution = render.current.execution

        def look() -> bool | None:
            ends = [one.event for one in self.heard.of(ExecutionEnded, render.id)]
            told = [one for one in ends if isinstance(one, ExecutionEnded)]
            return True if any(one.execution == execution for one in told) else None

        self.heard.until(look, self.patience.waits)

    def _load(self, render: str) -> Render:
        stored = self.ports.renders.load(render)
        assert stored is not None, "it was there before"
        return stored.render


def _s(length: timedelta) -> str:
    return f"{length.total_seconds():.0f} s"
