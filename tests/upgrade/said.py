"""What a release writes and reads: run by the code of the folder that it is started in.

    python -c "exec(…)" write              every event and many renders, as JSON on standard output
    python -c "exec(…)" read < written     reads them, and writes what it has understood of each

It may only use what both releases have.
"""

import json
import sys
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import timedelta

from functions.core.machine import advance
from functions.core.render import Render
from schemas import examples
from schemas.events import Event
from schemas.plan import Order, RenderPlan
from schemas.wire import event_of, from_json, message_of, to_json
from tests.unit import makers


def events() -> list[Event]:
    """One of each kind."""
    return list(examples.EVENTS)


def renders() -> dict[str, Render]:
    """One in every state that a machine has been through, each with its history."""
    accepted = makers.after(None, makers.requested(), now=makers.NOW, facts=NO_LANE)
    running = makers.rendering(spec=makers.THREE_OUTPUTS)
    later = makers.NOW + timedelta(minutes=9)
    half = advance(running, makers.verified(running), now=later, facts=makers.FACTS)
    assert half is not None
    done = half
    while done.missing:
        more = advance(done, makers.verified(done), now=later, facts=makers.FACTS)
        assert more is not None
        done = more
    died = makers.over(running, makers.failure(), frames=20)
    again = advance(running, died, now=later, facts=makers.FACTS)
    assert again is not None
    return {
        "without a lane": accepted,
        "starting": makers.starting(),
        "rendering": running,
        "half done": half,
        "done": done,
        "after a death": again,
    }


NO_LANE = replace(makers.FACTS, lanes=())
KINDS: dict[str, type] = {"render": Render, "plan": RenderPlan, "order": Order}


def write() -> None:
    """All of it, on standard output."""
    said = []
    for event in events():
        message = message_of(event, "//clipline/tests")
        data = b64encode(message.data).decode()
        said.append({"kind": "event", "attributes": dict(message.attributes), "data": data})
    for name, render in renders().items():
        said.append({"kind": "render", "name": name, "document": to_json(render).decode()})
        if render.plan is not None:
            said.append({"kind": "plan", "name": name, "document": to_json(render.plan).decode()})
    said.append({"kind": "order", "name": "an order", "document": to_json(makers.order()).decode()})
    print(json.dumps(said))


def read() -> None:
    """What is understood of each: its own words for it. What cannot be read ends it."""
    understood = []
    for one in json.load(sys.stdin):
        if one["kind"] == "event":
            told = {k[3:]: v for k, v in one["attributes"].items() if k.startswith("ce-")}
            event = event_of(told, b64decode(one["data"]))
            message = message_of(event, "//clipline/tests")
            data = b64encode(message.data).decode()
            understood.append({"attributes": dict(message.attributes), "data": data})
        else:
            value: object = from_json(one["document"].encode(), KINDS[one["kind"]])
            understood.append({"document": to_json(value).decode()})
    print(json.dumps(understood))


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]]()
