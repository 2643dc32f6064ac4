"""A track's sample tables (ISO/IEC 14496-12, 8.6 and 8.7), as a player takes them at their word.

libavformat mends much of what is wrong here: it ignores entries that do not fit, and takes the key
frames from the pictures themselves. Browsers seek by the tables.
"""

from collections.abc import Iterator, Mapping
from itertools import zip_longest
from struct import iter_unpack, unpack_from

from render_job.recipe import frame_ticks
from schemas.plan import OutputPlan

ENTRIES = {b"stts": 8, b"ctts": 8, b"stss": 4, b"stsc": 12, b"stco": 4, b"co64": 8}
"""The tables that are a count and so many entries, and the bytes of one."""


NONE = memoryview(bytes(8))
"""A table without entries."""


def table_faults(boxes: Mapping[bytes, memoryview], plan: OutputPlan) -> Iterator[str]:
    """What is wrong with the tables of one track, given all of its boxes by kind."""
    tables = {kind: boxes[kind] for kind in ENTRIES if kind in boxes}
    broken = [kind for kind, box in tables.items() if not _fits(box, ENTRIES[kind])]
    if not _sizes_fit(boxes.get(b"stsz", NONE[:0])):
        broken.append(b"stsz")
    edits = boxes.get(b"elst", NONE)
    if not _fits(edits, 20 if edits[0] == 1 else 12):
        broken.append(b"elst")
    if broken:
        yield f"its index is damaged: {', '.join(kind.decode() for kind in broken)}"
    elif b"vmhd" in boxes:
        yield from _picture_faults(tables, plan)


def _picture_faults(tables: Mapping[bytes, memoryview], plan: OutputPlan) -> Iterator[str]:
    frames, paces = 0, set[int]()
    for count, pace in _entries(tables.get(b"stts", NONE), ">II"):
        frames += count
        paces.add(pace)
    if frames != plan.frames or paces != {frame_ticks(plan.frame_rate)}:
        yield "its index does not tell one pace for all frames"
    if b"ctts" in tables:
        told = sum(count for count, _ in _entries(tables[b"ctts"], ">II"))
        if told != plan.frames:
            yield "its index does not tell for every frame when it is shown"
    grid = range(1, plan.frames + 1, plan.gop)
    keys = (
        (key for (key,) in _entries(tables[b"stss"], ">I"))
        if b"stss" in tables
        else (range(1, plan.frames + 1))
    )
    if any(key != place for key, place in zip_longest(keys, grid)):
        yield f"the key frames in its index are not those on the grid of {plan.gop} frames"


def _fits(table: memoryview, entry: int) -> bool:
    return len(table) >= 8 and len(table) == 8 + entry * unpack_from(">I", table, 4)[0]


def _sizes_fit(table: memoryview) -> bool:
    """Each sample's size, or one for all and no more entries."""
    if len(table) < 12:
        return False
    one, count = unpack_from(">II", table, 4)
    return len(table) == 12 + (0 if one else 4 * count)


def _entries(table: memoryview, numbers: str) -> Iterator[tuple[int, ...]]:
    """One by one: a table of hours has millions. Offsets below zero come out large."""
    return iter_unpack(numbers, table[8:])
