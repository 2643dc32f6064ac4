"""The functions of a release, out of its bundle, on a port of this machine.

    python -P tests/upgrade/serve.py BUNDLE

On standard output: the port, the names of the functions, and where their code lies. It is all the
bundle's; only what serves it is this checkout's.
"""

import json
import signal
import sys
from importlib import import_module
from pathlib import Path

from infra.laptop.server import Server

if __name__ == "__main__":
    bundle = Path(sys.argv[1])
    sys.path.insert(0, str(bundle))
    main = import_module("main")
    places = [import_module(one).__file__ for one in ("functions", "schemas")]
    asked = {signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, asked)
    server = Server(main.__all__, bundle / "main.py")
    try:
        print(json.dumps([server.port, main.__all__, places]), flush=True)
        signal.sigwait(asked)
    finally:
        server.close()
