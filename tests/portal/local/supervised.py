"""A supervisor as a program of its own: the tests kill it and look at what becomes of its children.

``python -m tests.portal.local.supervised FOLDER`` starts PostgreSQL, Valkey and a program with a child of its own,
prints ``ready`` and watches over them until a signal ends it, as ``make run`` does.
"""

import os
import signal
import sys
import time
import types
from pathlib import Path

from portal.local import environment, folders, supervisor

PARENT_AND_CHILD = "import os, time; os.fork(); time.sleep(600)"


def main(folder: Path) -> None:
    def stop(number: int, frame: types.FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    environment.prepare({"PADDOCK_DATA_DIR": str(folder)})
    watched = supervisor.Supervisor(folder / "run.json", {"address": "http://127.0.0.1:1/"})
    try:
        watched.add("PostgreSQL", environment.database(folder))
        watched.add("Valkey", environment.broker(folder))
        watched.add("program", program(folder))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            time.sleep(0.05)
            watched.watch()
    except KeyboardInterrupt:
        watched.stop()


def program(folder: Path, code: str = PARENT_AND_CHILD) -> supervisor.Program:
    return supervisor.Program(
        [sys.executable, "-c", code],
        cwd=folder,
        log=folder / "program.log",
        environment=supervisor.marked(os.environ, folders.fingerprint(folder)),
        end=((signal.SIGTERM, 2.0),),
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
