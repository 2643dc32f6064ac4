"""What Google asks for what we use, beside the lanes: list prices, each with its day and source.

Whole nano-dollars for one unit, without free tiers. Prices of lanes stand with the lanes
(`infra/gcp/lanes.auto.tfvars.json`). They change: whoever plans a budget reads them again.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPrice:
    """One figure that somebody read somewhere."""

    what: str
    nanodollars: int
    """For one unit."""
    unit: str
    read_on: str
    source: str


PAGE_OF_RUN = "https://cloud.google.com/run/pricing, tier 1"
PAGE_OF_STORAGE = "https://cloud.google.com/storage/pricing, us-east4"
PAGE_OF_FIRESTORE = (
    "https://cloud.google.com/firestore/pricing, a region of the US, by a guide to it"
)
PAGE_OF_WATCHING = "https://cloud.google.com/stackdriver/pricing"
UNSEEN = "from memory, not confirmed"
READ = "2026-11-29"

CPU = ListPrice(
    what="a function's vCPU", nanodollars=24_000, unit="s", read_on=READ, source=PAGE_OF_RUN
)
MEMORY = ListPrice(
    what="a function's memory", nanodollars=2_500, unit="GiB s", read_on=READ, source=PAGE_OF_RUN
)
REQUEST = ListPrice(
    what="a function's request", nanodollars=400, unit="request", read_on=READ, source=PAGE_OF_RUN
)
STORED = ListPrice(
    what="objects, Standard",
    nanodollars=23_000_000,
    unit="GB month",
    read_on=READ,
    source=PAGE_OF_STORAGE,
)
CLASS_A = ListPrice(
    what="writes and lists of objects",
    nanodollars=5_000,
    unit="call",
    read_on=READ,
    source="https://cloud.google.com/storage/pricing-examples",
)
CLASS_B = ListPrice(
    what="reads of objects",
    nanodollars=400,
    unit="call",
    read_on=READ,
    source="https://cloud.google.com/storage/pricing-examples",
)
DOCUMENT_READ = ListPrice(
    what="documents read",
    nanodollars=300,
    unit="document",
    read_on=READ,
    source=PAGE_OF_FIRESTORE,
)
DOCUMENT_WRITE = ListPrice(
    what="documents written",
    nanodollars=900,
    unit="document",
    read_on=READ,
    source=PAGE_OF_FIRESTORE,
)
DOCUMENTS_STORED = ListPrice(
    what="documents kept",
    nanodollars=150_000_000,
    unit="GiB month",
    read_on=READ,
    source=UNSEEN,
)
MESSAGES = ListPrice(
    what="messages, in and out",
    nanodollars=38_147,
    unit="MiB",
    read_on=READ,
    source=f"$40 a TiB, {UNSEEN}",
)
SCHEDULE = ListPrice(
    what="Cloud Scheduler's job",
    nanodollars=100_000_000,
    unit="job month",
    read_on=READ,
    source=UNSEEN,
)
LOGS = ListPrice(
    what="logs taken in",
    nanodollars=500_000_000,
    unit="GiB",
    read_on=READ,
    source=PAGE_OF_WATCHING,
)
CONDITION = ListPrice(
    what="alert conditions",
    nanodollars=100_000_000,
    unit="condition month",
    read_on=READ,
    source=f"announced for 2026, {UNSEEN}",
)
IMAGES = ListPrice(
    what="images kept",
    nanodollars=100_000_000,
    unit="GB month",
    read_on=READ,
    source=f"Artifact Registry, {UNSEEN}",
)
OUT = ListPrice(
    what="files fetched from outside Google",
    nanodollars=120_000_000,
    unit="GB",
    read_on=READ,
    source="https://cloud.google.com/storage/pricing-examples",
)

ALL = (
    *(CPU, MEMORY, REQUEST, STORED, CLASS_A, CLASS_B, DOCUMENT_READ, DOCUMENT_WRITE),
    *(DOCUMENTS_STORED, MESSAGES, SCHEDULE, LOGS, CONDITION, IMAGES, OUT),
)
