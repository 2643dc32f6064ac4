"""What a task reads out of the work bucket, written there as tasks write it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from functions.adapters.directory_objects import DirectoryObjects
from functions.core.plan import make_plan
from render_job.choose import Worker
from render_job.survey import committed_frames, survey
from schemas import names
from schemas.pieces import Span
from schemas.ports import ObjectStore
from schemas.spec import Output, RenderSpec
from schemas.spec_clip import Clip
from tests.unit.makers import NOW, UPLOAD, media, order

SPEC = RenderSpec(clips=(Clip(),), outputs=(Output(),))
PLAN = make_plan(UPLOAD, media(length=60), SPEC, folder="acme/beach")
(OUTPUT,) = PLAN.outputs
ORDER = order(render=PLAN.render)
KEY = OUTPUT.key(UPLOAD, ORDER.encoder_class)
ONE, TWO = Worker(execution="e-1", task=0), Worker(execution="e-1", task=1)


@pytest.fixture
def work(tmp_path: Path) -> ObjectStore:
    return DirectoryObjects(tmp_path / "work", "work")


def told(worker: Worker, **more: str) -> dict[str, str]:
    return {"execution": worker.execution, "task": str(worker.task), **more}


def test_a_task_is_as_fast_as_it_was_over_all_of_its_pieces(work: ObjectStore) -> None:
    made = {
        Span(0, 480): told(ONE, seconds="12"),
        Span(480, 600): told(ONE, seconds="3"),
        Span(600, 660): told(TWO, seconds="6"),
        Span(660, 720): {"verdict": "{}"},
    }
    for span, metadata in made.items():
        work.write(names.piece(PLAN.render, OUTPUT.id, KEY, span), b"", metadata=metadata)
    other = names.piece(PLAN.render, OUTPUT.id, "another-encoder", Span(0, 480))
    work.write(other, b"", metadata=told(TWO, seconds="1"))
    seen = survey(work, PLAN, replace(ORDER, hedge=True))
    assert seen.pieces == {OUTPUT.id: frozenset(made)}
    assert seen.paces == {OUTPUT.id: {ONE: 40.0, TWO: 10.0}}
    assert committed_frames(PLAN, seen) == 720
    assert not survey(work, PLAN, ORDER).paces


def test_a_claim_says_who_is_at_it_since_when_and_how_far(work: ObjectStore) -> None:
    first = work.write(names.claim(PLAN.render, "a"), b"", metadata=told(ONE, attempt="1"))
    since = NOW - timedelta(minutes=1)
    metadata = told(TWO, attempt="2", frames="37", taken=since.isoformat())
    renewed = work.write(names.claim(PLAN.render, "piece/b"), b"", metadata=metadata)
    claims = survey(work, PLAN, ORDER).claims
    assert set(claims) == {"a", "piece/b"}
    assert (claims["a"].worker, claims["a"].frames) == (ONE, 0)
    assert claims["a"].taken_at == claims["a"].renewed_at == first.updated
    assert (claims["piece/b"].attempt, claims["piece/b"].frames) == (2, 37)
    assert claims["piece/b"].taken_at == since
    assert claims["piece/b"].renewed_at == renewed.updated
    assert claims["piece/b"].generation == renewed.generation
