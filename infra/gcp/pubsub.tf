# Topics and subscriptions, as schemas/flows.py has them. Under every push lies a topic of its own
# for what is refused too often; Pub/Sub's agent needs both grants, or forwards nothing, silently.

locals {
  subscriptions = local.pipeline.subscriptions
  pushed        = { for name, one in local.subscriptions : name => one if one.function != null }

  speakers = merge([
    for role, topics in local.pipeline.publishers : {
      for topic in topics : "${role} to ${topic}" => { role = role, topic = topic }
    }
  ]...)

  collected = [for name, one in local.subscriptions : name if one.subscriber == "collect"]
  readers   = { for name, one in local.subscriptions : name => var.people.downstream if one.subscriber == "downstream subscriber" }
  reader_grants = merge([
    for name, members in local.readers : {
      for member in members : "${member} from ${name}" => { subscription = name, member = member }
    }
  ]...)
}

resource "google_pubsub_topic" "this" {
  for_each = local.pipeline.topics

  name = each.key

  depends_on = [google_project_service.this]
}

resource "google_pubsub_subscription" "this" {
  for_each = local.subscriptions

  name                       = each.key
  topic                      = google_pubsub_topic.this[each.value.topic].id
  ack_deadline_seconds       = each.value.ack_deadline_seconds
  message_retention_duration = each.value.retention
  labels                     = { owner = replace(each.value.owner, " ", "-") }

  # A quiet one would be removed after 31 days, with what comes later.
  expiration_policy {
    ttl = ""
  }

  retry_policy {
    minimum_backoff = each.value.min_backoff
    maximum_backoff = each.value.max_backoff
  }

  dynamic "dead_letter_policy" {
    for_each = each.value.dead_letter_topic == null ? [] : [each.value]
    content {
      dead_letter_topic     = google_pubsub_topic.this[dead_letter_policy.value.dead_letter_topic].id
      max_delivery_attempts = dead_letter_policy.value.max_delivery_attempts
    }
  }

  dynamic "push_config" {
    for_each = each.value.function == null ? [] : [each.value]
    content {
      push_endpoint = local.urls[push_config.value.function]

      oidc_token {
        service_account_email = google_service_account.actor["push"].email
        audience              = local.urls[push_config.value.function]
      }

      dynamic "no_wrapper" {
        for_each = push_config.value.is_wrapped ? [] : [true]
        content {
          write_metadata = true
        }
      }
    }
  }

  depends_on = [google_cloudfunctions2_function.this]
}

resource "google_pubsub_topic_iam_member" "actor" {
  for_each = local.speakers

  topic  = google_pubsub_topic.this[each.value.topic].name
  role   = "roles/pubsub.publisher"
  member = google_service_account.actor[each.value.role].member
}

# Batch tells of its jobs as their own account:
# https://cloud.google.com/batch/docs/enable-notifications
resource "google_pubsub_topic_iam_member" "batch_tells_of_ends" {
  topic  = google_pubsub_topic.this["execution-events"].name
  role   = "roles/pubsub.publisher"
  member = google_service_account.actor["render-job"].member
}

resource "google_pubsub_topic_iam_member" "log_sink_tells_of_ends" {
  topic  = google_pubsub_topic.this["execution-events"].name
  role   = "roles/pubsub.publisher"
  member = google_logging_project_sink.executions.writer_identity
}

resource "google_pubsub_topic_iam_member" "operators_command" {
  for_each = toset(var.people.operators)

  topic  = google_pubsub_topic.this["render-requests"].name
  role   = "roles/pubsub.publisher"
  member = each.value
}

resource "google_pubsub_topic_iam_member" "pubsub_gives_up" {
  for_each = local.pushed

  topic  = google_pubsub_topic.this[each.value.dead_letter_topic].name
  role   = "roles/pubsub.publisher"
  member = local.agents.pubsub
}

resource "google_pubsub_subscription_iam_member" "pubsub_gives_up" {
  for_each = local.pushed

  subscription = google_pubsub_subscription.this[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = local.agents.pubsub
}

resource "google_pubsub_subscription_iam_member" "desk_collects" {
  for_each = toset(local.collected)

  subscription = google_pubsub_subscription.this[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = google_service_account.actor["desk"].member
}

resource "google_pubsub_subscription_iam_member" "readers" {
  for_each = local.reader_grants

  subscription = google_pubsub_subscription.this[each.value.subscription].name
  role         = "roles/pubsub.subscriber"
  member       = each.value.member
}
