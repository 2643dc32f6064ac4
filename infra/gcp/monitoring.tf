# Log metrics, alerts and a dashboard. Only what is marked "page" wakes somebody; each alert names
# the entry of docs/runbook/README.md that says what to do.

locals {
  our_logs = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=~\"^${var.name}-\""

  # What functions/logs.py writes, by its field `action`.
  counted = merge(
    { for state in local.pipeline.states : "renders-${state}" => "jsonPayload.action=\"${state}\"" },
    {
      renders-ended = "jsonPayload.action=(\"done\" OR \"failed\")"
      refused       = "jsonPayload.action=\"refused\""
      stumbled      = "jsonPayload.action=\"stumbled\""
    },
  )

  metrics = { for name, metric in google_logging_metric.this : name => "metric.type=\"logging.googleapis.com/user/${metric.name}\" AND resource.type=\"cloud_run_revision\"" }

  undelivered  = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.type=\"pubsub_subscription\""
  oldest       = "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.type=\"pubsub_subscription\""
  sweep_answer = "metric.type=\"run.googleapis.com/request_count\" AND resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"${var.name}-sweep\" AND metric.labels.response_code_class=\"2xx\""

  quiet_topics = [for name, one in local.subscriptions : name if endswith(name, "-undeliverable")]

  alerts = {
    failures = {
      title    = "More than 5 % of what ended in 10 minutes has failed"
      pages    = true
      filter   = local.metrics["renders-failed"]
      of       = local.metrics["renders-ended"]
      above    = 0.05
      duration = "0s"
      every    = "600s"
      aligner  = "ALIGN_SUM"
    }
    push-backlog = {
      title    = "A message has waited for its function for 10 minutes"
      pages    = false
      filter   = "${local.oldest} AND resource.labels.subscription_id=one_of(\"${join("\",\"", sort(keys(local.pushed)))}\")"
      of       = null
      above    = 600
      duration = "300s"
      every    = "60s"
      aligner  = "ALIGN_MAX"
    }
    refused = {
      title    = "A function was called by somebody, or with something, that it refuses"
      pages    = false
      filter   = local.metrics.refused
      of       = null
      above    = 0
      duration = "0s"
      every    = "300s"
      aligner  = "ALIGN_SUM"
    }
    stumbled = {
      title    = "The sweep cannot tick a render"
      pages    = false
      filter   = local.metrics.stumbled
      of       = null
      above    = 0
      duration = "0s"
      every    = "300s"
      aligner  = "ALIGN_SUM"
    }
    undeliverable = {
      title    = "A message was refused too often and waits for a person"
      pages    = false
      filter   = "${local.undelivered} AND resource.labels.subscription_id=one_of(\"${join("\",\"", sort(local.quiet_topics))}\")"
      of       = null
      above    = 0
      duration = "0s"
      every    = "60s"
      aligner  = "ALIGN_MAX"
    }
    unread-dead-letters = {
      title    = "A dead letter has not been looked at for a day"
      pages    = false
      filter   = "${local.oldest} AND resource.labels.subscription_id=\"render-dead-letter-desk\""
      of       = null
      above    = 86400
      duration = "0s"
      every    = "60s"
      aligner  = "ALIGN_MAX"
    }
  }
}

resource "google_logging_metric" "this" {
  for_each = local.counted

  name        = "${var.name}/${each.key}"
  description = "Log entries of the functions: ${each.value}."
  filter      = "${local.our_logs} AND ${each.value}"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
  }

  depends_on = [google_project_service.this]
}

resource "google_monitoring_alert_policy" "this" {
  for_each = local.alerts

  display_name          = "${var.name}: ${each.value.title}"
  combiner              = "OR"
  severity              = each.value.pages ? "CRITICAL" : "WARNING"
  notification_channels = each.value.pages ? var.alert_channels.page : var.alert_channels.ticket

  conditions {
    display_name = each.value.title

    condition_threshold {
      filter             = each.value.filter
      denominator_filter = each.value.of
      comparison         = "COMPARISON_GT"
      threshold_value    = each.value.above
      duration           = each.value.duration

      aggregations {
        alignment_period     = each.value.every
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.aligner == "ALIGN_SUM" ? "REDUCE_SUM" : "REDUCE_MAX"
      }

      dynamic "denominator_aggregations" {
        for_each = each.value.of == null ? [] : [each.value]
        content {
          alignment_period     = denominator_aggregations.value.every
          per_series_aligner   = denominator_aggregations.value.aligner
          cross_series_reducer = "REDUCE_SUM"
        }
      }
    }
  }

  documentation {
    content   = "What to do: docs/runbook/README.md#${each.key}"
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "no_lane_starts" {
  display_name          = "${var.name}: No lane has started anything for 15 minutes, and work waits"
  combiner              = "AND"
  severity              = "CRITICAL"
  notification_channels = var.alert_channels.page

  conditions {
    display_name = "Renders wait"

    condition_threshold {
      filter          = local.metrics["renders-waiting"]
      comparison      = "COMPARISON_GT"
      threshold_value = 0
      duration        = "0s"

      aggregations {
        alignment_period     = "900s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  conditions {
    display_name = "None has begun"

    condition_absent {
      filter   = local.metrics["renders-rendering"]
      duration = "900s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_SUM"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content   = "What to do: docs/runbook/README.md#no-lane-starts"
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "sweep_is_silent" {
  display_name          = "${var.name}: The sweep has been silent for 5 minutes"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = var.alert_channels.page

  conditions {
    display_name = "No sweep has answered well"

    condition_absent {
      filter   = local.sweep_answer
      duration = "300s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_DELTA"
        cross_series_reducer = "REDUCE_SUM"
      }
    }
  }

  documentation {
    content   = "What to do: docs/runbook/README.md#sweep-is-silent"
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_dashboard" "pipeline" {
  dashboard_json = templatefile("${path.module}/dashboards/pipeline.json.tftpl", {
    name   = var.name
    charts = { for name in ["renders-waiting", "renders-rendering", "renders-done", "renders-failed"] : name => local.metrics[name] }
    depth  = local.undelivered
    oldest = local.oldest
  })
}

# A month's money, told of beforehand: the pipeline's own budget is another thing.
resource "google_billing_budget" "month" {
  count = var.budget == null ? 0 : 1

  billing_account = var.budget.billing_account
  display_name    = "${var.name} in ${var.project}"

  budget_filter {
    projects = ["projects/${data.google_project.this.number}"]
  }

  amount {
    specified_amount {
      units = tostring(floor(var.budget.amount))
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.8, 1.0]
    content {
      threshold_percent = threshold_rules.value
    }
  }

  dynamic "all_updates_rule" {
    for_each = length(var.alert_channels.ticket) > 0 ? [var.alert_channels.ticket] : []
    content {
      monitoring_notification_channels = all_updates_rule.value
    }
  }
}
