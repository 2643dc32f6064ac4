"""`clipline export` and `clipline import`: dead letters as files."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from functions.wiring import desk
from ops import filters
from ops.letters_file import FileRefused, take_in, write, write_to
from ops.paper import Paper, ReaderGone, say_json
from schemas.letters_file import LettersHead

BAD_FILE = 65
"""Exit status: no file of dead letters, or not as it was written: sysexits.h's EX_DATAERR."""
console = Paper()


@filters.filtered
def export(
    asked: filters.Asked,
    out: Annotated[
        Path | None, typer.Option(help="The file; by default dead-letters-TIME.jsonl.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say the last line as JSON.")] = False,
    to_stdout: Annotated[bool, typer.Option("--stdout", help="Into a pipe instead.")] = False,
) -> None:
    """Write dead letters to a file that `import` takes in elsewhere; they stay here."""
    place = desk()
    place.catch_up(asked.now)
    head = LettersHead(made_at=asked.now, filters=asked.words)
    found = place.letters.find(asked.wanted)
    if to_stdout:
        try:
            write_to(sys.stdout.buffer, head, found)
        except BrokenPipeError:
            raise ReaderGone from None
        return
    path = out or Path(f"dead-letters-{asked.now:%Y%m%dT%H%M%SZ}.jsonl")
    end = write(head, found, path)
    if as_json:
        say_json(end)
        return
    console.print(f"{path}: {end.records} dead letters, digest {end.digest}.")


def take(
    file: Annotated[Path, typer.Argument(help="What `export` wrote.", exists=True, dir_okay=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Say what was done as JSON.")] = False,
) -> None:
    """Take in dead letters from a file; what is known here already stays as it is."""
    try:
        taken = take_in(file, desk().letters)
    except FileRefused as refused:
        print(f"{refused}.", file=sys.stderr)
        raise typer.Exit(BAD_FILE) from None
    if as_json:
        say_json(taken)
    else:
        console.print(f"{taken.new} of {taken.records} dead letters were new and are taken in.")
