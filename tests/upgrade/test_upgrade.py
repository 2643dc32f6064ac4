"""Ten renders that one release began are finished by the next, whose functions go first.

    began with A ─► functions of B, tasks of A ─► all of B: every render is done, and verified

Both halves are real code of both releases, over one laptop's home. Tasks first, and
the way back, are tried over the cloud's stores (`test_cloud_upgrade.py`): a laptop's SQLite files
refuse a release older than the one that raised their version. What either release has written the
other can read: `test_words.py`.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from functions.core.render import TERMINAL, State
from tests.pipeline.laptop import PATIENCE, Home, a_home, small_video, until
from tests.upgrade.releases import CHECKOUT, previous

RENDERS = 10
SPEC = '{"outputs": [{"height": 90}]}'
STAND = Path(__file__).with_name("stand.py")


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return previous(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_video(tmp_path_factory.mktemp("video") / "small.mp4", seconds=6, height=90)


@dataclass(frozen=True)
class Releases:
    """Which release each half is of."""

    functions: Path
    tasks: Path

    @contextmanager
    def up(self, home: Home) -> Iterator[None]:
        """A pipeline of them, until the end of the context."""
        process = subprocess.Popen(
            [sys.executable, "-c", STAND.read_text(), str(self.tasks)],
            cwd=self.functions,
            env={
                **os.environ,
                "CLIPLINE_HOME": str(home.place.home),
                "CLIPLINE_TASKS": "2",
                "PYTHONPATH": str(self.functions),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        said = process.stdout.readline()
        try:
            assert said.startswith("Up by "), said + process.stdout.read()
            packages = [
                str(self.functions / one / "__init__.py") for one in ("functions", "schemas")
            ]
            assert said.split()[2:] == packages
            yield
        finally:
            process.terminate()
            rest = process.communicate(timeout=PATIENCE)[0]
        assert process.returncode == 0, rest


def done(home: Home) -> int:
    return sum(one.state is State.DONE for one in home.renders())


def test_what_one_release_began_the_next_finishes(
    before: Path, video: Path, tmp_path: Path
) -> None:
    old, new = before, CHECKOUT
    with a_home(tmp_path) as home:
        with Releases(old, old).up(home):
            for number in range(RENDERS):
                home.upload(f"default/{number}.mp4", video, SPEC)
            until(lambda: len(home.renders()) == RENDERS, "all are asked for")
            until(lambda: done(home) >= 1, "one is done by what it began with")
            home.wait_for_mid_render()
        began = done(home)
        with Releases(new, old).up(home):
            until(lambda: done(home) >= began + 2, "more are done by both halves together")
            home.wait_for_mid_render()
        with Releases(new, new).up(home):
            until(lambda: all(one.state in TERMINAL for one in home.renders()), "all have ended")
            until(home.is_quiet, "all is told")
        renders = home.renders()
        assert [one.failure for one in renders if one.state is not State.DONE] == []
        assert len(renders) == RENDERS
        assert all(one.outputs[0].certificate.verified for one in renders)
        assert {event.render for event in home.done()} == {one.id for one in renders}
        assert home.dead_letters() == []
        pictures = {tuple(home.pictures(one)) for one in renders[:2]}
        assert all(len(one) == renders[0].frames for one in pictures)
