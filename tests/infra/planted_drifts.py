"""Drifts that are planted between the map of flows and what there is: each is found.

`python -m tests.infra.planted_drifts` prints the table.
"""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from schemas.events import RenderDone
from schemas.flows import DOWNSTREAM, ON_UPLOAD, OPERATOR, RENDER_JOB, START_RENDER, Flow
from schemas.topics import Topic
from tests.infra.deployment import Deployment, Resource
from tests.infra.flow_map import There

Change = Callable[[There], There]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One planted drift."""

    what: str
    where: str
    """Declared, code, laptop, plan or run: which of them was changed."""
    change: Change
    words: str
    """Part of the sentence in which it is found."""


def flow(topic: Topic, **changed: Any) -> Change:
    """One flow is declared otherwise."""

    def change(there: There) -> There:
        def altered(one: Flow) -> Flow:
            return replace(one, **changed) if one.topic is topic else one

        return replace(there, flows=tuple(map(altered, there.flows)))

    return change


def text(path: str, old: str, new: str) -> Change:
    """A file of the code says something else. Raises ValueError where it does not say it."""

    def change(there: There) -> There:
        if not re.search(old, there.code[path]):
            raise ValueError(f"{path} has no {old!r}: the drift is stale")
        return replace(there, code={**there.code, path: re.sub(old, new, there.code[path])})

    return change


def plan(address: str, alter: Callable[[Mapping[str, Any]], Mapping[str, Any] | None]) -> Change:
    """Resources whose address ends so have other values, or are gone."""

    def change(there: There) -> There:
        if there.deployment is None:
            return there
        kept: list[Resource] = []
        for one in there.deployment.resources:
            if address in one.address:
                values = alter(one.values)
                if values is not None:
                    kept.append(replace(one, values=values))
            else:
                kept.append(one)
        if kept == list(there.deployment.resources):
            raise ValueError(f"the plan has no {address}: the drift is stale")
        return replace(there, deployment=Deployment.holding(kept))

    return change


def gone(values: Mapping[str, Any]) -> None:
    """Not there any more."""


def with_values(**changed: Any) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """The same with some values changed."""
    return lambda values: {**values, **changed}


def pushed_to(name: str) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Pushed to another function."""
    url = f"https://clipline-{name}-123456789012.us-east4.run.app"
    return lambda values: {
        **values,
        "push_config": [{**values["push_config"][0], "push_endpoint": url}],
    }


def laptop(drop: str = "", **paths: str) -> Change:
    """The laptop lacks a subscription, or pushes somewhere else."""

    def change(there: There) -> There:
        kept: Sequence[Any] = [one for one in there.subscriptions if one.name != drop]
        named = {name.replace("_", "-"): path for name, path in paths.items()}
        return replace(there, subscriptions=kept, paths={**there.paths, **named})

    return change


def run(topic: str, kind: str) -> Change:
    """One more message is seen."""
    return lambda there: replace(there, observed=there.observed | {("said", topic, kind)})


PUBLISHER = "google_pubsub_topic_iam_member"
PUSH = "google_pubsub_subscription.this"

DRIFTS = (
    # what is declared
    Drift(
        what="a publisher is forgotten",
        where="declared",
        change=flow(Topic.RENDER_REQUESTS, publishers=(OPERATOR,)),
        words="not declared: speaks on_upload render-requests",
    ),
    Drift(
        what="a publisher is invented",
        where="declared",
        change=flow(Topic.RENDER_RESULTS, publishers=(RENDER_JOB, START_RENDER)),
        words="has not: speaks start_render render-results",
    ),
    Drift(
        what="another function is said to listen",
        where="declared",
        change=flow(Topic.RENDER_RESULTS, subscriber=ON_UPLOAD),
        words="has not: hears render-results on-result /on_upload/",
    ),
    Drift(
        what="a subscription is renamed in one place",
        where="declared",
        change=flow(Topic.RENDER_REQUESTS, subscription="start-renders"),
        words="has not: hears render-requests start-renders",
    ),
    Drift(
        what="an event is moved to another topic",
        where="declared",
        change=flow(Topic.EXECUTION_EVENTS, events=(RenderDone,)),
        words="has not: takes on_execution RenderDone",
    ),
    Drift(
        what="an edge without a schema",
        where="declared",
        change=flow(Topic.RENDER_DONE, events=()),
        words="no event, so no schema",
    ),
    Drift(
        what="an edge without an owner",
        where="declared",
        change=flow(Topic.RENDER_DONE, owner=replace(DOWNSTREAM, name="")),
        words="render-done-readers has no owner",
    ),
    Drift(
        what="an edge without a way for what fails",
        where="declared",
        change=flow(Topic.RENDER_DONE, on_failure=""),
        words="does not say what becomes",
    ),
    Drift(
        what="an edge whose runbook entry is gone",
        where="declared",
        change=lambda there: replace(there, runbook=there.runbook.replace("## Undeliver", "## X")),
        words="names 'Undeliverable'",
    ),
    Drift(
        what="an edge without a test",
        where="declared",
        change=lambda there: replace(there, tests={**there.tests, "on-result": ""}),
        words="on-result has no test",
    ),
    # the code
    Drift(
        what="something is published on another topic",
        where="code",
        change=text("functions/perform.py", r"Topic\.RENDER_DONE", "Topic.RENDER_RESULTS"),
        words="the code has not: speaks clipline-control render-done",
    ),
    Drift(
        what="somebody new publishes",
        where="code",
        change=text(
            "functions/handle.py", r"\Z", "\ndef _x(p):\n    p.publish(Topic.UPLOADS, 1)\n"
        ),
        words="nobody knows who, in functions/handle.py",
    ),
    Drift(
        what="a topic that only the run knows",
        where="code",
        change=text("render_job/report.py", r"Topic\.RENDER_RESULTS", "chosen"),
        words="a topic that only the run knows",
    ),
    Drift(
        what="a function takes less than it is sent",
        where="code",
        change=text("functions/main.py", r"RenderRequested, UploadRefused, \*", "UploadRefused, *"),
        words="the code has not: takes start_render RenderRequested",
    ),
    Drift(
        what="a function takes more than it is sent",
        where="code",
        change=text(
            "functions/main.py",
            r"event_in\(request, ObjectFinalized",
            "event_in(request, ObjectFinalized, *get_args(Result)",
        ),
        words="not declared: takes on_upload",
    ),
    # the laptop
    Drift(
        what="the laptop lacks a subscription",
        where="laptop",
        change=laptop(drop="on-result"),
        words="the laptop has not: hears render-results on-result",
    ),
    Drift(
        what="the laptop lacks a dead-letter subscription",
        where="laptop",
        change=laptop(drop="on-result-undeliverable"),
        words="the laptop has not: hears on-result-undeliverable",
    ),
    Drift(
        what="the laptop pushes to another function",
        where="laptop",
        change=laptop(on_upload="/start_render/"),
        words="not declared: hears uploads on-upload /start_render/",
    ),
    # the plan
    Drift(
        what="a function may publish what is not its own",
        where="plan",
        change=plan(
            f'{PUBLISHER}.actor["intake to render-requests"]', with_values(topic="render-done")
        ),
        words="not declared: speaks clipline-intake render-done",
    ),
    Drift(
        what="a task may not tell how far it is",
        where="plan",
        change=plan(f'{PUBLISHER}.actor["render-job to render-results"]', gone),
        words="plan has not: speaks clipline-render-job render-results",
    ),
    Drift(
        what="nobody passes on how executions end",
        where="plan",
        change=plan("_tells_of_ends", gone),
        words="plan has not: speaks place execution-events",
    ),
    Drift(
        what="the cloud lacks a subscription",
        where="plan",
        change=plan(f'{PUSH}["render-done-readers"]', gone),
        words="plan has not: hears render-done render-done-readers downstream subscriber",
    ),
    Drift(
        what="the cloud pushes to another function",
        where="plan",
        change=plan(f'{PUSH}["on-result"]', pushed_to("start-render")),
        words="not declared: hears render-results on-result start_render",
    ),
    Drift(
        what="nobody may read dead letters",
        where="plan",
        change=plan('desk_collects["render-dead-letter-desk"]', gone),
        words="not declared: hears render-dead-letter render-dead-letter-desk nobody",
    ),
    Drift(
        what="a subscription of somebody else's",
        where="plan",
        change=plan(f'{PUSH}["start-render"]', with_values(name="spy")),
        words="not declared: hears render-requests spy",
    ),
    # a run
    Drift(
        what="something is said where it does not belong",
        where="run",
        change=run("render-done", "clipline.render.progress.v1"),
        words="not declared: said render-done clipline.render.progress.v1",
    ),
    Drift(
        what="nobody ever says it",
        where="run",
        change=lambda there: replace(
            there, observed=frozenset(one for one in there.observed if "cancel" not in one[2])
        ),
        words="a run has not: said render-requests clipline.render.cancel.v1",
    ),
)


def main() -> None:
    """A row a drift; ends with 1 if one was not found."""
    import tempfile

    from tests.infra import inputs, terraform
    from tests.infra.flow_map import drifts, everything
    from tests.infra.observed import observed

    with tempfile.TemporaryDirectory() as scratch:
        one = terraform.working_copy(Path(scratch) / "gcp", Path(scratch) / "mirror")
        inputs.lay(one.folder)
        one.init()
        one.run("apply", "-auto-approve", "-input=false")
        there = everything(Deployment(one.shown()["values"]), observed())
    missed = 0
    print("| planted | changed | found as |\n| --- | --- | --- |")
    for drift in DRIFTS:
        said = [words for words in drifts(drift.change(there)) if drift.words in words]
        missed += not said
        print(f"| {drift.what} | {drift.where} | {said[0] if said else '**not**'} |")
    print(f"{len(DRIFTS)} planted, {len(DRIFTS) - missed} found", file=sys.stderr)
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
