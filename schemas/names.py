"""Object names: where everything of a render lies, so that a listing tells the whole truth."""

import re

from schemas.ids import Upload
from schemas.pieces import Span

LONGEST_LEAF = 200
"""Bytes of a folder's name that come from an upload's: a render's id must fit behind them."""

POOL = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
"""How a pool may be called: it is part of objects' names, and of machines'."""
_PIECE = re.compile(r"(\d{9})-(\d{9})\.mp4")


def home(render: str) -> str:
    """The prefix in the work bucket under which everything of the render lies."""
    return f"renders/{render}/"


def plan(render: str) -> str:
    """The frozen RenderPlan."""
    return f"{home(render)}plan.json"


def order(render: str, attempt: int) -> str:
    """What the attempt was told."""
    return f"{home(render)}attempts/{attempt:04}/order.json"


def owner(render: str, attempt: int) -> str:
    """Names the one execution that may work for the attempt; the first to create it is it."""
    return f"{home(render)}attempts/{attempt:04}/owner.json"


def closed(render: str, attempt: int) -> str:
    """Stands once the attempt was given up: whoever still works for it must leave."""
    return f"{home(render)}attempts/{attempt:04}/closed.json"


def seats(render: str, attempt: int) -> str:
    """The prefix of what a pool's backend and its workers write of an attempt."""
    return f"{home(render)}attempts/{attempt:04}/pool/"


def assigned(render: str, attempt: int) -> str:
    """The attempt was given to a pool; says to which, and what was ordered."""
    return f"{seats(render, attempt)}assigned.json"


def halted(render: str, attempt: int) -> str:
    """Stands once the pool's workers were told to stop working for the attempt."""
    return f"{seats(render, attempt)}halted.json"


def seat(render: str, attempt: int, index: int) -> str:
    """Who does that task of an attempt that was given to a pool, and what became of it."""
    return f"{seats(render, attempt)}{index:04}.json"


def queue(pool: str) -> str:
    """The prefix of what waits for a pool's workers, or is in their hands."""
    return f"pools/{pool}/queue/"


def queued(pool: str, execution: str) -> str:
    """Stands from the launch of an execution until it is over: so that workers find it."""
    return f"{queue(pool)}{execution}.json"


def cancelled(render: str) -> str:
    """Stands while nothing may be worked on or delivered any more."""
    return f"{home(render)}cancelled.json"


def pieces(render: str, output_id: str, key: str) -> str:
    """The prefix of the committed pieces of one output in one encoder class."""
    return f"{home(render)}pieces/{output_id}/{key}/"


def piece(render: str, output_id: str, key: str, span: Span) -> str:
    """A committed piece, named by the frames that it really holds."""
    return f"{pieces(render, output_id, key)}{span.start:09}-{span.end:09}.mp4"


def span_of(name: str) -> Span | None:
    """The frames that a piece's name says it holds; None if it names no piece."""
    match = _PIECE.fullmatch(name.rpartition("/")[2])
    return Span(int(match[1]), int(match[2])) if match else None


def audio(render: str, clip: str, key: str) -> str:
    """The sound of one clip."""
    return f"{home(render)}audio/{clip}/{key}.m4a"


def claim(render: str, work: str) -> str:
    """Who is at a unit of work; `work` is `piece/CLIP/OUTPUT/KEY/START`, `sound/CLIP` or alike."""
    return f"{home(render)}claims/{work}.json"


def aside(render: str, name: str, number: int | None) -> str:
    """What stood damaged under the name, the first, second … time; without a number all of them."""
    tail = name.removeprefix(home(render))
    return f"{home(render)}aside/{tail}." + ("" if number is None else str(number))


def perishable(render: str) -> tuple[str, ...]:
    """The prefixes of what nobody needs after the end: marks and records are small, and stay."""
    return tuple(f"{home(render)}{kind}/" for kind in ("pieces", "audio", "claims", "aside"))


def delivered(render: str, output_id: str) -> str:
    """The record of a verified output: its place and certificate, found again by whoever looks."""
    return f"{home(render)}delivered/{output_id}.json"


def leaf(object_name: str) -> str:
    """The last part of an output's name without its extension."""
    return object_name.rpartition("/")[2].rpartition(".")[0]


def beside(object_name: str) -> str:
    """The prefix in the outputs bucket of the files that the announced one refers to."""
    return f"{object_name.rpartition('.')[0]}/"


def output_folder(upload: Upload) -> str:
    """`TENANT/UPLOAD`, where the outputs of the upload go if no other render has been there."""
    folder, _, leaf = f"{upload.tenant}/{upload.stem}".rpartition("/")
    return f"{folder}/{leaf.encode()[:LONGEST_LEAF].decode(errors='ignore')}"
