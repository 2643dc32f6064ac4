"""The pipeline's own logs go to a file: the terminal is for what people asked to see."""

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

from functions.logs import JsonLines

LARGEST = 5_000_000
KEPT = 2


def logs_to_file(folder: Path) -> None:
    """Send every log of this process to `pipeline.log` there, as JSON lines."""
    folder.mkdir(parents=True, exist_ok=True)
    handler = RotatingFileHandler(
        folder / "pipeline.log", maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8"
    )
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logger = logging.getLogger("clipline")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
