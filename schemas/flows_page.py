"""`docs/actors-and-flows.md`, written from `schemas/flows.py`."""

from collections.abc import Iterable
from datetime import timedelta

from schemas.flows import ACTORS, CALLS, FLOWS, Actor, Flow, undeliverable
from schemas.topics import Topic

_HEAD = """\
# Actors and flows

Who speaks to whom, what goes where when it fails, and who takes care of it. Only
{public} are public contracts; the rest is inside.

Written by `make schemas` from `schemas/flows.py`: change it there.
"""


def page() -> str:
    """The whole page, as Markdown."""
    public = " and ".join(f"`{flow.topic}`" for flow in FLOWS if flow.is_public)
    sections = (
        _HEAD.format(public=public),
        f"```mermaid\n{_diagram()}```\n",
        f"## Actors\n\n{_actors()}",
        f"## Flows\n\n{_flows()}",
        f"## Subscriptions\n\n{_subscriptions()}",
        f"## Calls\n\nWhat goes without a topic.\n\n{_calls()}",
        f"## When a message is not acknowledged\n\n{_failures()}",
    )
    return "\n".join(sections)


def _diagram() -> str:
    """Boxes act, slanted boxes are topics; a dotted arrow is what could not be delivered."""
    lines = ["flowchart LR"]
    lines += [f"    {_node(actor)}[{actor.name}]" for actor in ACTORS]
    lines += [f"    {_node(flow.topic)}[/{flow.topic}/]" for flow in FLOWS]
    for flow in FLOWS:
        lines += [f"    {_node(actor)} --> {_node(flow.topic)}" for actor in flow.publishers]
        lines.append(f"    {_node(flow.topic)} --> {_node(flow.subscriber)}")
    for call in CALLS:
        lines.append(f'    {_node(call.caller)} -- "{call.what}" --> {_node(call.callee)}')
    for flow in FLOWS:
        if net := undeliverable(flow):
            lines.append(f"    {_node(flow.topic)} -. undeliverable .-> {_node(net.subscriber)}")
    return "".join(f"{line}\n" for line in lines)


def _node(one: Actor | Topic) -> str:
    name = one.name if isinstance(one, Actor) else f"topic_{one}"
    return name.replace(" ", "_").replace("-", "_")


def _actors() -> str:
    return _table(
        ("actor", "what it does", "runs as"),
        ((a.name, a.what, f"`{a.identity}`" if a.identity else "its own") for a in ACTORS),
    )


def _flows() -> str:
    return _table(
        ("topic", "what is said", "events", "published by", "read by"),
        (
            (
                f"`{flow.topic}`" + (" (public)" if flow.is_public else ""),
                flow.what,
                ", ".join(f"[`{e.__name__}`]({_schema(e.TYPE)})" for e in flow.events),
                ", ".join(actor.name for actor in flow.publishers),
                flow.subscriber.name,
            )
            for flow in FLOWS
        ),
    )


def _schema(kind: str) -> str:
    """Our own events have a schema of ours; Cloud Storage's is described by Google."""
    if kind.startswith("clipline."):
        return f"../schemas/json/{kind}.schema.json"
    return "https://cloud.google.com/eventarc/docs/workflows/cloudevents"


def _subscriptions() -> str:
    return _table(
        ("subscription", "delivery", "ack deadline", "backoff", "given up after", "kept for"),
        (
            (
                f"`{flow.subscription}`",
                flow.delivery,
                _time(flow.ack_deadline),
                f"{_time(flow.min_backoff)} to {_time(flow.max_backoff)}",
                _given_up(flow),
                _time(flow.retention),
            )
            for flow in FLOWS
        ),
    )


def _given_up(flow: Flow) -> str:
    if flow.patience is None:
        return "never"
    return f"{flow.max_delivery_attempts} attempts, {_time(flow.patience)}"


def _calls() -> str:
    return _table(
        ("caller", "called", "what", "if it fails"),
        ((c.caller.name, c.callee.name, c.what, c.on_failure) for c in CALLS),
    )


def _failures() -> str:
    return "\n".join(f"- **`{flow.subscription}`** {_failure(flow)}\n" for flow in FLOWS)


def _failure(flow: Flow) -> str:
    owner = f"{flow.replay} Owner: {flow.owner.name}; {_runbook(flow)}."
    net = undeliverable(flow)
    if net is None:
        return f"{flow.on_failure} {owner}"
    where = f"goes to `{net.topic}`, kept there for {_time(net.retention)}."
    return f"{where} {flow.on_failure} {owner}"


def _runbook(flow: Flow) -> str:
    anchor = flow.runbook.lower().replace(" ", "-")
    return f"[what to do](runbook/README.md#{anchor})"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _time(length: timedelta) -> str:
    """`31 days`, `2 h 20 min`, `10 min` or `60 s`."""
    seconds = round(length.total_seconds())
    if seconds % 86_400 == 0 and seconds:
        return f"{seconds // 86_400} days"
    if seconds >= 3600:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds} s" if seconds <= 120 else f"{seconds // 60} min"
