"""What of Cloud Run's quotas one render of a lane takes: GPUs, processors and memory of its tasks.

Names and units are as public repositories report them, and not confirmed against Google Cloud. Of
processors and memory a refusal was captured: "Quota violated: CpuAllocPerProjectRegion requested:
60000 allowed: 20000, MemAllocPerProjectRegion requested: 257698037760 allowed: 42949672960"
(https://github.com/googlecodelabs/feedback/issues/1856), so thousandths of a vCPU, and bytes. That
was a service of three instances of 20 vCPUs; that tasks of a job which run at once count alike is
what the manual says (https://docs.cloud.google.com/run/quotas: it "depends on the CPU and memory").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CPU, MEMORY = "CpuAllocPerProjectRegion", "MemAllocPerProjectRegion"
GPUS = {
    "nvidia-l4": ("NvidiaL4GpuAllocNoZonalRedundancyPerProjectRegion", 1),
    "nvidia-rtx-pro-6000": ("NvidiaRtxPro6000GpuAllocNoZonalRedundancyPerProjectRegion", 1000),
}
"""By GPU, its quota and how many of that one GPU is; of the second one it is reported that it is
counted in thousandths."""
UNCONFIRMED = "name and unit not confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one task takes of a quota."""

    quota: str
    each: int
    """In the quota's own unit."""
    unit: int = 1
    """So many of that are one of what people count in, whose `name` that is."""
    name: str = ""

    def words(self, amount: int) -> str:
        """That much of it, for people."""
        return f"{amount / self.unit:g}{self.name and f' {self.name}'}"


def needs(run: Mapping[str, Any]) -> Sequence[Need]:
    """Of a task of that lane; of a GPU only where its quota is known."""
    found = [
        Need(quota=CPU, each=round(run["cpu"] * 1000), unit=1000, name="vCPU"),
        Need(quota=MEMORY, each=round(run["memory_gib"] * 2**30), unit=2**30, name="GiB"),
    ]
    if (gpu := run.get("gpu")) in GPUS:
        quota, each = GPUS[gpu]
        found.append(Need(quota=quota, each=each))
    return found
