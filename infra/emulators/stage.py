"""`make run CLOUD=emulators`: one video through Google's emulators, with Google's clients."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from google.pubsub_v1.services.subscriber import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from rich.console import Console

from functions.core.render import Render, State
from functions.errors import NotConfigured
from functions.ports import Ports
from functions.settings import Laptop
from functions.wiring import ports
from infra.emulators.cloud import EmulatedCloud
from infra.emulators.sdk import Absent
from infra.emulators.services import PROJECT
from infra.laptop.pipeline import cores
from infra.laptop.subscriptions import DEAD_LETTERS, DONE
from schemas.events import OutputVerified

MOST = 100
"""Messages of one pull."""


class EmulatedStage:
    """A cloud that lives as long as the run; its clips are downloaded to this folder."""

    def __init__(self, home: Laptop) -> None:
        self._home = home
        self._ports: Ports | None = None
        self._heard: set[str] = set()
        """Ids of done events, and subjects of dead letters."""

    @property
    def logs(self) -> Path:
        """Beside the laptop's."""
        return self._home.logs

    @contextmanager
    def running(self, console: Console) -> Iterator[Ports]:
        """Started, with nothing in it. Raises NotConfigured if this machine lacks an emulator."""
        console.print("cloud: Google's emulators of Pub/Sub and Firestore, stand-ins for the rest")
        try:
            cloud = EmulatedCloud(self.logs, cores())
        except Absent as absent:
            raise NotConfigured(f"CLOUD=emulators: {absent}") from absent
        try:
            self._ports = ports()
            yield self._ports
        finally:
            cloud.close()

    def is_told(self, render: Render) -> bool:
        """By the subscriptions of those who wait for it downstream."""
        if render.pending:
            return False
        self._listen()
        if render.state is State.DONE:
            return {f"{render.id}/{one.output_id}" for one in render.outputs} <= self._heard
        return render.state is not State.FAILED or render.id in self._heard

    def clip(self, output: OutputVerified) -> Path:
        """Downloaded from the outputs bucket."""
        assert self._ports is not None, "it has run"
        path = self._home.outputs / output.delivered.name
        path.parent.mkdir(parents=True, exist_ok=True)
        self._ports.outputs.download(output.delivered.name, path)
        return path

    def _listen(self) -> None:
        with grpc.insecure_channel(os.environ["PUBSUB_EMULATOR_HOST"]) as channel:
            client = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
            for subscription, key in ((DONE, "ce-id"), (DEAD_LETTERS, "ce-subject")):
                name = f"projects/{PROJECT}/subscriptions/{subscription}"
                request = {
                    "subscription": name,
                    "max_messages": MOST,
                    "return_immediately": True,
                }
                received = client.pull(request=request).received_messages
                self._heard |= {one.message.attributes.get(key, "") for one in received}
                if received:
                    acks = [one.ack_id for one in received]
                    client.acknowledge(subscription=name, ack_ids=acks)
