"""Why something did not work: one enum, used everywhere, with a sentence for a person."""

import re
from dataclasses import dataclass
from enum import StrEnum

from schemas.ids import digest


class FailureClass(StrEnum):
    """What kind of failure it is; `functions/core/retry.py` says what each one is allowed."""

    INPUT = "input"
    SPEC = "spec"
    CAPACITY = "capacity"
    PREEMPTED = "preempted"
    TIMEOUT = "timeout"
    OUT_OF_MEMORY = "out_of_memory"
    CRASH = "crash"
    DEPENDENCY = "dependency"
    INTERNAL = "internal"
    CANCELLED = "cancelled"
    BUDGET = "budget"


ADVICE = {
    FailureClass.INPUT: "The upload cannot be rendered as it is: export it again and upload it.",
    FailureClass.SPEC: "What was asked for is not possible: correct the field and send it again.",
    FailureClass.CAPACITY: "No machine could be had: it is tried again on the next lane.",
    FailureClass.PREEMPTED: "The machine was taken away: the rest goes on elsewhere.",
    FailureClass.TIMEOUT: "The task ran out of its time limit: use a lane with a longer limit.",
    FailureClass.OUT_OF_MEMORY: "The machine's memory was too small: use a lane with more memory.",
    FailureClass.CRASH: "The renderer died without a word: look at its log, then replay.",
    FailureClass.DEPENDENCY: "A service or program it needs failed: mend that, then replay.",
    FailureClass.INTERNAL: "This is a bug in Clipline: report it with the fingerprint.",
    FailureClass.CANCELLED: "It was cancelled: nothing is to be done.",
    FailureClass.BUDGET: "It would cost more than its limit: raise the limit, then replay.",
}

UNTOLD = "exit_code_untold"
"""The reason of a failure of which is told that it happened: why, stands elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failure as evidence: what happened in one sentence, and where a person can see more.

    `reason` is a short snake_case word for machines (`no_video_stream`); `message` has at most
    1,000 characters; `detail` holds the last lines that matter of a program's own words, at most
    2,000. Where a limit was passed, `field` names what has one, `value` is what was found there and
    `limit` what would have been accepted, in words; else they are empty.
    """

    failure: FailureClass
    reason: str
    message: str
    detail: str = ""
    field: str = ""
    value: str = ""
    limit: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", self.message[:1000])
        object.__setattr__(self, "detail", self.detail[-2000:])
        object.__setattr__(self, "value", self.value[:200])

    @property
    def advice(self) -> str:
        """What a person should do about it."""
        return ADVICE[self.failure]

    @property
    def fingerprint(self) -> str:
        """Stable over ids, paths and numbers: a thousand failures of one cause share it."""
        return digest(self.failure, self.reason, _without_particulars(self.message))[:12]


_QUOTED = re.compile(r"""(?<!\w)'(?:[^']|'(?=\w))*(?:'|$)|"[^"]*(?:"|$)|\S*/\S*""")
"""An apostrophe within or after a word (the event's type) is no quotation mark; a quotation that a
limit of length has cut off ends with the text."""
_COUNTED = re.compile(r"\b[0-9a-f]*\d[0-9a-f.:]*\b")


def _without_particulars(text: str) -> str:
    """The sentence with quoted names, paths, hex and numbers taken out."""
    return _COUNTED.sub("#", _QUOTED.sub("", text))
