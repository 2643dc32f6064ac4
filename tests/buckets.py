"""Buckets for tests, imitated."""

from typing import TYPE_CHECKING

from infra.emulators.storage_gate import Gate

if TYPE_CHECKING:
    from google.cloud.storage import Client

    from functions.adapters.gcs_objects import GcsObjects


class Buckets:
    """Buckets behind a gate, over one client."""

    def __init__(self, gate: Gate, client: "Client") -> None:
        self.gate = gate
        self._client = client

    def empty(self, bucket: str) -> "GcsObjects":
        """The bucket without objects; whatever was there is gone."""
        from functions.adapters.gcs_objects import GcsObjects

        if self._client.lookup_bucket(bucket) is None:
            self._client.create_bucket(bucket)
        for blob in self._client.list_blobs(bucket):
            blob.delete()
        self.gate.forget()
        return GcsObjects(self._client, bucket)
