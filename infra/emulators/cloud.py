"""The whole cloud on this machine: Google's emulators, stand-ins, and the real clients everywhere.

    uploads ─► trigger ─► Pub/Sub ─► functions (HTTP) ─► Pub/Sub, Firestore, Cloud Run
     (GCS)                   ▲                                            │
                             └──────────── tasks (child processes) ◄──────┘

What Google does by itself is done here by loops: Eventarc tells of what is in the uploads
bucket, and Cloud Scheduler calls the sweep and the desk. A log sink tells of every execution's end.
"""

import http.client
import json
import os
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
from google.cloud import run_v2
from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport

from functions.adapters.gcs_objects import GcsObjects, connect
from functions.adapters.pubsub_events import PubSubEvents
from functions.cloud_lanes import CloudLane
from infra.emulators.cloud_run import CloudRunEmulator
from infra.emulators.container import Image
from infra.emulators.firestore import firestore_emulator
from infra.emulators.pubsub import pubsub_emulator
from infra.emulators.storage import storage_emulator
from infra.emulators.topics import declare
from infra.laptop.loop import Loop
from infra.laptop.server import TARGETS, Server
from infra.laptop.subscriptions import PUSH_PATHS, subscriptions
from render_job.encoder import THREADS, encoder_class, find_ffmpeg
from schemas.events import ObjectFinalized
from schemas.topics import Topic
from schemas.wire import Message, to_json

PROJECT = "clipline-emulated"
REGION = "us-east4"
JOB = "renders"
IMAGE = "renderer"
BUCKETS = {"CLIPLINE_UPLOADS": "uploads", "CLIPLINE_WORK": "work", "CLIPLINE_OUTPUTS": "outputs"}
LOOK_EVERY = timedelta(milliseconds=200)
SWEEP_EVERY = timedelta(seconds=5)
"""A minute on Google Cloud; here somebody sits and waits."""


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
        self._targets = tuple(one for one in TARGETS if one != without)
        try:
            self._begin(logs, tasks)
        except BaseException:
            self._open.close()
            raise

    def close(self) -> None:
        """Nothing of it is left running."""
        self._open.close()

    def _begin(self, logs: Path, tasks: int) -> None:
        start = self._open.enter_context
        told = {
            "CLIPLINE_PLACE": "cloud",
            "CLIPLINE_PROJECT": PROJECT,
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            **BUCKETS,
            "PUBSUB_EMULATOR_HOST": start(pubsub_emulator()),
            "FIRESTORE_EMULATOR_HOST": start(firestore_emulator()),
            "STORAGE_EMULATOR_HOST": start(storage_emulator()),
        }
        os.environ.update(told)
        self._bus = PubSubEvents(
            PROJECT, source="//clipline/emulators", emulator=told["PUBSUB_EMULATOR_HOST"]
        )
        self._open.callback(self._bus.close)
        self._make_buckets()
        image = Image(
            command=[sys.executable, "-m", "render_job"],
            environment={**told, "PATH": os.environ.get("PATH", "")},
        )
        run = CloudRunEmulator(logs, images={IMAGE: image}, on_end=self._sink)
        self._open.callback(run.close)
        _deploy(run.address, tasks)
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
        os.environ.update(
            CLIPLINE_CLOUD_RUN_EMULATOR=run.address,
            CLIPLINE_LANES=to_json((lane,)).decode(),
            CLIPLINE_PUSH_TOKENS="unchecked",
        )
        server = Server(self._targets)
        self._open.callback(server.close)
        self._port = server.port
        endpoints = {one: f"http://127.0.0.1:{server.port}{p}" for one, p in PUSH_PATHS.items()}
        declare(told["PUBSUB_EMULATOR_HOST"], PROJECT, subscriptions(), endpoints)
        for loop in (
            Loop("trigger", self._trigger, LOOK_EVERY),
            Loop("sweep", lambda: self._call("sweep"), SWEEP_EVERY),
            Loop("collect", lambda: self._call("collect"), SWEEP_EVERY),
        ):
            self._open.callback(loop.stop)

    def _make_buckets(self) -> None:
        client = connect()
        self._open.callback(client.close)
        for name in BUCKETS.values():
            client.create_bucket(name)
        self._uploads = GcsObjects(client, BUCKETS["CLIPLINE_UPLOADS"])
        self._told: dict[str, int] = {}

    # ── what Google does by itself ──

    def _trigger(self) -> bool:
        """Eventarc: what is complete in the uploads bucket is told, each generation once."""
        for info in self._uploads.list():
            if self._told.get(info.name) != info.generation:
                event = ObjectFinalized(
                    bucket=self._uploads.bucket,
                    name=info.name,
                    generation=info.generation,
                    at=info.updated,
                )
                self._bus.publish(Topic.UPLOADS, event)
                self._told[info.name] = info.generation
        return False

    def _sink(self, entry: Mapping[str, Any]) -> None:
        """A log sink: the entry as it is, without an attribute of ours."""
        message = Message(attributes={}, data=json.dumps(entry).encode())
        self._bus.publish_message(Topic.EXECUTION_EVENTS, message)

    def _call(self, function: str) -> bool:
        """Cloud Scheduler."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request("POST", f"/{function}/")
            connection.getresponse().read()
        finally:
            connection.close()
        return False


def _deploy(address: str, tasks: int) -> None:
    """The job, as Terraform makes it: its image, and how often a task is begun again."""
    with grpc.insecure_channel(address) as channel:
        client = run_v2.JobsClient(transport=JobsGrpcTransport(channel=channel))
        container = run_v2.Container(image=IMAGE)
        template = run_v2.TaskTemplate(containers=[container], max_retries=3)
        execution = run_v2.ExecutionTemplate(template=template, task_count=tasks)
        client.create_job(
            parent=f"projects/{PROJECT}/locations/{REGION}",
            job_id=JOB,
            job=run_v2.Job(template=execution),
        )
