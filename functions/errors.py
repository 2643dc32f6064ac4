"""Errors of the control plane, sorted by what the caller should do."""


class TryAgainLater(Exception):
    """Nothing is lost and nothing is wrong: deliver the same event again."""


class NotConfigured(Exception):
    """A setting is missing or impossible; the message names it and says what to set."""
