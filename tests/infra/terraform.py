"""Terraform on a copy of `infra/gcp`, against the stand-in provider: no account, no network.

The copy lies in a folder of its own, with a local state and a mirror whose one provider is a script
that starts the stand-in (`provider.py`). Terraform is told nothing else of this machine.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.infra.extract_schema import PROVIDER

ROOT = Path(__file__).resolve().parents[2]
GCP = ROOT / "infra" / "gcp"
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

    def init(self) -> None:
        """Lay the mirror and have Terraform take the provider from it."""
        at = self.mirror / "registry.terraform.io" / "hashicorp" / "google" / PROVIDER
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
        return Terraform(folder=folder, mirror=self.mirror)

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
