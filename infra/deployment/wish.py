"""What a person asks for on the command line, checked before anything else is done."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from functions.errors import NotConfigured

ROOT = Path(__file__).resolve().parents[2]
GCP = ROOT / "infra" / "gcp"
BUILD = ROOT / "build" / "deploy"
_PROJECT = re.compile(r"[a-z][a-z0-9-]{4,28}[a-z0-9]")
"""https://cloud.google.com/resource-manager/docs/creating-managing-projects"""
_REGION = re.compile(r"[a-z]+-[a-z]+\d+")
_NAME = re.compile(r"[a-z][a-z0-9-]{2,13}[a-z0-9]")
"""As `infra/gcp/variables.tf` has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One deployment. Raises NotConfigured for what cannot be meant."""

    project: str
    region: str
    name: str = "clipline"
    variables: tuple[Path, ...] = ()
    """Files of Terraform variables, the last one counting most."""
    folder: Path = GCP
    """The Terraform root."""
    build: Path = BUILD
    """Where what belongs to this machine is kept, a folder for each deployment."""

    def __post_init__(self) -> None:
        _check("PROJECT", self.project, _PROJECT, "a project's id, such as my-project-123")
        _check("REGION", self.region, _REGION, "a region, such as us-east4")
        _check("NAME", self.name, _NAME, "4 to 15 lower case letters, digits and dashes")
        for path in self.variables:
            if not path.is_file():
                raise NotConfigured(f"VARS: there is no file '{path}'")

    @property
    def home(self) -> Path:
        """Of this deployment alone: staging and production never share one."""
        return self.build / f"{self.project}-{self.name}"

    @property
    def state_bucket(self) -> str:
        """Where Terraform's state lies."""
        return f"{self.project}-{self.name}-state"

    @property
    def repository(self) -> str:
        """Of images."""
        return f"{self.region}-docker.pkg.dev/{self.project}/{self.name}"

    @property
    def lanes(self) -> Sequence[Mapping[str, Any]]:
        """The lanes that would be deployed, as Terraform would find them. Raises NotConfigured."""
        found: Sequence[Mapping[str, Any]] = self._variable("lanes", ())
        return found

    @property
    def tenants(self) -> Mapping[str, Any]:
        """The same of tenants. Raises NotConfigured."""
        found: Mapping[str, Any] = self._variable("tenants", {})
        return found

    def _variable(self, name: str, found: Any) -> Any:
        """What the last file says that says anything of it; else what it is without."""
        for path in (*sorted(self.folder.glob("*.auto.tfvars.json")), *self.variables):
            text = path.read_text(encoding="utf-8")
            if path.suffix != ".json":
                if re.search(rf"^\s*{name}\s*=", text, re.MULTILINE):
                    raise NotConfigured(f"{path}: {name} stand in a file that ends in .tfvars.json")
                continue
            try:
                found = json.loads(text).get(name, found)
            except (ValueError, AttributeError) as error:
                raise NotConfigured(f"{path} is no JSON object: {error}") from error
        return found


def _check(word: str, said: str, form: re.Pattern[str], what: str) -> None:
    if not said:
        raise NotConfigured(f"{word}= is missing: {what}")
    if not form.fullmatch(said):
        raise NotConfigured(f"{word}={said} cannot be: it is {what}")
