"""What a task of the laptop's cloud is run by: this Python, or a container of the image.

A container gets the laptop's folder and nothing else: no network, a read-only root file system,
/tmp in memory, and the user who runs the pipeline. Its standard input is the lifeline, so that it
gives up when whoever started it is gone, whatever became of Docker's client.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from functions.errors import NotConfigured
from render_job.encoder import THREADS, encoder_class, find_ffmpeg
from schemas.plan import Order

PYTHON_INSIDE = "/opt/clipline/bin/python"
"""As render_job/Dockerfile has it."""
LIFELINE_AS_INPUT = (
    "import os, sys; os.dup2(int(os.environ['CLIPLINE_LIFELINE_FD']), 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)
"""A shell cannot: dash knows no descriptor above 9."""
TOLD = (
    *("CLIPLINE_HOME", "CLIPLINE_PLACE", "CLOUD_RUN_EXECUTION", "CLOUD_RUN_TASK_ATTEMPT"),
    *("CLOUD_RUN_TASK_COUNT", "CLOUD_RUN_TASK_INDEX"),
)
"""What is passed on into a container."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The beginning of every task's command, and the encoder class that it renders as."""

    words: Sequence[str]
    encoder_class: str
    environment: Mapping[str, str] = field(default_factory=dict)
    """What it needs beside what every task is told."""

    def argv(self, order: Order, execution: str, task: int) -> Sequence[str]:
        """The command of one task."""
        return [*self.words, "--render", order.render, "--attempt", str(order.attempt)]


def this_python() -> Program:
    """The interpreter that runs the pipeline. Raises RenderFault where there is no ffmpeg."""
    return Program(
        words=(sys.executable, "-m", "render_job"),
        encoder_class=encoder_class(find_ffmpeg(), THREADS),
    )


def container(home: Path, image: str) -> Program:
    """Containers of that image, which is here already. Raises NotConfigured."""
    docker = shutil.which("docker")
    if docker is None:
        raise NotConfigured("IMAGE= needs Docker, and there is no docker on the PATH")
    home.mkdir(parents=True, exist_ok=True)
    run = ("run", "--rm", "--interactive", "--network", "none", "--pull", "never")
    walls = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL")
    user = ("--user", f"{os.getuid()}:{os.getgid()}", "--volume", f"{home}:{home}")
    told = [word for name in TOLD for word in ("--env", name)]
    words = (docker, *run, *walls, *user, *told, "--env", "CLIPLINE_LIFELINE_FD=0", image)
    return Program(
        words=(sys.executable, "-I", "-c", LIFELINE_AS_INPUT, *words),
        encoder_class=_encoder_class_of(docker, image),
        environment={
            name: os.environ[name] for name in ("DOCKER_HOST", "HOME") if name in os.environ
        },
    )


def _encoder_class_of(docker: str, image: str) -> str:
    """Asked of the image itself: its ffmpeg is another one than ours."""
    ask = ("run", "--rm", "--network", "none", "--pull", "never", "--entrypoint", PYTHON_INSIDE)
    told = subprocess.run(
        [docker, *ask, image, "-I", "-m", "render_job.encoder"],
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode:
        raise NotConfigured(f"the image {image} cannot be run (make image): {told.stderr.strip()}")
    return told.stdout.strip()
