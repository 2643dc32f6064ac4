"""From what ffmpeg or the system said to a typed failure."""

import re
from errno import EDQUOT, EFBIG, EIO, ENOSPC
from signal import SIGKILL, SIGXCPU, SIGXFSZ, Signals

from schemas.failures import Failure, FailureClass

LINES_THAT_MATTER = 8
ENDED_BY_SIGNAL = 255
"""ffmpeg's own exit status when it caught a signal and tidied up."""
NOT_STARTED = 127

_NOT_STARTED = re.compile(r"^the program cannot be started: (.*)$", re.MULTILINE)
_NO_SPACE = re.compile(r"No space left on device|Disk quota exceeded|File too large")
_NO_MEMORY = re.compile(
    r"Cannot allocate memory|malloc of size \d+ failed|pthread_create\(\) failed|bad_alloc"
    r"|CUDA_ERROR_OUT_OF_MEMORY"
)
"""Under its limit of memory even a thread's stack cannot be had; ffmpeg starts some dozens."""
_NO_MEANS = re.compile(
    r"Unknown encoder|Encoder not found|No such filter|Filter not found|Unknown decoder"
    r"|Cannot load (?:lib(?:cuda|nv)|nv)|No device available for decoder|No capable devices found"
    r"|minimum required Nvidia driver|not support the required nvenc API|CUDA_ERROR_(?!OUT_OF)"
)
"""Said by NVENC and CUDA where there is no driver, or an old one (the last three: not run)."""
_NOT_PERMITTED = re.compile(
    r"Permission denied|Operation not permitted|Read-only file system"
    r"|Error opening output .*: (?:No such file|Not a directory|Is a directory)"
)
_CLAIMS_TOO_MUCH = re.compile(r"Error opening input(?: files?)?.*: Cannot allocate memory")
"""A container whose tables say that they need more than one block of memory may have."""
_BAD_INPUT = re.compile(
    r"Error opening input(?: files?)?.*: Cannot allocate memory"
    r"|Invalid data found|moov atom not found|matches no streams|not contain any stream"
    r"|[Ee]rror while decoding|Decoder .*not found|Error (?:opening|initializing).* decoder"
    r"|Could not find codec parameters|Picture size .* is invalid|not whitelisted|not on whitelist"
    r"|Not on whitelist|exceeds max_(?:pixels|streams)|unknown codec|EBML header parsing failed"
    r"|no decoder found for|File ended prematurely|Unsupported input \("
    r"|exceeds containing master element|as first byte of an EBML number"
)
_NOT_READ = re.compile(
    r"Input/output error|Connection (?:refused|reset by peer|timed out)|HTTP error 5\d\d"
    r"|Server returned 5|Broken pipe"
)
"""The store or the disk, not the upload: where that is cut off ffmpeg says so before."""
_NOT_OPENED = re.compile(r"Error opening input|error reading header|patches welcome")
"""Whatever else it says of the upload's head: that is never a death of ffmpeg."""
_NEWS = re.compile(r"(?:^|\] )\[(?:info|warning)\] ")
_LEVEL = re.compile(r"\[(?:error|fatal|panic)\] ")
"""Where ffmpeg was asked to say more than errors, it says before each line what it is."""


def diagnose(status: int, words: str, *, starved: bool = False) -> Failure:
    """The failure that an exit status other than 0 and the last of stderr amount to.

    `status` is negative for a signal that killed ffmpeg, as in subprocess. `starved` says that the
    kernel killed somebody here for memory while it ran. Paths and addresses
    are taken out of the words, so that one cause reads the same for every upload.
    """
    detail = meaningful(words)
    if status == -SIGXFSZ or _NO_SPACE.search(words):
        return _failure(FailureClass.DEPENDENCY, "disk_full", "The disk is full.", detail)
    if status == -SIGXCPU:
        said = "ffmpeg used up its limit of CPU time."
        return _failure(FailureClass.TIMEOUT, "cpu_limit", said, detail)
    if status == -SIGKILL and starved:
        said = "ffmpeg was killed for using up the machine's memory."
        return _failure(FailureClass.OUT_OF_MEMORY, "memory_limit", said, detail)
    if status == NOT_STARTED and (why := _NOT_STARTED.search(words)):
        return not_started(why[1])
    if status < 0 or (status == ENDED_BY_SIGNAL and not detail):
        said = f"ffmpeg was killed from outside by {_signal(-status)}."
        return _failure(FailureClass.CRASH, "ffmpeg_killed", said, detail)
    if _NO_MEMORY.search(words) and not _CLAIMS_TOO_MUCH.search(words):
        said = "ffmpeg asked for more memory than it may have."
        return _failure(FailureClass.OUT_OF_MEMORY, "memory_limit", said, detail)
    if _NO_MEANS.search(words):
        said = "This machine's ffmpeg or driver cannot do what the render needs."
        return _failure(FailureClass.DEPENDENCY, "ffmpeg_unable", said, detail)
    if _NOT_PERMITTED.search(words):
        said = "ffmpeg may not read or write a file that it needs."
        return _failure(FailureClass.DEPENDENCY, "not_permitted", said, detail)
    if _BAD_INPUT.search(words):
        said = "ffmpeg cannot read the upload."
        return _failure(FailureClass.INPUT, "source_unreadable", said, detail)
    if _NOT_READ.search(words):
        said = "ffmpeg got no more of the upload from where it is kept, or could not write."
        return _failure(FailureClass.DEPENDENCY, "source_unread", said, detail)
    if _NOT_OPENED.search(words):
        said = "ffmpeg cannot read the upload."
        return _failure(FailureClass.INPUT, "source_unreadable", said, detail)
    said = f"ffmpeg failed with exit status {status}."
    return _failure(FailureClass.CRASH, "ffmpeg_failed", said, detail)


def not_started(why: str) -> Failure:
    """There is no ffmpeg, or none that this machine can run."""
    said = f"ffmpeg cannot be started ({why})."
    return _failure(FailureClass.DEPENDENCY, "ffmpeg_missing", said, "")


def of_os_error(error: OSError) -> Failure | None:
    """The failure of the machine's disk that it tells of; None for any other error, a bug.

    A full disk has one fingerprint, whether ffmpeg met it or we did.
    """
    detail = meaningful(str(error))
    if error.errno in (ENOSPC, EDQUOT, EFBIG):
        return _failure(FailureClass.DEPENDENCY, "disk_full", "The disk is full.", detail)
    if error.errno == EIO:
        said = "The disk cannot be read or written."
        return _failure(FailureClass.DEPENDENCY, "disk_broken", said, detail)
    return None


def _failure(kind: FailureClass, reason: str, message: str, detail: str) -> Failure:
    return Failure(failure=kind, reason=reason, message=message, detail=detail)


def _signal(number: int) -> str:
    return Signals(number).name if number in set(Signals) else "a signal"


def meaningful(words: str) -> str:
    """The last lines, each once, without paths and memory addresses."""
    lines: dict[str, None] = {}
    for line in words.splitlines():
        if _NEWS.search(line):
            continue
        line = _LEVEL.sub("", re.sub(r" @ 0x[0-9a-f]+", "", line))
        line = re.sub(r"(?:\w+:)?(?<!\w)(?:/[^\s/:']+)+/?", "…", line).strip()
        if line:
            lines.pop(line, None)
            lines[line] = None
    return "\n".join(list(lines)[-LINES_THAT_MATTER:])
