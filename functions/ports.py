"""What the control plane needs from the outside world; each port has a contract suite."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from functions.core.admission import Gate
from functions.core.budget import Budget, Raise
from functions.core.entries import Entry
from functions.core.group import Lack, Machine
from functions.core.lanes import Lane, Policy
from functions.core.quotas import Limit
from functions.core.render import Render, State
from functions.core.share import Head
from functions.core.switches import Switching
from functions.core.tenants import Tenants
from functions.sought import ANY, Sought
from schemas.events import ExecutionEnded
from schemas.failures import Failure
from schemas.media import Media
from schemas.plan import Order
from schemas.ports import Images, ObjectInfo, ObjectStore, Publisher


class Conflict(Exception):
    """Somebody else saved this render first: load it again and decide again."""


class FolderTaken(Exception):
    """Another render delivers into that output folder: plan again with a folder of its own."""


class LaneFull(Exception):
    """Others took the last place on that lane first: read the facts again and decide again."""


class NotRenderable(Exception):
    """The upload was looked at and cannot be rendered; `failure` says why, for a person."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class LaunchRefused(Exception):
    """The lane did not take the attempt; nothing runs. `failure` says of which class that is."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A render and the version of its document, the token of compare-and-set."""

    render: Render
    version: int


class RenderStore(Protocol):
    """One document a render. A saved document is durable when the call returns.

    Where there is a network between, any call may raise StoreUnavailable or StoreRefused.
    """

    def load(self, render: str) -> Stored | None:
        """The render as last saved."""

    def load_all(self, renders: Sequence[str]) -> Sequence[Stored | None]:
        """Each as `load` gives it, in that order: in one go, where the store can."""

    def versions(self, renders: Sequence[str]) -> Mapping[str, int]:
        """By id, of those that are known. The same version is the same document."""

    def save(
        self,
        render: Render,
        *,
        version: int,
        room: int | None = None,
        shared: Sequence[Limit] = (),
    ) -> None:
        """Save over that version; 0 creates. Whatever it raises, nothing was changed then.

        Raises Conflict if the render is not at that version. The plan's output folder belongs to
        the first render that saves it: raises FolderTaken. A render that did not run on its lane
        before, and does from now on, needs one of the lane's `room` places, however many save at
        once: raises LaneFull if so many others run there already. None counts nobody. The same
        holds for each limit that its lane shares with others: of that it takes its lane's weight.
        """

    def due(self, before: datetime, *, limit: int) -> Sequence[str]:
        """Ids of renders whose `due_at` has come, the longest overdue first."""

    def lines(self, *, limit: int) -> Sequence[Head]:
        """Of each line in which renders wait the one that was opened first.

        Costs as many reads as there are lines, however many wait in them.
        """

    def waiting(self, line: str, *, limit: int) -> Sequence[Head]:
        """Those who wait in that line, who was opened first comes first."""

    def count(self, state: State) -> int:
        """How many renders are in that state: for people who look."""

    def running(self, lane: str) -> int:
        """How many renders are starting, rendering or stitching on that lane."""

    def of_upload(self, bucket: str, name: str) -> Sequence[Render]:
        """All renders of that upload name, whatever the generation, newest first."""

    def newest_of(self, bucket: str, names: Sequence[str]) -> Mapping[str, str]:
        """By upload name the id of its newest render, of those that have one."""

    def folder_holder(self, folder: str) -> str | None:
        """The render that delivers into that output folder."""

    def newest(self, *, limit: int, sought: Sought = ANY) -> Sequence[Render]:
        """Renders that are sought, the newest first: for people who look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionState:
    """What a lane says about an execution. `failure` is None while it runs or if all went well."""

    ended: bool
    failure: Failure | None = None


class Ledger(Protocol):
    """What became of every launch, by lane. Entries are added, each key once, and never changed.

    Where there is a network between, any call may raise StoreUnavailable or StoreRefused.
    """

    def append(self, entries: Sequence[Entry]) -> None:
        """Durable when it returns. What is there already stays as it is."""

    def recent(self, lanes: Sequence[str], since: datetime, *, limit: int) -> Sequence[Entry]:
        """Entries of these lanes after that moment, of each lane the `limit` newest."""

    def spent(self, since: datetime) -> int:
        """Nano-dollars of all attempts that have ended since that moment, on any lane."""

    def admit(self, launch: Entry, gate: Gate) -> bool:
        """Write that launch down if the gate lets it pass, however many ask at once.

        One that was written down before has passed. The moment is the launch's own.
        """


class Switches(Protocol):
    """What people have decided of launches and money, and why. Few, and none is ever changed.

    Where there is a network between, any call may raise StoreUnavailable or StoreRefused.
    """

    def note(self, switching: Switching) -> None:
        """Kept for good, durable when it returns: whoever decides from then on knows it."""

    def noted(self) -> Sequence[Switching]:
        """All pauses and resumptions, what was noted last first."""

    def note_raise(self, one: Raise) -> None:
        """As `note`, of a raise of the day's limit."""

    def raises(self, since: datetime) -> Sequence[Raise]:
        """Those from that moment on, the last first."""


class Backend(Protocol):
    """A way to run attempts. A lane that does not answer is raised as TryAgainLater."""

    def launch(self, order: Order) -> str:
        """Start the attempt and return its execution's name. Raises LaunchRefused.

        If the answer is lost the attempt may run twice; its owner record sorts that out. Nothing is
        refused of which it is not known whether it runs.
        """

    def stop(self, execution: str) -> None:
        """SIGTERM, grace, SIGKILL. An execution that has ended or never was is no error."""

    def state(self, execution: str) -> ExecutionState | None:
        """Whether it still runs; None if the lane does not know it."""


class Machines(Protocol):
    """The machines of one group. A service that does not answer is raised as TryAgainLater."""

    def listed(self) -> Sequence[Machine]:
        """All of them, also those that are coming or gone."""

    def lacks(self) -> Sequence[Lack]:
        """The last machines that could not be had."""

    def create(self, names: Sequence[str]) -> Sequence[Lack]:
        """Ask for machines of these names; one that is there already is no error.

        Returns those that were refused at once, in whose place no other was asked for.
        """

    def delete(self, machines: Sequence[Machine]) -> None:
        """Take these away, and no other; one that is not there any more is no error."""


class Group(Protocol):
    """Machines that come and go with the work of a pool."""

    def tend(self) -> Sequence[ExecutionEnded]:
        """Have as many machines as work waits for; the ends of launches that can have none."""


class Uploaded(Protocol):
    """What a prober needs of a bucket: any ObjectStore has it."""

    def stat(self, name: str) -> ObjectInfo | None:
        """See ObjectStore."""

    def read_range(self, name: str, start: int, length: int, *, generation: int) -> bytes:
        """See ObjectStore."""


class Prober(Protocol):
    """Looks into an upload without trusting it."""

    def probe(self, store: Uploaded, name: str, *, generation: int) -> Media:
        """What the container's index says. Raises NotRenderable, or ObjectMissing if it is gone.

        Reads by range, so that the cost does not grow with the upload where there is an index.
        """


class Doorkeeper(Protocol):
    """Lets in who may call an entry point."""

    def admit(self, authorization: str | None) -> None:
        """Takes a request's `Authorization` header. Raises NotAdmitted, or TryAgainLater."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything that the control plane works with, put together by `functions/wiring.py`."""

    clock: Callable[[], datetime]
    draw: Callable[[], float]
    """A number from 0 to below 1, another each time."""
    rest: Callable[[timedelta], None]
    """Lets so much time pass, by the clock."""
    renders: RenderStore
    ledger: Ledger
    switches: Switches
    uploads: ObjectStore
    work: ObjectStore
    outputs: ObjectStore
    publisher: Publisher
    prober: Prober
    images: Images
    lanes: tuple[Lane, ...]
    backends: Mapping[str, Backend]
    """By lane id."""
    policy: Policy
    groups: tuple[Group, ...] = ()
    budget: Budget = field(default_factory=Budget)
    tenants: Tenants = field(default_factory=dict)
    """What is configured of tenants, by name."""
    at_once: int = 1
    """Calls that somebody who looks at very many things does well to have under way together: more
    than one where each is a journey."""
