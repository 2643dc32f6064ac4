"""The control plane imports nothing of the render job, so its exit codes are held to it here."""

from functions.outcomes import exit_codes
from functions.outcomes.exit_codes import failure_of_code, most_telling
from render_job.errors import Exit
from schemas.failures import FailureClass


def test_the_control_plane_reads_the_exit_codes_that_the_job_writes() -> None:
    assert Exit(exit_codes.REPORTED) is Exit.REPORTED
    assert Exit(exit_codes.BUG) is Exit.BUG
    assert Exit(exit_codes.UNAVAILABLE) is Exit.UNAVAILABLE
    assert Exit(exit_codes.DISK) is Exit.DISK
    assert Exit(exit_codes.TRY_AGAIN) is Exit.TRY_AGAIN
    assert Exit(exit_codes.REFUSED) is Exit.REFUSED
    assert {code.value for code in Exit} == {
        *(exit_codes.REPORTED, exit_codes.UNAVAILABLE, exit_codes.BUG),
        *(exit_codes.DISK, exit_codes.TRY_AGAIN, exit_codes.REFUSED),
    }


def test_a_task_that_could_not_tell_of_its_disk_is_a_dependency_s_failure() -> None:
    failure = failure_of_code(Exit.DISK, "task 0")
    assert failure.failure is FailureClass.DEPENDENCY
    assert failure.reason == "task_disk"


def test_of_many_codes_one_that_is_ours_counts_before_any_other() -> None:
    assert most_telling([1, Exit.BUG, -9]) == Exit.BUG
    assert most_telling([Exit.BUG, Exit.TRY_AGAIN, Exit.DISK]) == Exit.TRY_AGAIN
    assert most_telling([137, 1]) == 1
    assert most_telling([]) is None
