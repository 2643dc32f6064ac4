"""Google Cloud through `gcloud`, and through its REST where gcloud has no command for it.

No shell: words are passed as they are. Whoever is signed in to gcloud is who asks.
"""

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from functions.errors import NotConfigured

PATIENCE = timedelta(minutes=2)
"""For one look; what changes something has none, and is waited for."""
LONGEST_WORDS = 400


class GcloudFailed(Exception):
    """A command or a call was refused; the message is what was said, in one line."""


class Gcloud:
    """gcloud over one project. Raises NotConfigured where there is none on this machine."""

    def __init__(self, project: str, environment: Mapping[str, str] = os.environ) -> None:
        """`environment` is what gcloud is told, and where it is looked for."""
        self.project = project
        self._environment = environment
        found = shutil.which("gcloud", path=environment.get("PATH"))
        if found is None:
            raise NotConfigured(
                "gcloud is not on the PATH: https://cloud.google.com/sdk/docs/install"
            )
        self.binary = found
        self._token = ""

    def json(self, *words: str) -> Any:
        """What a look answers. Raises GcloudFailed."""
        said = self._said(
            [*words, f"--project={self.project}", "--format=json", "--quiet"],
            timeout=PATIENCE.total_seconds(),
        )
        try:
            return json.loads(said or "null")
        except ValueError as error:
            raise GcloudFailed(f"gcloud {' '.join(words[:3])} did not answer in JSON") from error

    def do(self, *words: str) -> None:
        """Something is changed; what gcloud says meanwhile goes to the terminal.

        Raises GcloudFailed.
        """
        argv = [self.binary, *words, f"--project={self.project}", "--quiet"]
        done = subprocess.run(argv, env=dict(self._environment), check=False)
        if done.returncode:
            raise GcloudFailed(f"gcloud {' '.join(words[:4])} ended with {done.returncode}")

    def ask(self, service: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """GET, or POST with a body, of `https://SERVICE.googleapis.com/PATH`. Raises GcloudFailed.

        gcloud's own setting of another endpoint counts here as well
        (https://cloud.google.com/sdk/gcloud/reference/config/set, `api_endpoint_overrides`).
        """
        setting = f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{service.upper()}"
        base = self._environment.get(setting) or f"https://{service}.googleapis.com/"
        if not base.startswith(("https://", "http://127.0.0.1:")):
            raise GcloudFailed(f"{setting} is no https address")
        if not self._token:
            words = ["auth", "print-access-token", "--quiet"]
            self._token = self._said(words, timeout=PATIENCE.total_seconds()).strip()
        request = urllib.request.Request(
            f"{base.rstrip('/')}/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
                "X-Goog-User-Project": self.project,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE.total_seconds()) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise GcloudFailed(f"{service}: {error.code} {_message(error.read())}") from error
        except (OSError, ValueError) as error:
            raise GcloudFailed(f"{service} does not answer: {error}") from error

    def _said(self, words: list[str], *, timeout: float) -> str:
        try:
            done = subprocess.run(
                [self.binary, *words],
                env=dict(self._environment),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise GcloudFailed(f"gcloud {' '.join(words[:3])} did not answer") from error
        if done.returncode:
            raise GcloudFailed(_line(done.stderr) or f"gcloud ended with {done.returncode}")
        return done.stdout


def _line(text: str) -> str:
    """Without gcloud's name in front of its error."""
    one = " ".join(text.split())
    return one.removeprefix("ERROR: ")[:LONGEST_WORDS]


def _message(body: bytes) -> str:
    try:
        return _line(str(json.loads(body)["error"]["message"]))
    except (ValueError, KeyError, TypeError):
        return _line(body.decode(errors="replace"))
