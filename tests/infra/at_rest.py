"""What each kind of resource costs while nobody uploads anything: an item of the bill, or nothing.

A kind that is new in `infra/gcp` must be added here, by whoever knows what it costs.
"""

AT_REST = {
    "google_artifact_registry_repository": "images kept",
    "google_artifact_registry_repository_iam_member": "",
    "google_billing_budget": "",
    "google_cloud_run_v2_job": "nothing while no execution runs",
    "google_cloud_run_v2_job_iam_member": "",
    "google_cloud_run_v2_service_iam_member": "",
    "google_cloud_scheduler_job": "Cloud Scheduler's job, and the sweep's calls",
    "google_cloudfunctions2_function": "nothing without requests, with no minimum of instances",
    "google_compute_instance_template": "",
    "google_compute_network": "",
    "google_compute_region_instance_group_manager": "nothing at size 0",
    "google_compute_subnetwork": "",
    "google_eventarc_trigger": "",
    "google_firestore_database": "what the sweep reads, and documents kept",
    "google_firestore_field": "",
    "google_firestore_index": "",
    "google_logging_metric": "nothing up to 150 MiB of points a month",
    "google_logging_project_sink": "",
    "google_monitoring_alert_policy": "alert conditions",
    "google_monitoring_dashboard": "",
    "google_project_iam_custom_role": "",
    "google_project_iam_member": "",
    "google_project_service": "",
    "google_pubsub_subscription": "",
    "google_pubsub_subscription_iam_member": "",
    "google_pubsub_topic": "",
    "google_pubsub_topic_iam_member": "",
    "google_service_account": "",
    "google_service_account_iam_member": "",
    "google_storage_bucket": "what is stored",
    "google_storage_bucket_iam_member": "",
    "google_storage_bucket_object": "",
    "terraform_data": "",
}
"""By kind; empty for what is never billed."""
