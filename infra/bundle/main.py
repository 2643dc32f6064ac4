"""The file that Cloud Run functions loads: it is copied to the bundle's root and runs there.

The platform's functions-framework appends the bundle's folder to the path, behind all that was
installed, so a dependency with a top-level `schemas` would be imported in place of ours. The folder
is therefore put before everything, and what was imported all the same is refused: better no service
than one that speaks somebody else's words.
"""

import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
OURS = ("functions", "schemas")

sys.path.insert(0, str(HERE))
for name in OURS:
    found = Path(import_module(name).__file__ or "").resolve()
    if found.parent != HERE / name:
        raise ImportError(f"'{name}' was imported from {found.parent}, not from the bundle")

from functions.main import (  # noqa: E402  # only now it is ours
    collect,
    on_execution,
    on_result,
    on_upload,
    start_render,
    sweep,
)

__all__ = ["collect", "on_execution", "on_result", "on_upload", "start_render", "sweep"]
