"""Terraform on a copy of `infra/gcp`, against the stand-in provider: no account, no network.

The copy lies in a folder of its own, with a local state and a mirror whose one provider is a script
that starts the stand-in (`provider.py`). Within `serving` one process of it serves all commands,
which saves a third of their time. Terraform is told nothing else of this machine.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.infra.extract_schema import PROVIDER

ROOT = Path(__file__).resolve().parents[2]
GCP = ROOT / "infra" / "gcp"
REGISTRY = "registry.terraform.io"
LIMIT_SECONDS = 120
"""For one command; the longest takes about five seconds."""
_LOCAL = 'terraform {\n  backend "local" {}\n}\n'
_KEPT_OUT = shutil.ignore_patterns(".terraform*", "*.tfstate*", "my.auto.tfvars")


class TerraformFailed(Exception):
    """A command ended with another status than asked for; the message is what it wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terraform:
    """One working copy."""

    folder: Path
    mirror: Path
    reattach: str = ""
    """Where a stand-in serves, as Terraform reads it; empty has it start one for each command."""

    def init(self) -> None:
        """Lay the mirror and have Terraform take the provider from it."""
        at = self.mirror / REGISTRY / "hashicorp" / "google" / PROVIDER
        script = at / "linux_amd64" / f"terraform-provider-google_v{PROVIDER}"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(
            f'#!/bin/sh\ncd "{ROOT}" && exec "{sys.executable}" -m tests.infra.provider\n'
        )
        script.chmod(0o755)
        (self.mirror / "terraform.rc").write_text("disable_checkpoint = true\n")
        self.run("init", "-input=false", f"-plugin-dir={self.mirror}")

    def copy(self, folder: Path) -> "Terraform":
        """The same again, initialised, and with all that was applied."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return replace(self, folder=folder)

    def run(self, *words: str, status: int = 0) -> str:
        """What it wrote, standard output first. Raises TerraformFailed."""
        done = self.attempt(*words)
        if done.returncode != status:
            raise TerraformFailed(f"terraform {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def attempt(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """One command, whatever comes of it."""
        told = {
            "CHECKPOINT_DISABLE": "1",
            "HOME": str(self.folder),
            "PATH": os.environ["PATH"],
            "TF_CLI_CONFIG_FILE": str(self.mirror / "terraform.rc"),
            "TF_DISABLE_PLUGIN_TLS": "1",
            "TF_IN_AUTOMATION": "1",
            "TF_REATTACH_PROVIDERS": self.reattach or "{}",
        }
        return subprocess.run(
            [binary(), *words, *([] if words[0] in ("show", "fmt") else ["-no-color"])],
            cwd=self.folder,
            env=told,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )

    def shown(self, *words: str) -> dict[str, Any]:
        """The state, or the plan of that name, as JSON."""
        found: dict[str, Any] = json.loads(self.run("show", "-json", *words))
        return found


@contextmanager
def serving(one: Terraform) -> Iterator[Terraform]:
    """The same working copy over a stand-in that stands until the end of the context."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.infra.provider"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split("|")[3]
            where = {
                "Protocol": "grpc",
                "ProtocolVersion": 6,
                "Pid": process.pid,
                "Test": True,
                "Addr": {"Network": "tcp", "String": address},
            }
            yield replace(one, reattach=json.dumps({f"{REGISTRY}/hashicorp/google": where}))
        finally:
            process.kill()


def working_copy(folder: Path, mirror: Path, source: Path = GCP) -> Terraform:
    """A copy of a configuration that keeps its state beside it; not yet initialised."""
    shutil.copytree(source, folder, ignore=_KEPT_OUT)
    (folder / "backend_override.tf").write_text(_LOCAL)
    return Terraform(folder=folder, mirror=mirror)


def binary() -> str:
    """Where Terraform is; the bare name where it is not."""
    return shutil.which("terraform") or "terraform"


def is_here() -> bool:
    """Whether there is a Terraform to test with."""
    return shutil.which("terraform") is not None
