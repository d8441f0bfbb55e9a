"""The programs of ``make run`` beside the embedded servers, and how each of them is ended."""

import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.core import data_folder
from portal.local import packages, supervisor

QUEUES = ("default", "sync", "billing", "apply")
NAMES = ("web", "worker", "beat", "simulator")
HOST = "127.0.0.1"
_CONCURRENCY = 4
_WEB_WORKERS = 2
# A worker first lets its tasks end, then drops them: their job rows bring them back.
_WORKER_END = ((signal.SIGTERM, 3.0), (signal.SIGQUIT, 1.0))
_QUICK_END = ((signal.SIGTERM, 3.0),)


@dataclass(frozen=True)
class Programs:
    """What all programs of one start share."""

    folder: Path
    logs: Path
    port: int
    environ: Mapping[str, str]

    def web(self) -> supervisor.Program:
        return self._module(
            "web",
            "gunicorn",
            "portal.config.wsgi:application",
            *(
                "-c",
                "python:portal.config.server",
                "--bind",
                f"{HOST}:{self.port}",
                "--workers",
                str(_WEB_WORKERS),
                "--graceful-timeout",
                "2",
            ),
        )

    def worker(self) -> supervisor.Program:
        return self._module(
            "worker",
            "celery",
            *(
                "-A",
                "portal.config.celery",
                "worker",
                "--pool",
                "prefork",
                "--concurrency",
                str(_CONCURRENCY),
            ),
            *("-Q", ",".join(QUEUES), "--without-gossip", "--without-mingle", "--loglevel", "INFO"),
            end=_WORKER_END,
            death_signal=signal.SIGQUIT,
        )

    def beat(self) -> supervisor.Program:
        place = self.folder / "beat"
        place.mkdir(mode=0o700, exist_ok=True)
        return self._module(
            "beat",
            "celery",
            *("-A", "portal.config.celery", "beat", "--schedule", str(place / "schedule"), "--pidfile", ""),
        )

    def simulator(self) -> supervisor.Program:
        world = ("--world", str(self.world)) if self.world.exists() else ()
        return self._module(
            "simulator",
            "clusters.simulator",
            *("--state", str(self.control.parent), "--control-port", "0", *world),
        )

    @property
    def world(self) -> Path:
        """What the simulated clusters are made of, when ``load_demo`` leaves it as a file."""
        return self.folder / "demo" / "world.json"

    @property
    def control(self) -> Path:
        """Written by the simulator once it serves; ``load_demo`` reads where to load clusters from it."""
        return self.folder / "demo" / "state" / "control.json"

    def _module(
        self,
        name: str,
        *words: str,
        end: tuple[tuple[signal.Signals, float], ...] = _QUICK_END,
        death_signal: signal.Signals = signal.SIGTERM,
    ) -> supervisor.Program:
        # As a module: the scripts of a virtual environment break when the checkout is moved.
        return supervisor.Program(
            [packages.python(), "-m", *words],
            cwd=data_folder.CHECKOUT,
            log=self.logs / f"{name}.log",
            environment=self.environ,
            end=end,
            death_signal=death_signal,
        )
