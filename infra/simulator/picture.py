"""The report as a picture: what a terminal with colours shows, in a file that a browser opens."""

from io import StringIO
from pathlib import Path

from rich.console import Console, RenderableType
from rich.terminal_theme import MONOKAI


def draw(page: RenderableType, path: Path, *, title: str, width: int) -> None:
    """Write the SVG, so many columns wide. Its folder is made. Raises OSError."""
    console = Console(
        file=StringIO(),
        width=width,
        record=True,
        force_terminal=True,
        color_system="truecolor",
        highlight=False,
        markup=False,
    )
    console.print(page)
    path.parent.mkdir(parents=True, exist_ok=True)
    console.save_svg(str(path), title=title, theme=MONOKAI)
