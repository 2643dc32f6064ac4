"""Metrics, alerts and the papers that they name."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from functions.core.render import State
from functions.news import ATTEMPT_ENDED, ATTEMPT_STARTED
from functions.watch import SWEPT
from tests.infra.deployment import Deployment, Resource

RUNBOOK = Path(__file__).resolve().parents[3] / "docs" / "runbook" / "README.md"
GOOGLES = {
    "pubsub.googleapis.com/subscription/dead_letter_message_count",
    "pubsub.googleapis.com/subscription/num_undelivered_messages",
    "pubsub.googleapis.com/subscription/oldest_unacked_message_age",
}
"""Metrics that we use (https://cloud.google.com/monitoring/api/metrics_gcp)."""
OURS = "logging.googleapis.com/user/"
PAGES = {"day-nearly-spent", "failures", "no-lane-starts", "sweep_is_silent"}
"""What wakes somebody; all else is a ticket."""
SAID = {state.value for state in State} | {
    *(ATTEMPT_ENDED, ATTEMPT_STARTED, SWEPT),
    *("refused", "stumbled"),
}
"""What functions/logs.py is given as `action` where something is counted.
`tests/infra/test_alarms.py` holds the other fields against what is really said."""
_METRIC = re.compile(r'metric\.type="([^"]+)"')
_ACTION = re.compile(r'jsonPayload\.action=\(?((?:"[^"]+"(?: OR )?)+)')


def alerts_watch_metrics_that_exist(deployment: Deployment) -> Iterator[str]:
    """A filter that names nothing is silent for ever."""
    there = GOOGLES | {OURS + m.values["name"] for m in deployment.of("logging_metric")}
    for alert in deployment.of("monitoring_alert_policy"):
        filters = list(_filters(alert))
        if not filters:
            yield f"{alert.address} watches nothing"
        for words in filters:
            named = _METRIC.findall(words)
            for name in named or ["no metric"]:
                if name not in there:
                    yield f"{alert.address} watches {name}, which there is not"
    for board in deployment.of("monitoring_dashboard"):
        for name in _METRIC.findall(_text(board.values["dashboard_json"])):
            if name not in there:
                yield f"{board.address} shows {name}, which there is not"


def metrics_count_what_the_code_says(deployment: Deployment) -> Iterator[str]:
    """A metric counts actions that the functions log."""
    for metric in deployment.of("logging_metric"):
        for words in _ACTION.findall(metric.values["filter"]) or [""]:
            for action in re.findall(r'"([^"]+)"', words) or ["nothing"]:
                if action not in SAID:
                    yield f"{metric.address} counts {action}, which nobody logs"


def every_alert_says_what_to_do(deployment: Deployment) -> Iterator[str]:
    """It names the entry of the runbook, which is there, and reaches somebody."""
    entries = {
        re.sub(r"[^a-z0-9 -]", "", line.strip("# ").lower()).replace(" ", "-")
        for line in (RUNBOOK.read_text().splitlines() if RUNBOOK.exists() else ())
        if line.startswith("#")
    }
    for alert in deployment.of("monitoring_alert_policy"):
        found = re.search(
            r"docs/runbook/README\.md#(\S+)", alert.block("documentation").get("content", "")
        )
        if found is None:
            yield f"{alert.address} does not say what to do"
        elif found[1] not in entries:
            yield f"{alert.address} names {found[1]}, which docs/runbook/README.md has not"
        if not alert.values["notification_channels"]:
            yield f"{alert.address} tells nobody"


def only_what_is_listed_wakes_somebody(deployment: Deployment) -> Iterator[str]:
    """A page is for what cannot wait until the morning."""
    pages = {
        str(alert.key or alert.name)
        for alert in deployment.of("monitoring_alert_policy")
        if alert.values["severity"] == "CRITICAL"
    }
    yield from (f"{name} wakes somebody" for name in sorted(pages - PAGES))
    yield from (f"{name} wakes nobody" for name in sorted(PAGES - pages))


def _filters(alert: Resource) -> Iterator[str]:
    for condition in alert.values["conditions"]:
        for kind in ("condition_threshold", "condition_absent"):
            for one in condition[kind] or []:
                yield one["filter"]
                if one.get("denominator_filter"):
                    yield one["denominator_filter"]


def _text(board: str) -> str:
    """All strings in it, as they are meant."""
    return json.dumps(json.loads(board)).replace('\\"', '"')


POLICIES = (
    alerts_watch_metrics_that_exist,
    metrics_count_what_the_code_says,
    every_alert_says_what_to_do,
    only_what_is_listed_wakes_somebody,
)
