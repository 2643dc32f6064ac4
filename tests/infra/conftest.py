"""One deployment on the stand-in provider for all tests that ask for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.absent import absent
from tests.infra import inputs, terraform
from tests.infra.deployment import Deployment
from tests.infra.terraform import Terraform


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """It was applied, and planned once more."""

    terraform: Terraform
    changes: tuple[str, ...]
    """Addresses that the second plan would change."""
    deployment: Deployment


def required() -> None:
    """Without Terraform a test is skipped at home, and fails in CI."""
    if not terraform.is_here():
        absent("there is no terraform: https://developer.hashicorp.com/terraform/install")


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Initialised, applied and planned again: about ten seconds."""
    required()
    folder = tmp_path_factory.mktemp("infra")
    clean = terraform.working_copy(folder / "gcp", folder / "mirror")
    inputs.lay(clean.folder)
    clean.init()
    with terraform.serving(clean) as one:
        yield _deployed(one)


def _deployed(one: Terraform) -> Deployed:
    one.run("apply", "-auto-approve", "-input=false")
    one.run("plan", "-input=false", "-out=again")
    plan = one.shown("again")
    return Deployed(
        terraform=one,
        changes=tuple(
            change["address"]
            for change in plan["resource_changes"]
            if change["change"]["actions"] not in (["no-op"], ["read"])
        ),
        deployment=Deployment(plan["planned_values"]),
    )


@pytest.fixture
def copy(deployed: Deployed, tmp_path: Path) -> Terraform:
    """The configuration once more, initialised and applied: to do something to it."""
    return deployed.terraform.copy(tmp_path / "gcp")


def written(folder: Path) -> list[str]:
    """What the stand-in of gcloud was asked for."""
    return (folder / "gcloud.txt").read_text().splitlines()
