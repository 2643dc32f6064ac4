"""The supervisor imports nothing of the render job, so its exit codes are held to it here."""

from functions.adapters import child_outcome
from render_job.errors import Exit


def test_the_supervisor_reads_the_exit_codes_that_the_job_writes() -> None:
    understood = {0, child_outcome.TRY_AGAIN, child_outcome.BUG}
    assert understood == {code.value for code in Exit}
    assert Exit(child_outcome.BUG) is Exit.BUG
    assert Exit(0) is Exit.REPORTED
