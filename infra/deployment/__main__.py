"""`make plan`, `make preflight`, `make deploy`, `make destroy`.

    python -m infra.deployment VERB --project=my-project --region=us-east4 [--name=clipline]

The exit status is one of `infra/deployment/exits.py`.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from functions.errors import NotConfigured
from infra.deployment.deploy import Deployer, NotReady
from infra.deployment.exits import Status
from infra.deployment.gcloud import Gcloud, GcloudFailed
from infra.deployment.terraform import TerraformFailed
from infra.deployment.wish import BUILD, GCP, Wish

VERBS = ("plan", "preflight", "deploy", "destroy")


def main(
    arguments: list[str] | None = None,
    environment: Mapping[str, str] = os.environ,
    *,
    folder: Path = GCP,
    build: Path = BUILD,
) -> int:
    """Do what was asked; a person's mistake is a sentence and a status."""
    told = _parser().parse_args(arguments)
    try:
        wish = Wish(
            project=told.project or "",
            region=told.region or "",
            name=told.name or "clipline",
            variables=tuple(told.vars),
            folder=folder,
            build=build,
        )
        gcloud = Gcloud(wish.project, environment)
        deployer = Deployer(wish=wish, gcloud=gcloud, environment=environment, say=_say)
        return _done(told, deployer)
    except NotConfigured as error:
        return _end(Status.UNSUITABLE, str(error))
    except NotReady:
        return _end(Status.NOT_READY, "What is marked as missing must be mended first")
    except (GcloudFailed, TerraformFailed) as failed:
        return _end(Status.FAILED, f"{failed}. What was done stays; the same command goes on")
    except KeyboardInterrupt:
        return Status.INTERRUPTED


def _done(told: argparse.Namespace, deployer: Deployer) -> int:
    match told.verb:
        case "plan":
            deployer.plan()
        case "preflight":
            return Status.OK if deployer.preflight().is_ready else Status.NOT_READY
        case "deploy":
            deployer.deploy()
        case "destroy":
            if not told.yes and not _is_sure(deployer.wish, delete_data=told.delete_data):
                return _end(Status.DECLINED, "Nothing was destroyed")
            deployer.destroy(delete_data=told.delete_data)
    return Status.OK


def _is_sure(wish: Wish, *, delete_data: bool) -> bool:
    what = "with all uploads, outputs and renders" if delete_data else "its data stays"
    print(f"This destroys '{wish.name}' in {wish.project}: {what}.")
    if not sys.stdin.isatty():
        return False
    return input(f"Type the project's id ({wish.project}) to go on: ").strip() == wish.project


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.deployment", description=__doc__)
    parser.add_argument("verb", choices=VERBS)
    parser.add_argument("--project", help="the project's id")
    parser.add_argument("--region", help="of buckets, functions and database")
    parser.add_argument("--name", help="in front of all names; clipline")
    parser.add_argument(
        "--vars", type=Path, action="append", default=[], help="a file of Terraform variables"
    )
    parser.add_argument("--delete-data", action="store_true", help="destroy data as well")
    parser.add_argument("--yes", action="store_true", help="do not ask before a destroy")
    return parser


def _say(line: str) -> None:
    print(line, flush=True)


def _end(status: Status, sentence: str) -> Status:
    print(f"{sentence.removesuffix('.')}.", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
