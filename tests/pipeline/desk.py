"""A laptop's state without its pipeline: dead letters, failed renders, and `clipline` over them."""

import json
import os
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from functions.adapters.sqlite_bus import SqliteBus
from functions.core.render import Render, State
from functions.desk import Wanted
from functions.settings import Laptop
from schemas import examples, publish
from schemas.events import AttemptRecord, RenderDeadLetter
from schemas.failures import Failure
from tests.pipeline import forked
from tests.pipeline.laptop import CHECKOUT

if TYPE_CHECKING:
    import subprocess

ALL = Wanted()
NOW = datetime.now(UTC)
CAUSE = examples.KILLED.fingerprint
CLIPLINE = (sys.executable, "-c", "from ops.cli import main; main()")
KILLED = replace(examples.KILLED, detail="\n".join(f"ffmpeg says {number}" for number in range(40)))


ROOMY = """\
[[lanes]]
id = "laptop/cpu"
executions = 1000000
start_within_seconds = 120
attempt_limit_seconds = 43200
"""
"""A lane that takes whatever comes."""


@dataclass(frozen=True)
class Place:
    """One laptop's state."""

    home: Laptop
    lanes: str = ""
    """What its lanes' file says; empty for the one lane that every laptop has."""

    def clipline(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """What it says, with the two streams apart."""
        return forked.clipline(words, **self.around())

    def around(self) -> dict[str, Any]:
        """Where and in which environment it runs; no emulator is this laptop's."""
        quiet = {
            name: value
            for name, value in os.environ.items()
            if name not in {"NO_COLOR", "FORCE_COLOR"} and "EMULATOR" not in name
        }
        environment = {**quiet, "CLIPLINE_HOME": str(self.home.home), "TERM": "xterm-256color"}
        if self.lanes:
            path = self.home.home / "lanes.toml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.lanes)
            environment["CLIPLINE_LANES_FILE"] = str(path)
        return {"cwd": CHECKOUT, "env": environment}

    def said(self, *words: str) -> list[str]:
        """Its lines, where all is well."""
        done = self.clipline(*words)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout.splitlines()

    def told(self, kind: str, *words: str) -> list[Any]:
        """What it says with `--json`, each line as the published schema of that kind has it."""
        path = publish.ROOT / publish.JSON / f"{kind}.schema.json"
        schema = Draft202012Validator(json.loads(path.read_text()))
        told = [json.loads(line) for line in self.said(*words, "--json")]
        for one in told:
            schema.validate(one)
        return told

    @property
    def bus(self) -> SqliteBus:
        """Where dead letters land."""
        return SqliteBus(self.home.bus, source="//clipline/tests")


def letter(render: str, **changes: object) -> RenderDeadLetter:
    plain = replace(examples.LETTER, render=render, at=NOW - timedelta(minutes=3))
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields come by name


def failed(render: str, cause: Failure = KILLED) -> Render:
    """A render whose three attempts died."""
    start = NOW - timedelta(minutes=4)
    attempts = tuple(
        AttemptRecord(
            number=number,
            lane="laptop/cpu",
            launched_at=start + timedelta(seconds=10 * number),
            execution=f"x-{number}",
            started_at=start + timedelta(seconds=10 * number + 1),
            ended_at=start + timedelta(seconds=10 * number + 9),
            cause=cause,
            frames_after=480,
        )
        for number in (1, 2, 3)
    )
    return Render(
        id=render,
        upload=examples.UPLOAD,
        state=State.FAILED,
        created_at=start,
        updated_at=NOW,
        deadline=NOW + timedelta(hours=1),
        revisit_at=None,
        failure=cause,
        failures=1,
        frames=480,
        attempts=attempts,
    )
