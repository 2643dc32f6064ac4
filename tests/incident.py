"""An incident from alert to all clear, told by the commands that a person gives.

`python -m tests.incident` records it into `docs/runbook/an-incident.md`; a test replays it and
compares. Uploads, ids, causes and the plan are the same each time; what the clock makes (moments,
ages, rates) is not compared. Nothing is rendered: the renders that are replayed are taken as done.
"""

import os
import re
import shlex
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from functions.adapters.directory_objects import DirectoryObjects
from functions.core.render import Render, State
from functions.ports import Ports
from functions.settings import Laptop
from functions.wiring import laptop_ports
from infra.laptop.subscriptions import subscriptions
from schemas import examples, names
from schemas.failures import Failure, FailureClass
from schemas.ids import Upload, render_id
from schemas.pieces import Span
from schemas.plan import RenderPlan
from schemas.topics import Topic
from tests.pipeline import forked
from tests.pipeline.desk import NOW, Place, failed, letter
from tests.pipeline.test_replay import an_output
from tests.pipeline.test_replay_apply import done, take

PAPER = Path(__file__).parents[1] / "docs" / "runbook" / "an-incident.md"
FULL = Failure(
    failure=FailureClass.DEPENDENCY,
    reason="disk_full",
    message="The disk is full.",
    detail="av_interleaved_write_frame(): No space left on device\n"
    "Error writing trailer of pipe:1: No space left on device",
)
BROKEN = Failure(
    failure=FailureClass.INPUT,
    reason="source_unreadable",
    message="ffmpeg cannot read the upload.",
    detail="Invalid NAL unit size (1418 > 902).\nError splitting the input into NAL units.",
)
UPLOADS = ("acme/autumn.mp4", "acme/winter.mp4", "globex/launch.mov", "globex/teaser.mov")
BAD = "acme/torn.mp4"
FIRST = 1_795_512_600_000_000_001
"""The generation of the first upload; each further one has the next."""

Step = tuple[str, str]
"""What a person thinks, and the command then."""
STEPS: tuple[Step, ...] = (
    (
        "The alert says that dead letters came in. Where do they come from, and does anything lie "
        "still?",
        "clipline flows",
    ),
    (
        "Everything moves; five renders ended failed. Why?",
        "clipline dead-letters",
    ),
    (
        "Two causes. The larger one is ours: a full disk. One of its renders, from the top:",
        "clipline show r-{0}",
    ),
    (
        "Its task said so itself:",
        "clipline logs r-{0} --lines 3",
    ),
    (
        "Old scratch files are removed, and there is room again. What would a replay do?",
        "clipline replay plan --fingerprint {full} --out full.jsonl",
    ),
    (
        "That is what is wanted: two first, then the others.",
        "clipline replay apply full.jsonl --canary 2 --rate 600 --by ana "
        "--reason 'the disk was full: old scratch files are gone'",
    ),
    ("What became of them?", "clipline replay status full.jsonl"),
    (
        "Done. Their dead letters are not needed any more, which is said with a reason.",
        "clipline dispose --fingerprint {full} --done --by ana "
        "--reason 'replayed after the disk was cleared'",
    ),
    ("The other cause:", "clipline dead-letters"),
    (
        "The upload itself is torn, and a replay would find it so again. Its owner is told to "
        "export it anew.",
        "clipline dispose --fingerprint {broken} --by ana "
        "--reason 'acme was told to export it again'",
    ),
    ("All clear, and on record:", "clipline dead-letters"),
    ("", "clipline replay audit"),
)


@dataclass(frozen=True)
class Scene:
    """A laptop after the disk was full, in a folder that is the terminal's own."""

    folder: Path
    place: Place
    parts: Ports
    renders: Sequence[Render]

    def said(self, command: str) -> str:
        """What the command prints, its errors too; a status other than 0 stands behind it."""
        around = {**self.place.around(), "cwd": self.folder}
        finished = forked.clipline(tuple(shlex.split(command)[1:]), **around)
        status = f"[exit {finished.returncode}]\n" if finished.returncode else ""
        lines = (finished.stdout + finished.stderr).splitlines()
        return "".join(f"{line.rstrip()}\n" for line in lines) + status


def scene(folder: Path) -> Scene:
    """Four renders that met a full disk, and one whose upload is torn."""
    place = Place(Laptop(home=folder / "home"))
    place.bus.declare(subscriptions())
    parts = laptop_ports(place.home)
    made = [_failed(place, parts, name, n, FULL) for n, name in enumerate(UPLOADS)]
    made.append(_failed(place, parts, BAD, len(UPLOADS), BROKEN))
    place.home.logs.mkdir(parents=True, exist_ok=True)
    log = place.home.logs / f"{made[0].id}-0003-0.log"
    lines = (
        f"encode {made[0].id} full/web-720 240-480",
        "The disk is full.",
    )
    log.write_text("".join(f"2026-11-24 09:30:0{n},250 {line}\n" for n, line in enumerate(lines)))
    return Scene(folder, place, parts, made)


def _failed(place: Place, parts: Ports, name: str, number: int, cause: Failure) -> Render:
    upload = Upload(bucket="uploads", name=name, generation=_upload(place, name, FIRST + number))
    id, output = render_id(upload), an_output(name)
    plan = RenderPlan(render=id, upload=upload, media=examples.MEDIA, outputs=(output,), audio=())
    render = replace(failed(id, cause), upload=upload, media=examples.MEDIA, plan=plan, frames=240)
    first, *others = (replace(one, frames_after=240) for one in render.attempts)
    others = [replace(one, frames_before=240) for one in others]
    render = replace(render, attempt=3, attempts=(first, *others))
    parts.renders.save(render, version=0)
    parts.work.write(names.piece(id, output.id, "k" * 16, Span(0, 240)), b"piece")
    at = NOW - timedelta(minutes=3, seconds=number)
    told = letter(id, upload=upload, tenant=upload.tenant, failure=cause, at=at)
    told = replace(told, fingerprint=cause.fingerprint, advice=cause.advice)
    place.bus.publish(Topic.RENDER_DEAD_LETTER, replace(told, attempts=render.attempts))
    return render


def _upload(place: Place, name: str, generation: int) -> int:
    """As if somebody had dropped the file at that very moment."""
    path = place.home.uploads / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"a video")
    os.utime(path, ns=(generation, generation))
    info = DirectoryObjects(place.home.uploads, "uploads").adopt(name)
    assert info is not None
    return info.generation


@contextmanager
def pipeline(scene: Scene) -> Iterator[None]:
    """Somebody takes every command, and the render is done."""
    over = threading.Event()

    def works() -> None:
        while not over.wait(0.02):
            take(scene.place, scene.parts, done)

    worker = threading.Thread(target=works)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join()
        take(scene.place, scene.parts, done)


def transcript(folder: Path) -> str:
    """The page, as the tool prints it now."""
    one = scene(folder)
    words = {"full": FULL.fingerprint, "broken": BROKEN.fingerprint}
    page = [HEAD]
    with pipeline(one):
        for thought, command in STEPS:
            said = command.format(one.renders[0].id[2:10], **words)
            page.append(f"{thought}\n\n" if thought else "")
            page.append(f"```console\n$ {said}\n{one.said(said)}```\n\n")
    assert all(_state(one, render) is State.DONE for render in one.renders[:-1])
    return "".join(page).rstrip() + "\n"


def _state(one: Scene, render: Render) -> State | None:
    stored = one.parts.renders.load(render.id)
    return stored.render.state if stored else None


def without_times(page: str) -> str:
    """What does not depend on the clock: moments, ages, lengths and rates are all one."""
    page = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", "MOMENT", page)
    page = re.sub(r"\d+ (?:s|min|h|d|minutes)\b", "AGE", page)
    page = re.sub(r"\b\d+\.\d\b", "RATE", page)
    return re.sub(r" {2,}", "  ", page)


HEAD = """# An incident, from alert to all clear

Recorded by `python -m tests.incident` on a laptop's pipeline, and replayed by a test: what stands
here is what the commands print. The renders are not really made in it. It was not run against
Google Cloud.

"""


def main() -> None:
    """Record it."""
    with tempfile.TemporaryDirectory() as folder:
        PAPER.write_text(transcript(Path(folder)))


if __name__ == "__main__":
    main()
