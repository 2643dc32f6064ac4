"""`python -m render_job`: one task, or with `worker --pool NAME` a worker that pulls tasks.

Exits: `render_job/errors.py`.
"""

import argparse
import logging
import shutil
import sys
from collections.abc import Callable
from datetime import timedelta

from render_job.errors import Exit, NotSetUp, RenderFault
from schemas.ports import StoreRefused, StoreUnavailable


def main(arguments: list[str] | None = None) -> Exit:
    """Do what the arguments name. A bug's traceback goes to standard error."""
    words = sys.argv[1:] if arguments is None else arguments
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s")
    if words[:1] == ["worker"]:
        return _guarded(_worker, words[1:])
    return _guarded(_task, words)


def _task(words: list[str]) -> Exit:
    """One task of one attempt, which the environment names."""
    from render_job.wiring import task
    from render_job.work import work

    parser = argparse.ArgumentParser(prog="render_job", description=__doc__)
    parser.add_argument("--render", required=True, help="the render's id")
    parser.add_argument("--attempt", required=True, type=int, help="the attempt's number")
    told = parser.parse_args(words)
    mine = task(told.render, told.attempt)
    try:
        return work(mine)
    finally:
        shutil.rmtree(mine.tools.scratch, ignore_errors=True)


def _worker(words: list[str]) -> Exit:
    """Pull tasks until told to leave: by SIGTERM, Ctrl-C or a Spot machine's notice."""
    from render_job.machine import drain, worker

    parser = argparse.ArgumentParser(prog="render_job worker", description=_worker.__doc__)
    parser.add_argument("--pool", required=True, help="whose work it takes: a lane's pool")
    parser.add_argument("--tasks", type=int, default=1, help="tasks at once, one by default")
    parser.add_argument(
        "--tenant",
        action="append",
        default=[],
        help="take only this one's work; may be repeated",
    )
    parser.add_argument(
        "--leave-when-idle", type=float, metavar="SECONDS", help="so long without work: leave"
    )
    parser.add_argument(
        "--leave-within",
        type=float,
        metavar="SECONDS",
        help="when its place ends it: it takes no longer work, and leaves in order before",
    )
    told = parser.parse_args(words)
    # The first of all: a process that is number 1 in its container ignores SIGTERM before that.
    drained = drain()
    mine = worker(
        told.pool,
        tasks=told.tasks,
        tenants=told.tenant,
        leave_when_idle=_length(told.leave_when_idle),
        leave_within=_length(told.leave_within),
    )
    log = logging.getLogger("clipline.worker")
    classes = " and ".join(sorted(mine.mine.encoder_classes))
    log.info("%s works for pool '%s' as %s", mine.name, mine.mine.pool, classes)
    mine.serve(drained)
    log.info("%s has left in order", mine.name)
    return Exit.REPORTED


def _length(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _guarded(act: Callable[[list[str]], Exit], words: list[str]) -> Exit:
    try:
        return act(words)
    except (NotSetUp, RenderFault) as error:
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
