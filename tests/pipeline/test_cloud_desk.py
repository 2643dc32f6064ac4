"""The dead-letter desk of the cloud: Pub/Sub, Firestore and Cloud Storage, imitated."""

import http.client
import json
import os
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from functions import wiring
from functions.adapters.pubsub_events import PubSubEvents
from functions.cloud_settings import cloud
from functions.core.render import Render
from functions.desk import Desk, Wanted
from functions.landed import DESK, record_of
from functions.ports import Ports
from functions.wiring import cloud_desk, cloud_ports
from infra.laptop.server import Server
from schemas import examples, names
from schemas.events import ReplayRender
from schemas.ids import Upload, render_id
from schemas.pieces import Span
from schemas.plan import RenderPlan
from schemas.topics import Topic
from schemas.wire import Message
from tests.buckets import Buckets
from tests.mailbox import Mailbox
from tests.pipeline import forked
from tests.pipeline.desk import KILLED, failed, letter
from tests.pipeline.laptop import CHECKOUT, until
from tests.pipeline.test_replay import an_output

if TYPE_CHECKING:
    import subprocess

NOW = datetime.now(UTC)
LANES = """[{"id": "l", "encoder_class": "x", "tasks": 1, "executions": 1,
    "start_within_seconds": 60, "attempt_limit_seconds": 60, "region": "r", "job": "j"}]"""
BUCKETS = {
    "CLIPLINE_UPLOADS": "uploads",
    "CLIPLINE_WORK": "work",
    "CLIPLINE_OUTPUTS": "outputs",
}
"""Not named as a deployment's are."""
DATABASE = {"CLIPLINE_DATABASE": "(default)"}


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """One deployment, as somebody on call has it."""

    project: str
    environment: Mapping[str, str]
    ports: Ports
    desk: Desk
    mailbox: Mailbox
    port: int

    @property
    def publisher(self) -> PubSubEvents:
        assert isinstance(self.ports.publisher, PubSubEvents)
        return self.ports.publisher

    def collect(self) -> object:
        """What Cloud Scheduler does every minute."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with closing(connection):
            connection.request("POST", "/collect/")
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            return json.loads(answer.read())

    def clipline(self, *words: str) -> "subprocess.CompletedProcess[str]":
        quiet = {k: v for k, v in os.environ.items() if not k.startswith("CLIPLINE_")}
        told = {**quiet, **self.environment}
        return forked.clipline(("--project", self.project, *words), cwd=CHECKOUT, env=told)

    def said(self, *words: str) -> list[str]:
        done = self.clipline(*words)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout.splitlines()

    def a_failure(self, name: str) -> Render:
        """A failed render whose upload stands, 96 of its 480 frames committed."""
        info = self.ports.uploads.write(name, b"a video")
        upload = Upload(bucket="uploads", name=name, generation=info.generation)
        id, output = render_id(upload), an_output(name)
        plan = RenderPlan(
            render=id, upload=upload, media=examples.MEDIA, outputs=(output,), audio=()
        )
        made = replace(failed(id), upload=upload, media=examples.MEDIA, plan=plan)
        self.ports.renders.save(made, version=0)
        self.ports.work.write(names.piece(id, output.id, "k" * 16, Span(0, 96)), b"piece")
        told = letter(id, upload=upload, failure=KILLED, fingerprint=KILLED.fingerprint)
        self.ports.publisher.publish(Topic.RENDER_DEAD_LETTER, told)
        return made


@pytest.fixture
def deployment(
    pubsub: str, firestore_emulator: str, gcs: Buckets, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    """Its functions are served here; whoever looks is another process."""
    project = f"desk-{uuid4().hex[:8]}"
    told = {**BUCKETS, **DATABASE, "PUBSUB_EMULATOR_HOST": pubsub}
    ours = {"CLIPLINE_PLACE": "cloud", "CLIPLINE_PROJECT": project, "CLIPLINE_LANES": LANES}
    for name, value in {**told, **ours, "CLIPLINE_PUSH_TOKENS": "unchecked"}.items():
        monkeypatch.setenv(name, value)
    for bucket in BUCKETS.values():
        gcs.empty(bucket)
    _forget()
    deployed = cloud()
    mailbox = Mailbox(pubsub, project)
    server = Server(targets=("collect",))
    yield Deployment(
        project=project,
        environment=told,
        ports=cloud_ports(deployed),
        desk=cloud_desk(deployed),
        mailbox=mailbox,
        port=server.port,
    )
    server.close()
    _forget()


def _forget() -> None:
    for made in (wiring.ports, wiring.desk, wiring.doorkeeper):
        made.cache_clear()


def test_what_lands_is_stored_and_the_desk_is_looked_after_by_the_same_words(
    deployment: Deployment, tmp_path: Path
) -> None:
    renders = [deployment.a_failure(f"acme/{number}.mp4") for number in range(5)]
    poison = Message(attributes={"odd": "ü", "ce-type": "no.such"}, data=b"\xff\x00")
    deployment.publisher.publish_message("on-result-undeliverable", poison)
    assert deployment.desk.at_once == len(DESK)
    assert deployment.said("dead-letters") == ["No dead letters."]
    assert deployment.collect() == {"collected": 6}
    assert deployment.collect() == {"collected": 0}

    crash, unreadable = sorted(
        map(json.loads, deployment.said("dead-letters", "--json")), key=lambda one: -one["count"]
    )
    assert (crash["count"], crash["fingerprint"]) == (5, KILLED.fingerprint)
    assert (unreadable["count"], unreadable["reason"]) == (1, "unreadable")
    (record,) = map(json.loads, deployment.said("show", unreadable["example"], "--json"))
    assert record["original"]["data"] == b64encode(poison.data).decode()
    assert record["original"]["attributes"] == {"odd": "%C3%BC", "ce-type": "no.such"}
    story = deployment.said("show", renders[0].id)
    assert story[0].endswith("failed")
    (page,) = (line.split()[1] for line in story if line.startswith("logs "))
    assert page.startswith(
        f"https://console.cloud.google.com/logs/query;query=%22{renders[0].id}%22"
    )
    assert page.endswith(f"?project={deployment.project}")
    assert len(deployment.said("renders", "--state", "failed")) == 6

    path = tmp_path / "plan"
    said = deployment.said("replay", "plan", "--class", "crash", "--out", str(path))
    assert said[0] == f"{path}: 5 of 5 would be replayed."
    assert said[1].split() == ["frames", "1920", "to", "render,", "480", "committed", "already"]
    deployment.ports.uploads.delete("acme/4.mp4")
    refused = deployment.clipline("replay", "apply", str(path), "--reason", "mended")
    assert (refused.returncode, "was deleted" in refused.stderr) == (4, True)
    deployment.said("replay", "plan", "--class", "crash", "--out", str(path))
    words = ("replay", "apply", str(path), "--canary", "0", "--rate", "60000")
    deployment.said(*words, "--reason", "mended", "--by", "ana")
    asked = deployment.mailbox.events("start-render")
    assert {one.subject for one in asked} == {one.id for one in renders[:4]}
    assert all(isinstance(one, ReplayRender) and one.by == "ana" for one in asked)
    assert "finished  4 of 4 behind it" in deployment.said("replay", "status", str(path))[0]
    noted = [json.loads(line)["what"] for line in deployment.said("replay", "audit", "--json")]
    assert noted == ["finished", "begun"]

    letters = tmp_path / "letters"
    deployment.said("export", "--out", str(letters))
    deployment.said("dispose", unreadable["example"], "--reason", "seen")
    assert len(deployment.said("dead-letters", "--json")) == 1
    deployment.said("restore", unreadable["example"])
    deployment.said("dispose", "--class", "crash", "--reason", "mended")
    assert len(deployment.said("dead-letters", "--json")) == 1
    (taken,) = deployment.said("import", str(letters))
    assert taken == "0 of 6 dead letters were new and are taken in."


def test_a_kill_before_the_acknowledgement_loses_nothing_and_doubles_nothing(
    deployment: Deployment,
) -> None:
    """What was pulled and stored comes again, and is the record that it was."""
    made = deployment.a_failure("acme/a.mp4")
    pulled = deployment.desk.inbox.pull("render-dead-letter-desk", 10, NOW)
    assert [one.subscription for one in pulled] == ["render-dead-letter-desk"]
    assert deployment.desk.letters.keep([record_of(one) for one in pulled]) == 1
    for one in pulled:
        deployment.desk.inbox.nack(one.ack_id, NOW)
    until(lambda: deployment.collect() == {"collected": 1}, "it comes again", 20)
    (record,) = deployment.desk.letters.find(Wanted())
    assert record.render == made.id


def test_whoever_may_not_ask_is_told_in_a_sentence(deployment: Deployment) -> None:
    elsewhere = {**os.environ, "GOOGLE_APPLICATION_CREDENTIALS": "/dev/null"}
    for name in ("FIRESTORE_EMULATOR_HOST", "STORAGE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"):
        elsewhere.pop(name, None)
    done = forked.clipline(("--project", "p", "dead-letters"), cwd=CHECKOUT, env=elsewhere)
    assert (done.returncode, done.stdout) == (74, "")
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1
