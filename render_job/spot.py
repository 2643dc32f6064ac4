"""The notice that a Spot machine is about to be taken away, as its metadata server tells it.

`instance/preempted` turns TRUE when the machine is taken; with `wait_for_change` the server answers
in that moment (https://cloud.google.com/compute/docs/instances/create-use-spot). 30 s later, at
best, nothing runs any more.
"""

import logging
import threading
import time
import urllib.error
import urllib.request
from datetime import timedelta

PATH = "/computeMetadata/v1/instance/preempted"
HEADERS = {"Metadata-Flavor": "Google"}
WAIT = timedelta(seconds=60)
"""How long one question may stay open; then it is asked again."""
SPARE = timedelta(seconds=10)
"""Beyond that the server does not answer."""
PAUSE = timedelta(seconds=2)
"""Before a server that did not answer is asked again."""

log = logging.getLogger("clipline.worker")


class SpotNotice:
    """Whether the notice has come. `server` is host and port: metadata.google.internal, or another.

    It is asked from a thread of its own, which ends with the process.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self._told = threading.Event()
        threading.Thread(target=self._watch, name="spot notice", daemon=True).start()

    def __call__(self) -> bool:
        """Cheap; once it has come it stays."""
        return self._told.is_set()

    def _watch(self) -> None:
        """The first question is answered at once: who starts again late must not wait."""
        etag, is_away = "", False
        while not self._told.is_set():
            try:
                preempted, etag = self._ask(etag)
            except (OSError, ValueError) as error:
                # One line an outage: a machine that is not Google's has no such server at all.
                if not is_away:
                    log.warning("no word of preemption from %s: %s", self._server, error)
                is_away, etag = True, ""
                time.sleep(PAUSE.total_seconds())
                continue
            is_away = False
            if preempted:
                log.warning("this machine is being taken away", extra={"action": "spot_notice"})
                self._told.set()

    def _ask(self, etag: str) -> tuple[bool, str]:
        """The answer, and the tag of what was answered. Raises OSError or ValueError."""
        wait = round(WAIT.total_seconds())
        query = f"?wait_for_change=true&timeout_sec={wait}&last_etag={etag}" if etag else ""
        request = urllib.request.Request(f"http://{self._server}{PATH}{query}", headers=HEADERS)
        limit = (WAIT + SPARE).total_seconds()
        with _OPENER.open(request, timeout=limit) as answer:
            return answer.read(16).strip() == b"TRUE", answer.headers.get("ETag", "")


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""The metadata server is on this machine: no proxy comes between."""
