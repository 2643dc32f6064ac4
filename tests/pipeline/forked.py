"""`clipline` in processes of its own that need not import it: they are forked from one that has.

To start Python and import the command line takes half a second, and the desk's tests say hundreds
of commands. Exit status, streams, environment and folder are the process's own, as from a shell.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

_FORKS = get_context("forkserver")
# pytest is the main module, and multiprocessing has every fork import that one.
_FORKS.set_forkserver_preload(["ops.cli", "pytest", "tests.pipeline.forked", "typer._adapters"])


def clipline(
    words: tuple[str, ...], *, cwd: Path, env: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """What it says to those words, with the two streams apart; no terminal and no input."""
    with tempfile.TemporaryDirectory() as folder:
        said = [Path(folder, name) for name in ("stdout", "stderr")]
        process = started(words, cwd=cwd, env=env, said=said)
        process.join()
        code = process.exitcode
        process.close()
        assert code is not None
        return subprocess.CompletedProcess(words, code, *(path.read_text() for path in said))


def started(
    words: tuple[str, ...], *, cwd: Path, env: Mapping[str, str], said: Sequence[str | Path]
) -> "ForkServerProcess":
    """The process itself, to be joined or killed; its two streams go to those two files."""
    process = _FORKS.Process(target=_run, args=(words, cwd, dict(env), *said))
    process.start()
    return process


def _run(
    words: tuple[str, ...],
    cwd: Path,
    env: Mapping[str, str],
    stdout: str | Path,
    stderr: str | Path,
) -> None:
    for number, path in enumerate((os.devnull, stdout, stderr)):
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["clipline", *words]
    from ops.cli import main

    main()
