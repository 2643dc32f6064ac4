"""What is said in runs of the real code: simulated histories, with their faults."""

from infra.simulator.course import Course
from infra.simulator.history import live
from schemas.flows import FLOWS
from tests.infra.flow_map import Edges, may_be_said

MOST = 100
"""Histories; the first ten or so say everything."""


def observed() -> Edges:
    """("said", topic, event) for every message of ours, until all that is declared was said."""
    course, said = Course(seed="flows"), set[tuple[str, ...]]()
    for number in range(MOST):
        told = live(course.recipe(number)).said
        said |= {("said", str(topic), kind) for topic, kind in told if "." in kind}
        if said >= may_be_said(FLOWS):
            break
    return frozenset(said)
