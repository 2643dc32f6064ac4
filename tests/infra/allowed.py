"""Every role in a deployment, and why: what stands here is granted, and nothing else.

By actor, kind of resource, its name and the role. `people` are those that `inputs.py` names.
"""

from schemas.flows import FLOWS

PUBLISHER, SUBSCRIBER = "pubsub.publisher", "pubsub.subscriber"
INVOKER, LAUNCHER = "run.invoker", "clipline_launcher"
PUSHED = [f.subscription for f in FLOWS if f.max_delivery_attempts is not None]
JOBS = (
    "clipline-cloud-run-us-east4-l4",
    "clipline-cloud-run-europe-west4-rtx-pro-6000",
    "clipline-cloud-run-us-east4-cpu",
    "clipline-small",
)
APP = "app"
ON_CALL, OPERATORS = "group:on-call@example.com", "group:video@example.com"
UPLOADS, WORK, OUTPUTS, SOURCE = (
    f"demo-project-clipline-{one}" for one in ("uploads", "work", "outputs", "source")
)

ALLOWED = {
    # what the code runs as
    ("clipline-intake", "bucket", UPLOADS, "storage.objectViewer"): "looks into uploads",
    ("clipline-intake", "topic", "render-requests", PUBLISHER): "asks for renders",
    ("clipline-control", "bucket", UPLOADS, "storage.objectViewer"): "the sweep lists them",
    ("clipline-control", "bucket", WORK, "storage.objectUser"): "plans, orders, clearing away",
    ("clipline-control", "bucket", OUTPUTS, "storage.objectUser"): "a cancelled output goes",
    ("clipline-control", "topic", "uploads", PUBLISHER): "the sweep tells of lost uploads",
    ("clipline-control", "topic", "render-done", PUBLISHER): "announces",
    ("clipline-control", "topic", "render-dead-letter", PUBLISHER): "announces failures",
    ("clipline-control", "account", "clipline-render-job", "iam.serviceAccountUser"): "Batch's VMs",
    **{("clipline-control", "job", job, LAUNCHER): "launches, looks, stops" for job in JOBS},
    ("clipline-desk", "subscription", "render-dead-letter-desk", SUBSCRIBER): "failed renders",
    **{
        ("clipline-desk", "subscription", f"{name}-undeliverable", SUBSCRIBER): "what is given up"
        for name in PUSHED
    },
    ("clipline-render-job", "bucket", UPLOADS, "storage.objectViewer"): "reads its source",
    ("clipline-render-job", "bucket", WORK, "storage.objectUser"): "claims and pieces",
    ("clipline-render-job", "bucket", OUTPUTS, "storage.objectCreator"): "delivers, once",
    ("clipline-render-job", "bucket", OUTPUTS, "storage.objectViewer"): "finds what is delivered",
    ("clipline-render-job", "topic", "render-results", PUBLISHER): "tells how far it is",
    ("clipline-render-job", "topic", "execution-events", PUBLISHER): "Batch tells as the job's own",
    ("clipline-render-job", "repository", "clipline", "artifactregistry.reader"): "Batch's VMs",
    # a pool's machines, which run render tasks
    ("clipline-worker", "bucket", UPLOADS, "storage.objectViewer"): "reads its source",
    ("clipline-worker", "bucket", WORK, "storage.objectUser"): "seats, claims and pieces",
    ("clipline-worker", "bucket", OUTPUTS, "storage.objectCreator"): "delivers, once",
    ("clipline-worker", "bucket", OUTPUTS, "storage.objectViewer"): "finds what is delivered",
    ("clipline-worker", "topic", "render-results", PUBLISHER): "tells how far it is",
    ("clipline-worker", "topic", "execution-events", PUBLISHER): "tells that a seat was the last",
    ("clipline-worker", "repository", "clipline", "artifactregistry.reader"): "fetches the image",
    # who brings messages, and who builds
    **{
        ("clipline-push", "service", f"clipline-{name}", INVOKER): "its subscription"
        for name in PUSHED
    },
    ("clipline-trigger", "service", "clipline-on-upload", INVOKER): "Eventarc's events",
    ("clipline-clock", "service", "clipline-sweep", INVOKER): "every minute",
    ("clipline-clock", "service", "clipline-collect", INVOKER): "every minute",
    ("clipline-build", "bucket", SOURCE, "storage.objectViewer"): "reads the bundle",
    ("clipline-build", "repository", "clipline", "artifactregistry.writer"): "keeps containers",
    # Google's own agents
    ("gcp-sa-pubsub", "account", "clipline-push", "iam.serviceAccountTokenCreator"): "signs pushes",
    **{
        ("gcp-sa-pubsub", "topic", f"{name}-undeliverable", PUBLISHER): "gives up"
        for name in PUSHED
    },
    **{("gcp-sa-pubsub", "subscription", name, SUBSCRIBER): "gives up" for name in PUSHED},
    ("gcp-sa-pubsub", "subscription", "eventarc-clipline-uploads", SUBSCRIBER): "gives up",
    ("gcp-sa-logging", "topic", "execution-events", PUBLISHER): "the log sink",
    # people
    (APP, "bucket", UPLOADS, "storage.objectCreator"): "uploads",
    (APP, "bucket", OUTPUTS, "storage.objectViewer"): "uses what is done",
    (APP, "subscription", "render-done-readers", SUBSCRIBER): "hears what is done",
    (OPERATORS, "topic", "render-requests", PUBLISHER): "cancels and replays",
}

ON_PROJECT = {
    ("clipline-build", "logging.logWriter"): "logs have no resource to be granted on",
    ("clipline-control", "batch.jobsEditor"): "a job of Batch is made by its launch",
    ("clipline-control", "clipline_tender"): "groups of machines have no policy of their own",
    ("clipline-control", "datastore.user"): "databases have no policy; a condition names the one",
    ("clipline-desk", "datastore.user"): "as above",
    (ON_CALL, "datastore.user"): "reads renders, keeps the desk; as above",
    ("clipline-render-job", "batch.agentReporter"): "Batch's machines tell it how they are",
    ("clipline-render-job", "logging.logWriter"): "as above",
    ("clipline-trigger", "eventarc.eventReceiver"): "events have no resource to be granted on",
    ("clipline-worker", "logging.logWriter"): "as above",
    ("gs-project-accounts", "pubsub.publisher"): "the topic is Eventarc's own, and made with it",
}
"""At the project, because there is no resource to grant it on."""

CARRY_OVERRIDES = frozenset(
    {"owner", "editor", "run.admin", "run.developer", "run.jobsExecutorWithOverrides"}
)
"""Predefined roles that let their holder run a job with arguments and environment of its choice."""
