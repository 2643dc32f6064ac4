"""`clipline doctor`: what is missing or misconfigured here, and what mends it."""

from typing import Annotated

import typer

from ops.doctor_machine import of_machine
from ops.doctor_place import of_place
from ops.paper import NOT_WELL, Paper, say_json


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Check that this machine can do the work, and that its place is set up; exits 0 only then."""
    paper, all_well = Paper(), True
    for finding in (*of_machine(), *of_place()):
        all_well = all_well and finding.well
        if as_json:
            say_json(finding)
            continue
        paper.print(f"{'ok ' if finding.well else 'BAD'}  {finding.text}")
        if finding.mend:
            paper.print(f"     mend: {finding.mend}")
    if not all_well:
        raise typer.Exit(NOT_WELL)
