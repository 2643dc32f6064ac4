"""`python -m tests.hostile [--quick] [--json] [WORD…]`: every case, how it ended and what it cost.

Each case lives in a process of its own, whose children's memory is told with it. WORD picks the
cases whose name or table has it. Exits 1 if one ended otherwise than it may, or did what must never
be.
"""

import json
import os
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.hostile.attacks import ATTACKS, NAMES
from tests.hostile.bombs import BOMBS
from tests.hostile.case import Case
from tests.hostile.damage import FLIPS, TRUNCATIONS
from tests.hostile.found import FOUND
from tests.hostile.kitchen import Kitchen
from tests.hostile.oddities import ODDITIES
from tests.hostile.trial import Scene, scene

CASES = (*ATTACKS, *NAMES, *BOMBS, *TRUNCATIONS, *FLIPS, *ODDITIES, *FOUND)
MOST_SECONDS = 60.0
MOST_MIB = 1500
"""Of one process of a case: what a lane of 2 GiB still bears."""


def lived(case: Case, kitchen: Kitchen, home: Path) -> dict[str, object]:
    """One case in a process of its own: its end as words and numbers. The file is made before."""
    said: dict[str, object] = {"of": case.of, "name": case.name, "kind": "-", "by": "-"}
    with tempfile.TemporaryDirectory(dir=home) as folder, scene(Path(folder), kitchen) as it:
        path = case.file(kitchen, it)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            os.write(writer, json.dumps(_life(case, it, path)).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            told = pipe.read()
        _, status = os.waitpid(child, 0)
    died = {"word": "died", "wrong": [f"status {status}"], "seconds": 0.0, "mib": 0}
    return {**said, **(json.loads(told) if told else died)}


def _life(case: Case, it: Scene, path: Path) -> dict[str, object]:
    try:
        end = case.run(it, path)
    except BaseException as error:
        return {"word": "raised", "wrong": [repr(error)[:300]], "seconds": 0.0, "mib": 0}
    wrong = list(end.wrong)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    if end.word not in case.ends:
        detail = f": {end.failure.message} {end.failure.detail}" if end.failure else ""
        wrong.append(f"it ended as {end.word}{detail[:400]}")
    if end.seconds > MOST_SECONDS or peak > MOST_MIB:
        wrong.append(f"it took {end.seconds:.0f} s and {peak} MiB")
    told = {"word": end.word, "kind": end.kind, "by": end.by, "seconds": round(end.seconds, 2)}
    return {**told, "mib": peak, "wrong": wrong}


def main(words: Sequence[str]) -> int:
    """The table, and what is wrong in it."""
    wanted = [word for word in words if not word.startswith("--")]
    cases = [
        case for case in CASES
        if (case.quick or "--quick" not in words)
        and (not wanted or any(w in case.name or w == case.of for w in wanted))
    ]  # fmt: skip
    bad, ends = 0, list[dict[str, object]]()
    with tempfile.TemporaryDirectory() as home:
        kitchen = Kitchen(Path(home))
        for case in cases:
            end = lived(case, kitchen, Path(home))
            bad += bool(end["wrong"])
            ends.append(end)
            print(json.dumps(end) if "--json" in words else _line(end), flush=True)
    if "--json" not in words:
        print("\n".join(summary(ends)))
        print(f"{len(cases)} cases; {bad} wrong")
    return 1 if bad else 0


def summary(ends: Sequence[dict[str, object]]) -> Iterator[str]:
    """A line a table: how its cases ended, and the most that one took."""
    yield "| table | cases | refused at the door | failed as input | verified | longest | most |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for of in dict.fromkeys(str(end["of"]) for end in ends):
        mine = [end for end in ends if end["of"] == of]
        by = Counter("verified" if end["word"] == "verified" else end["by"] for end in mine)
        seconds = max(float(str(end["seconds"])) for end in mine)
        mib = max(int(str(end["mib"])) for end in mine)
        door = by["prober"] + by["plan"] + by["store"]
        yield (
            f"| {of} | {len(mine)} | {door} | {by['task']} | {by['verified']} "
            f"| {seconds:.1f} s | {mib} MiB |"
        )


def _line(end: dict[str, object]) -> str:
    wrong = f"  WRONG: {end['wrong']}" if end["wrong"] else ""
    return (
        f"{end['of']!s:11}{end['name']!s:68}{end['word']!s:22}{end['kind']!s:15}{end['by']!s:8}"
        f"{end['seconds']:6.2f} s {end['mib']:5} MiB{wrong}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
