"""`infra/gcp` on the stand-in provider: schema-valid and self-consistent, never applied to Google
Cloud."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.infra import terraform
from tests.infra.conftest import Deployed, required, written
from tests.infra.iam_page import PAGE, page
from tests.infra.policies import POLICIES, Policy
from tests.infra.terraform import GCP, Terraform


def test_it_is_formatted_as_terraform_formats_it() -> None:
    required()
    done = subprocess.run(
        [terraform.binary(), "fmt", "-check", "-recursive", "-list=true", str(GCP)],
        env={"TF_CLI_CONFIG_FILE": "/dev/null", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("", 0)


def test_a_second_plan_changes_nothing(deployed: Deployed) -> None:
    assert deployed.changes == ()


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.__name__)
def test_the_policy_holds(policy: Policy, deployed: Deployed) -> None:
    assert list(policy(deployed.deployment)) == [], policy.__doc__


def test_gcloud_gives_the_triggers_subscription_its_dead_letters(deployed: Deployed) -> None:
    topic = "projects/demo-project/topics/on-upload-undeliverable"
    assert written(deployed.terraform.folder) == [
        "pubsub subscriptions update projects/demo-project/subscriptions/eventarc-clipline-uploads "
        f"--dead-letter-topic={topic} --max-delivery-attempts=20 --project=demo-project --quiet"
    ]


def test_its_own_tests_pass_over_a_mocked_provider(copy: Terraform) -> None:
    (copy.folder / "z.auto.tfvars.json").unlink()
    words = copy.run("test")
    runs = sum(
        len(re.findall(r"^run ", path.read_text(), re.MULTILINE))
        for path in (GCP / "tests").glob("*.tftest.hcl")
    )
    assert f"{runs} passed, 0 failed" in words
    assert runs >= 4


def test_everything_can_be_taken_down_again(copy: Terraform) -> None:
    copy.run("destroy", "-auto-approve", "-input=false", "-refresh=false")
    assert copy.shown() == {"format_version": "1.0"}


def test_the_stand_in_serves_facts_with_their_origin() -> None:
    text = (Path(__file__).parent / "provider_schema.json").read_text()
    header = text.splitlines()[1]
    assert '"package":"cdktn-provider-google"' in header
    assert '"licence":"MPL-2.0"' in header


def test_the_page_of_roles_is_current(deployed: Deployed) -> None:
    assert PAGE.read_text() == page(deployed.deployment), "run python -m tests.infra.iam_page"
