"""Terraform over `infra/gcp`, with the data of each deployment apart from that of others."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from functions.errors import NotConfigured


class TerraformFailed(Exception):
    """A command did not succeed; what it said is on the terminal above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terraform:
    """One root and one place for what Terraform downloads and remembers of it."""

    folder: Path
    data: Path
    variables: Sequence[Path] = ()
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @property
    def binary(self) -> str:
        """Raises NotConfigured where there is none on the PATH."""
        found = shutil.which("terraform", path=self.environment.get("PATH"))
        if found is None:
            raise NotConfigured(
                "terraform is not on the PATH: "
                "https://developer.hashicorp.com/terraform/install (1.9 or later)"
            )
        return found

    def init(self, *words: str) -> None:
        """Fetch the provider and find the state. Raises TerraformFailed."""
        self._run("init", "-input=false", "-reconfigure", *words)

    def change(self, verb: str, *words: str) -> None:
        """`plan`, `apply` or `destroy`, with the variables. Raises TerraformFailed."""
        files = [f"-var-file={path.resolve()}" for path in self.variables]
        self._run(verb, "-input=false", *words, *files)

    def addresses(self) -> list[str]:
        """All that the state holds. Raises TerraformFailed."""
        return self._said("state", "list").splitlines()

    def outputs(self) -> Mapping[str, Any]:
        """By name. Raises TerraformFailed."""
        found = json.loads(self._said("output", "-json"))
        return {name: one["value"] for name, one in found.items()}

    def _run(self, *words: str) -> None:
        done = subprocess.run([self.binary, *words], cwd=self.folder, env=self._told(), check=False)
        if done.returncode:
            raise TerraformFailed(f"terraform {words[0]} ended with {done.returncode}")

    def _said(self, *words: str) -> str:
        done = subprocess.run(
            [self.binary, *words],
            cwd=self.folder,
            env=self._told(),
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise TerraformFailed(f"terraform {' '.join(words)} ended with {done.returncode}")
        return done.stdout

    def _told(self) -> Mapping[str, str]:
        self.data.mkdir(parents=True, exist_ok=True)
        return {
            **self.environment,
            "CHECKPOINT_DISABLE": "1",
            "TF_DATA_DIR": str(self.data.resolve()),
            "TF_IN_AUTOMATION": "1",
        }
