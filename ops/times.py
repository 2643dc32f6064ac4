"""Moments and lengths of time, as people read them."""

from datetime import datetime, timedelta


def ago(moment: datetime, now: datetime) -> str:
    """How long ago in one unit: `3 h`."""
    seconds = max(0.0, (now - moment).total_seconds())
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def after(moment: datetime, start: datetime) -> str:
    """How long after the start: `+4.2 s`, `+3:07` minutes, `+2:03:07` hours."""
    length = max(moment - start, timedelta(0))
    if length < timedelta(minutes=1):
        return f"+{length.total_seconds():.1f} s"
    minutes, seconds = divmod(round(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"+{hours}:{minutes:02}:{seconds:02}" if hours else f"+{minutes}:{seconds:02}"


def length(time: timedelta) -> str:
    """How long, in the unit that fits: `4.2 s`, `3 min`, `2.5 h`."""
    seconds = time.total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def clock(moment: datetime) -> str:
    """Date and time of day in UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"
