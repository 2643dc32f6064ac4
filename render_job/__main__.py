"""`python -m render_job --render ID --attempt N`: one task. Exits: `render_job/errors.py`."""

import argparse
import logging
import shutil
import sys

from render_job.errors import Exit, NotSetUp
from render_job.wiring import task
from render_job.work import work
from schemas.ports import StoreRefused, StoreUnavailable


def main(arguments: list[str] | None = None) -> Exit:
    """Do the task that the environment names. A bug's traceback goes to standard error."""
    parser = argparse.ArgumentParser(prog="render_job", description=__doc__)
    parser.add_argument("--render", required=True, help="the render's id")
    parser.add_argument("--attempt", required=True, type=int, help="the attempt's number")
    told = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    try:
        mine = task(told.render, told.attempt)
        try:
            return work(mine)
        finally:
            shutil.rmtree(mine.tools.scratch, ignore_errors=True)
    except NotSetUp as error:
        logging.error("%s", error)
        return Exit.BUG
    except StoreRefused:
        logging.exception("what the task needs to begin may not be read")
        return Exit.REFUSED
    except StoreUnavailable:
        logging.exception("what the task needs to begin cannot be read")
        return Exit.UNAVAILABLE
    except Exception:
        logging.exception("a bug in Clipline")
        return Exit.BUG


if __name__ == "__main__":
    sys.exit(main())
