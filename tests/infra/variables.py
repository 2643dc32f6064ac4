"""Environment variables that the code in the cloud reads, found in the code."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = {
    "CLIPLINE_BATCH_EMULATOR": "names a stand-in",
    "CLIPLINE_CLOUD_RUN_EMULATOR": "names a stand-in",
    "CLIPLINE_COMPUTE_EMULATOR": "names a stand-in",
    "CLIPLINE_ENCODER_CLASS": "of the laptop's one lane",
    "CLIPLINE_HOME": "of the laptop",
    "CLIPLINE_LANES_FILE": "where CLIPLINE_LANES does not hold the lanes themselves",
    "CLIPLINE_LIFELINE_FD": "of the laptop's child processes",
    "CLIPLINE_TASKS": "of the laptop's one lane",
}
"""Not set by a deployment, and why."""
BY_THE_LAUNCH = {"CLIPLINE_EXECUTION", "CLIPLINE_LANE", "CLIPLINE_MACHINE"}
"""Told to a task with its order, and to a worker with the seat for which it was made."""


def read_by(*packages: str) -> set[str]:
    """Names of our own variables in that code's strings, but for those of other places."""
    found: set[str] = set()
    for package in packages:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    word = node.value
                    if word.startswith("CLIPLINE_") and word.isupper() and " " not in word:
                        found.add(word)
    return found - set(ELSEWHERE) - BY_THE_LAUNCH


FUNCTIONS = read_by("functions")
TASK = {"CLIPLINE_PLACE"} | {
    name for name in FUNCTIONS if not name.startswith(("CLIPLINE_PUSH", "CLIPLINE_LANES"))
}
"""A task reads the place and `cloud_settings`, and has neither callers nor lanes."""
