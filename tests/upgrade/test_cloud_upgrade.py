"""Ten renders that one release began are finished by the other, over Google's emulators.

    began with A ─► functions of B, tasks of A ─► all of B          upgrade and rollback,
                 └► tasks of B, functions of A ─► all of B          functions first and image first

The functions are served out of each release's own bundle, the tasks are its own render_job, and the
clients are Google's.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from functions.core.render import State
from schemas.events import RenderDeadLetter, RenderDone
from tests.emulators import required
from tests.pipeline.laptop import small_video
from tests.sources import tool
from tests.upgrade.cloud import PATIENCE, TwoReleases, two_releases
from tests.upgrade.releases import CHECKOUT, RETURN, previous

pytestmark = pytest.mark.filterwarnings("ignore:The return_immediately flag")
RENDERS = 10
SPEC = '{"outputs": [{"height": 90}]}'


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoReleases]:
    folders = {"before": previous(tmp_path_factory.mktemp("release"), RETURN), "now": CHECKOUT}
    with required(), two_releases(folders, tmp_path_factory.mktemp("cloud")) as one:
        yield one


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without a sound: what is tried is not what a task makes."""
    folder = tmp_path_factory.mktemp("video")
    video, silent = small_video(folder / "small.mp4", seconds=2, height=90), folder / "silent.mp4"
    tool("-nostdin", "-v", "error", "-i", str(video), *["-an", "-c", "copy"], str(silent))
    return silent


@pytest.mark.parametrize("first", ["functions", "image"])
@pytest.mark.parametrize("way", ["upgrade", "rollback"])
def test_what_one_release_began_the_other_finishes(
    way: str, first: str, cloud: TwoReleases, video: Path
) -> None:
    old, new = ("before", "now") if way == "upgrade" else ("now", "before")
    half = {"functions": old, "image": old, first: new}
    tenant = f"{way}-{first}"

    def done() -> dict[str, set[str]]:
        """Of each render, the done events that were heard."""
        found: dict[str, set[str]] = {}
        for one in cloud.heard.said:
            if isinstance(one.event, RenderDone) and one.event.tenant == tenant:
                found.setdefault(one.event.subject, set()).add(one.event.id)
        return found

    def wait(count: Callable[[], int], wanted: int, what: str) -> None:
        seen = cloud.heard.until(lambda: count() >= wanted or None, timedelta(seconds=PATIENCE))
        assert seen, f"{what}: {count()} of {wanted}"

    def launched() -> int:
        return sum(bool(one.attempts) for one in cloud.renders(tenant))

    with cloud.deployed(functions=old, image=old):
        for number in range(RENDERS):
            cloud.ports.uploads.upload(
                f"{tenant}/{number}.mp4",
                video,
                if_generation_match=0,
                metadata={"clipline-spec": SPEC},
            )
        wait(lambda: len(cloud.renders(tenant)), RENDERS, "are asked for")
        wait(lambda: len(done()), 1, "done by what they began with")
    before = launched()
    with cloud.deployed(**half):
        # Only so many were launched before: one of these was launched and finished in between.
        wait(lambda: len(done()), before + 1, "done by both halves together")
    between = launched()
    assert before < between < RENDERS
    with cloud.deployed(functions=new, image=new):
        wait(lambda: len(done()), RENDERS, "done in all")
    renders = cloud.renders(tenant)
    assert {one.id: one.state for one in renders} == dict.fromkeys(done(), State.DONE)
    assert len(renders) == RENDERS
    assert all(len(ids) == 1 for ids in done().values()), "none is announced as two"
    assert [len(one.attempts) for one in renders] == [1] * RENDERS
    assert all(one.outputs[0].certificate.verified for one in renders)
    files = [one.name for one in cloud.ports.outputs.list(f"{tenant}/")]
    assert sorted(files) == sorted(one.outputs[0].delivered.name for one in renders)
    assert not any(isinstance(one.event, RenderDeadLetter) for one in cloud.heard.said)
