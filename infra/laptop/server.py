"""The functions, served by the real functions-framework: every entry point under its own path."""

import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import functions_framework
import waitress
from waitress.wasyncore import close_all
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

CALLED = ("sweep", "collect")
"""By a clock, and with nothing to read."""
TARGETS = ("on_upload", "start_render", "on_result", "on_execution", *CALLED)
SOURCE = Path(__file__).parents[2] / "functions" / "main.py"
THREADS = 8
CONNECTIONS = 1000
"""At once. Pub/Sub's emulator keeps those that it has opened, and whoever comes beyond the limit is
not heard: with waitress's own of 100, uploads were seen to be asked for a minute late."""
LONGEST_GOODBYE = 5.0
"""Seconds; the thread ends with the process."""


class Server:
    """HTTP on the loopback interface, by default on a port that was free."""

    def __init__(
        self, targets: Sequence[str] = TARGETS, source: Path = SOURCE, port: int = 0
    ) -> None:
        """Serves those functions of that file."""
        apps = {f"/{t}": functions_framework.create_app(t, str(source)) for t in targets}
        app = DispatcherMiddleware(NotFound(), apps)
        self._sockets: dict[int, Any] = {}
        self._server = waitress.create_server(
            app,
            map=self._sockets,
            host="127.0.0.1",
            port=port,
            threads=THREADS,
            connection_limit=CONNECTIONS,
            ident="clipline",
        )
        self._thread = threading.Thread(target=self._server.run, name="server", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that was chosen."""
        return int(self._server.effective_port)

    def close(self) -> None:
        """Let the requests in hand finish, and answer no others: their messages come again.

        The sockets are closed by the thread that waits on them: another one would pull them from
        under its feet.
        """
        self._server.task_dispatcher.shutdown()
        self._server.trigger.pull_trigger(partial(close_all, self._sockets, ignore_all=True))
        self._thread.join(LONGEST_GOODBYE)
