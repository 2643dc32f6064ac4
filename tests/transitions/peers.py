"""Celery, Dramatiq and Huey: installed apart, filled, worked and timed."""

import os
import shutil
import signal
import socket
import subprocess
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.peers.rows import Rows
from tests.transitions.machine import CHECKOUT, Done, Machine, cpu_of, wait_until

HOME = CHECKOUT / "build" / "peers"
PYTHON = HOME / "bin" / "python"
WANTED = CHECKOUT / "tests" / "peers" / "requirements.txt"
WORKERS: Mapping[str, Sequence[str]] = {
    "huey": ("-m", "huey.bin.huey_consumer", "tests.peers.huey_app.huey", "-w", "1", "-q"),
    "dramatiq": (
        *("-m", "dramatiq", "tests.peers.dramatiq_app", "--processes", "1", "--threads", "1"),
    ),
    "celery": (
        *("-m", "celery", "-A", "tests.peers.celery_app", "worker", "--concurrency", "1"),
        *("--prefetch-multiplier", "100", "--loglevel", "error"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    ),
}


class NotHere(Exception):
    """It cannot run here; the message says why."""


def install() -> None:
    """Their Python and the pinned versions into `build/peers`. Raises NotHere."""
    stamp = HOME / "installed.txt"
    if stamp.exists() and stamp.read_text() == WANTED.read_text():
        return
    venv.create(HOME, clear=True, with_pip=True)
    words = [str(PYTHON), "-m", "pip", "install", "--quiet", "--no-input", "-r", str(WANTED)]
    done = subprocess.run(words, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["pip failed without a word"])[-1]
        raise NotHere(f"{WANTED.relative_to(CHECKOUT)} could not be installed: {last}")
    stamp.write_text(WANTED.read_text())


@contextmanager
def redis(machine: Machine) -> Iterator[str | None]:
    """The URL of a Redis of our own, which appends every command to a file; None without one."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(machine.fresh())]
    words += ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]
    with machine.pinned(working=False):
        server = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: _answers(port), "Redis answers")
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


def worked(machine: Machine, name: str, count: int, broker: str | None) -> Done:
    """Fill its broker, let its worker work, and time the UPDATEs. Raises NotHere."""
    folder = machine.fresh()
    told = {
        "BENCH_ROWS": str(folder / "rows.db"),
        "BENCH_BROKER": _broker(name, folder, broker),
        "BENCH_FOLDER": str(folder / "in"),
    }
    rows = Rows(folder / "rows.db")
    rows.fill(count)
    fill = f"from tests.peers.{name}_app import fill; fill({count})"
    subprocess.run([str(PYTHON), "-c", fill], cwd=CHECKOUT, env=os.environ | told, check=True)
    with machine.pinned(working=True), (folder / "log").open("wb") as log:
        worker = subprocess.Popen(
            [str(PYTHON), *WORKERS[name]],
            cwd=CHECKOUT,
            env=os.environ | told,
            stdout=log,
            stderr=log,
        )
    try:
        wait_until(lambda: rows.done() > 0 or worker.poll() is not None, f"{name} begins")
        cpu, first = cpu_of(worker.pid), rows.done()
        wait_until(lambda: rows.done() == count or worker.poll() is not None, f"{name} ends")
        cpu = cpu_of(worker.pid) - cpu
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait()
    if rows.done() != count:
        raise NotHere(f"its worker ended: {(folder / 'log').read_text()[-300:]}")
    return Done(count=count, seconds=rows.seconds(), cpu=cpu * count / (count - first))


def _broker(name: str, folder: Path, redis: str | None) -> str:
    if name == "huey":
        return str(folder / "huey.db")
    if redis is not None:
        return redis
    if name == "celery":
        (folder / "in").mkdir()
        return "filesystem://"
    raise NotHere("it needs redis-server, which is not installed (apt install redis-server)")


def _answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
