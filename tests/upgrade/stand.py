"""A laptop's cloud of two releases: the functions of one, the tasks of another.

    python -c "exec(…)" in the folder of the functions' release, with the tasks' folder as argument

It runs by the code of the folder that it is started in, so it may only use what both releases have.
"""

import os
import signal
import sys
from dataclasses import replace

import functions
import schemas
from functions.settings import laptop
from infra.laptop.pipeline import Pipeline
from infra.laptop.program import this_python
from infra.laptop.quiet import logs_to_file
from infra.laptop.weather import Weather

TASK = (
    "import runpy, sys; sys.path.insert(0, {image!r}); sys.argv[0] = 'render_job'; "
    "import functions, render_job, schemas; "
    "assert all(m.__file__.startswith({image!r}) for m in (functions, render_job, schemas)); "
    "runpy.run_module('render_job', run_name='__main__', alter_sys=True)"
)

if __name__ == "__main__":
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    place = laptop()
    logs_to_file(place.logs)
    ask, asked = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: os.write(asked, b"."))
    words = (sys.executable, "-c", TASK.format(image=sys.argv[1]))
    pipeline = Pipeline(place, Weather(), replace(this_python(), words=words))
    try:
        print("Up by", functions.__file__, schemas.__file__, flush=True)
        os.read(ask, 1)
    finally:
        pipeline.close()
