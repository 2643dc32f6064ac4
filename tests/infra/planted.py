"""What is found of the faults that were planted into a copy of the configuration.

`python -m tests.infra.planted` plants them one by one and prints the table: some minutes.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.infra import inputs, terraform
from tests.infra.deployment import Deployment
from tests.infra.fault import Fault
from tests.infra.faults import FAULTS
from tests.infra.policies import findings
from tests.infra.terraform import Terraform

VALIDATE = "validate"


def found(faults: Iterable[Fault], copy: Terraform) -> list[str]:
    """Plant them all, and tell all that is found, each as `policy: sentence`.

    The copy was applied before, so that everything in its plan is known. All must be found by
    `validate` or none.
    """
    planted = tuple(faults)
    for fault in planted:
        fault.plant(copy.folder)
    inputs.lay(copy.folder)
    if any(fault.found_by == VALIDATE for fault in planted):
        words = " ".join(copy.attempt("validate").stderr.split())
        return [f"{VALIDATE}: {words}"]
    copy.run("plan", "-input=false", "-refresh=false", "-out=planted")
    return list(findings(Deployment(copy.shown("planted")["planned_values"])))


def is_found(fault: Fault, sentences: Iterable[str]) -> bool:
    """Whether one of the sentences is its policy's, and tells of it."""
    return any(one.startswith(f"{fault.found_by}: ") and fault.words in one for one in sentences)


def main() -> None:
    """A row a fault; ends with 1 if one was not found, or there is no Terraform."""
    if not terraform.is_here():
        sys.exit("there is no terraform")
    missed = 0
    with TemporaryDirectory() as scratch:
        clean = terraform.working_copy(Path(scratch) / "gcp", Path(scratch) / "mirror")
        inputs.lay(clean.folder)
        clean.init()
        with terraform.serving(clean) as served:
            served.run("apply", "-auto-approve", "-input=false")
            print("| planted | in | found by | others that found it |\n| --- | --- | --- | --- |")
            for number, fault in enumerate(FAULTS):
                sentences = found([fault], served.copy(Path(scratch) / str(number)))
                was_found = is_found(fault, sentences)
                missed += not was_found
                by = f"`{fault.found_by}`" if was_found else "**nothing**"
                others = {one.partition(":")[0] for one in sentences} - {fault.found_by}
                print(f"| {fault.what} | `{fault.file}` | {by} | {len(others)} |", flush=True)
    print(f"{len(FAULTS)} planted, {len(FAULTS) - missed} found", file=sys.stderr)
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()
