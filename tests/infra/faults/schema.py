"""Faults that Terraform itself finds, by the schema."""

from tests.infra.fault import Fault

SCHEMA = (
    Fault(
        what="a misspelt argument",
        file="functions.tf",
        old="attempt_deadline =",
        new="attempt_dead_line =",
        found_by="validate",
        words="attempt_dead_line",
    ),
    Fault(
        what="a block that there is not",
        file="storage.tf",
        old="soft_delete_policy {",
        new="soft_deletes {",
        found_by="validate",
        words="soft_deletes",
    ),
    Fault(
        what="a value that is read only",
        file="eventarc.tf",
        old="location        = var.region\n  service_account",
        new='location        = var.region\n  etag            = "x"\n  service_account',
        found_by="validate",
        words="etag is read only",
    ),
    Fault(
        what="a reference to nothing",
        file="outputs.tf",
        old="local.urls",
        new="local.addresses",
        found_by="validate",
        words="addresses",
    ),
    Fault(
        what="a word that is none of the listed ones",
        file="firestore.tf",
        old='"FIRESTORE_NATIVE"',
        new='"NATIVE"',
        found_by="validate",
        words="DATASTORE_MODE, FIRESTORE_NATIVE",
    ),
)
