"""Alert policies of a deployment, evaluated over log entries: as far as both languages are used.

    entry ─ log filter ─► metric, by minute ─ condition ─► true or false at a moment

Log filters: https://cloud.google.com/logging/docs/view/logging-query-language; conditions as
https://cloud.google.com/monitoring/alerts/concepts-indepth says them. What is not used here is not
understood, and raises ValueError: an alert that nobody can evaluate is no alert.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.infra.deployment import Deployment, Resource

OURS = "logging.googleapis.com/user/"
_TERM = re.compile(r"(?P<path>[A-Za-z_.]+)\s*(?P<op>=~|>=|<=|!=|=|>|<)\s*(?P<value>.+)", re.DOTALL)
_METRIC = re.compile(r'metric\.type="([^"]+)"')
_EXTRACT = re.compile(r"EXTRACT\(([A-Za-z_.]+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One log entry."""

    at: datetime
    service: str
    """Of Cloud Run, that wrote it."""
    payload: Mapping[str, Any]

    def value(self, path: str) -> Any:
        """What stands there; None for nothing."""
        whole: Any = {
            "resource": {
                "type": "cloud_run_revision",
                "labels": {"service_name": self.service},
            },
            "jsonPayload": self.payload,
        }
        for step in path.split("."):
            whole = whole.get(step) if isinstance(whole, Mapping) else None
        return whole


@dataclass(frozen=True, slots=True)
class Metric:
    """A log-based metric: which entries it counts, and what it reads of each."""

    resource: Resource

    @property
    def type(self) -> str:
        """As alerts name it."""
        return f"{OURS}{self.resource.values['name']}"

    def counts(self, entry: Entry) -> bool:
        """Whether that entry is one of its."""
        return matches(self.resource.values["filter"], entry)

    def reads(self, entry: Entry) -> dict[str, Any]:
        """The value and the labels that it takes from the entry, by their paths."""
        said = [self.resource.values.get("value_extractor")]
        said += (self.resource.values.get("label_extractors") or {}).values()
        return {
            path: entry.value(path) for one in said if one for path in _EXTRACT.findall(str(one))
        }


def metrics(deployment: Deployment) -> dict[str, Metric]:
    """All of them, by type."""
    found = (Metric(one) for one in deployment.of("logging_metric"))
    return {metric.type: metric for metric in found}


def matches(words: str, entry: Entry) -> bool:
    """Whether a log filter takes the entry. Raises ValueError for what is not understood."""
    return all(_holds(term, entry) for term in re.split(r"\s+AND\s+", words.strip()))


def _holds(term: str, entry: Entry) -> bool:
    found = _TERM.fullmatch(term)
    if found is None:
        raise ValueError(f"not understood in a log filter: {term}")
    said, op, wanted = entry.value(found["path"]), found["op"], found["value"].strip()
    if wanted.startswith("("):
        options = re.split(r"\s+OR\s+", wanted.strip("()"))
        return any(_compares(said, op, one) for one in options)
    return _compares(said, op, wanted)


def _compares(said: Any, op: str, wanted: str) -> bool:
    """Of a field that is missing nothing holds."""
    if said is None:
        return False
    if wanted.startswith('"') and wanted.endswith('"'):
        text = wanted[1:-1]
        if op == "=~":
            return re.search(text, str(said)) is not None
        if op == "=":
            return str(said).lower() == text.lower()
        raise ValueError(f"not understood of text: {op}")
    if wanted in ("true", "false"):
        return op == "=" and bool(said is (wanted == "true"))
    number: float = float(wanted)
    if isinstance(said, bool) or not isinstance(said, int | float):
        return False
    held: Mapping[str, bool] = {
        "=": said == number,
        ">": said > number,
        ">=": said >= number,
        "<": said < number,
        "<=": said <= number,
    }
    return held[op]


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alert policy over what is logged."""

    policy: Resource
    known: Mapping[str, Metric]

    @property
    def name(self) -> str:
        """In its `for_each`, or in the configuration."""
        return str(self.policy.key or self.policy.name)

    @property
    def is_of_logs(self) -> bool:
        """Whether all that it watches is logged by us."""
        words = str(self.policy.values["conditions"])
        return all(OURS in one for one in _METRIC.findall(words))

    def rings(self, entries: Sequence[Entry], at: datetime) -> bool:
        """Whether its conditions hold at that moment."""
        held = [self._condition(one, entries, at) for one in self.policy.values["conditions"]]
        return all(held) if self.policy.values["combiner"] == "AND" else any(held)

    def incidents(self, entries: Sequence[Entry], moments: Iterable[datetime]) -> int:
        """How often it began to ring: each is told once, however much is behind it.

        Only where nothing groups its series: each group would have incidents of its own.
        """
        for condition in self.policy.values["conditions"]:
            for kind in ("condition_threshold", "condition_absent"):
                for one in condition[kind] or ():
                    if any(part.get("group_by_fields") for part in one["aggregations"]):
                        raise ValueError(f"{self.name} has incidents by group")
        rung = [self.rings(entries, at) for at in moments]
        return sum(now and not before for before, now in zip([False, *rung], rung, strict=False))

    def _condition(
        self, condition: Mapping[str, Any], entries: Sequence[Entry], at: datetime
    ) -> bool:
        if condition["condition_absent"]:
            (one,) = condition["condition_absent"]
            return not self._sum(one["filter"], entries, at, _length(one["duration"]))
        (one,) = condition["condition_threshold"]
        if one["comparison"] != "COMPARISON_GT" or one["duration"] != "0s":
            raise ValueError(f"not understood: {one}")
        window = _length(one["aggregations"][0]["alignment_period"])
        total: float = self._sum(one["filter"], entries, at, window)
        if one["denominator_filter"]:
            of = self._sum(one["denominator_filter"], entries, at, window)
            total = total / of if of else 0.0
        threshold: float = one["threshold_value"]
        return total > threshold

    def _sum(self, words: str, entries: Sequence[Entry], at: datetime, window: timedelta) -> int:
        (name,) = _METRIC.findall(words)
        metric = self.known[name]
        return sum(at - window < one.at <= at and metric.counts(one) for one in entries)


def alarms(deployment: Deployment) -> dict[str, Alarm]:
    """Every alert policy over what is logged, by name."""
    known = metrics(deployment)
    found = (Alarm(one, known) for one in deployment.of("monitoring_alert_policy"))
    return {alarm.name: alarm for alarm in found if alarm.is_of_logs}


def _length(text: str) -> timedelta:
    return timedelta(seconds=int(text.removesuffix("s")))
