"""Width: how many machines an attempt has, from the work that is left and the time for it.

    work of one machine, time left ─► as many as the deadline needs
                        a minute ──► no more than have a minute's work each: that much is billed

A machine that works for ten seconds is paid for a minute. So without haste an attempt has as many
machines as have a minute to do, which costs the same as one and is as many times sooner. What
nobody waits for has as few as still make the deadline: places are left for others. And whoever is
short of time has as many as it takes, even if their minutes are not full.
"""

from math import ceil

from functions.core.prices import MINIMUM


def width(
    *,
    seconds: float,
    left: float | None,
    most: int,
    chunks: int,
    is_thrifty: bool,
) -> int:
    """Machines for that many seconds of one machine's work; at least one.

    `left` are the seconds from a first start to the deadline, None without one. There are never
    more than `most`, what the lane takes, nor than `chunks`, the pieces that can be worked at.
    """
    cap = max(1, min(most, chunks))
    full = min(max(1, int(seconds / MINIMUM.total_seconds())), cap)
    if left is None:
        return full
    needed = cap if seconds >= cap * left else max(1, ceil(seconds / left))
    return needed if is_thrifty else max(full, needed)


def words(chosen: int, most: int, is_thrifty: bool) -> str:
    """For people: how wide, and why not as wide as the lane."""
    machines = f"{chosen} machine{'s' if chosen > 1 else ''}"
    if chosen == most:
        return machines
    why = "as few as make its deadline" if is_thrifty else "no more have a minute's work"
    return f"{machines} of {most} ({why})"
