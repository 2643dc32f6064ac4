"""The bus's subscriptions, derived from the flows: the laptop has no wiring of its own."""

from collections.abc import Sequence

from functions.adapters.sqlite_bus import Subscription
from schemas.flows import FLOWS, Delivery, undeliverable
from schemas.topics import Topic

DONE = next(flow.subscription for flow in FLOWS if flow.topic is Topic.RENDER_DONE)
DEAD_LETTERS = next(flow.subscription for flow in FLOWS if flow.topic is Topic.RENDER_DEAD_LETTER)
