"""What Google does by itself, on this machine: its emulators, stand-ins, and the loops between.

    uploads ─► trigger ─► Pub/Sub ─► functions, wherever they are served ─► Cloud Run
     (GCS)                   ▲                                                  │
                             └──────────── tasks (child processes) ◄────────────┘

Eventarc tells of what is in the uploads bucket, Cloud Scheduler calls the sweep and the desk, and a
log sink tells of every execution's end.
"""

import http.client
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from google.api_core.exceptions import AlreadyExists
from google.cloud import run_v2
from google.cloud.run_v2.services.jobs.transports import JobsGrpcTransport

from functions.adapters.gcs_objects import GcsObjects, connect
from functions.adapters.pubsub_events import PubSubEvents
from infra.emulators.cloud_run import CloudRunEmulator
from infra.emulators.container import Image
from infra.emulators.firestore import firestore_emulator
from infra.emulators.pubsub import pubsub_emulator
from infra.emulators.storage import storage_emulator
from infra.emulators.topics import declare, push
from infra.laptop.loop import Loop
from infra.laptop.server import CALLED, TARGETS
from infra.laptop.subscriptions import PUSH_PATHS, subscriptions
from schemas.events import ObjectFinalized
from schemas.topics import Topic
from schemas.wire import Message

PROJECT = "clipline-emulated"
REGION = "us-east4"
JOB = "renders"
BUCKETS = {"CLIPLINE_UPLOADS": "uploads", "CLIPLINE_WORK": "work", "CLIPLINE_OUTPUTS": "outputs"}
LOOK_EVERY = timedelta(milliseconds=200)
CALL_EVERY = timedelta(seconds=5)
"""A minute on Google Cloud; here somebody sits and waits."""


class EmulatedServices:
    """Made means running, and known to this process's environment; `close` stops everything.

    Nothing is deployed yet. Raises Absent where an emulator is not on this machine, and NotStarted.
    """

    def __init__(self, logs: Path, images: Mapping[str, Sequence[str]]) -> None:
        """`logs` takes the words of tasks; `images` has the command of each image by its name."""
        self._open = ExitStack()
        try:
            self._begin(logs, images)
        except BaseException:
            self._open.close()
            raise

    def close(self) -> None:
        """Nothing of it is left running."""
        self._open.close()

    def deploy_job(self, image: str, tasks: int) -> None:
        """The job, as Terraform makes or changes it: its image, and how often a task may begin.

        What runs already keeps the image that it was launched with.
        """
        name = f"projects/{PROJECT}/locations/{REGION}/jobs/{JOB}"
        container = run_v2.Container(image=image)
        template = run_v2.TaskTemplate(containers=[container], max_retries=3)
        execution = run_v2.ExecutionTemplate(template=template, task_count=tasks)
        with grpc.insecure_channel(self.run.address) as channel:
            client = run_v2.JobsClient(transport=JobsGrpcTransport(channel=channel))
            try:
                client.create_job(
                    parent=name.partition("/jobs/")[0],
                    job_id=JOB,
                    job=run_v2.Job(template=execution),
                )
            except AlreadyExists:
                client.update_job(job=run_v2.Job(name=name, template=execution))

    @contextmanager
    def functions_at(self, port: int, targets: Sequence[str] = TARGETS) -> Iterator[None]:
        """Pushes go to that port of this machine; what a clock calls, until the end of the context.

        Pushes go there until another port is named: what is in hand there is not called back.
        """
        endpoints = {one: f"http://127.0.0.1:{port}{path}" for one, path in PUSH_PATHS.items()}
        push(os.environ["PUBSUB_EMULATOR_HOST"], PROJECT, subscriptions(), endpoints)
        with ExitStack() as clocks:
            for one in CALLED:
                if one in targets:
                    clocks.callback(Loop(one, partial(_call, port, one), CALL_EVERY).stop)
            yield

    def _begin(self, logs: Path, images: Mapping[str, Sequence[str]]) -> None:
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
        environment = {**told, "PATH": os.environ.get("PATH", "")}
        made = {
            name: Image(command=command, environment=environment)
            for name, command in images.items()
        }
        self.run = CloudRunEmulator(logs, images=made, on_end=self._sink)
        self._open.callback(self.run.close)
        os.environ.update(
            CLIPLINE_CLOUD_RUN_EMULATOR=self.run.address, CLIPLINE_PUSH_TOKENS="unchecked"
        )
        declare(told["PUBSUB_EMULATOR_HOST"], PROJECT, subscriptions())
        self._open.callback(Loop("trigger", self._trigger, LOOK_EVERY).stop)

    def _make_buckets(self) -> None:
        client = connect()
        self._open.callback(client.close)
        for name in BUCKETS.values():
            client.create_bucket(name)
        self._uploads = GcsObjects(client, BUCKETS["CLIPLINE_UPLOADS"])
        self._told: dict[str, int] = {}

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


def _call(port: int, function: str) -> bool:
    """Cloud Scheduler."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", f"/{function}/")
        connection.getresponse().read()
    finally:
        connection.close()
    return False
