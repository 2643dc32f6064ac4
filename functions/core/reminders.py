"""When an upload without a render is told again: ever more seldom, by its age alone.

Age in graces:  1   2   4   8   16   32   64   128   192   256 …

The grace is how long an upload's own event has; if that was lost the first reminder mends it, and
the others are for reminders that were lost too. While events only queue, as many uploads that come
at once make them do, few are told again.
"""

from datetime import timedelta

DOUBLINGS = 6
LONGEST_GAP = 1 << DOUBLINGS
"""Graces between two reminders at most, so that the oldest upload is not given up either."""


def reminders(age: timedelta, grace: timedelta) -> int:
    """How many are due by that age; a negative one has none.

    The count never falls as the age grows: where it is the same at two moments, none is due
    between them.
    """
    graces = age // grace
    if graces < LONGEST_GAP:
        return max(0, graces).bit_length()
    return DOUBLINGS + graces // LONGEST_GAP
