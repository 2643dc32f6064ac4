"""What an execution of a Cloud Run job says of itself, for the adapters that look at some."""

from google.cloud.run_v2.types import Condition, Execution


def completed(execution: Execution) -> Condition:
    """Its `Completed` condition; an empty one where it is not there yet."""
    return next((c for c in execution.conditions if c.type_ == "Completed"), Condition())


def is_over(execution: Execution) -> bool:
    """By the condition: times are set in no order that could be relied on."""
    terminal = (Condition.State.CONDITION_FAILED, Condition.State.CONDITION_SUCCEEDED)
    if completed(execution).state in terminal:
        return True
    return "completion_time" in execution and not execution.reconciling


def short(name: str) -> str:
    """The last part of a name."""
    return name.rpartition("/")[2]
