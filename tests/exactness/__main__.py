"""`make exactness`: the page `docs/exactness.md`, measured here and now.

WORD picks the cases whose name has it, or is the path of a video to be tried; then only the table
is printed. Exits 1 if not all is exact.
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from render_job.encoder import find_ffmpeg
from tests.exactness.cases import CASES
from tests.exactness.table import CHUNKS, GOP, Compared, Row, row_of, row_of_file
from tests.sources import Sources

PAGE = """# Exactness

Written by `make exactness`, not by hand. Seen on {date} with ffmpeg {ffmpeg} on Linux, {cores}
cores, no GPU.

Every case is a source derived from the sample (160x90; `tests/sources.py`) and an output of a rate
(`tests/exactness/cases.py`), coded without loss by the recipe that tasks use. The single pass
decodes from the source's start. Each cell holds against it an output that was joined from that many
chunks: the MD5 of every decoded picture, the time of every packet as a fraction against the frame
grid, the sound's drift over the whole in samples, and the certificate of the verification. **=**
is: no picture differs, 0 ms, 0 samples, no fault. In the last column the second of four chunks was
cut at 60 % of its bytes, as a kill leaves a file: its whole GOPs of {gop} frames were kept, and the
rest was made by another process.

{table}

{sum}
"""


def measured(cases: Sequence[str | Path]) -> Iterator[Row]:
    """Every case or video, made in a folder of its own."""
    with tempfile.TemporaryDirectory() as home:
        sources = Sources(Path(home))
        for number, case in enumerate(cases):
            folder = Path(home) / str(number)
            folder.mkdir()
            print(f"{number + 1}/{len(cases)} {case}", file=sys.stderr)
            if isinstance(case, Path):
                yield row_of_file(case, folder)
            else:
                yield row_of(case, sources, folder)


def table(rows: Sequence[Row]) -> str:
    """A line a case."""
    heads = [*("1 chunk" if n == 1 else f"{n} chunks" for n in CHUNKS), "cut and resumed"]
    lines = [
        f"| case | source | output | {' | '.join(heads)} |",
        f"| --- | --- | --- |{' --- |' * len(heads)}",
    ]
    for row in rows:
        rate = f"{float(row.source.frame_rate):.3f}".rstrip("0").rstrip(".")
        source = f"{row.container}, {row.source.codec}, {rate}"
        made = f"{row.frames} at {row.rate}"
        cells = [_cell(one) for one in row.chunked.values()]
        cells.append(f"{_cell(row.resumed)} {row.kept} of {row.cut} kept")
        lines.append(f"| {row.case} | {source} | {made} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(one: Compared) -> str:
    if one.exact:
        return "="
    told = (f"{one.differ} differ", f"{float(one.late * 1000):.3f} ms", f"{one.drift} samples")
    return ", ".join((*told, *one.faults))


def main(words: Sequence[str]) -> int:
    """The page, or the table of what was picked."""
    files = [Path(word) for word in words if Path(word).is_file()]
    named = [word for word in words if not Path(word).is_file()]
    cases = [case for case in CASES if not words or any(word in case for word in named)]
    rows = list(measured([*cases, *files]))
    exact = sum(row.exact for row in rows)
    if words:
        print(table(rows))
    else:
        outputs = len(rows) * (len(CHUNKS) + 1)
        print(
            PAGE.format(
                date=datetime.now(UTC).date(),
                ffmpeg=find_ffmpeg().version,
                cores=os.cpu_count(),
                gop=GOP,
                table=table(rows),
                sum=f"{exact} of {len(rows)} cases exact in all their {outputs} outputs.",
            ),
            end="",
        )
    return 0 if exact == len(rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
