"""From ffmpeg's last words to a typed failure; the words are real ones."""

from errno import EDQUOT, EFBIG, EIO, ENOENT, ENOSPC, EPIPE
from os import strerror
from signal import SIGKILL, SIGXCPU, SIGXFSZ

import pytest

from render_job.diagnosis import diagnose, of_os_error
from schemas.failures import FailureClass

MOOV = "[mov,mp4,m4a,3gp,3g2,mj2 @ 0x55d0c8a3] moov atom not found\n"
SHORT = "[in#0] File ended prematurely at pos. 538 (0x21a)"
UNKNOWN_CURVE = (
    "[swscaler @ 0x55] Unsupported input (Operation not supported): fmt:yuv420p csp:bt709 "
    "prim:bt709 trc:log100 -> fmt:yuv420p csp:bt709 prim:bt709 trc:log100"
)
EIO_WORDS = "Error opening input files: Input/output error"
MUX = "[out#0/mp4 @ 0x5581] Error writing trailer: No space left on device\n"


@pytest.mark.parametrize(
    ("status", "words", "kind", "reason"),
    [
        (183, MOOV, FailureClass.INPUT, "source_unreadable"),
        (1, "/uploads/x.mp4: Invalid data found when processing input", FailureClass.INPUT, None),
        (234, "Stream map '0:V:0' matches no streams.", FailureClass.INPUT, None),
        (228, MUX, FailureClass.DEPENDENCY, "disk_full"),
        (-SIGXFSZ, "", FailureClass.DEPENDENCY, "disk_full"),
        (-SIGXCPU, "", FailureClass.TIMEOUT, "cpu_limit"),
        (-SIGKILL, "", FailureClass.CRASH, "ffmpeg_killed"),
        (-SIGKILL, MOOV, FailureClass.CRASH, "ffmpeg_killed"),
        (255, "", FailureClass.CRASH, "ffmpeg_killed"),
        (244, "malloc of size 9 failed: Cannot allocate memory", FailureClass.OUT_OF_MEMORY, None),
        (251, f"{SHORT}\n{EIO_WORDS}", FailureClass.INPUT, "source_unreadable"),
        (187, "[in#0] Error opening input: End of file", FailureClass.INPUT, "source_unreadable"),
        (176, "Error opening input files: Not yet implemented", FailureClass.INPUT, None),
        (
            234,
            "[vist#0:0] Decoding requested, but no decoder found for: x",
            FailureClass.INPUT,
            None,
        ),
        (161, UNKNOWN_CURVE, FailureClass.INPUT, "source_unreadable"),
        (251, EIO_WORDS, FailureClass.DEPENDENCY, "source_unread"),
        (8, "Option not found", FailureClass.CRASH, "ffmpeg_failed"),
    ],
)
def test_a_status_and_words_have_one_class(
    status: int, words: str, kind: FailureClass, reason: str | None
) -> None:
    failure = diagnose(status, words)
    assert failure.failure is kind
    assert reason in (failure.reason, None)


@pytest.mark.parametrize("number", [ENOSPC, EDQUOT, EFBIG])
def test_a_full_disk_is_one_failure_whoever_meets_it(number: int) -> None:
    failure = of_os_error(OSError(number, strerror(number), "/scratch/r-1/piece.mp4"))
    assert failure is not None
    assert (failure.failure, failure.reason) == (FailureClass.DEPENDENCY, "disk_full")
    assert failure.fingerprint == diagnose(228, MUX).fingerprint
    assert strerror(number) in failure.detail
    assert "scratch" not in failure.detail


def test_a_broken_disk_is_no_bug() -> None:
    failure = of_os_error(OSError(EIO, strerror(EIO)))
    assert failure is not None
    assert (failure.failure, failure.reason) == (FailureClass.DEPENDENCY, "disk_broken")


@pytest.mark.parametrize(
    "error", [FileNotFoundError(ENOENT, strerror(ENOENT)), BrokenPipeError(EPIPE, "x"), OSError()]
)
def test_any_other_error_of_the_system_is_a_bug(error: OSError) -> None:
    assert of_os_error(error) is None


def test_a_kill_for_memory_is_no_other_kill() -> None:
    starved = diagnose(-SIGKILL, "", starved=True)
    assert (starved.failure, starved.reason) == (FailureClass.OUT_OF_MEMORY, "memory_limit")
    assert diagnose(8, "Option not found", starved=True).reason == "ffmpeg_failed"


def test_a_killed_ffmpeg_is_told_with_the_signals_name() -> None:
    assert "SIGKILL" in diagnose(-SIGKILL, "").message


def test_the_words_lose_paths_and_addresses_and_repetitions() -> None:
    said = "[h264 @ 0x7f01] broken\n[h264 @ 0x7f02] broken\nfile:/secret/tenant/a.mp4: no\n"
    assert diagnose(8, said).detail == "[h264] broken\n…: no"


def test_one_cause_has_one_fingerprint() -> None:
    one, other = diagnose(1, MOOV), diagnose(183, MOOV.replace("0x55d0c8a3", "0x1"))
    assert one.fingerprint == other.fingerprint
