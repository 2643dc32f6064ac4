"""Errors of the control plane, sorted by what the caller should do."""

from typing import ClassVar


class TryAgainLater(Exception):
    """Nothing is lost and nothing is wrong: deliver the same event again."""


class NotConfigured(Exception):
    """A setting is missing or impossible; the message names it and says what to set."""


class GroupRefused(Exception):
    """A service says no: there is no such group, or we may not touch it. A person mends that."""


class Refusal(Exception):
    """This request cannot be taken, now or ever; the message says why, without its payload.

    It is answered with `status` and so never acknowledged: a subscription delivers it again until
    its last attempt, and then a person finds it on the `…-undeliverable` topic. Nothing is lost,
    and nothing goes round for ever.
    """

    status: ClassVar = 400


class NotAnEvent(Refusal):
    """No event of ours could be read from it."""


class BelongsElsewhere(Refusal):
    """It is an event of ours that another entry point takes: a subscription is set up wrongly."""


class NotAdmitted(Refusal):
    """Its caller did not prove to be one of those who may call."""

    status: ClassVar = 401
