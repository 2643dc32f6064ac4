"""The whole cloud on this machine: Google's emulators, stand-ins, and the real clients everywhere.

What Google does by itself is in `services.py`; to that this checkout's functions and tasks are
deployed here.
"""

import os
import sys
from contextlib import ExitStack
from pathlib import Path

from functions.cloud_lanes import CloudLane
from infra.emulators.services import JOB, REGION, EmulatedServices
from infra.laptop.server import TARGETS, Server
from render_job.encoder import THREADS, encoder_class, find_ffmpeg
from schemas.wire import to_json

IMAGE = "renderer"


class EmulatedCloud:
    """Made means running, and known to this process's environment; `close` stops everything.

    Raises Absent where an emulator is not on this machine, NotStarted, and RenderFault where there
    is no ffmpeg to render with.
    """

    def __init__(self, logs: Path, tasks: int, *, without: str | None = None) -> None:
        """`logs` takes the words of tasks, `tasks` of which share a render.

        The function `without`, by the name of its entry point, is not deployed.
        """
        self._open = ExitStack()
        try:
            self._begin(logs, tasks, tuple(one for one in TARGETS if one != without))
        except BaseException:
            self._open.close()
            raise

    def close(self) -> None:
        """Nothing of it is left running."""
        self._open.close()

    def _begin(self, logs: Path, tasks: int, targets: tuple[str, ...]) -> None:
        services = EmulatedServices(logs, {IMAGE: [sys.executable, "-m", "render_job"]})
        self._open.callback(services.close)
        services.deploy_job(IMAGE, tasks)
        lane = CloudLane(
            id=f"cloud-run/{REGION}/cpu",
            encoder_class=encoder_class(find_ffmpeg(), THREADS),
            tasks=tasks,
            executions=1,
            start_within_seconds=180,
            attempt_limit_seconds=3600,
            region=REGION,
            job=JOB,
        )
        os.environ["CLIPLINE_LANES"] = to_json((lane,)).decode()
        server = Server(targets)
        self._open.callback(server.close)
        self._open.enter_context(services.functions_at(server.port, targets))
