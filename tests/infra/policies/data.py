"""What is kept, how long, and how it is found."""

from collections.abc import Iterator

from functions.adapters.firestore_calls import EXPIRES
from functions.core.lanes import Policy
from infra.deployment.pipeline import STORES
from tests.infra.deployment import Deployment

KEPT = ("outputs", "uploads", "work")


def pieces_go_after_the_last_replay_and_not_before(deployment: Deployment) -> Iterator[str]:
    """The work bucket removes pieces and sound once no dead letter can be replayed, and no more."""
    longest = Policy().deadline + Policy().keep_failed
    work = deployment.one("storage_bucket", "work")
    if work is None:
        yield "there is no work bucket"
        return
    rules = [rule for rule in work.values["lifecycle_rule"] or [] if _does(rule, "Delete")]
    if not rules:
        yield f"{work.address} keeps pieces for ever"
    for rule in rules:
        when = rule["condition"][0]
        if not longest.days < when["age"] <= longest.days + 7:
            yield f"{work.address} removes after {when['age']} days, not soon after {longest.days}"
        if set(when["matches_suffix"] or ()) != {".m4a", ".mp4"}:
            yield f"{work.address} removes what is no piece and no sound"
    if work.block("soft_delete_policy").get("retention_duration_seconds") != 0:
        yield f"{work.address} keeps, and bills, every removed piece"


def uploads_and_outputs_are_never_removed_by_a_rule(deployment: Deployment) -> Iterator[str]:
    """They are their owners'; what is removed by mistake can be had back for a week."""
    for name in ("uploads", "outputs"):
        bucket = deployment.one("storage_bucket", name)
        if bucket is None:
            yield f"there is no bucket of {name}"
            continue
        if any(_does(rule, "Delete") for rule in bucket.values["lifecycle_rule"] or []):
            yield f"{bucket.address} removes by itself"
        if bucket.block("soft_delete_policy").get("retention_duration_seconds") != 604800:
            yield f"{bucket.address} gives nothing back"


def unfinished_uploads_are_dropped(deployment: Deployment) -> Iterator[str]:
    """Parts of an upload that nobody finishes would be paid for unseen."""
    uploads = deployment.one("storage_bucket", "uploads")
    rules = (uploads.values["lifecycle_rule"] or []) if uploads else []
    if not any(_does(rule, "AbortIncompleteMultipartUpload") for rule in rules):
        yield "the uploads bucket keeps the parts of unfinished uploads"


def data_outlives_a_destroy(deployment: Deployment) -> Iterator[str]:
    """Buckets that hold something stay, and so does the database, unless somebody says so."""
    for name in KEPT:
        bucket = deployment.one("storage_bucket", name)
        if bucket and bucket.values["force_destroy"]:
            yield f"{bucket.address} goes with all that it holds"
    for database in deployment.of("firestore_database"):
        if database.values["delete_protection_state"] != "DELETE_PROTECTION_ENABLED":
            yield f"{database.address} is not protected"
        if database.values["deletion_policy"] != "ABANDON":
            yield f"{database.address} goes with all that it holds"


def browsers_upload_from_named_pages(deployment: Deployment) -> Iterator[str]:
    """A page of any origin could start uploads with its visitors' links otherwise."""
    for bucket in deployment.of("storage_bucket"):
        for rule in bucket.values["cors"] or []:
            if "*" in rule["origin"]:
                yield f"{bucket.address} takes requests of any page"
            if not {"PUT", "POST"} >= set(rule["method"]):
                yield f"{bucket.address} allows {', '.join(rule['method'])} to pages"


def renders_are_found_by_the_indexes_that_the_code_asks_for(
    deployment: Deployment,
) -> Iterator[str]:
    """Firestore refuses a query whose index is missing; the emulator does not."""
    wanted = {
        (collection, fields)
        for store in STORES
        for collection, indexes in store.COMPOSITE_INDEXES.items()
        for fields in indexes
    }
    made = {
        (
            index.values["collection"],
            tuple(
                ("-" if one["order"] == "DESCENDING" else "") + one["field_path"]
                for one in index.values["fields"]
            ),
        )
        for index in deployment.of("firestore_index")
    }
    yield from (f"the index {one} is missing" for one in sorted(wanted - made))
    yield from (f"nobody asks for the index {one}" for one in sorted(made - wanted))
    unasked = {
        (collection, name)
        for store in STORES
        for collection, names in store.UNINDEXED.items()
        for name in names
    }
    off = {
        (field.values["collection"], field.values["field"])
        for field in deployment.of("firestore_field")
        if not field.block("index_config").get("indexes")
    }
    yield from (f"{one} is indexed, and nobody asks for it" for one in sorted(unasked - off))
    yield from (f"{one} is asked for and not indexed" for one in sorted(off - unasked))


def documents_go_when_they_may_and_no_others(deployment: Deployment) -> Iterator[str]:
    """What the code gives a moment to go is removed then; a render never is by its age."""
    wanted = {(one, EXPIRES) for store in STORES for one in store.EXPIRING}
    going = {
        (field.values["collection"], field.values["field"])
        for field in deployment.of("firestore_field")
        if field.values["ttl_config"]
    }
    yield from (f"{one} is kept for ever" for one in sorted(wanted - going))
    yield from (f"documents go by {one}, which nobody sets" for one in sorted(going - wanted))


def _does(rule: dict[str, list[dict[str, object]]], action: str) -> bool:
    return rule["action"][0]["type"] == action


POLICIES = (
    pieces_go_after_the_last_replay_and_not_before,
    uploads_and_outputs_are_never_removed_by_a_rule,
    unfinished_uploads_are_dropped,
    data_outlives_a_destroy,
    browsers_upload_from_named_pages,
    renders_are_found_by_the_indexes_that_the_code_asks_for,
    documents_go_when_they_may_and_no_others,
)
