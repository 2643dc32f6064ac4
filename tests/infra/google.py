"""A stand-in of what `make deploy` asks of Google: a `gcloud`, one call of REST, a state bucket.

The world is a JSON file beside the program, so that a test says what there is and reads what became
of it. Answers have the fields of the documented ones, as far as they are read; what is not there is
refused in gcloud's own words. Terraform speaks to the stand-in provider, and keeps its state by its
own `gcs` backend in fake-gcs-server.
"""

import json
import os
import shutil
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from infra.deployment.needs import BESIDE, PERMISSIONS, SERVICES
from infra.deployment.run_quota import CPU, GPUS, MEMORY
from infra.emulators.storage import fake_gcs_server
from tests.infra.terraform import Terraform

PROJECT, REGION = "demo-project", "us-east4"
LOOKS = ("list", "describe", "print-access-token")
"""Verbs of gcloud that change nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Google:
    """One project, and the machine of whoever deploys to it."""

    folder: Path
    environment: dict[str, str]
    storage: str

    def world(self) -> dict[str, Any]:
        """What there is now."""
        found: dict[str, Any] = json.loads((self.folder / "world.json").read_text())
        return found

    def change(self, **parts: Any) -> None:
        """Have it otherwise."""
        (self.folder / "world.json").write_text(json.dumps({**self.world(), **parts}))

    def asked(self) -> list[list[str]]:
        """Every command of gcloud so far."""
        path = self.folder / "asked.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def done(self) -> list[list[str]]:
        """Those of them that change something."""
        return [words for words in self.asked() if not any(one in LOOKS for one in words[:5])]

    def objects(self, bucket: str) -> list[str]:
        """Names in a bucket of the storage server."""
        with urllib.request.urlopen(f"{self.storage}/storage/v1/b/{bucket}/o") as answer:
            return [one["name"] for one in json.loads(answer.read()).get("items", [])]


def whole_world() -> dict[str, Any]:
    """A project in which everything is allowed, and of no GPU."""
    return {
        "accounts": ["ana@example.com"],
        "projects": {PROJECT: "ACTIVE"},
        "billing": True,
        "services": list(SERVICES),
        "permissions": sorted({*PERMISSIONS.values(), *BESIDE}),
        "run_quotas": ordinary(REGION),
        "compute_quotas": {"CPUS": 72, "PREEMPTIBLE_CPUS": 0},
        "project_quotas": {},
        "networks": ["default"],
        "buckets": {},
        "images": {},
        "functions": {},
    }


@contextmanager
def google(folder: Path, terraform: Terraform) -> Iterator[Google]:
    """It stands until the end of the context; `terraform` is where the stand-in provider serves."""
    folder.mkdir(parents=True)
    program = folder / "bin" / "gcloud"
    program.parent.mkdir()
    root = Path(__file__).resolve().parents[2]
    program.write_text(
        f'#!/bin/sh\ncd "{root}" && exec "{sys.executable}" -m tests.infra.gcloud "{folder}" "$@"\n'
    )
    program.chmod(0o755)
    (folder / "world.json").write_text(json.dumps(whole_world()))
    (folder / "terraform.rc").write_text(
        "disable_checkpoint = true\nprovider_installation {\n"
        f'  filesystem_mirror {{\n    path = "{terraform.mirror}"\n  }}\n}}\n'
    )
    real = shutil.which("terraform")
    assert real is not None
    (program.parent / "terraform").symlink_to(real)
    with fake_gcs_server() as storage, _rest(folder) as rest:
        yield Google(
            folder=folder,
            storage=storage,
            environment={
                "HOME": str(folder),
                "PATH": str(program.parent),
                "CLIPLINE_TEST_STORAGE": storage,
                "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDRESOURCEMANAGER": rest,
                "GOOGLE_BACKEND_STORAGE_CUSTOM_ENDPOINT": f"{storage}/storage/v1/",
                "GOOGLE_OAUTH_ACCESS_TOKEN": "a-token",
                "TF_CLI_CONFIG_FILE": str(folder / "terraform.rc"),
                "TF_DISABLE_PLUGIN_TLS": "1",
                "TF_REATTACH_PROVIDERS": terraform.reattach or "{}",
            },
        )


@contextmanager
def _rest(folder: Path) -> Iterator[str]:
    """`projects.testIamPermissions`, which gcloud has no command for."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            world = json.loads((folder / "world.json").read_text())
            if self.headers["Authorization"] != "Bearer a-token":
                self._say(401, {"error": {"code": 401, "message": "Request had no credentials."}})
            elif self.path != f"/v1/projects/{PROJECT}:testIamPermissions":
                self._say(404, {"error": {"code": 404, "message": "Not found."}})
            elif "cloudresourcemanager.googleapis.com" not in world["services"]:
                words = "Cloud Resource Manager API has not been used in project before or it is"
                self._say(403, {"error": {"code": 403, "message": f"{words} disabled."}})
            else:
                held = [one for one in body["permissions"] if one in world["permissions"]]
                self._say(200, {"permissions": held} if held else {})

        def _say(self, status: int, answer: dict[str, Any]) -> None:
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def gpu_quota(gpu: str, region: str, value: int) -> dict[str, Any]:
    """As `run_quotas` of a world has it."""
    return run_quota(GPUS[gpu][0], region, value)


def run_quota(name: str, region: str, value: int) -> dict[str, Any]:
    """Any of Cloud Run, in its own unit."""
    return {"quota": name, "region": region, "value": value}


def ordinary(region: str, *, vcpus: int = 20, gib: int = 40) -> list[dict[str, Any]]:
    """What a new project was seen to have of processors and memory there."""
    return [
        run_quota(CPU, region, vcpus * 1000),
        run_quota(MEMORY, region, gib * 2**30),
    ]


def environment_of(google: Google) -> dict[str, str]:
    """What a verb is told, and nothing of this machine besides."""
    return {**google.environment, "LANG": os.environ.get("LANG", "C.UTF-8")}
