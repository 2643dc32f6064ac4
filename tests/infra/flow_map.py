"""The map of flows against what there is: the code, the laptop, the cloud's plan, and a run.

Each of them is brought into one form, a set of edges, and compared with what schemas/flows.py
declares: an edge that is declared and not there is a drift, and so is one that is there and not
declared.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import get_args

from schemas import events
from schemas.flows import CONTROL, FLOWS, Delivery, Flow, undeliverable
from schemas.subscriptions import Subscription
from schemas.topics import Topic
from tests.infra.deployment import Deployment, short

ROOT = Path(__file__).resolve().parents[2]
Edges = frozenset[tuple[str, ...]]
"""("speaks", who, topic), ("hears", topic, subscription, who) and ("takes", who, event)."""

SPEAKERS = {
    "functions/forgotten.py": "sweep",
    "functions/intake.py": "on_upload",
    "functions/perform.py": CONTROL,
    "infra/laptop/pipeline.py": "place",
    "ops/commands.py": "operator",
    "ops/replay_apply.py": "operator",
    "render_job/report.py": "render_job",
    "render_job/worker.py": "place",
}
"""Files in which something is published, and for which actor; anything may perform effects, so
`perform.py` speaks for all who save renders."""
PACKAGES = ("functions", "infra/laptop", "ops", "render_job")
CARRIERS = ("functions/adapters", "infra/laptop/unruly_bus.py")
"""They carry what others say."""
ENTRY_POINTS = "functions/main.py"
PLACES = {("clipline-render-job", "execution-events"), ("gcp-sa-logging", "execution-events")}
"""In the cloud the place speaks as these: Batch takes the account of the job, the log sink has its
own. An upload is told of by Eventarc, past the topic."""
OTHERS = {"clipline-worker"}
"""A pool's machines run the same tasks under an account of their own: what that may say is on the
list of roles (`tests/infra/allowed.py`), and makes up for nothing that is missing here."""
PEOPLE = {"group:video@example.com": "operator", "app": "downstream subscriber"}
ASKING = PEOPLE | {"clipline-desk": "collect"}
"""Who pulls."""

TESTS = {
    "on-upload": "tests/pipeline/test_entry_points.py::"
    "test_an_upload_event_is_taken_wrapped_and_unwrapped",
    "start-render": "tests/pipeline/test_entry_points.py::"
    "test_a_request_opens_one_render_however_often_it_comes",
    "on-result": "tests/bundle/test_entry_points.py::test_news_of_a_task_moves_its_render",
    "on-execution": "tests/pipeline/test_push.py::"
    "test_an_end_is_taken_wrapped_in_our_words_and_in_the_place_s_own",
    "render-done-readers": "tests/pipeline/test_run.py::test_the_sample_becomes_a_verified_clip",
    "render-dead-letter-desk": "tests/pipeline/test_run.py::test_what_is_no_video_is_a_dead_letter",
}
"""By subscription, the test that sends something over the edge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class There:
    """All that the map is compared with."""

    flows: Sequence[Flow]
    code: Mapping[str, str]
    """Texts, by path."""
    deployment: Deployment | None
    """None where there is no Terraform."""
    subscriptions: Sequence[Subscription]
    """The laptop's."""
    paths: Mapping[str, str]
    """By subscription, where the laptop pushes it."""
    observed: Edges
    """("said", topic, event) for every message of a run."""
    runbook: str
    tests: Mapping[str, str]


def drifts(there: There) -> Iterator[str]:
    """A sentence for each difference."""
    yield from _incomplete(there)
    yield from _differ("the code", _declared_in_code(there.flows), in_code(there.code))
    yield from _differ("the laptop", _declared_on_laptop(there.flows), on_laptop(there))
    if there.deployment is not None:
        declared = _declared_in_plan(there.flows)
        yield from _differ("the cloud's plan", declared, in_plan(there.deployment))
    yield from _differ("a run", may_be_said(there.flows), there.observed)


def may_be_said(flows: Iterable[Flow]) -> Edges:
    """Every event on its topic."""
    return frozenset(("said", flow.topic.value, e.TYPE) for flow in flows for e in flow.events)


def in_code(files: Mapping[str, str]) -> Edges:
    """Calls of `publish` with a topic, and what each entry point takes."""
    return frozenset(edge for path, text in files.items() for edge in _edges(path, text))


@cache
def _edges(path: str, text: str) -> Edges:
    """Of one file; none is parsed twice."""
    if path.startswith(CARRIERS):
        return frozenset()
    tree = ast.parse(text)
    who = SPEAKERS.get(path, f"nobody knows who, in {path}")
    spoken = {("speaks", who, topic) for topic in _published(tree)}
    taken = set(_taken(tree)) if path == ENTRY_POINTS else set()
    return frozenset(spoken | taken)


def on_laptop(there: There) -> Edges:
    """Its subscriptions, and where it pushes them."""
    found: set[tuple[str, ...]] = set()
    for one in there.subscriptions:
        path = there.paths.get(one.name) if one.push else "pulled"
        found.add(("hears", one.topic, one.name, path or "nowhere"))
        if one.push:
            found.add(("gives up", one.name, one.dead_letter_topic or "nowhere"))
    return frozenset(found)


def in_plan(deployment: Deployment) -> Edges:
    """Who may publish where, and which function or person gets what."""
    topics = {topic.value for topic in Topic}
    found: set[tuple[str, ...]] = set()
    pulled: dict[str, set[str]] = {}
    for grant in deployment.grants():
        who = short(grant.member)
        if who in OTHERS:
            continue
        if grant.kind == "topic" and grant.on in topics and grant.role == "pubsub.publisher":
            is_place = (who, grant.on) in PLACES
            found.add(("speaks", "place" if is_place else PEOPLE.get(who, who), grant.on))
        if grant.kind == "subscription" and who in ASKING:
            pulled.setdefault(grant.on, set()).add(ASKING[who])
    services = {
        f.values["name"]: f.block("build_config")["entry_point"]
        for f in deployment.of("cloudfunctions2_function")
    }
    for one in deployment.of("pubsub_subscription"):
        name, topic = one.values["name"], str(one.values["topic"]).rpartition("/")[2]
        endpoint = str(one.block("push_config").get("push_endpoint", ""))
        pushed = {entry for service, entry in services.items() if f"//{service}-" in endpoint}
        for who in pushed or pulled.get(name) or {"nobody"}:
            found.add(("hears", topic, name, who))
    return frozenset(found)


def code() -> dict[str, str]:
    """The texts of the checkout, by path."""
    return {
        path.relative_to(ROOT).as_posix(): path.read_text()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    }


def _declared_in_code(flows: Iterable[Flow]) -> Edges:
    """All who save renders speak through one file: they are one, under their account's name."""
    found: set[tuple[str, ...]] = set()
    for flow in flows:
        everybody = {a.name for a in flow.publishers if a.identity == CONTROL}
        for actor in flow.publishers:
            is_any = actor.identity == CONTROL and len(everybody) > 1
            found.add(("speaks", CONTROL if is_any else actor.name, flow.topic.value))
        if flow.delivery is Delivery.UNWRAPPED_PUSH:
            found |= {("takes", flow.subscriber.name, kind.__name__) for kind in flow.events}
    return frozenset(found)


def _declared_on_laptop(flows: Iterable[Flow]) -> Edges:
    found: set[tuple[str, ...]] = set()
    for flow in flows:
        is_push = flow.delivery is Delivery.UNWRAPPED_PUSH
        path = f"/{flow.subscriber.name}/" if is_push else "pulled"
        found.add(("hears", flow.topic.value, flow.subscription, path))
        if net := undeliverable(flow):
            found.add(("gives up", flow.subscription, net.topic))
            found.add(("hears", net.topic, net.subscription, "pulled"))
    return frozenset(found)


def _declared_in_plan(flows: Iterable[Flow]) -> Edges:
    found: set[tuple[str, ...]] = set()
    for flow in flows:
        for actor in flow.publishers:
            # Eventarc's own topic is not this one.
            if not (actor.name == "place" and flow.topic is Topic.UPLOADS):
                found.add(("speaks", actor.identity or actor.name, flow.topic.value))
        found.add(("hears", flow.topic.value, flow.subscription, flow.subscriber.name))
        if net := undeliverable(flow):
            found.add(("hears", net.topic, net.subscription, net.subscriber.name))
    return frozenset(found)


def _incomplete(there: There) -> Iterator[str]:
    """Each edge has an owner, a schema, a way for what fails, a runbook entry and a test."""
    headings = {line[3:] for line in there.runbook.splitlines() if line.startswith("## ")}
    for flow in there.flows:
        name = flow.subscription
        if not flow.owner.name:
            yield f"{name} has no owner"
        if not flow.events:
            yield f"{name} has no event, so no schema"
        for kind in flow.events:
            ours = kind.TYPE.startswith("clipline.")
            if ours and not (ROOT / f"schemas/json/{kind.TYPE}.schema.json").exists():
                yield f"{kind.TYPE} on {name} has no published schema"
        if not flow.on_failure or not flow.replay:
            yield f"{name} does not say what becomes of what fails"
        if flow.runbook not in headings:
            yield f"{name} names '{flow.runbook}', which docs/runbook/README.md has not"
        path, _, test = there.tests.get(name, "").partition("::")
        if (
            not path
            or not (ROOT / path).is_file()
            or f"def {test}(" not in (ROOT / path).read_text()
        ):
            yield f"{name} has no test"


def _differ(where: str, declared: Edges, there: Edges) -> Iterator[str]:
    for edge in sorted(declared - there):
        yield f"{where} has not: {' '.join(edge)}"
    for edge in sorted(there - declared):
        yield f"{where} has, and it is not declared: {' '.join(edge)}"


def _published(tree: ast.AST) -> Iterator[str]:
    """Topics of calls; one whose topic is no constant is an edge that nobody can see."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr == "publish" and node.args:
            topic = node.args[0]
            if isinstance(topic, ast.Attribute) and ast.unparse(topic.value) == "Topic":
                yield Topic[topic.attr].value
            else:
                yield f"a topic that only the run knows ({ast.unparse(topic)})"


def _taken(tree: ast.Module) -> Iterator[tuple[str, ...]]:
    """What each entry point has `event_in` accept, or `end_in`."""
    names: dict[str, object] = {**vars(events), "get_args": get_args}
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_REQUESTS":
            names["_REQUESTS"] = eval(ast.unparse(node.value), names)
    for function in tree.body:
        if not isinstance(function, ast.FunctionDef) or not function.decorator_list:
            continue
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        for call in calls:
            if ast.unparse(call.func) == "event_in":
                listed = ", ".join(map(ast.unparse, call.args[1:]))
                for kind in eval(f"({listed},)", names):
                    yield ("takes", function.name, kind.__name__)
            if ast.unparse(call.func) == "end_in":
                yield ("takes", function.name, events.ExecutionEnded.__name__)


def everything(deployment: Deployment | None, observed: Edges) -> There:
    """As it is in this checkout."""
    from infra.laptop.subscriptions import PUSH_PATHS, subscriptions

    return There(
        flows=FLOWS,
        code=code(),
        deployment=deployment,
        subscriptions=subscriptions(),
        paths=PUSH_PATHS,
        observed=observed,
        runbook=(ROOT / "docs" / "runbook" / "README.md").read_text(),
        tests=TESTS,
    )
