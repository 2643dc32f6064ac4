"""Faults of what watches."""

from tests.infra.fault import Fault

WATCHING = (
    Fault(
        what="an alert over a metric that is not there",
        file="monitoring.tf",
        old="subscription/num_undelivered_messages",
        new="subscription/num_undelivered",
        found_by="alerts_watch_metrics_that_exist",
        words="num_undelivered, which there is not",
    ),
    Fault(
        what="a metric of what nobody logs",
        file="monitoring.tf",
        old='jsonPayload.action=\\"stumbled\\"',
        new='jsonPayload.action=\\"stumble\\"',
        found_by="metrics_count_what_the_code_says",
        words="counts stumble, which nobody logs",
    ),
    Fault(
        what="an alert that names no entry of the runbook",
        file="monitoring.tf",
        old="runbook/README.md#sweep-is-silent",
        new="runbook/README.md#sweep-is-quiet",
        found_by="every_alert_says_what_to_do",
        words="names sweep-is-quiet",
    ),
    Fault(
        what="an alert that tells nobody",
        file="monitoring.tf",
        old="notification_channels = var.alert_channels.page",
        new="notification_channels = []",
        found_by="every_alert_says_what_to_do",
        words="sweep_is_silent tells nobody",
    ),
    Fault(
        what="a ticket that wakes somebody",
        file="monitoring.tf",
        old='title    = "The sweep cannot tick a render"\n      pages    = false',
        new='title    = "The sweep cannot tick a render"\n      pages    = true',
        found_by="only_what_is_listed_wakes_somebody",
        words="stumbled wakes somebody",
    ),
)
