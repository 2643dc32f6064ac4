"""Moments: always aware, always UTC, so that two machines' times can be compared."""

from datetime import UTC, datetime


class NaiveTime(ValueError):
    """A time without a time zone: say which zone is meant, such as `2026-01-31T12:00:00Z`."""


def utc(moment: datetime) -> datetime:
    """The same moment in UTC. Raises NaiveTime for a datetime without a zone."""
    if moment.tzinfo is None:
        raise NaiveTime(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(UTC)
