"""Faults of what is kept."""

from tests.infra.fault import Fault

DATA = (
    Fault(
        what="pieces that go before their dead letter",
        file="storage.tf",
        old="age            = local.pipeline.work_kept_days",
        new="age            = 7",
        found_by="pieces_go_after_the_last_replay_and_not_before",
        words="removes after 7 days",
    ),
    Fault(
        what="records that go with the pieces",
        file="storage.tf",
        old='matches_suffix = [".m4a", ".mp4"]',
        new='matches_suffix = [".json", ".m4a", ".mp4"]',
        found_by="pieces_go_after_the_last_replay_and_not_before",
        words="no piece and no sound",
    ),
    Fault(
        what="pieces that are paid for after they went",
        file="storage.tf",
        old="retention_duration_seconds = 0\n",
        new="retention_duration_seconds = 604800\n",
        found_by="pieces_go_after_the_last_replay_and_not_before",
        words="keeps, and bills",
    ),
    Fault(
        what="outputs that go with a destroy",
        file="storage.tf",
        old="force_destroy               = var.delete_data",
        new="force_destroy               = true",
        found_by="data_outlives_a_destroy",
        words="google_storage_bucket.outputs goes",
    ),
    Fault(
        what="a database that goes with a destroy",
        file="firestore.tf",
        old='"DELETE" : "ABANDON"',
        new='"DELETE" : "DELETE"',
        found_by="data_outlives_a_destroy",
        words="google_firestore_database.renders goes",
    ),
    Fault(
        what="uploads from any page",
        file="storage.tf",
        old="origin          = cors.value",
        new='origin          = ["*"]',
        found_by="browsers_upload_from_named_pages",
        words="takes requests of any page",
    ),
    Fault(
        what="a query without its index",
        file="firestore.tf",
        old="for_each = local.pipeline.firestore.indexes",
        new="for_each = { for name, one in local.pipeline.firestore.indexes : name => one "
        'if name != "renders-line-created_at" }',
        found_by="renders_are_found_by_the_indexes_that_the_code_asks_for",
        words="('renders', ('line', 'created_at')) is missing",
    ),
    Fault(
        what="entries of the ledger that are kept for ever",
        file="firestore.tf",
        old="for_each = each.value.expires ? [each.key] : []",
        new='for_each = each.value.expires && each.key != "ledger-expires_at" ? [each.key] : []',
        found_by="documents_go_when_they_may_and_no_others",
        words="('ledger', 'expires_at') is kept for ever",
    ),
    Fault(
        what="renders that go by age, while their uploads stay",
        file="firestore.tf",
        new='\nresource "google_firestore_field" "planted" {\n'
        "  database = google_firestore_database.renders.name\n"
        '  collection = "renders"\n  field = "created_at"\n  ttl_config {}\n'
        '  index_config {\n    indexes {\n      order = "ASCENDING"\n    }\n  }\n}\n',
        found_by="documents_go_when_they_may_and_no_others",
        words="documents go by ('renders', 'created_at'), which nobody sets",
    ),
)
