"""Who speaks to whom: every actor, every flow over a topic, and every call beside them, as data.

The laptop's bus, the cloud's Terraform, `schemas/json/asyncapi.json` and
`docs/actors-and-flows.md` are made from what stands here, so that they cannot tell different
stories. A subscription's numbers keep to Pub/Sub's limits, or the import fails:
https://cloud.google.com/pubsub/docs/subscription-properties
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import get_args

from schemas.events import (
    CancelRender,
    Event,
    ExecutionEnded,
    ObjectFinalized,
    RenderDeadLetter,
    RenderDone,
    RenderRequested,
    ReplayRender,
    Result,
    UploadRefused,
)
from schemas.topics import Topic


class Delivery(StrEnum):
    """How a subscriber gets its messages."""

    UNWRAPPED_PUSH = "unwrapped push"
    """A POST whose body is the message's data and whose headers are its attributes, which makes it
    a CloudEvent in binary mode (https://cloud.google.com/pubsub/docs/payload-unwrapping)."""
    PULL = "pull"
    """The subscriber asks; a message stays until it is acknowledged or its retention is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Somebody or something that speaks or listens."""

    name: str
    what: str
    """What it does on the path, in one sentence."""
    identity: str | None = None
    """The service account it runs as on Google Cloud; None for who comes with an own identity."""

    @property
    def is_ours(self) -> bool:
        """Whether it is a part of Clipline, not somebody who deals with it."""
        return self.identity is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Undeliverable:
    """The net under a push subscription: what was refused too often waits here for the desk.

    Its subscription is pulled and never expires. The message comes as it was published: why it was
    refused stands in the logs, under the same message id.
    """

    topic: str
    subscription: str
    """The topic's own name again: nobody else listens."""
    subscriber: Actor
    ack_deadline: timedelta
    """Pub/Sub's longest."""
    retention: timedelta
    """Pub/Sub's longest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One topic, what is said there and by whom, and the one subscription that we make on it."""

    topic: Topic
    what: str
    """What the flow is for, in one sentence."""
    events: tuple[type[Event], ...]
    """All types that may be published there; a subscriber refuses any other."""
    publishers: tuple[Actor, ...]
    subscription: str
    subscriber: Actor
    delivery: Delivery
    ack_deadline: timedelta
    """From delivery to redelivery without an answer, 10 s to 600 s; on a push also the time limit
    of the request."""
    max_delivery_attempts: int | None
    """Refused so often, 5 to 100, it goes to the undeliverable topic; None for a pull, where there
    is none and the message stays."""
    min_backoff: timedelta
    """The pause before the second delivery; it doubles with each further one. 0 s to 600 s."""
    max_backoff: timedelta
    """The longest pause between two deliveries, at most 600 s."""
    retention: timedelta
    """How long an unacknowledged message is kept, 10 minutes to 31 days."""
    owner: Actor
    """Who takes care of what is not delivered."""
    on_failure: str
    """Where a message goes that is not acknowledged, and what is lost, in one sentence."""
    replay: str
    """Whether such a message may be published again, and what that does, in one sentence."""
    runbook: str
    """The heading in docs/runbook/README.md that says what its owner does."""
    is_public: bool = False
    """Whether others may rely on it: a change of meaning then is a new event type."""

    def __post_init__(self) -> None:
        if not timedelta(seconds=10) <= self.ack_deadline <= LONGEST_ACK_DEADLINE:
            raise ValueError(f"{self.subscription}: an ack deadline is 10 s to 600 s")
        if not timedelta(0) <= self.min_backoff <= self.max_backoff <= LONGEST_BACKOFF:
            raise ValueError(f"{self.subscription}: backoff rises from 0 s to 600 s at most")
        if not timedelta(minutes=10) <= self.retention <= LONGEST_RETENTION:
            raise ValueError(f"{self.subscription}: retention is 10 minutes to 31 days")
        if self.max_delivery_attempts is not None and not 5 <= self.max_delivery_attempts <= 100:
            raise ValueError(f"{self.subscription}: 5 to 100 delivery attempts")
        if (self.delivery is Delivery.PULL) != (self.max_delivery_attempts is None):
            raise ValueError(f"{self.subscription}: a push has delivery attempts, a pull has none")

    @property
    def patience(self) -> timedelta | None:
        """The pauses of all delivery attempts together; None where nothing is given up."""
        if self.max_delivery_attempts is None:
            return None
        pauses = (self.min_backoff * 2**i for i in range(self.max_delivery_attempts - 1))
        return sum((min(pause, self.max_backoff) for pause in pauses), timedelta(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One actor calls another directly, without a topic between them."""

    caller: Actor
    callee: Actor
    what: str
    on_failure: str
    """What notices that it did not happen, in one sentence."""


LONGEST_ACK_DEADLINE = timedelta(seconds=600)
LONGEST_BACKOFF = timedelta(seconds=600)
LONGEST_RETENTION = timedelta(days=31)
ACK_DEADLINE = timedelta(seconds=60)
"""Our own choice: an event is one load, one save and a few calls, each far below a second."""
PROBE_DEADLINE = timedelta(seconds=120)
"""Our own choice: a look at an upload without an index reads more of it."""
ATTEMPTS = 20
"""Our own choice: with the backoff below, an outage of two hours costs no message its flow."""
MIN_BACKOFF = timedelta(seconds=10)
"""Pub/Sub's default."""
MAX_BACKOFF = LONGEST_BACKOFF
"""Pub/Sub's default and longest."""
RETENTION = timedelta(days=7)
"""Pub/Sub's default: longer than any push is tried."""

CONTROL = "clipline-control"
"""One identity for all that save renders: whoever comes by performs any pending effect."""

UPLOADER = Actor(
    name="uploader",
    what="Puts videos, and sidecars that say what to make of them, into the uploads bucket.",
)
ON_UPLOAD = Actor(
    name="on_upload",
    what="Looks at an upload and asks for a render or refuses it; starts no machine.",
    identity="clipline-intake",
)
START_RENDER = Actor(
    name="start_render",
    what="Opens, plans, routes and launches renders; cancels and replays them.",
    identity=CONTROL,
)
ON_RESULT = Actor(
    name="on_result",
    what="Moves a render on with what its tasks tell.",
    identity=CONTROL,
)
ON_EXECUTION = Actor(
    name="on_execution",
    what="Looks for the truth when an execution is said to be over.",
    identity=CONTROL,
)
SWEEP = Actor(
    name="sweep",
    what="Notices every minute what no event said: silence, effects not performed, lost uploads.",
    identity=CONTROL,
)
COLLECT = Actor(
    name="collect",
    what="Stores every minute what has landed on the dead-letter desk, and only then takes it.",
    identity="clipline-desk",
)
RENDER_JOB = Actor(
    name="render_job",
    what="Claims, makes, verifies and delivers; several tasks an attempt.",
    identity="clipline-render-job",
)
PLACE = Actor(
    name="place",
    what="The laptop, Google Cloud or a pool's workers: keeps objects and time, runs executions, "
    "tells their end.",
)
OPERATOR = Actor(
    name="operator",
    what="Cancels and replays renders, under their own name.",
)
DOWNSTREAM = Actor(
    name="downstream subscriber",
    what="Uses finished files; may rely on a done event meaning a verified file.",
)
ON_CALL = Actor(
    name="on call",
    what="Reads dead letters and what could not be delivered, mends the cause, replays.",
)

_ANY_CONTROL = (START_RENDER, ON_RESULT, ON_EXECUTION, SWEEP)

ACTORS = (
    *(UPLOADER, ON_UPLOAD, START_RENDER, ON_RESULT, ON_EXECUTION, SWEEP, COLLECT),
    *(RENDER_JOB, PLACE, OPERATOR, DOWNSTREAM, ON_CALL),
)

FLOWS = (
    Flow(
        topic=Topic.UPLOADS,
        what="An object stands complete in the uploads bucket. On Google Cloud the first telling "
        "comes through Eventarc, since a bucket's own notification is no CloudEvent.",
        events=(ObjectFinalized,),
        publishers=(PLACE, SWEEP),
        subscription="on-upload",
        subscriber=ON_UPLOAD,
        delivery=Delivery.UNWRAPPED_PUSH,
        ack_deadline=PROBE_DEADLINE,
        max_delivery_attempts=ATTEMPTS,
        min_backoff=MIN_BACKOFF,
        max_backoff=MAX_BACKOFF,
        retention=RETENTION,
        owner=ON_CALL,
        on_failure="The upload stays in its bucket; the sweep finds it without a render and tells "
        "of it again.",
        replay="Publish it again at any time: an upload is known by its name and generation, "
        "and asks for one render.",
        runbook="Undeliverable",
    ),
    Flow(
        topic=Topic.RENDER_REQUESTS,
        what="A render is wanted, an upload is refused, a render is cancelled or replayed.",
        events=(RenderRequested, UploadRefused, CancelRender, ReplayRender),
        publishers=(ON_UPLOAD, OPERATOR),
        subscription="start-render",
        subscriber=START_RENDER,
        delivery=Delivery.UNWRAPPED_PUSH,
        ack_deadline=ACK_DEADLINE,
        max_delivery_attempts=ATTEMPTS,
        min_backoff=MIN_BACKOFF,
        max_backoff=MAX_BACKOFF,
        retention=RETENTION,
        owner=ON_CALL,
        on_failure="A lost request is asked for again, since the sweep finds its upload without a "
        "render; a lost command must be given again.",
        replay="Publish it again at any time: a request opens one render, a command is obeyed "
        "once.",
        runbook="Undeliverable",
    ),
    Flow(
        topic=Topic.RENDER_RESULTS,
        what="Tasks tell how far they are and how they end.",
        events=get_args(Result),
        publishers=(RENDER_JOB,),
        subscription="on-result",
        subscriber=ON_RESULT,
        delivery=Delivery.UNWRAPPED_PUSH,
        ack_deadline=ACK_DEADLINE,
        max_delivery_attempts=ATTEMPTS,
        min_backoff=MIN_BACKOFF,
        max_backoff=MAX_BACKOFF,
        retention=RETENTION,
        owner=ON_CALL,
        on_failure="Pieces and delivered records in the buckets are the truth; after silence the "
        "sweep reads them and moves the render on.",
        replay="Need not be: what it said is in the buckets. Published again it changes "
        "nothing twice.",
        runbook="Undeliverable",
    ),
    Flow(
        topic=Topic.EXECUTION_EVENTS,
        what="An execution is over, also where its container could not say so itself. Google "
        "Cloud's own notices are no CloudEvents: there this push is wrapped.",
        events=(ExecutionEnded,),
        publishers=(PLACE,),
        subscription="on-execution",
        subscriber=ON_EXECUTION,
        delivery=Delivery.UNWRAPPED_PUSH,
        ack_deadline=ACK_DEADLINE,
        max_delivery_attempts=ATTEMPTS,
        min_backoff=MIN_BACKOFF,
        max_backoff=MAX_BACKOFF,
        retention=RETENTION,
        owner=ON_CALL,
        on_failure="After silence the sweep asks the place whether the execution still runs.",
        replay="Need not be: the place is asked. Published again it changes nothing twice.",
        runbook="Undeliverable",
    ),
    Flow(
        topic=Topic.RENDER_DONE,
        what="This file exists and is verified: one event id per output of a render.",
        events=(RenderDone,),
        publishers=_ANY_CONTROL,
        subscription="render-done-readers",
        subscriber=DOWNSTREAM,
        delivery=Delivery.PULL,
        ack_deadline=ACK_DEADLINE,
        max_delivery_attempts=None,
        min_backoff=MIN_BACKOFF,
        max_backoff=MAX_BACKOFF,
        retention=LONGEST_RETENTION,
        owner=DOWNSTREAM,
        on_failure="Stays on the subscription for 31 days; the file and its certificate stay in "
        "the outputs bucket.",
        replay="What was taken does not come again; the label of each file in the outputs bucket "
        "says the same.",
        runbook="Undeliverable",
        is_public=True,
    ),
    Flow(
        topic=Topic.RENDER_DEAD_LETTER,
        what="This render ended failed: why, what was tried, and what is already made.",
        events=(RenderDeadLetter,),
        publishers=_ANY_CONTROL,
        subscription="render-dead-letter-desk",
        subscriber=COLLECT,
        delivery=Delivery.PULL,
        ack_deadline=LONGEST_ACK_DEADLINE,
        max_delivery_attempts=None,
        min_backoff=MIN_BACKOFF,
        max_backoff=MAX_BACKOFF,
        retention=LONGEST_RETENTION,
        owner=ON_CALL,
        on_failure="Stays on the subscription for 31 days; the failed render stays in the store "
        "and can be replayed from there.",
        replay="`clipline replay` starts a new attempt of the same render, and refuses one "
        "that is done.",
        runbook="Uncollected dead letters",
        is_public=True,
    ),
)

CALLS = (
    Call(
        caller=UPLOADER,
        callee=PLACE,
        what="uploads a video or a sidecar",
        on_failure="The uploader sees the error; an unfinished object does not exist.",
    ),
    Call(
        caller=PLACE,
        callee=SWEEP,
        what="POST every minute",
        on_failure="The next minute's sweep does all of it.",
    ),
    Call(
        caller=PLACE,
        callee=COLLECT,
        what="POST every minute",
        on_failure="What has landed waits where it is; the next minute's call takes it.",
    ),
    *(
        Call(
            caller=actor,
            callee=PLACE,
            what="launch, stop, look",
            on_failure="The effect stays pending with its render; the sweep performs it.",
        )
        for actor in _ANY_CONTROL
    ),
    Call(
        caller=PLACE,
        callee=RENDER_JOB,
        what="runs its tasks; SIGTERM takes them away",
        on_failure="No first task by the lane's start deadline: the next lane is tried.",
    ),
)


def undeliverable(flow: Flow) -> Undeliverable | None:
    """Where a push subscription's messages go when they were refused too often; None for a pull."""
    if flow.delivery is Delivery.PULL:
        return None
    name = f"{flow.subscription}-undeliverable"
    return Undeliverable(
        topic=name,
        subscription=name,
        subscriber=COLLECT,
        ack_deadline=LONGEST_ACK_DEADLINE,
        retention=LONGEST_RETENTION,
    )
