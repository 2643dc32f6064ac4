"""Messages on their way: from the bus to the functions, late, twice, or never."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf

from functions.errors import TryAgainLater
from infra.simulator.faults import Fault
from infra.simulator.memory_bus import MemoryBus
from infra.simulator.witness import Witness
from infra.simulator.world import Killed, Process, World
from schemas.events import CancelRender, Event, ReplayRender
from schemas.ports import NotPublished, StoreUnavailable
from schemas.subscriptions import ReceivedMessage, Subscription
from schemas.wire import event_of

STEPS = (
    (Fault.CRASH_BEFORE, 1.0),
    (Fault.CRASH_AFTER, 1.0),
    (Fault.FROZEN, 1.0),
    (Fault.UNREACHABLE, 1.0),
    (Fault.RESPONSE_LOST, 1.0),
)
"""What may happen at each call of a function."""
TRANSIT = 0.05
"""Seconds from the bus to a function, on average."""
LATE = 150.0
"""The longest delay: more than an ack deadline, so a late message may come twice as well."""
_MOMENT = re.compile(r"/\d{4}-\d\d-\d\dT[^/]*$")
"""Ends the ids of some events: a name with a time in it would change with what struck before."""


@dataclass(slots=True, kw_only=True)
class Couriers:
    """Pushes what the bus has to the functions, each delivery in a process of its own."""

    world: World
    bus: MemoryBus
    witness: Witness
    subscriptions: Mapping[str, Subscription]
    functions: Mapping[str, Callable[[Event], object]]
    """By subscription: what the entry point does with the event."""
    _next: float = inf
    """When the bus is looked at next."""
    _events: dict[str, Event] = field(default_factory=dict)
    _copies: Counter[str] = field(default_factory=Counter)
    """How often an event was published, as far as it was pushed."""
    _names: dict[str, str] = field(default_factory=dict)
    """By message and subscription: a name that does not depend on what else was published."""

    def published(self) -> None:
        """Something new is on the bus."""
        self._pump_in(TRANSIT)

    def _pump_in(self, seconds: float) -> None:
        """Look after so long, or sooner: one moment to look at is kept, the first."""
        at = self.world.time + seconds
        if at < self._next:
            self._next = at
            self.world.later(seconds, lambda: self._pump(at))

    def _pump(self, at: float) -> None:
        """Hand out what is due, unless an earlier look took this one's place."""
        if at != self._next:
            return
        self._next = inf
        now = self.world.now()
        for message in self.bus.lease(1000, now):
            self._push(message)
        due = self.bus.next_due
        if due is not None:
            self._pump_in(max(0.0, (due - now).total_seconds()) + 1e-3)

    def _push(self, message: ReceivedMessage) -> None:
        event = self._event(message)
        name = f"{self._name(message, event)}/{message.delivery_attempt}"
        draw = self.world.fate.stream(f"push/{name}")

        def strikes(fault: Fault) -> bool:
            return self.world.fate.strikes(name, draw, fault, lambda: event.subject)

        if not isinstance(event, CancelRender | ReplayRender) and strikes(Fault.MESSAGE_LOST):
            self.bus.ack(message.ack_id)
            return
        if strikes(Fault.MESSAGE_LOST_ONCE):
            return
        late = draw.uniform(1, LATE)
        late = late if strikes(Fault.MESSAGE_DELAYED) else 0.0
        self._deliver(message, event, name, late + draw.expovariate(1 / TRANSIT))
        if strikes(Fault.MESSAGE_DUPLICATED):
            self._deliver(message, event, f"{name}/again", draw.expovariate(1 / 5.0))

    def _deliver(self, message: ReceivedMessage, event: Event, name: str, after: float) -> None:
        self.world.start(
            name,
            lambda process: self.functions[message.subscription](event),
            after=after,
            render=lambda: event.subject,
            faults=STEPS,
            then=lambda process, result: self._answered(message, process, result),
        )

    def _answered(self, message: ReceivedMessage, process: Process, result: object) -> None:
        """Acknowledge, refuse, or say nothing, as the function's server would."""
        if isinstance(result, Killed):
            return
        if isinstance(result, TryAgainLater | NotPublished | StoreUnavailable):
            self.bus.nack(message.ack_id, self.world.now())
            pause = self.subscriptions[message.subscription].backoff(message.delivery_attempt)
            self._pump_in(pause.total_seconds() + 1e-3)
            return
        if isinstance(result, Exception):
            self.witness.broken("no exception that nobody foresaw", f"{process.name}: {result!r}")
        self.bus.ack(message.ack_id)

    def _name(self, message: ReceivedMessage, event: Event) -> str:
        key = f"{message.message_id}/{message.subscription}"
        if (name := self._names.get(key)) is None:
            plain = f"{message.subscription}/{_MOMENT.sub('', event.id)}"
            self._copies[plain] += 1
            name = self._names[key] = f"{plain}/{self._copies[plain]}"
        return name

    def _event(self, message: ReceivedMessage) -> Event:
        """Read once a message: what is delivered again is the same."""
        key = message.message_id
        if key not in self._events:
            plain = {k.removeprefix("ce-"): v for k, v in message.attributes.items()}
            self._events[key] = event_of(plain, message.data)
        return self._events[key]
