# An upload is told of by Eventarc, whose own subscription keeps it for 24 hours and then drops it,
# unless it has a dead-letter topic. Terraform cannot set that on a subscription that is not its
# own, so gcloud does. The sweep lists the bucket all the same.

locals {
  # A mocked provider tells of none.
  trigger_subscription = try(google_eventarc_trigger.uploads.transport[0].pubsub[0].subscription, "none")
  trigger_dead_letters = google_pubsub_topic.this[local.subscriptions["on-upload"].dead_letter_topic]
}

resource "google_eventarc_trigger" "uploads" {
  name            = "${var.name}-uploads"
  location        = var.region
  service_account = google_service_account.actor["trigger"].email

  matching_criteria {
    attribute = "type"
    value     = "google.cloud.storage.object.v1.finalized"
  }
  matching_criteria {
    attribute = "bucket"
    value     = google_storage_bucket.uploads.name
  }

  destination {
    cloud_run_service {
      service = google_cloudfunctions2_function.this["on-upload"].name
      region  = var.region
    }
  }

  depends_on = [
    google_project_iam_member.storage_publishes_for_eventarc,
    google_project_iam_member.trigger_receives_events,
  ]
}

resource "google_pubsub_subscription_iam_member" "pubsub_gives_up_eventarcs" {
  subscription = local.trigger_subscription
  role         = "roles/pubsub.subscriber"
  member       = local.agents.pubsub
}

resource "terraform_data" "trigger_dead_letters" {
  triggers_replace = [local.trigger_subscription, local.trigger_dead_letters.id]

  provisioner "local-exec" {
    command = join(" ", [
      var.gcloud, "pubsub", "subscriptions", "update", local.trigger_subscription,
      "--dead-letter-topic=${local.trigger_dead_letters.id}",
      "--max-delivery-attempts=${local.subscriptions["on-upload"].max_delivery_attempts}",
      "--project=${var.project}", "--quiet",
    ])
  }

  depends_on = [google_pubsub_subscription_iam_member.pubsub_gives_up_eventarcs]
}
