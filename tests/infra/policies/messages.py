"""Topics and subscriptions, and what happens to what is not taken."""

import re
from collections.abc import Iterator
from datetime import timedelta

from schemas.flows import FLOWS, Delivery, undeliverable
from schemas.subscriptions import SUBSCRIPTIONS
from schemas.topics import Topic
from tests.infra.deployment import Deployment, Resource

LONGEST = "2678400s"
"""31 days."""
FINALIZED = "google.cloud.storage.object.v1.finalized"
WRAPPED = {flow.subscription for flow in FLOWS if flow.topic is Topic.EXECUTION_EVENTS}


def subscriptions_are_those_of_the_flows(deployment: Deployment) -> Iterator[str]:
    """Each has the topic, the times and the dead letters that schemas/flows.py says."""
    made = {one.values["name"]: one for one in deployment.of("pubsub_subscription")}
    for wanted in SUBSCRIPTIONS:
        one = made.pop(wanted.name, None)
        if one is None:
            yield f"there is no subscription {wanted.name}"
            continue
        retry, dead = one.block("retry_policy"), one.block("dead_letter_policy")
        said = {
            "topic": (_last(one.values["topic"]), wanted.topic),
            "ack deadline": (one.values["ack_deadline_seconds"], wanted.ack_deadline.seconds),
            "retention": (one.values["message_retention_duration"], _s(wanted.retention)),
            "first pause": (retry.get("minimum_backoff"), _s(wanted.min_backoff)),
            "longest pause": (retry.get("maximum_backoff"), _s(wanted.max_backoff)),
            "attempts": (dead.get("max_delivery_attempts"), wanted.max_delivery_attempts),
            "dead letters": (_last(dead.get("dead_letter_topic")), wanted.dead_letter_topic),
            "push": (bool(one.values["push_config"]), wanted.push),
        }
        for what, (is_so, should) in said.items():
            if is_so != should:
                yield f"{one.address}: {what} is {is_so}, the flows say {should}"
    yield from (f"{one.address} is no flow" for one in made.values())


def every_topic_is_read(deployment: Deployment) -> Iterator[str]:
    """What is published on a topic without a subscription is lost."""
    read = {_last(one.values["topic"]) for one in deployment.of("pubsub_subscription")}
    topics = {one.values["name"] for one in deployment.of("pubsub_topic")}
    yield from (f"nobody reads {topic}" for topic in sorted(topics - read))
    wanted = {flow.topic.value for flow in FLOWS} | {
        net.topic for flow in FLOWS if (net := undeliverable(flow))
    }
    yield from (f"there is no topic {topic}" for topic in sorted(wanted - topics))


def nothing_waits_in_vain(deployment: Deployment) -> Iterator[str]:
    """No subscription expires; what waits for a person waits for 31 days; each has an owner."""
    for one in deployment.of("pubsub_subscription"):
        if "expiration_policy" not in one.values or one.block("expiration_policy").get("ttl") != "":
            yield f"{one.address} is removed when it has been quiet for long"
        pulled = not one.values["push_config"]
        if pulled and one.values["message_retention_duration"] != LONGEST:
            yield f"{one.address} drops what waits before 31 days are over"
        if not (one.values["labels"] or {}).get("owner"):
            yield f"{one.address} has no owner"


def every_push_has_a_net(deployment: Deployment) -> Iterator[str]:
    """A push has a dead-letter topic that is read; Pub/Sub may publish there and take it from here.

    The two grants are held by the list of roles.
    """
    read = {_last(one.values["topic"]) for one in deployment.of("pubsub_subscription")}
    for one in _pushes(deployment):
        net = _last(one.block("dead_letter_policy").get("dead_letter_topic"))
        if net is None:
            yield f"{one.address} has no dead-letter topic"
        elif net not in read:
            yield f"{one.address} gives up to {net}, where it is lost"


def every_push_says_who_it_is(deployment: Deployment) -> Iterator[str]:
    """To the function of its flow, with a token of the pushers' account made out for it."""
    subscribers = {flow.subscription: flow.subscriber.name.replace("_", "-") for flow in FLOWS}
    for one in _pushes(deployment):
        push, token = one.block("push_config"), one.block("push_config", "oidc_token")
        url = str(push["push_endpoint"])
        if not re.match(rf"https://clipline-{subscribers.get(one.values['name'])}-\d+\.", url):
            yield f"{one.address} pushes to {url}"
        if not str(token.get("service_account_email", "")).startswith("clipline-push@"):
            yield f"{one.address} pushes without a token of clipline-push"
        if token.get("audience") != url:
            yield f"{one.address}: its token is for {token.get('audience')}"
        unwrapped = bool(push.get("no_wrapper"))
        if unwrapped != (one.values["name"] not in WRAPPED):
            yield f"{one.address} is {'un' if unwrapped else ''}wrapped"
        if unwrapped and not one.block("push_config", "no_wrapper")["write_metadata"]:
            yield f"{one.address} does not say which message it brings"


def uploads_are_told_of_as_soon_as_they_are_whole(deployment: Deployment) -> Iterator[str]:
    """Eventarc tells on_upload of each finished object in the uploads bucket."""
    triggers = deployment.of("eventarc_trigger")
    if len(triggers) != 1:
        yield f"there are {len(triggers)} triggers"
    for trigger in triggers:
        told = {one["attribute"]: one["value"] for one in trigger.values["matching_criteria"]}
        if told.get("type") != FINALIZED:
            yield f"{trigger.address} is for {told.get('type')}"
        if not str(told.get("bucket")).endswith("-uploads"):
            yield f"{trigger.address} is of {told.get('bucket')}"
        service = trigger.block("destination", "cloud_run_service").get("service")
        if service != "clipline-on-upload":
            yield f"{trigger.address} goes to {service}"


def ends_of_executions_are_passed_on(deployment: Deployment) -> Iterator[str]:
    """The log sink passes on what functions/notices.py reads, of our jobs alone."""
    sinks = deployment.of("logging_project_sink")
    if len(sinks) != 1:
        yield f"there are {len(sinks)} sinks"
    for sink in sinks:
        if not str(sink.values["destination"]).endswith("/topics/execution-events"):
            yield f"{sink.address} goes to {sink.values['destination']}"
        if not sink.values["unique_writer_identity"]:
            yield f"{sink.address} writes as everybody's agent"
        for part in (
            'logName="projects/demo-project/logs/cloudaudit.googleapis.com%2Fsystem_event"',
            'resource.type="cloud_run_job"',
            'resource.labels.job_name=~"^clipline-"',
            'protoPayload.methodName="/Jobs.RunJob"',
        ):
            if part not in sink.values["filter"]:
                yield f"{sink.address} does not ask for {part}"


def sweep_and_desk_are_called_every_minute(deployment: Deployment) -> Iterator[str]:
    """By the clock's own account, and again by nobody but the next minute."""
    clocks = deployment.of("cloud_scheduler_job")
    names = sorted(str(clock.values["name"]) for clock in clocks)
    if names != ["clipline-collect", "clipline-sweep"]:
        yield f"the clocks are {names}"
    for clock in clocks:
        target, token = clock.block("http_target"), clock.block("http_target", "oidc_token")
        if clock.values["schedule"] != "* * * * *":
            yield f"{clock.address} calls at {clock.values['schedule']}"
        if f"//{clock.values['name']}-" not in str(target.get("uri")):
            yield f"{clock.address} calls {target.get('uri')}"
        if target.get("http_method") != "POST":
            yield f"{clock.address} calls with {target.get('http_method')}"
        if token.get("audience") != target.get("uri"):
            yield f"{clock.address}: its token is for {token.get('audience')}"


def _pushes(deployment: Deployment) -> Iterator[Resource]:
    pushed = {f.subscription for f in FLOWS if f.delivery is Delivery.UNWRAPPED_PUSH}
    for one in deployment.of("pubsub_subscription"):
        if one.values["push_config"] or one.values["name"] in pushed:
            yield one


def _last(name: str | None) -> str | None:
    return name.rpartition("/")[2] if name else None


def _s(length: timedelta) -> str:
    return f"{round(length.total_seconds())}s"


POLICIES = (
    subscriptions_are_those_of_the_flows,
    every_topic_is_read,
    nothing_waits_in_vain,
    every_push_has_a_net,
    every_push_says_who_it_is,
    uploads_are_told_of_as_soon_as_they_are_whole,
    ends_of_executions_are_passed_on,
    sweep_and_desk_are_called_every_minute,
)
