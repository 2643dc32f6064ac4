"""The files of an output: the announced one, and those beside it that it refers to.

An announced file never refers to one that might be another's. The files beside it lie in a folder
that is named by their digests, so whoever makes the same puts the same there, and whoever makes
others puts them elsewhere: two that deliver at once never mix. A list of digests, in the form of
`sha256sum`, lies with them; run where the announced file lies, `sha256sum --check` checks it all.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from render_job.faults import sha256_of, unheard
from schemas import names
from schemas.certificate import Companions
from schemas.ids import digest
from schemas.plan import OutputPlan

SUMS = "SHA256SUMS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A file that the announced one refers to."""

    name: str
    """As the announced file says it: relative to where that lies."""
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What is delivered for one output: first those beside, in this order, then the announced."""

    path: Path
    beside: tuple[Beside, ...] = ()

    @property
    def companions(self) -> Companions | None:
        """What its certificate says of the files beside the announced one."""
        if not self.beside:
            return None
        sums = next(one for one in self.beside if one.name.endswith(f"/{SUMS}"))
        return Companions(
            folder=sums.name.removesuffix(SUMS),
            files=len(self.beside),
            size_bytes=sum(one.path.stat().st_size for one in self.beside),
            sums_sha256=sums.sha256,
        )


def sealed(
    files: Sequence[Path], plan: OutputPlan, *, heard: Callable[[], None] = unheard
) -> tuple[Beside, ...]:
    """The files with the names under which they are delivered, and the list of their digests.

    Writes the list beside the first file.
    """
    sums = {path: sha256_of(path, heard) for path in files}
    marks = (part for path, sha256 in sums.items() for part in (path.name, sha256))
    folder = f"{names.leaf(plan.object_name)}/{digest(*marks)[:12]}/"
    beside = tuple(
        Beside(name=f"{folder}{path.name}", path=path, sha256=sha256)
        for path, sha256 in sums.items()
    )
    listing = files[0].with_name(SUMS)
    listing.write_text("".join(_lines(beside)), encoding="ascii")
    last = Beside(name=f"{folder}{SUMS}", path=listing, sha256=sha256_of(listing))
    return (*beside, last)


def parcel_faults(parcel: Parcel, *, heard: Callable[[], None] = unheard) -> list[str]:
    """Whether every file beside is what the list says, and the list says all of them."""
    if not parcel.beside:
        return []
    faults = [
        f"{one.name.rpartition('/')[2]} is not what its digest says"
        for one in parcel.beside
        if sha256_of(one.path, heard) != one.sha256
    ]
    *files, last = parcel.beside
    if last.path.read_text(encoding="ascii", errors="replace") != "".join(_lines(files)):
        faults.append("the list of digests does not list its files")
    return faults


def _lines(beside: Sequence[Beside]) -> Iterator[str]:
    for one in beside:
        yield f"{one.sha256}  {one.name}\n"
