"""What a deployment needs of a project beforehand: APIs, and permissions of whoever deploys."""

SERVICES = (
    "artifactregistry.googleapis.com",
    "batch.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudquotas.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "compute.googleapis.com",
    "eventarc.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "serviceusage.googleapis.com",
    "storage.googleapis.com",
)
"""Terraform keeps them enabled; `infra/gcp/pipeline.json` passes them on."""

PERMISSIONS = {
    "google_artifact_registry_repository": "artifactregistry.repositories.create",
    "google_artifact_registry_repository_iam_member": "artifactregistry.repositories.setIamPolicy",
    "google_cloud_run_v2_job": "run.jobs.create",
    "google_cloud_run_v2_job_iam_member": "run.jobs.setIamPolicy",
    "google_cloud_run_v2_service_iam_member": "run.services.setIamPolicy",
    "google_cloud_scheduler_job": "cloudscheduler.jobs.create",
    "google_cloudfunctions2_function": "cloudfunctions.functions.create",
    "google_compute_instance_template": "compute.instanceTemplates.create",
    "google_compute_network": "compute.networks.create",
    "google_compute_region_instance_group_manager": "compute.instanceGroupManagers.create",
    "google_compute_subnetwork": "compute.subnetworks.create",
    "google_eventarc_trigger": "eventarc.triggers.create",
    "google_firestore_database": "datastore.databases.create",
    "google_firestore_field": "datastore.indexes.update",
    "google_firestore_index": "datastore.indexes.create",
    "google_logging_metric": "logging.logMetrics.create",
    "google_logging_project_sink": "logging.sinks.create",
    "google_monitoring_alert_policy": "monitoring.alertPolicies.create",
    "google_monitoring_dashboard": "monitoring.dashboards.create",
    "google_project_iam_custom_role": "iam.roles.create",
    "google_project_iam_member": "resourcemanager.projects.setIamPolicy",
    "google_project_service": "serviceusage.services.enable",
    "google_pubsub_subscription": "pubsub.subscriptions.create",
    "google_pubsub_subscription_iam_member": "pubsub.subscriptions.setIamPolicy",
    "google_pubsub_topic": "pubsub.topics.create",
    "google_pubsub_topic_iam_member": "pubsub.topics.setIamPolicy",
    "google_service_account": "iam.serviceAccounts.create",
    "google_service_account_iam_member": "iam.serviceAccounts.setIamPolicy",
    "google_storage_bucket": "storage.buckets.create",
    "google_storage_bucket_iam_member": "storage.buckets.setIamPolicy",
    "google_storage_bucket_object": "storage.objects.create",
}
"""By kind of resource, the permission that making one needs: every kind of a plan stands here."""
ELSEWHERE = {
    "google_billing_budget": "on the billing account: billing.budgets.create",
    "terraform_data": "gcloud updates a subscription, which pubsub.subscriptions.create implies",
}
"""Kinds that need nothing of the project, and why."""
BESIDE = ("cloudbuild.builds.create", "iam.serviceAccounts.actAs")
"""What building the image needs, and giving functions and jobs their identities."""
