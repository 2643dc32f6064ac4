"""What every Backend promises, and the manners of the laptop's supervisor, with real processes."""

import json
import os
import signal
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from functions.adapters.child_process import ChildProcesses, Supervisor
from functions.ports import Backend
from schemas.failures import Failure, FailureClass
from schemas.plan import Order

if TYPE_CHECKING:
    from subprocess import Popen

T0 = datetime(2026, 1, 31, 12, tzinfo=UTC)
Until = Callable[..., None]
FOREVER = "import signal; signal.pause()"
STUBBORN = """
    import signal, sys
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say("deaf")
    signal.pause()
"""
POLITE = """
    import signal, sys
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
    say("ready")
    signal.pause()
"""
PRELUDE = """
import json, os
def say(word):
    with open(os.path.join(os.environ["FOLDER"], "said"), "a") as file:
        file.write(json.dumps([word, {k: v for k, v in os.environ.items()}]) + "\\n")
"""


@dataclass
class Laptop:
    """A place for child processes whose clock stands where the test puts it."""

    folder: Path
    code: str = "say('ran')"
    now: datetime = T0
    ends: list[tuple[Order, str, Failure | None]] = field(default_factory=list)
    inherited: tuple[int, ...] = ()
    supervisor: Supervisor = field(init=False)
    backend: Backend = field(init=False)

    def __post_init__(self) -> None:
        self.backend = ChildProcesses(self.folder / "executions.db")
        self.supervisor = self.another()

    def another(self) -> Supervisor:
        return Supervisor(
            self.folder / "executions.db",
            argv=lambda order, execution, task: [
                *(sys.executable, "-S", "-c", PRELUDE + textwrap.dedent(self.code)),
            ],
            environment={"FOLDER": str(self.folder)},
            on_end=lambda *end: self.ends.append(end),
            log_folder=self.folder / "logs",
            inherited=self.inherited,
            grace=timedelta(seconds=0.2),
            clock=lambda: self.now,
        )

    def said(self) -> list[tuple[str, dict[str, str]]]:
        path = self.folder / "said"
        text = path.read_text() if path.exists() else ""
        return [tuple(json.loads(line)) for line in text.splitlines()]

    def words(self) -> list[str]:
        return sorted(word for word, _ in self.said())

    def failure(self, execution: str) -> Failure:
        state = self.backend.state(execution)
        assert state is not None
        assert state.ended
        assert state.failure is not None
        return state.failure


FACTORIES = {"child_process": Laptop}


@pytest.fixture(params=sorted(FACTORIES))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Laptop]:
    one = FACTORIES[request.param](tmp_path)
    yield one
    one.supervisor.shutdown()


@pytest.fixture
def ended(place: Laptop, until: Until) -> Callable[[str], None]:
    """Runs the place until the execution has ended and its end is told."""

    def wait(execution: str) -> None:
        def is_over() -> bool:
            place.supervisor.step()
            return any(name == execution for _, name, _ in place.ends)

        until(is_over, f"{execution} has ended")

    return wait


def order(attempt: int = 1, tasks: int = 1, render: str = "r-1") -> Order:
    return Order(
        render=render,
        attempt=attempt,
        lane="laptop/cpu",
        encoder_class="libx264/5.1/t2",
        tasks=tasks,
        deadline=T0 + timedelta(hours=1),
    )


def steps_until(place: Laptop, until: Until, claim: Callable[[], bool], what: str) -> None:
    until(lambda: place.supervisor.step() is not None and claim(), what)


def is_alive(pid: int) -> bool:
    """Whether it runs; a zombie that nobody reaps does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_an_execution_runs_and_ends_well(place: Laptop, ended: Callable[[str], None]) -> None:
    name = place.backend.launch(order(tasks=3))
    state = place.backend.state(name)
    assert state is not None
    assert not state.ended
    ended(name)
    state = place.backend.state(name)
    assert state is not None
    assert (state.ended, state.failure) == (True, None)
    assert place.ends == [(order(tasks=3), name, None)]
    assert place.words() == ["ran"] * 3


def test_what_was_never_launched_is_unknown(place: Laptop) -> None:
    assert place.backend.state("r-9-0001") is None
    place.backend.stop("r-9-0001")
    assert place.backend.state("r-9-0001") is None


def test_an_ended_execution_can_be_stopped_without_harm(
    place: Laptop, ended: Callable[[str], None]
) -> None:
    name = place.backend.launch(order())
    ended(name)
    place.backend.stop(name)
    place.supervisor.step()
    assert place.backend.state(name).failure is None  # type: ignore[union-attr]  # it is known


def test_a_stopped_execution_is_cancelled(
    place: Laptop, until: Until, ended: Callable[[str], None]
) -> None:
    place.code = POLITE
    name = place.backend.launch(order(tasks=2))
    steps_until(place, until, lambda: place.words() == ["ready"] * 2, "both tasks run")
    place.backend.stop(name)
    ended(name)
    assert place.failure(name).failure is FailureClass.CANCELLED
    assert len(place.words()) == 2


def test_a_stop_before_the_start_starts_nothing(
    place: Laptop, ended: Callable[[str], None]
) -> None:
    name = place.backend.launch(order())
    place.backend.stop(name)
    ended(name)
    assert place.failure(name).failure is FailureClass.CANCELLED
    assert place.words() == []


def test_a_repeated_launch_has_the_same_name_and_runs_once(
    place: Laptop, ended: Callable[[str], None]
) -> None:
    name = place.backend.launch(order(attempt=12))
    assert name == "r-1-0012"
    assert place.backend.launch(order(attempt=12)) == name
    ended(name)
    assert place.backend.launch(order(attempt=12)) == name
    place.supervisor.step()
    assert place.words() == ["ran"]
    assert len(place.ends) == 1


def test_a_task_is_told_what_cloud_run_tells(place: Laptop, ended: Callable[[str], None]) -> None:
    place.inherited = os.pipe()
    place.supervisor.shutdown()
    place.supervisor = place.another()
    place.code = f"""
        os.fstat(int(os.environ["CLIPLINE_LIFELINE_FD"]))
        os.fstat({place.inherited[0]})
        assert os.getsid(0) == os.getpid()
        say("told")
    """
    name = place.backend.launch(order(tasks=2))
    ended(name)
    told = [environment for word, environment in place.said() if word == "told"]
    assert sorted(one["CLOUD_RUN_TASK_INDEX"] for one in told) == ["0", "1"]
    for environment in told:
        assert environment["CLOUD_RUN_EXECUTION"] == name
        assert environment["CLOUD_RUN_TASK_COUNT"] == "2"
        assert environment["CLOUD_RUN_TASK_ATTEMPT"] == "0"
        assert "HOME" not in environment
    for descriptor in place.inherited:
        os.close(descriptor)


def test_a_failed_task_is_tried_again_with_its_number(
    place: Laptop, ended: Callable[[str], None]
) -> None:
    place.code = """
        say(os.environ["CLOUD_RUN_TASK_INDEX"] + "/" + os.environ["CLOUD_RUN_TASK_ATTEMPT"])
        lives = int(os.environ["CLOUD_RUN_TASK_ATTEMPT"])
        raise SystemExit(75 if lives < 2 * int(os.environ["CLOUD_RUN_TASK_INDEX"]) else 0)
    """
    name = place.backend.launch(order(tasks=2))
    ended(name)
    assert place.words() == ["0/0", "1/0", "1/1", "1/2"]
    assert place.ends[0][2] is None


@pytest.mark.parametrize(
    ("death", "failure", "reason"),
    [
        ("raise SystemExit(75)", FailureClass.PREEMPTED, "preempted"),
        ("raise SystemExit(70)", FailureClass.INTERNAL, "bug"),
        ("raise SystemExit(3)", FailureClass.CRASH, "exit_code"),
        ("os.kill(os.getpid(), 9)", FailureClass.CRASH, "killed"),
        ("os.kill(os.getpid(), 15)", FailureClass.CRASH, "signal"),
    ],
)
def test_a_task_that_fails_four_times_fails_its_execution(
    place: Laptop, ended: Callable[[str], None], death: str, failure: FailureClass, reason: str
) -> None:
    place.code = f"""
        if os.environ["CLOUD_RUN_TASK_INDEX"] == "1":
            say("dying")
            print("last words", flush=True)
            {death}
    """
    name = place.backend.launch(order(tasks=2))
    ended(name)
    assert place.words() == ["dying"] * 4
    found = place.failure(name)
    assert (found.failure, found.reason) == (failure, reason)
    assert found.detail.endswith("last words\n")
    assert place.ends == [(order(tasks=2), name, found)]


def test_a_bug_tells_more_than_a_preemption(place: Laptop, ended: Callable[[str], None]) -> None:
    place.code = "raise SystemExit([75, 3, 70][int(os.environ['CLOUD_RUN_TASK_INDEX'])])"
    name = place.backend.launch(order(tasks=3))
    ended(name)
    assert place.failure(name).failure is FailureClass.INTERNAL


def test_a_missing_program_is_a_failure_not_an_error(
    tmp_path: Path, place: Laptop, until: Until
) -> None:
    ends: list[Failure | None] = []
    supervisor = Supervisor(
        tmp_path / "other.db",
        argv=lambda *_: ["/nowhere/render_job"],
        environment={},
        on_end=lambda _order, _name, failure: ends.append(failure),
        log_folder=tmp_path / "logs",
        clock=lambda: T0,
    )
    ChildProcesses(tmp_path / "other.db").launch(order())
    until(lambda: supervisor.step() is not None and bool(ends), "it gave up")
    supervisor.shutdown()
    assert ends[0] is not None
    assert ends[0].reason == "not_started"


def test_a_deadline_ends_even_the_deaf(
    place: Laptop, until: Until, ended: Callable[[str], None]
) -> None:
    place.code = STUBBORN
    name = place.backend.launch(order())
    steps_until(place, until, lambda: place.words() == ["deaf"], "it runs")
    place.now += timedelta(hours=1)
    ended(name)
    assert place.failure(name).failure is FailureClass.TIMEOUT
    assert place.words() == ["deaf"]


def test_what_a_task_leaves_running_is_killed(
    place: Laptop, until: Until, ended: Callable[[str], None]
) -> None:
    place.code = f"""
        import subprocess, sys
        say(str(subprocess.Popen([sys.executable, "-S", "-c", {FOREVER!r}]).pid))
    """
    name = place.backend.launch(order())
    ended(name)
    (pid,) = map(int, place.words())
    until(lambda: not is_alive(pid), "the grandchild is gone")


def test_an_end_is_told_again_until_it_was_heard(place: Laptop, until: Until) -> None:
    def forgetful(*_: object) -> None:
        raise ConnectionError("nobody heard it")

    place.supervisor.shutdown()
    deaf = Supervisor(
        place.folder / "executions.db",
        argv=lambda *_: [sys.executable, "-S", "-c", ""],
        environment={},
        on_end=forgetful,
        log_folder=place.folder / "logs",
        clock=lambda: T0,
    )
    name = place.backend.launch(order())

    def is_ended() -> bool:
        try:
            deaf.step()
        except ConnectionError:
            return True
        return False

    until(is_ended, "the end is told")
    deaf.shutdown()
    place.supervisor = place.another()
    place.supervisor.step()
    place.supervisor.step()
    assert place.ends == [(order(), name, None)]


def test_after_a_shutdown_the_next_supervisor_goes_on_without_counting_it(
    place: Laptop, until: Until, ended: Callable[[str], None]
) -> None:
    place.code = POLITE
    name = place.backend.launch(order())
    steps_until(place, until, lambda: len(place.words()) == 1, "it runs")
    for life in range(2, 7):
        place.supervisor.shutdown()
        place.supervisor = place.another()
        steps_until(place, until, lambda: len(place.words()) == life, "it runs again")  # noqa: B023  # called at once
    assert {environment["CLOUD_RUN_TASK_ATTEMPT"] for _, environment in place.said()} == {"0"}
    place.backend.stop(name)
    ended(name)


def test_a_shutdown_kills_the_deaf_after_the_grace(place: Laptop, until: Until) -> None:
    place.code = STUBBORN
    name = place.backend.launch(order())
    steps_until(place, until, lambda: place.words() == ["deaf"], "it runs")
    place.supervisor.shutdown()
    assert not place.backend.state(name).ended  # type: ignore[union-attr]  # it is known
    place.supervisor = place.another()


SUPERVISOR = """
    import sys
    from datetime import timedelta
    from pathlib import Path
    from functions.adapters.child_process import Supervisor
    folder = Path(sys.argv[1])
    supervisor = Supervisor(
        folder / "executions.db",
        argv=lambda *_: [sys.executable, "-S", "-c", sys.argv[2]],
        environment={"FOLDER": str(folder)},
        on_end=lambda *_: None,
        log_folder=folder / "logs",
        clock=lambda: __import__("datetime").datetime.fromisoformat("2026-01-31T12:00:00Z"),
    )
    while True:
        supervisor.step()
"""
WATCHFUL = """
import select
say(str(os.getpid()))
select.select([int(os.environ["CLIPLINE_LIFELINE_FD"])], [], [])
raise SystemExit(75)
"""


def test_after_a_kill_the_tasks_notice_and_the_next_supervisor_starts_them_again(
    place: Laptop, until: Until, start_python: "Callable[..., Popen[str]]"
) -> None:
    name = place.backend.launch(order(tasks=2))
    place.code = WATCHFUL
    for round_number in (1, 2):
        supervisor = start_python(SUPERVISOR, place.folder, PRELUDE + WATCHFUL)
        until(lambda: len(place.said()) == 2 * round_number, "both run")  # noqa: B023  # called at once
        supervisor.send_signal(signal.SIGKILL)
        supervisor.wait()
        pids = [int(word) for word in place.words()]
        until(lambda: not any(map(is_alive, pids)), "the orphans have gone")  # noqa: B023  # called at once
    place.code = "say('finished')"
    steps_until(place, until, lambda: bool(place.ends), "the next one finishes")
    assert place.ends == [(order(tasks=2), name, None)]
    assert {environment["CLOUD_RUN_TASK_ATTEMPT"] for _, environment in place.said()} == {"0"}
