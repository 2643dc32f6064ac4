"""One piece of work done as a task does it, with nothing committed where anybody else looks."""

from render_job.choose import MakePiece, MakeSound
from render_job.claims import take
from render_job.diagnosis import of_os_error
from render_job.errors import RenderFault
from render_job.piece import make_piece
from render_job.sound import make_sound
from render_job.tools import Task
from schemas.failures import Failure


def rehearse(task: Task, work: MakePiece | MakeSound) -> Failure | None:
    """How it fails, as the task would report it; None where all goes well.

    `task` works on buckets of its own (`render_job.wiring.rehearsal`). Raises Stopped.
    """
    tools = task.tools
    held = take(tools.work, task.order, task.worker, work.claim, None, clock=tools.clock)
    assert held is not None, "nobody else is here"
    tools.empty(tools.scratch)
    try:
        if isinstance(work, MakeSound):
            make_sound(task, work, held)
        else:
            make_piece(task, work, held)
    except RenderFault as fault:
        return fault.failure
    except OSError as error:
        failure = of_os_error(error)
        if failure is None:
            raise
        return failure
    finally:
        held.release()
    return None
