"""A stand-in of Compute Engine's managed instance groups: four methods of its REST API.

It does what is written of the service: names are the caller's, `createInstances` raises the target
size and is done before any machine is there, an instance that cannot be had stays CREATING and is
tried again, with its error in `lastAttempt` and in `listErrors`; `deleteInstances` lowers the
target size. An instance that stops is TERMINATED and stays in the group; only a group that repairs
makes it anew under its name. A machine is whatever `boot` starts; when that ends, it has stopped.
https://cloud.google.com/compute/docs/reference/rest/v1/instanceGroupManagers
"""

import subprocess  # noqa: TC003  # `Boot` is made of it
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.emulators.metadata import MetadataEmulator
from infra.emulators.rest import Answer, Method, RestServer, error

NOTICE = timedelta(seconds=30)
"""From the notice of a preemption to the machine's end."""
LOOK_EVERY = 0.02
STOCK_OUT = ("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", "The zone does not have enough resources")
QUOTA = ("QUOTA_EXCEEDED", "Quota 'PREEMPTIBLE_NVIDIA_L4_GPUS' exceeded. Limit: 1.0")

Boot = Callable[[str, Mapping[str, str]], "subprocess.Popen[bytes]"]
"""Starts the machine of that name, told that environment beside its own."""


@dataclass(slots=True, kw_only=True)
class Instance:
    """One machine of the group."""

    name: str
    metadata: MetadataEmulator | None = None
    """While the machine runs."""
    action: str = "CREATING"
    status: str = ""
    error: tuple[str, str] | None = None
    process: "subprocess.Popen[bytes] | None" = None
    dies_at: datetime | None = None


class InstanceGroupEmulator:
    """One group. Serves from the moment it is made until it is closed."""

    def __init__(self, path: str, boot: Boot, *, repairs: bool = False) -> None:
        """`path` as in `MachineGroup.path`; one that `repairs` makes what has stopped anew."""
        self._where = path.rpartition("/instanceGroupManagers/")[0]
        self._boot = boot
        self._repairs = repairs
        self._lock = threading.RLock()
        self._instances: dict[str, Instance] = {}
        self._errors: list[dict[str, Any]] = []
        self._shortage: tuple[str, str] | None = None
        self._answers: list[tuple[int, str]] = []
        self._losses = 0
        self._is_closed = threading.Event()
        self.target_size = 0
        self.created: list[str] = []
        """Every name that was ever booted, once for each time."""
        self._loop = threading.Thread(target=self._live, name="instance group", daemon=True)
        self._loop.start()
        methods = {name: self._alone(method) for name, method in self._methods().items()}
        self._server = RestServer(f"/compute/v1/{path}/", methods)

    @property
    def address(self) -> str:
        """Host and port, for the adapter."""
        return self._server.address

    def close(self) -> None:
        """Nothing of it is left running."""
        self._server.close()
        self._is_closed.set()
        self._loop.join()
        for instance in self._instances.values():
            _end(instance)

    # ── what goes wrong ──

    def starve(self, shortage: tuple[str, str] | None) -> None:
        """From now on no machine can be had, for that code and message; None ends it."""
        with self._lock:
            self._shortage = shortage

    def preempt(self, name: str, notice: timedelta = NOTICE) -> None:
        """The notice comes at once, and SIGTERM with it; the end after that time."""
        with self._lock:
            instance = self._instances[name]
            instance.dies_at = datetime.now(UTC) + notice
            if instance.metadata is not None and instance.process is not None:
                instance.metadata.preempt()
                instance.process.terminate()

    def refuse(self, status: int, words: str) -> None:
        """The next call is answered so, and nothing happens."""
        with self._lock:
            self._answers.append((status, words))

    def lose(self) -> None:
        """The next call is obeyed, and its caller is told 503."""
        with self._lock:
            self._losses += 1

    def statuses(self) -> Mapping[str, str]:
        """By name, what each machine is, or else what is done with it."""
        with self._lock:
            return {one.name: one.status or one.action for one in self._instances.values()}

    # ── what it does by itself ──

    def _live(self) -> None:
        while not self._is_closed.wait(LOOK_EVERY):
            with self._lock:
                for instance in list(self._instances.values()):
                    self._step(instance)

    def _step(self, one: Instance) -> None:
        if one.action == "DELETING":
            _end(one)
            del self._instances[one.name]
        elif one.action in ("CREATING", "RECREATING"):
            self._create(one)
        elif one.status == "RUNNING" and one.process is not None:
            is_over = one.dies_at is not None and datetime.now(UTC) >= one.dies_at
            if is_over:
                one.process.kill()
            if one.process.poll() is not None:
                _end(one)
                one.status = "TERMINATED"
        elif one.status == "TERMINATED" and self._repairs:
            one.action, one.status, one.dies_at = "RECREATING", "", None

    def _create(self, one: Instance) -> None:
        if self._shortage is not None:
            if one.error is None:
                self._note(one, self._shortage)
            one.error = self._shortage
            return
        one.action, one.status, one.error = "NONE", "RUNNING", None
        one.metadata = MetadataEmulator()
        told = {"CLIPLINE_MACHINE": one.name, "CLIPLINE_METADATA": one.metadata.address}
        one.process = self._boot(one.name, told)
        self.created.append(one.name)

    def _note(self, one: Instance, error: tuple[str, str]) -> None:
        details = {"action": one.action, "instance": self._address(one.name)}
        self._errors.append(
            {
                "timestamp": datetime.now(UTC).isoformat(),
                "error": {"code": error[0], "message": error[1]},
                "instanceActionDetails": details,
            }
        )

    def _address(self, name: str) -> str:
        """In a region's group each machine is in a zone of it; here in the first."""
        where = self._where.replace("/regions/", "/zones/")
        zone = where if where == self._where else f"{where}-a"
        return f"https://www.googleapis.com/compute/v1/{zone}/instances/{name}"

    # ── what it is asked ──

    def _alone(self, method: Method) -> Method:
        """The method, as far as its caller is let."""

        def answer(query: Mapping[str, str], body: Any) -> Answer:
            with self._lock:
                if self._answers:
                    return error(*self._answers.pop(0))
                found = method(query, body)
                if self._losses:
                    self._losses -= 1
                    return error(503, "backend error")
                return found

        return answer

    def _methods(self) -> Mapping[str, Method]:
        return {
            "POST listManagedInstances": self._list,
            "GET listErrors": self._list_errors,
            "POST createInstances": self._create_instances,
            "POST deleteInstances": self._delete_instances,
        }

    def _list(self, query: Mapping[str, str], body: Any) -> Answer:
        everything = [self._told(one) for one in self._instances.values()]
        return 200, _page(everything, "managedInstances", query)

    def _told(self, one: Instance) -> dict[str, Any]:
        told: dict[str, Any] = {
            "name": one.name,
            "instance": self._address(one.name),
            "currentAction": one.action,
            "instanceStatus": one.status,
        }
        if one.error is not None:
            error = {"code": one.error[0], "message": one.error[1]}
            told["lastAttempt"] = {"errors": {"errors": [error]}}
        return told

    def _list_errors(self, query: Mapping[str, str], body: Any) -> Answer:
        return 200, _page(self._errors, "items", query)

    def _create_instances(self, query: Mapping[str, str], body: Any) -> Answer:
        names = [one["name"] for one in body["instances"]]
        if twice := [name for name in names if name in self._instances]:
            return error(400, f"Invalid value: '{twice[0]}' already exists.")
        self._instances |= {name: Instance(name=name) for name in names}
        self.target_size += len(names)
        return 200, {"status": "DONE"}

    def _delete_instances(self, query: Mapping[str, str], body: Any) -> Answer:
        names = [str(address).rpartition("/")[2] for address in body["instances"]]
        strange = [name for name in names if name not in self._instances]
        if strange and not body.get("skipInstancesOnValidationError"):
            return error(400, f"Instance '{strange[0]}' is not a member of the group.")
        for name in set(names) - set(strange):
            if self._instances[name].action != "DELETING":
                self._instances[name].action = "DELETING"
                self.target_size -= 1
        return 200, {"status": "DONE"}


def _page(everything: list[dict[str, Any]], field: str, query: Mapping[str, str]) -> dict[str, Any]:
    """As the service pages: a token as long as there is more."""
    first = int(query.get("pageToken", "0"))
    end = first + int(query.get("maxResults", "500"))
    page: dict[str, Any] = {field: everything[first:end]}
    return page if end >= len(everything) else {**page, "nextPageToken": str(end)}


def _end(one: Instance) -> None:
    """SIGKILL, and nothing left."""
    if one.process is not None:
        one.process.kill()
        one.process.wait()
    if one.metadata is not None:
        one.metadata.close()
    one.process, one.metadata = None, None
