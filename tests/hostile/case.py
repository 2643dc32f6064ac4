"""What a case is: how its file is made, what it is called, and how it may end."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from tests.hostile.kitchen import Kitchen
from tests.hostile.trial import PLAUSIBLE, End, Scene, trial

Make = Callable[[Kitchen, Scene], bytes | Path]
"""The upload's bytes, or a file that holds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One hostile or odd upload."""

    of: str
    """Which table it belongs to."""
    name: str
    make: Make
    ends: tuple[str, ...]
    """The words it may end with; `verified`, or reasons of failures."""
    upload: str = "team/film.mp4"
    fooled: bool = False
    """Whether the prober is left out, as if it had been fooled: then the task stands alone."""
    served: bool = False
    """Whether ffmpeg reads it through a port, as in the cloud, and not from a file."""
    quick: bool = False
    """Whether it is part of every run of the tests."""

    def file(self, kitchen: Kitchen, scene: Scene) -> Path:
        """Make the file."""
        made = self.make(kitchen, scene)
        path = made if isinstance(made, Path) else scene.folder / "made"
        if isinstance(made, bytes):
            path.write_bytes(made)
        return path

    def run(self, scene: Scene, path: Path) -> End:
        """Send it the whole way."""
        fooled = PLAUSIBLE if self.fooled else None
        return trial(scene, path, self.upload, fooled=fooled, served=self.served)


def text(words: str) -> Make:
    """Words with `{movie}`, `{text}`, `{folder}` and `{port}` of the scene in them."""

    def make(kitchen: Kitchen, scene: Scene) -> bytes:
        return words.format(
            movie=scene.movie,
            text=scene.text,
            folder=scene.movie.parent,
            port=scene.port,
        ).encode()

    return make


def both(case: Case) -> tuple[Case, ...]:
    """The case at the door, and once more behind it; an attack there also through a port."""
    ends = BEHIND if case.of == "attack" else (*BEHIND, "verified")
    behind = replace(case, fooled=True, name=f"{case.name}, unprobed", ends=ends)
    if case.of != "attack":
        return case, behind
    through = replace(
        behind, name=f"{behind.name}, through a port", served=True, quick=case.name in SERVED
    )
    return case, behind, through


SERVED = ("HLS, an address", "DASH, an address")
"""Of the attacks through a port these are part of every run."""
BEHIND = ("source_unreadable", "frames_missing", "pictures_misplaced")
"""How a task must end that is given a file which no prober would have let in: by the input's fault.

Of a bomb the recipe may make what was planned, at its own cost.
"""
