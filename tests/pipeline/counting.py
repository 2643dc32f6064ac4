"""Ports that count what is read of them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from functions.ports import Ports


class Counted:
    """Any port, each call of which is counted by its name."""

    def __init__(self, port: object, calls: "Counter[str]") -> None:
        self._port = port
        self._calls = calls

    def __getattr__(self, name: str) -> Callable[..., Any]:
        what = getattr(self._port, name)

        def call(*arguments: Any, **named: Any) -> Any:
            self._calls[name] += 1
            return what(*arguments, **named)

        return call


def counted(ports: Ports) -> tuple[Ports, "Counter[str]"]:
    """The ports, and what was asked of renders, ledger and switches since."""
    calls: Counter[str] = Counter()
    return (
        replace(
            ports,
            renders=Counted(ports.renders, calls),
            ledger=Counted(ports.ledger, calls),
            switches=Counted(ports.switches, calls),
        ),
        calls,
    )
