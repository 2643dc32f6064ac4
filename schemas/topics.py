"""The Pub/Sub topics of the path. Only `render-done` and `render-dead-letter` are public."""

from enum import StrEnum


class Topic(StrEnum):
    """What is said where; `schemas/flows.py` says who publishes and who listens."""

    UPLOADS = "uploads"
    RENDER_REQUESTS = "render-requests"
    RENDER_RESULTS = "render-results"
    EXECUTION_EVENTS = "execution-events"
    RENDER_DONE = "render-done"
    RENDER_DEAD_LETTER = "render-dead-letter"
