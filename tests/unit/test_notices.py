"""What Cloud Run and Batch say of an end themselves is understood, and nothing else is."""

import base64
import json
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.notices import execution_ended
from functions.outcomes.untold import UNKNOWN
from schemas.events import ExecutionEnded
from schemas.failures import UNTOLD, Failure, FailureClass
from schemas.wire import MESSAGE_PUBLISHED, Unreadable, message_of
from tests.unit.makers import NOW

ENTRIES = json.loads(
    (Path(__file__).parents[1] / "data" / "cloud_run_log_entries.json").read_text()
)
BATCH = {
    "JobName": "projects/123456789012/locations/us-central1/jobs/r-0123456789abcdef0123-0003",
    "JobUID": "r-01234567-89ab-cdef-0",
    "Region": "us-central1",
    "Type": "JOB_STATE_CHANGED",
}


def read(
    data: bytes, attributes: dict[str, str] | None = None, at: str | None = None
) -> ExecutionEnded | None:
    inner = {"data": base64.b64encode(data).decode(), "attributes": attributes or {}}
    body = {"message": inner | {"messageId": "1"} | ({"publishTime": at} if at else {})}
    return execution_ended({"type": MESSAGE_PUBLISHED}, json.dumps(body).encode())


def entry(name: str = "non_zero_exit") -> Any:
    return deepcopy(ENTRIES[name])


EXPECTED = {
    "non_zero_exit": (FailureClass.CRASH, UNTOLD),
    "timeout": (FailureClass.TIMEOUT, "task_timeout"),
    "out_of_memory": (FailureClass.OUT_OF_MEMORY, "memory_limit"),
    "secret_denied": (FailureClass.CRASH, UNKNOWN),
    "success": None,
}


@pytest.mark.parametrize("name", ENTRIES)
def test_every_captured_entry_is_an_end(name: str) -> None:
    ended = read(json.dumps(ENTRIES[name]).encode())
    assert ended is not None
    assert (ended.render, ended.attempt) == ("r-0123456789abcdef0123", 3)
    assert ended.execution == "renders-hkk8p"
    assert ended.at == datetime(2026, 11, 24, 10, 15, 31, 20110, tzinfo=UTC)
    said = ended.failure and (ended.failure.failure, ended.failure.reason)
    assert said == EXPECTED[name]


def test_an_execution_that_goes_on_is_no_end() -> None:
    going_on = entry()
    going_on["protoPayload"]["response"]["status"]["conditions"][0]["status"] = "Unknown"
    assert read(json.dumps(going_on).encode()) is None


def test_an_entry_without_counts_of_a_failure_is_no_success() -> None:
    bare = entry()
    status = bare["protoPayload"]["response"]["status"]
    status.pop("failedCount")
    status.pop("succeededCount")
    ended = read(json.dumps(bare).encode())
    assert ended is not None
    assert ended.failure is not None


def without(*path: str) -> Any:
    """An entry that lacks one field."""
    whole = entry()
    part = whole
    for name in path[:-1]:
        part = part[name]
    del part[path[-1]]
    return whole


RESPONSE = ("protoPayload", "response")


@pytest.mark.parametrize(
    "broken",
    [
        without("protoPayload"),
        without("protoPayload", "methodName"),
        without("protoPayload", "response"),
        without(*RESPONSE, "metadata"),
        without(*RESPONSE, "metadata", "name"),
        without(*RESPONSE, "spec"),
        without(*RESPONSE, "spec", "template"),
        without(*RESPONSE, "status"),
        without(*RESPONSE, "status", "conditions"),
        [],
        "text",
        None,
        {},
    ],
)
def test_what_is_no_entry_of_ours_is_refused(broken: object) -> None:
    with pytest.raises(Unreadable):
        read(json.dumps(broken).encode())


@pytest.mark.parametrize(
    "arguments",
    [None, [], ["--render", "r-1"], ["--render", "r-1", "--attempt", "x"], ["--render", 1], "r-1"],
)
def test_an_execution_with_other_arguments_is_none_of_ours(arguments: object) -> None:
    strange = entry()
    template = strange["protoPayload"]["response"]["spec"]["template"]["spec"]
    template["containers"][0]["args"] = arguments
    with pytest.raises(Unreadable, match="none of ours"):
        read(json.dumps(strange).encode())


def test_a_worker_s_end_is_nobody_s_render_and_no_news() -> None:
    worker = entry()
    template = worker["protoPayload"]["response"]["spec"]["template"]["spec"]
    template["containers"][0]["args"] = ["worker", "--pool", "small", "--tasks", "1"]
    assert read(json.dumps(worker).encode()) is None


@pytest.mark.parametrize("count", [-1, "x", True, 1.5, {}, "99999999999999999999"])
def test_a_count_that_is_no_number_is_refused(count: object) -> None:
    strange = entry()
    strange["protoPayload"]["response"]["status"]["failedCount"] = count
    with pytest.raises(Unreadable, match="failedCount"):
        read(json.dumps(strange).encode())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
PATHS = st.sampled_from(
    [
        ("protoPayload",),
        ("protoPayload", "status"),
        (*RESPONSE, "metadata"),
        (*RESPONSE, "metadata", "name"),
        (*RESPONSE, "spec"),
        (*RESPONSE, "spec", "taskCount"),
        (*RESPONSE, "spec", "template", "spec", "containers"),
        (*RESPONSE, "status"),
        (*RESPONSE, "status", "conditions"),
        (*RESPONSE, "status", "completionTime"),
    ]
)


@given(path=PATHS, value=JSON)
def test_whatever_stands_in_an_entry_it_is_read_or_refused(
    path: tuple[str, ...], value: object
) -> None:
    strange = entry()
    part = strange
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    with suppress(Unreadable):
        read(json.dumps(strange).encode())


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("SUCCEEDED", None),
        ("FAILED", (FailureClass.CRASH, UNTOLD)),
        ("CANCELLED", (FailureClass.CANCELLED, "stopped")),
    ],
)
def test_batch_tells_of_an_end(state: str, expected: tuple[FailureClass, str] | None) -> None:
    ended = read(b"", BATCH | {"NewJobState": state}, at="2026-11-24T10:00:00.5Z")
    assert ended is not None
    assert (ended.render, ended.attempt) == ("r-0123456789abcdef0123", 3)
    assert ended.execution == "r-0123456789abcdef0123-0003"
    assert ended.at == datetime(2026, 11, 24, 10, 0, 0, 500_000, tzinfo=UTC)
    assert (ended.failure and (ended.failure.failure, ended.failure.reason)) == expected


@pytest.mark.parametrize("state", ["QUEUED", "SCHEDULED", "RUNNING", None])
def test_batch_tells_of_other_things_as_well(state: str | None) -> None:
    more = {"NewJobState": state} if state else {"NewTaskState": "RUNNING"}
    assert read(b"", BATCH | more, at="2026-11-24T10:00:00Z") is None


def test_a_notice_of_batch_without_a_time_or_of_another_s_job_is_refused() -> None:
    with pytest.raises(Unreadable, match="time"):
        read(b"", BATCH | {"NewJobState": "FAILED"})
    with pytest.raises(Unreadable, match="none of ours"):
        read(b"", {"JobName": "jobs/x", "NewJobState": "FAILED"}, at="2026-11-24T10:00:00Z")


def test_our_own_event_is_taken_as_before() -> None:
    failure = Failure(failure=FailureClass.CRASH, reason="r", message="m")
    event = ExecutionEnded(render="r-1", attempt=1, execution="e", failure=failure, at=NOW)
    message = message_of(event, "//test")
    assert read(message.data, dict(message.attributes)) == event
    bare = {name[3:]: value for name, value in message.attributes.items() if name[:3] == "ce-"}
    assert execution_ended(bare, message.data) == event
