"""What a deployment is told here: names of nothing that exists."""

import json
from pathlib import Path

INPUTS = {
    "alert_channels": {
        "page": ["projects/demo-project/notificationChannels/1"],
        "ticket": ["projects/demo-project/notificationChannels/2"],
    },
    "budget": {"billing_account": "000000-000000-000000", "amount": 500},
    "cors_origins": ["https://app.example.com"],
    "functions_archive": "functions-0123456789abcdef.zip",
    "gcloud": "./gcloud",
    "people": {
        "downstream": ["serviceAccount:app@example.iam.gserviceaccount.com"],
        "on_call": ["group:on-call@example.com"],
        "operators": ["group:video@example.com"],
        "uploaders": ["serviceAccount:app@example.iam.gserviceaccount.com"],
    },
    "project": "demo-project",
    "region": "us-east4",
    "render_image": f"us-east4-docker.pkg.dev/demo-project/clipline/render@sha256:{'0' * 64}",
    "spending": {"day_dollars": 200},
    "tenants": {
        "acme": {
            "defaults": {
                "acme/shorts/": {
                    "await_sidecar_seconds": 600,
                    "spec": '{"outputs": [{"preset": "vertical-1080"}]}',
                }
            },
            "locations": ["eu"],
        }
    },
}
GCLOUD = '#!/bin/sh\necho "$@" >> gcloud.txt\n'
"""Writes down what it was asked for."""
LANES = "envs/gpu.tfvars.json"


def lay(folder: Path) -> None:
    """Have the inputs in that configuration's folder, and lanes of every kind."""
    lanes = json.loads((folder / LANES).read_text())
    (folder / "z.auto.tfvars.json").write_text(json.dumps({**INPUTS, **lanes}))
    gcloud = folder / "gcloud"
    gcloud.write_text(GCLOUD)
    gcloud.chmod(0o755)
