"""What the supervisor of child processes promises beside what every Backend does."""

import fcntl
import os
import signal
import textwrap
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from functions.ports import ExecutionState
from schemas.failures import FailureClass
from tests.contract.machine import Machine, order, task_argv

if TYPE_CHECKING:
    from subprocess import Popen

WAIT_FOR_SIGTERM = "say('ready'); signal.pause()"
IGNORE_SIGTERM = "signal.signal(signal.SIGTERM, signal.SIG_IGN); say('ready'); time.sleep(60)"
GRANDCHILD = """
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        lock = open('lock', 'w')
        fcntl.flock(lock, fcntl.LOCK_EX)
        say('grandchild')
        time.sleep(60)
    while not heard('grandchild'):
        time.sleep(0.001)
"""


@pytest.fixture
def machine(tmp_path: Path, until: Callable[..., None]) -> Iterator[Machine]:
    machine = Machine(folder=tmp_path, until=until)
    yield machine
    machine.close()


def test_launching_an_attempt_again_runs_it_once(machine: Machine) -> None:
    machine.start("say('ran')")
    first, second = machine.backend.launch(order(2)), machine.backend.launch(order(3))
    assert first == second
    assert machine.outcome(first) is None
    assert machine.backend.launch(order(2)) == first
    machine.drive(lambda: True, "one more step")
    assert machine.said("ran") == ["0.0", "1.0"]


def test_what_was_stopped_before_it_began_never_runs(machine: Machine) -> None:
    machine.start("say('ran')")
    execution = machine.backend.launch(order())
    machine.backend.stop(execution)
    failure = machine.outcome(execution)
    assert failure is not None
    assert failure.failure is FailureClass.CANCELLED
    assert machine.said("ran") == []


def test_a_stop_after_the_end_changes_nothing_over_a_restart(machine: Machine) -> None:
    machine.start()
    execution = machine.backend.launch(order())
    assert machine.outcome(execution) is None
    machine.backend.stop(execution)
    machine.start()
    machine.drive(lambda: True, "one more step")
    assert machine.backend.state(execution) == ExecutionState(ended=True)


# How child processes are run.


def test_a_task_is_told_who_it_is_and_nothing_else(machine: Machine) -> None:
    # Python itself and macOS add these two.
    added = ("LC_CTYPE", "__CF_USER_TEXT_ENCODING")
    code = f"print(*sorted(f'{{k}}={{v}}' for k, v in E.items() if k not in {added}))"
    machine.start(code, environment={"GREETING": "hello"})
    execution = machine.backend.launch(order(2))
    assert machine.outcome(execution) is None
    words = (machine.folder / "logs" / f"{execution}-1.log").read_text().split()
    assert words.pop(0).startswith("CLIPLINE_LIFELINE_FD=")
    assert words == [
        f"CLOUD_RUN_EXECUTION={execution}",
        "CLOUD_RUN_TASK_ATTEMPT=0",
        "CLOUD_RUN_TASK_COUNT=2",
        "CLOUD_RUN_TASK_INDEX=1",
        "GREETING=hello",
    ]


def test_a_task_inherits_what_it_is_meant_to_and_leads_its_own_session(machine: Machine) -> None:
    reads, writes = os.pipe()
    code = f"os.write({writes}, b'here' if os.getsid(0) == os.getpid() else b'not alone')"
    machine.start(code, inherited=(writes,))
    assert machine.outcome(machine.backend.launch(order())) is None
    assert os.read(reads, 100) == b"here"
    os.close(reads)
    os.close(writes)


def test_a_failed_task_is_tried_again_alone_and_counted(machine: Machine) -> None:
    machine.start("say('ran'); sys.exit(75 if TASK == 1 and ATTEMPT < 2 else 0)")
    assert machine.outcome(machine.backend.launch(order(2))) is None
    assert machine.said("ran") == ["0.0", "1.0", "1.1", "1.2"]


@pytest.mark.parametrize(
    ("end", "failure", "reason", "words"),
    [
        ("sys.exit(75)", FailureClass.PREEMPTED, "task_preempted", "exit code 75"),
        ("sys.exit(74)", FailureClass.DEPENDENCY, "task_disk", "exit code 74"),
        ("sys.exit(70)", FailureClass.INTERNAL, "task_bug", "exit code 70"),
        ("sys.exit(3)", FailureClass.CRASH, "task_failed", "exit code 3"),
        ("os.kill(os.getpid(), 9)", FailureClass.CRASH, "task_killed", "signal 9"),
        (
            "os.kill(os.getpid(), signal.SIGUSR1)",
            *(FailureClass.CRASH, "task_signalled", f"signal {signal.SIGUSR1.value}"),
        ),
    ],
)
def test_when_a_task_fails_for_good_the_others_go_on(
    machine: Machine, end: str, failure: FailureClass, reason: str, words: str
) -> None:
    code = f"""
        if TASK == 1:
            say('failing')
            print('my last words', flush=True)
            {end}
        while machine_has_more_to_do():
            time.sleep(0.001)
        say('done')
    """
    more = "def machine_has_more_to_do():\n    return not os.path.exists('go')\n"
    machine.start(more + textwrap.dedent(code), max_retries=1)
    execution = machine.backend.launch(order(2))
    machine.drive(lambda: machine.over() == [1], "task 1 has failed for good")
    assert machine.said("failing") == ["1.0", "1.1"]
    assert machine.backend.state(execution) == ExecutionState(ended=False)
    (machine.folder / "go").touch()
    told = machine.outcome(execution)
    assert told is not None
    assert (told.failure, told.reason) == (failure, reason)
    assert told.message.startswith("task 1 ")
    assert f"{words} after 1 retries" in told.message
    assert told.detail == "my last words\n" * 2
    assert machine.said("done") == ["0.0"]


def test_of_two_tasks_that_failed_the_last_one_is_named(machine: Machine) -> None:
    machine.start(
        "while TASK == 0 and not os.path.exists('go'): time.sleep(0.001)\nsys.exit(70 + TASK)",
        max_retries=0,
    )
    execution = machine.backend.launch(order(2))
    machine.drive(lambda: machine.over() == [1], "task 1 has failed")
    (machine.folder / "go").touch()
    failure = machine.outcome(execution)
    assert failure is not None
    assert (failure.failure, failure.reason) == (FailureClass.INTERNAL, "task_bug")


def test_all_that_was_done_in_spite_of_a_stop_counts(machine: Machine) -> None:
    machine.start(
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n" + WAIT_FOR_SIGTERM,
    )
    execution = machine.backend.launch(order())
    machine.drive(lambda: bool(machine.said("ready")), "the task runs")
    machine.backend.stop(execution)
    assert machine.outcome(execution) is None


def test_a_program_that_cannot_be_started_is_a_task_that_failed(machine: Machine) -> None:
    machine.start(argv=lambda order, execution, task: ["/nowhere/at/all"], max_retries=1)
    failure = machine.outcome(machine.backend.launch(order()))
    assert failure is not None
    assert (failure.failure, failure.reason) == (FailureClass.CRASH, "task_failed")
    assert "exit code 127 after 1 retries" in failure.message
    assert "/nowhere/at/all" in failure.detail


def lock_is_free(machine: Machine) -> bool:
    """Whether the grandchild is gone: the kernel gives back a dead process's locks."""
    with (machine.folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_what_a_task_leaves_behind_is_killed(machine: Machine) -> None:
    machine.start(GRANDCHILD)
    assert machine.outcome(machine.backend.launch(order())) is None
    machine.until(lambda: lock_is_free(machine), "the grandchild is gone")


def test_a_task_gets_its_grace_to_end_by_itself(machine: Machine) -> None:
    machine.start(
        "signal.signal(signal.SIGTERM, lambda *_: (say('saved'), sys.exit(75)))\n"
        + WAIT_FOR_SIGTERM,
    )
    execution = machine.backend.launch(order())
    machine.drive(lambda: bool(machine.said("ready")), "the task runs")
    machine.backend.stop(execution)
    failure = machine.outcome(execution)
    assert failure is not None
    assert failure.failure is FailureClass.CANCELLED
    assert machine.said("saved") == ["0.0"]


def test_a_task_that_ignores_sigterm_is_killed_with_its_group(machine: Machine) -> None:
    machine.start(textwrap.dedent(GRANDCHILD) + IGNORE_SIGTERM, grace=timedelta(seconds=0.2))
    execution = machine.backend.launch(order())
    machine.drive(lambda: bool(machine.said("ready")), "the task runs")
    machine.backend.stop(execution)
    before = datetime.now(UTC)
    failure = machine.outcome(execution)
    assert failure is not None
    assert failure.failure is FailureClass.CANCELLED
    assert datetime.now(UTC) - before >= timedelta(seconds=0.2)
    machine.until(lambda: lock_is_free(machine), "the grandchild is gone")


def test_at_the_deadline_tasks_are_stopped_for_good(machine: Machine) -> None:
    later = [datetime.now(UTC)]
    machine.start(WAIT_FOR_SIGTERM, clock=lambda: later[0])
    execution = machine.backend.launch(order(2))
    machine.drive(lambda: len(machine.said("ready")) == 2, "both tasks run")
    later[0] += timedelta(minutes=2)
    failure = machine.outcome(execution)
    assert failure is not None
    assert failure.failure is FailureClass.TIMEOUT
    assert machine.said("ready") == ["0.0", "1.0"]


def test_after_the_deadline_nothing_begins(machine: Machine) -> None:
    machine.start("say('ran')")
    failure = machine.outcome(machine.backend.launch(order(seconds=-1)))
    assert failure is not None
    assert failure.failure is FailureClass.TIMEOUT
    assert machine.said("ran") == []


# What survives.

RESUMED = """
    say('ran')
    if TASK > 0 and not heard('second life'):
        say('ready')
        select.select([int(E['CLIPLINE_LIFELINE_FD'])], [], [], 60)
        assert os.read(int(E['CLIPLINE_LIFELINE_FD']), 1) == b''
        say('orphaned')
"""


def test_after_a_kill_unfinished_tasks_go_on_without_using_a_retry(
    machine: Machine, start_python: "Callable[..., Popen[str]]"
) -> None:
    first = start_python(
        """
        import sys, time
        from pathlib import Path
        from functions.adapters.child_process import Supervisor
        from functions.adapters.sqlite_executions import Executions

        folder, argv = Path(sys.argv[1]), sys.argv[2:]
        supervisor = Supervisor(
            folder / "executions.db",
            argv=lambda order, execution, task: argv,
            environment={},
            on_end=lambda order, execution, failure: None,
            log_folder=folder / "logs",
        )
        table = Executions(folder / "executions.db")
        while not any(task.ended_at for one in table.untold() for task in one.tasks):
            supervisor.step()
            time.sleep(0.001)
        print("task 0 is done", flush=True)
        sys.stdin.read()
        """,
        *(machine.folder, *task_argv(machine.folder, RESUMED)),
    )
    execution = machine.backend.launch(order(3))
    assert first.stdout is not None
    assert first.stdout.readline() == "task 0 is done\n"
    machine.until(lambda: len(machine.said("ready")) == 2, "tasks 1 and 2 wait")
    first.send_signal(signal.SIGKILL)
    machine.until(lambda: len(machine.said("orphaned")) == 2, "both saw the end of their parent")
    assert machine.backend.state(execution) == ExecutionState(ended=False)
    (machine.folder / "second life").write_text("yes")
    machine.start(RESUMED, max_retries=0)
    assert machine.outcome(execution) is None
    assert machine.said("ran") == ["0.0", "1.0", "1.0", "2.0", "2.0"]


def test_a_shutdown_ends_every_task_and_the_next_supervisor_resumes(machine: Machine) -> None:
    first = machine.start("say('ran')\nif TASK and not heard('go'): signal.pause()")
    execution = machine.backend.launch(order(2))
    machine.drive(lambda: len(machine.said("ran")) == 2 and machine.over() == [0], "one is done")
    first.shutdown()
    assert machine.alive() == []
    assert not first.step()
    assert machine.backend.state(execution) == ExecutionState(ended=False)
    (machine.folder / "go").write_text("yes")
    machine.start("say('ran')", max_retries=0)
    assert machine.outcome(execution) is None
    assert machine.said("ran") == ["0.0", "1.0", "1.0"]


def test_a_shutdown_kills_what_ignores_it(machine: Machine) -> None:
    supervisor = machine.start(IGNORE_SIGTERM, grace=timedelta(seconds=0.1))
    machine.backend.launch(order())
    machine.drive(lambda: bool(machine.said("ready")), "the task runs")
    assert len(machine.alive()) == 1
    supervisor.shutdown()
    assert machine.alive() == []


def test_retries_that_were_used_stay_used_after_a_restart(machine: Machine) -> None:
    machine.start(f"if ATTEMPT == 0: sys.exit(3)\n{WAIT_FOR_SIGTERM}", max_retries=1)
    execution = machine.backend.launch(order())
    machine.drive(lambda: machine.said("ready") == ["0.1"], "the retry runs")
    machine.start("sys.exit(3)", max_retries=1)
    failure = machine.outcome(execution)
    assert failure is not None
    assert "after 1 retries" in failure.message


def test_a_stop_is_remembered_over_a_restart(machine: Machine) -> None:
    machine.start(WAIT_FOR_SIGTERM)
    execution = machine.backend.launch(order())
    machine.drive(lambda: bool(machine.said("ready")), "the task runs")
    machine.close()
    machine.backend.stop(execution)
    machine.start("say('again')")
    failure = machine.outcome(execution)
    assert failure is not None
    assert failure.failure is FailureClass.CANCELLED
    assert machine.said("again") == []


def test_an_end_that_was_not_taken_is_told_again(machine: Machine) -> None:
    machine.refusals = 1
    machine.start()
    execution = machine.backend.launch(order())
    assert machine.outcome(execution) is None
    assert machine.refusals == 0
    machine.drive(lambda: True, "one more step")
    assert machine.told == [(execution, None)]


def test_an_end_that_nobody_took_is_told_after_a_restart(machine: Machine) -> None:
    machine.refusals = 1
    machine.start("say('ran')")
    execution = machine.backend.launch(order())
    machine.drive(lambda: machine.refusals == 0, "the end was refused")
    machine.start("say('ran')")
    assert machine.outcome(execution) is None
    assert machine.said("ran") == ["0.0"]


def test_an_end_that_was_taken_is_not_told_again_after_a_restart(machine: Machine) -> None:
    machine.start()
    execution = machine.backend.launch(order())
    assert machine.outcome(execution) is None
    second = machine.start()
    assert not second.step()
    assert machine.told == [(execution, None)]


def test_a_supervisor_without_work_says_so(machine: Machine) -> None:
    supervisor = machine.start()
    assert not supervisor.step()
    execution = machine.backend.launch(order())
    assert supervisor.step()
    assert machine.outcome(execution) is None


def test_only_what_ended_long_ago_and_was_told_is_forgotten(machine: Machine) -> None:
    machine.start("print('words')")
    old = machine.backend.launch(order())
    assert machine.outcome(old) is None
    untold = machine.backend.launch(order(attempt=2))
    machine.refusals = 1
    machine.drive(lambda: machine.refusals == 0, "the second end was refused")
    waiting = machine.backend.launch(order(attempt=3))
    machine.start(clock=lambda: datetime.now(UTC) + timedelta(days=6))
    assert machine.backend.state(old) is not None
    machine.start(clock=lambda: datetime.now(UTC) + timedelta(days=8))
    assert machine.backend.state(old) is None
    assert machine.backend.state(untold) == ExecutionState(ended=True)
    assert machine.backend.state(waiting) == ExecutionState(ended=False)
    logs = [path.name for path in (machine.folder / "logs").iterdir()]
    assert logs == [f"{untold}-0.log"]
