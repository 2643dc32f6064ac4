# Log metrics, alerts and a dashboard. Only what is marked "page" wakes somebody; each alert names
# the entry of docs/runbook/README.md that says what to do.

locals {
  our_logs = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=~\"^${var.name}-\""

  # What the functions log, by its field `action` (functions/news.py, functions/watch.py): how often.
  counted = merge(
    { for state in local.pipeline.states : "renders-${state}" => "jsonPayload.action=\"${state}\"" },
    {
      day-nearly-spent = "jsonPayload.action=\"swept\" AND jsonPayload.spent_percent>=80"
      refused          = "jsonPayload.action=\"refused\""
      renders-ended    = "jsonPayload.action=(\"done\" OR \"failed\")"
      stalled          = "jsonPayload.action=\"swept\" AND jsonPayload.stalled=true"
      stumbled         = "jsonPayload.action=\"stumbled\""
      swept            = "jsonPayload.action=\"swept\""
    },
  )

  # And how much, by lane and cause where these are said.
  measured = {
    attempts-ended = { filter = "jsonPayload.action=\"attempt-ended\"", value = "nanodollars", labels = ["cause", "lane"] }
    time-to-done   = { filter = "jsonPayload.action=\"done\"", value = "done_seconds", labels = [] }
    time-to-start  = { filter = "jsonPayload.action=\"attempt-started\"", value = "start_seconds", labels = ["lane"] }
    waste          = { filter = "jsonPayload.action=\"attempt-ended\" AND jsonPayload.wasted_nanodollars>0", value = "wasted_nanodollars", labels = ["cause", "lane"] }
    work-waiting   = { filter = "jsonPayload.action=\"swept\"", value = "waiting", labels = [] }
  }

  metrics = { for name, metric in merge(google_logging_metric.this, google_logging_metric.measured) : name => "metric.type=\"logging.googleapis.com/user/${metric.name}\" AND resource.type=\"cloud_run_revision\"" }

  given_up    = "metric.type=\"pubsub.googleapis.com/subscription/dead_letter_message_count\" AND resource.type=\"pubsub_subscription\""
  undelivered = "metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\" AND resource.type=\"pubsub_subscription\""
  oldest      = "metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\" AND resource.type=\"pubsub_subscription\""

  alerts = {
    day-nearly-spent = {
      title    = "80 % of the day's budget is spent"
      pages    = true
      filter   = local.metrics["day-nearly-spent"]
      of       = null
      above    = 0
      duration = "0s"
      every    = "300s"
      aligner  = "ALIGN_SUM"
    }
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
    no-lane-starts = {
      title    = "Work has waited for 15 minutes, and no lane has started anything"
      pages    = true
      filter   = local.metrics.stalled
      of       = null
      above    = 0
      duration = "0s"
      every    = "120s"
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
      title    = "A message was refused too often and is on the desk now"
      pages    = false
      filter   = "${local.given_up} AND resource.labels.subscription_id=one_of(\"${join("\",\"", sort(keys(local.pushed)))}\")"
      of       = null
      above    = 0
      duration = "0s"
      every    = "300s"
      aligner  = "ALIGN_SUM"
    }
    uncollected-dead-letters = {
      title    = "A dead letter has waited for 10 minutes to be stored"
      pages    = false
      filter   = "${local.oldest} AND resource.labels.subscription_id=one_of(\"${join("\",\"", sort(local.collected))}\")"
      of       = null
      above    = 600
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

resource "google_logging_metric" "measured" {
  for_each = local.measured

  name            = "${var.name}/${each.key}"
  description     = "Log entries of the functions: ${each.value.value} of ${each.value.filter}."
  filter          = "${local.our_logs} AND ${each.value.filter}"
  value_extractor = "EXTRACT(jsonPayload.${each.value.value})"

  label_extractors = { for label in each.value.labels : label => "EXTRACT(jsonPayload.${label})" }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"

    dynamic "labels" {
      for_each = each.value.labels
      content {
        key        = labels.value
        value_type = "STRING"
      }
    }
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

  # Where nothing is said any more, nothing is wrong any more; half an hour is the shortest.
  alert_strategy {
    auto_close = "1800s"
  }

  documentation {
    content   = "What to do: docs/runbook/README.md#${each.key}"
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "sweep_is_silent" {
  display_name          = "${var.name}: The sweep has been silent for 5 minutes"
  combiner              = "OR"
  severity              = "CRITICAL"
  notification_channels = var.alert_channels.page

  conditions {
    display_name = "No sweep has said what it did"

    condition_absent {
      filter   = local.metrics.swept
      duration = "300s"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_SUM"
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
    spread = {
      "time to start, s, by lane"           = { filter = local.metrics["time-to-start"], by = ["metric.label.lane"] }
      "time to done, s"                     = { filter = local.metrics["time-to-done"], by = [] }
      "waste by cause, nano-dollars"        = { filter = local.metrics.waste, by = ["metric.label.cause"] }
      "cost of attempts, by lane and cause" = { filter = local.metrics["attempts-ended"], by = ["metric.label.lane", "metric.label.cause"] }
    }
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
