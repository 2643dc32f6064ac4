"""The image of a release, warm: its tasks are forked from a process that has loaded their code.

    run of the stand-in ── its words, environment and output ──► image.py ─► fork: the task itself
                        ◄──────────────── its exit code ────────────────────┘

    python -P tests/upgrade/image.py SOCKET     with the release on the path
    python -I -S -c RUN SOCKET WORDS…           a run: what the stand-in starts

To start Python and load Google's clients takes a task longer than a small video. On standard output
stand its encoder class and where its code lies. A run that is killed leaves its task to the end of
`image.py`, whose process group it is in.
"""

import importlib
import json
import os
import runpy
import signal
import socket
import sys
import traceback
from contextlib import suppress
from typing import NoReturn

RUN = """
import json, os, socket, sys
image = socket.socket(socket.AF_UNIX)
image.connect(sys.argv[1])
told = json.dumps([sys.argv[2:], dict(os.environ)]).encode()
socket.send_fds(image, [len(told).to_bytes(4, "big")], [1])
image.sendall(told)
sys.exit(int(image.recv(4) or b"137"))
"""
LOADED = (
    "render_job.wiring",
    "render_job.work",
    "functions.adapters.gcs_objects",
    "functions.adapters.pubsub_events",
    "functions.adapters.pyav_images",
)


def serve(path: str) -> NoReturn:
    """Fork a task for each run, for ever."""
    encoder = importlib.import_module("render_job.encoder")
    places = [importlib.import_module(one).__file__ for one in ("render_job", *LOADED)]
    signal.signal(signal.SIGCHLD, reap)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen(64)
        said = encoder.encoder_class(encoder.find_ffmpeg(), encoder.THREADS)
        print(json.dumps([said, places]), flush=True)
        while True:
            run, _ = listening.accept()
            if os.fork() == 0:
                listening.close()
                task(run)
            run.close()


def reap(number: int, frame: object) -> None:
    """Tasks that are over."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def task(run: socket.socket) -> NoReturn:
    """In a process of its own: become the task, and say how it ended."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        head, (output,), _, _ = socket.recv_fds(run, 4, 1)
        told = b""
        while len(told) < int.from_bytes(head, "big"):
            told += run.recv(1 << 16)
        words, environment = json.loads(told)
        for stream in (1, 2):
            os.dup2(output, stream)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["render_job", *words]
        runpy.run_module("render_job", run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        run.sendall(str(code).encode())
        os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1])
