"""`gcloud`, as far as `make deploy` uses it, over a world in a file (`tests/infra/google.py`).

python -m tests.infra.gcloud FOLDER WORDS…
"""

import hashlib
import json
import os
import sys
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

NUMBER = "123456789012"
World = dict[str, Any]


def main(folder: Path, words: Sequence[str]) -> None:
    """Answer one command, or refuse it."""
    with (folder / "asked.jsonl").open("a") as asked:
        asked.write(json.dumps(list(words)) + "\n")
    path = folder / "world.json"
    world: World = json.loads(path.read_text())
    plain = [word for word in words if not word.startswith("--")]
    options = dict(word[2:].partition("=")[::2] for word in words if word.startswith("--"))
    for command, answer in COMMANDS.items():
        wanted = command.split()
        if plain[: len(wanted)] == wanted:
            said = answer(world, plain[len(wanted) :], options)
            path.write_text(json.dumps(world))
            if said is not None:
                print(said if isinstance(said, str) else json.dumps(said))
            return
    print(f"ERROR: (gcloud) Invalid choice: '{' '.join(plain)}'.", file=sys.stderr)
    sys.exit(2)


def _refuse(command: str, words: str) -> NoReturn:
    print(f"ERROR: (gcloud.{command}) {words}", file=sys.stderr)
    sys.exit(1)


def _needs(world: World, service: str, command: str) -> None:
    if service not in world["services"]:
        _refuse(command, f"API [{service}] not enabled on project [{NUMBER}].")


def _project(world: World, names: list[str], options: dict[str, str]) -> Any:
    state = world["projects"].get(names[0])
    if state is None:
        _refuse(
            "projects.describe",
            f"[ana@example.com] does not have permission to access projects instance [{names[0]}] "
            "(or it may not exist): The caller does not have permission",
        )
    return {"projectId": names[0], "projectNumber": NUMBER, "lifecycleState": state}


def _billing(world: World, names: list[str], options: dict[str, str]) -> Any:
    account = "billingAccounts/000000-000000-000000" if world["billing"] else ""
    return {"billingAccountName": account, "billingEnabled": world["billing"]}


def _services(world: World, names: list[str], options: dict[str, str]) -> Any:
    return [{"config": {"name": name}, "state": "ENABLED"} for name in world["services"]]


def _enable(world: World, names: list[str], options: dict[str, str]) -> None:
    world["services"] += [name for name in names if name not in world["services"]]


def _run_quotas(world: World, names: list[str], options: dict[str, str]) -> Any:
    _needs(world, "cloudquotas.googleapis.com", "beta.quotas.info.list")
    # A quota of none has no value at all.
    return [
        {
            "quotaId": one["quota"],
            "dimensionsInfos": [
                {
                    "dimensions": {"region": one["region"]},
                    "details": {"value": str(one["value"])} if one["value"] else {},
                    "applicableLocations": [one["region"]],
                }
            ],
        }
        for one in world["run_quotas"]
    ]


def _region(world: World, names: list[str], options: dict[str, str]) -> Any:
    _needs(world, "compute.googleapis.com", "compute.regions.describe")
    return {"name": names[0], "quotas": _metrics(world["compute_quotas"])}


def _project_info(world: World, names: list[str], options: dict[str, str]) -> Any:
    _needs(world, "compute.googleapis.com", "compute.project-info.describe")
    return {"quotas": _metrics(world["project_quotas"])}


def _metrics(limits: dict[str, float]) -> list[dict[str, Any]]:
    return [{"metric": k, "limit": float(v), "usage": 0.0} for k, v in limits.items()]


def _networks(world: World, names: list[str], options: dict[str, str]) -> Any:
    _needs(world, "compute.googleapis.com", "compute.networks.list")
    return [{"name": name} for name in world["networks"]]


def _bucket(world: World, names: list[str], options: dict[str, str]) -> Any:
    if not world["accounts"]:
        _refuse("storage.buckets.describe", "You do not currently have an active account selected.")
    if names[0] not in world["buckets"]:
        _refuse("storage.buckets.describe", f"{names[0]} not found: 404.")
    return {"name": names[0].removeprefix("gs://"), **world["buckets"][names[0]]}


def _make_bucket(world: World, names: list[str], options: dict[str, str]) -> None:
    name = names[0].removeprefix("gs://")
    request = urllib.request.Request(
        f"{os.environ['CLIPLINE_TEST_STORAGE']}/storage/v1/b?project=demo-project",
        data=json.dumps({"name": name}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        answer.read()
    world["buckets"][names[0]] = {
        "location": options["location"].upper(),
        "uniform_bucket_level_access": "uniform-bucket-level-access" in options,
        "public_access_prevention": "enforced" if "public-access-prevention" in options else "",
    }


def _update_bucket(world: World, names: list[str], options: dict[str, str]) -> None:
    world["buckets"][names[0]]["versioning_enabled"] = "versioning" in options


def _image(world: World, names: list[str], options: dict[str, str]) -> Any:
    digest = world["images"].get(names[0])
    if digest is None:
        _refuse("artifacts.docker.images.describe", f"Image not found: {names[0]}")
    return {"image_summary": {"digest": digest, "fully_qualified_digest": f"{names[0]}@{digest}"}}


def _build(world: World, names: list[str], options: dict[str, str]) -> None:
    context, image = Path(names[1]), options["substitutions"].partition("=")[2]
    for needed in ("render_job/Dockerfile", "requirements.txt", "schemas/wire.py"):
        if not (context / needed).is_file():
            _refuse("builds.submit", f"build failed: no {needed}")
    if world.get("builds_fail"):
        _refuse("builds.submit", "build 8f0c completed with status FAILURE")
    world["images"][image] = f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"


def _functions(world: World, names: list[str], options: dict[str, str]) -> Any:
    return [
        {
            "name": f"projects/demo-project/locations/us-east4/functions/{name}",
            "serviceConfig": {"environmentVariables": told},
        }
        for name, told in world["functions"].items()
    ]


COMMANDS: dict[str, Callable[[World, list[str], dict[str, str]], Any]] = {
    "auth list": lambda world, *_: [
        {"account": one, "status": "ACTIVE"} for one in world["accounts"]
    ],
    "auth print-access-token": lambda *_: "a-token",
    "projects describe": _project,
    "billing projects describe": _billing,
    "services list": _services,
    "services enable": _enable,
    "beta quotas info list": _run_quotas,
    "compute regions describe": _region,
    "compute project-info describe": _project_info,
    "compute networks list": _networks,
    "storage buckets describe": _bucket,
    "storage buckets create": _make_bucket,
    "storage buckets update": _update_bucket,
    "artifacts docker images describe": _image,
    "builds": _build,
    "functions list": _functions,
    "pubsub subscriptions update": lambda *_: None,
}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
