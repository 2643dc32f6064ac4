"""Where Google Cloud shows what was written about a render."""

import json
from datetime import UTC, datetime
from urllib.parse import quote


def logs_page(project: str, render: str, since: datetime, until: datetime) -> str:
    """The page of Logs Explorer with every entry that names the render, of that time.

    The tasks' entries and the functions' both do. Not run against Google Cloud.
    """
    # Lines are joined by AND; a bare string is looked for in every field
    # (https://docs.cloud.google.com/logging/docs/view/logging-query-language).
    query = "\n".join(
        (json.dumps(render), f'timestamp>="{_moment(since)}"', f'timestamp<="{_moment(until)}"')
    )
    asked = f"query={quote(query, safe='')}"
    return f"https://console.cloud.google.com/logs/query;{asked}?project={quote(project, safe='')}"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
