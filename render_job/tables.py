"""A track's sample tables (ISO/IEC 14496-12, 8.6 and 8.7), as a player takes them at their word.

libavformat mends much of what is wrong here: it ignores entries that do not fit, and takes the key
frames from the pictures themselves. Browsers seek by the tables.
"""

from collections.abc import Iterator, Mapping
from struct import unpack_from

from render_job.recipe import frame_ticks
from schemas.plan import OutputPlan

ENTRIES = {b"stts": 8, b"ctts": 8, b"stss": 4, b"stsc": 12, b"stco": 4, b"co64": 8}
"""The tables that are a count and so many entries, and the bytes of one."""


def table_faults(boxes: Mapping[bytes, bytes], plan: OutputPlan) -> Iterator[str]:
    """What is wrong with the tables of one track, given all of its boxes by kind."""
    tables = {kind: boxes[kind] for kind in ENTRIES if kind in boxes}
    broken = [kind for kind, box in tables.items() if not _fits(box, ENTRIES[kind])]
    if not _sizes_fit(boxes.get(b"stsz", b"")):
        broken.append(b"stsz")
    edits = boxes.get(b"elst", bytes(8))
    if not _fits(edits, 20 if edits[0] == 1 else 12):
        broken.append(b"elst")
    if broken:
        yield f"its index is damaged: {', '.join(kind.decode() for kind in broken)}"
    elif b"vmhd" in boxes:
        yield from _picture_faults(tables, plan)


def _picture_faults(tables: Mapping[bytes, bytes], plan: OutputPlan) -> Iterator[str]:
    paces = _numbers(tables.get(b"stts", bytes(8)))
    if sum(paces[::2]) != plan.frames or set(paces[1::2]) != {frame_ticks(plan.frame_rate)}:
        yield "its index does not tell one pace for all frames"
    if b"ctts" in tables and sum(_numbers(tables[b"ctts"])[::2]) != plan.frames:
        yield "its index does not tell for every frame when it is shown"
    grid = tuple(range(1, plan.frames + 1, plan.gop))
    keys = _numbers(tables[b"stss"]) if b"stss" in tables else tuple(range(1, plan.frames + 1))
    if keys != grid:
        yield f"the key frames in its index are not those on the grid of {plan.gop} frames"


def _fits(table: bytes, entry: int) -> bool:
    return len(table) >= 8 and len(table) == 8 + entry * unpack_from(">I", table, 4)[0]


def _sizes_fit(table: bytes) -> bool:
    """Each sample's size, or one for all and no more entries."""
    if len(table) < 12:
        return False
    one, count = unpack_from(">II", table, 4)
    return len(table) == 12 + (0 if one else 4 * count)


def _numbers(table: bytes) -> tuple[int, ...]:
    """All entries in a row, four bytes a number; offsets below zero come out large."""
    return unpack_from(f">{(len(table) - 8) // 4}I", table, 8)
