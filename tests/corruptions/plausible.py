"""Whole files with other pictures or sound than were wanted, and what is true for comparison."""

from collections.abc import Mapping
from pathlib import Path

from tests.corruptions.bench import SPANS, Bench, Corruption, judge
from tests.corruptions.outputs import copied, joined, later
from tests.corruptions.pieces import piece_copied, recoded
from tests.corruptions.sounds import sound_copied

PLAUSIBLE = (
    Corruption(name="black frames", of="piece", deed=recoded(("setpts=PTS-0",
               "drawbox=t=fill:c=black:enable='between(n,5,8)',setpts=PTS-0"))),
    Corruption(name="a frozen picture", of="piece", deed=recoded(("setpts=PTS-0",
               "select='lt(n,5)',tpad=stop=-1:stop_mode=clone,setpts=N"))),
    Corruption(name="a picture twice, another dropped", of="piece", deed=recoded(("setpts=PTS-0",
               "select='not(eq(n,7))',setpts='N+gt(N,9)',fps=30000/1001,setpts=N"))),
    Corruption(name="the pictures of another moment", of="piece",
               deed=recoded(("setpts=PTS-(0)", "setpts=PTS-(30030)"))),
    Corruption(name="another quality", of="piece", deed=recoded(("-crf", "40"))),
    Corruption(name="the sound of another moment", of="sound",
               deed=lambda bench, out: bench.voice(out, plan=later(bench))),
)  # fmt: skip
"""No look at one file tells these: a film may be black, or frozen, or show that at another time."""


def controls(bench: Bench, folder: Path) -> Mapping[str, tuple[str, ...]]:
    """The faults of what is true, as it is and copied by the same means: there must be none."""
    made = {
        "piece": recoded()(bench, folder / "made.mp4"),
        "piece, copied": piece_copied("")(bench, folder / "piece.mp4"),
        "sound, copied": sound_copied("")(bench, folder / "sound.mp4"),
        "output": bench.output,
        "output, copied": copied("")(bench, folder / "output.mp4"),
        "output, joined": joined(*SPANS)(bench, folder / "joined.mp4"),
    }
    return {name: judge(bench, name.partition(",")[0], path) for name, path in made.items()}
