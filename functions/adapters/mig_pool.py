"""The machines of a managed instance group, over Compute Engine's REST API.

Its own client takes two seconds to import and a function that sweeps has one minute, so this speaks
to the four methods that are needed by themselves:
https://cloud.google.com/compute/docs/reference/rest/v1/instanceGroupManagers

Machines are created by name, which raises the group's target size, and deleted by name, which
lowers it: the size is never set, since a smaller one has the service choose whom to take away. The
group must repair nothing (`default_action_on_failure = "DO_NOTHING"`): a preempted machine that
came back under its name would take up work that another one does by then. Not run against Google
Cloud.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from requests import RequestException, Response, Session

from functions.core.group import Condition, Lack, Machine, Shortage
from functions.errors import GroupRefused, TryAgainLater
from functions.machine_groups import MachineGroup
from schemas.times import utc

GOOGLE, PATH = "https://compute.googleapis.com", "/compute/v1/"
SCOPE = "https://www.googleapis.com/auth/compute"
ANSWER_WITHIN = 20.0
"""Seconds for one call."""
PAGE = 500
"""The service's most."""
LACKS = 500
"""Errors that are read; in which order they come is not established."""

_COMING = frozenset({"CREATING", "CREATING_WITHOUT_RETRIES", "RECREATING", "VERIFYING"})
_LEAVING = frozenset({"ABANDONING", "DELETING"})
_GONE = frozenset({"STOPPED", "SUSPENDED", "TERMINATED"})
_RUNNING = frozenset({"REPAIRING", "RUNNING"})
_STOPPING = frozenset({"STOPPING", "SUSPENDING"})
_LOST = frozenset({408, 429, 500, 502, 503, 504})

log = logging.getLogger("clipline.group")


class MigPool:
    """Machines. Calls raise TryAgainLater where no answer came, and GroupRefused."""

    def __init__(self, group: MachineGroup, *, emulator: str | None = None) -> None:
        """`emulator` is `host:port` of a stand-in; without one it is Google's endpoint."""
        server = f"http://{emulator}" if emulator else GOOGLE
        self._base = f"{server}{PATH}{group.path}"
        self._session = Session() if emulator else _authorized()

    def listed(self) -> Sequence[Machine]:
        """All of them, page by page."""
        return [_machine(one) for one in self._pages("POST", "listManagedInstances", PAGE)]

    def lacks(self) -> Sequence[Lack]:
        """Errors of creating a machine that mean that there was none; others are in the logs."""
        found = (_lack(one) for one in self._pages("GET", "listErrors", LACKS, most=LACKS))
        return [one for one in found if one is not None]

    def create(self, names: Sequence[str]) -> Sequence[Lack]:
        """One call for all. Where one is there already none is made; the next tending sees it.

        A lack is told later, by `lacks`.
        """
        if not names:
            return ()
        log.info("creates %s", list(names), extra={"action": "machines_created"})
        body = {"instances": [{"name": name} for name in names]}
        # No requestId: names do its work, and a machine that died may be wanted again.
        answer = self._call("POST", "createInstances", body)
        if not _says_already(answer):
            _check(answer)
        return ()

    def delete(self, machines: Sequence[Machine]) -> None:
        """These, by name; what is not in the group any more is passed over."""
        if not machines:
            return
        log.info("deletes %s", [one.name for one in machines], extra={"action": "machines_deleted"})
        addresses = [one.address for one in machines]
        body = {"instances": addresses, "skipInstancesOnValidationError": True}
        _check(self._call("POST", "deleteInstances", body))

    def _pages(
        self, verb: str, method: str, size: int, *, most: int | None = None
    ) -> Iterator[Mapping[str, Any]]:
        token, told = "", 0
        while most is None or told < most:
            answer = self._call(verb, method, maxResults=str(size), pageToken=token)
            _check(answer)
            page = answer.json()
            items = page.get("managedInstances") or page.get("items") or []
            yield from items
            told, token = told + len(items), page.get("nextPageToken", "")
            if not token:
                return

    def _call(self, verb: str, method: str, body: Any = None, **query: str) -> Response:
        asked = {name: value for name, value in query.items() if value}
        try:
            answer = self._session.request(
                verb, f"{self._base}/{method}", params=asked, json=body, timeout=ANSWER_WITHIN
            )
        except RequestException as error:
            raise TryAgainLater(f"{method}: {error}") from error
        if answer.status_code in _LOST:
            raise TryAgainLater(f"{method}: {answer.status_code}")
        return answer


def _authorized() -> Session:
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default(scopes=[SCOPE])
    session: Session = AuthorizedSession(credentials)
    return session


def _check(answer: Response) -> None:
    if not answer.ok:
        raise GroupRefused(f"{answer.status_code}: {answer.text[:500]}")


def _says_already(answer: Response) -> bool:
    """The names are the work's own: who finds one there asked for it before, or its twin did."""
    return answer.status_code in (400, 409) and "already" in answer.text.lower()


def _machine(told: Mapping[str, Any]) -> Machine:
    address = str(told["instance"])
    return Machine(
        name=str(told.get("name") or address.rpartition("/")[2]),
        address=address,
        condition=_condition(told),
        shortage=next(filter(None, map(_shortage, _errors(told))), None),
    )


def _condition(told: Mapping[str, Any]) -> Condition:
    """What the group does with it counts before what the machine is."""
    action, status = told.get("currentAction", "NONE"), told.get("instanceStatus", "")
    if action in _LEAVING or status in _STOPPING:
        return Condition.LEAVING
    if action in _COMING:
        return Condition.COMING
    if status in _GONE:
        return Condition.GONE
    return Condition.RUNNING if status in _RUNNING else Condition.COMING


def _errors(told: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Of the last attempt at it."""
    found: Sequence[Mapping[str, Any]] = (
        told.get("lastAttempt", {}).get("errors", {}).get("errors", [])
    )
    return found


def _lack(told: Mapping[str, Any]) -> Lack | None:
    error = told.get("error", {})
    shortage = _shortage(error)
    if shortage is None:
        return None
    words = f"{error.get('code', '')}: {error.get('message', '')}"
    at = utc(datetime.fromisoformat(told["timestamp"]))
    return Lack(at=at, shortage=shortage, words=words)


def _shortage(error: Mapping[str, Any]) -> Shortage | None:
    """By its code alone; `zonesAvailable` in its details is a hint, and no promise."""
    code = str(error.get("code", ""))
    if "RESOURCE_POOL_EXHAUSTED" in code:
        return Shortage.STOCK_OUT
    return Shortage.QUOTA if "QUOTA_EXCEEDED" in code else None
