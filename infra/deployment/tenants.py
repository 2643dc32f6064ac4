"""What is configured of tenants, looked at before it is deployed: the functions would not start."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from functions.lane_file.tenants import read_tenants
from functions.lane_file.text import LaneFault
from infra.deployment.findings import Finding, Level


def tenant_findings(tenants: Mapping[str, Any]) -> Iterator[Finding]:
    """One for them all, if there are any."""
    if not tenants:
        return
    names = ", ".join(sorted(tenants))
    try:
        read_tenants(json.dumps({"tenants": tenants}), "the variable tenants")
    except LaneFault as fault:
        fix = "mend it in the file of variables"
        yield Finding(level=Level.MISSING, what=f"In {fault}", fix=fix)
        return
    yield Finding(level=Level.WELL, what=f"Tenants: {names}")
