"""Which machine a pod ran on: the one with the most CPU free that was there for as long as the pod was."""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from portal.home.demo.world.lives import Lived, Machine, Run, WorldError


@dataclass
class _Room:
    """What is free on a machine."""

    machine: Machine
    cpu: int
    memory: int
    gpu: int
    pods: int

    def holds(self, run: Run) -> bool:
        machine, app = self.machine, run.app
        pool = machine.pool
        if app.pools and pool.name not in app.pools or not app.pools and (pool.only or machine.down):
            return False
        if machine.born > run.begins or machine.gone and (run.ended is None or run.ended > machine.gone):
            return False
        return self.cpu >= app.cpu and self.memory >= app.memory and self.gpu >= app.gpu and self.pods > 0

    def take(self, run: Run, sign: int = 1) -> None:
        self.cpu -= sign * run.app.cpu
        self.memory -= sign * run.app.memory
        self.gpu -= sign * run.app.gpu
        self.pods -= sign


@dataclass(order=True)
class _Leaving:
    at: datetime
    order: int
    room: _Room = field(compare=False)
    run: Run = field(compare=False)


def place(apps: Iterable[Lived], machines: Sequence[Machine], pod_limit: int) -> None:
    """Give every pod its machine, in the order of time. Raises `WorldError` where nothing holds one."""
    runs = [run for lived in apps for run in lived.runs]
    rooms = {
        machine.uid: _Room(machine, machine.cpu, machine.memory, machine.pool.gpus, pod_limit) for machine in machines
    }
    for run in runs:
        if run.machine is not None:
            # It is there as long as its machine.
            rooms[run.machine.uid].take(run)
    leaving: list[_Leaving] = []
    waiting = (run for run in runs if run.machine is None and run.state != "pending")
    for order, run in enumerate(sorted(waiting, key=lambda one: (one.begins, one.space.name, one.name))):
        while leaving and leaving[0].at <= run.begins:
            left = heapq.heappop(leaving)
            left.room.take(left.run, -1)
        room = _best(rooms.values(), run)
        room.take(run)
        run.machine = room.machine
        if run.ended is not None:
            heapq.heappush(leaving, _Leaving(run.ended, order, room, run))


def _best(rooms: Iterable[_Room], run: Run) -> _Room:
    fitting = [room for room in rooms if room.holds(run)]
    if not fitting:
        raise WorldError(f"no machine holds {run.space.name}/{run.name} at {run.begins}")
    return max(fitting, key=lambda room: (room.cpu / room.machine.cpu, room.machine.name))
