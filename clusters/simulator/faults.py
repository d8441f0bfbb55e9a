"""Scripted faults: what a cluster does wrong, on which requests and how often."""

import asyncio
import fnmatch
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from clusters.simulator import wire
from clusters.simulator.api import statuses, watches

Body = dict[str, Any]

# The parameters of each kind with their defaults; None must be given.
PARAMETERS: dict[str, dict[str, Any]] = {
    "delay": {"seconds": None},
    "status": {"code": None, "retry_after": None},
    "refuse": {},
    "cut": {"bytes": None},
    "drip": {"bytes_per_second": 1},
    "empty_list": {},
    "gone_in_list": {"page": 2},
    "gone_in_watch": {"after": 0},
    "drop_events": {"each": 1},
    "repeat_events": {"each": 1},
    "other_identity": {"uid": None},
    "certificate": {"which": None},
}
OPTIONAL = {"retry_after"}
CERTIFICATES = ("wrong_ca", "expired")


class FaultError(Exception):
    """The description of a fault is wrong."""


@dataclass(slots=True)
class Fault:
    """Applies to each `every`-th request whose path and verb (list, watch, patch, …; "" for any) match.

    `left` counts down the requests it still spoils; None never ends.
    """

    number: int
    kind: str
    parameters: Body
    path: str = "*"
    verb: str = ""
    every: int = 1
    left: int | None = None
    met: int = 0

    def body(self) -> Body:
        place = {"path": self.path, "verb": self.verb, "every": self.every, "left": self.left}
        return {"id": self.number, "kind": self.kind} | place | self.parameters


def read_fault(number: int, body: Body) -> Fault:
    """Raises FaultError with the name of the wrong field."""
    given = dict(body)
    kind = given.pop("kind", None)
    if kind not in PARAMETERS:
        raise FaultError(f"kind: one of {', '.join(sorted(PARAMETERS))}")
    place = {name: given.pop(name) for name in ("path", "verb", "every") if name in given}
    left = given.pop("count", None)
    if unknown := set(given) - set(PARAMETERS[kind]):
        raise FaultError(f"{min(unknown)}: unknown for {kind}")
    parameters = PARAMETERS[kind] | given
    for name, value in parameters.items():
        if value is None and name not in OPTIONAL:
            raise FaultError(f"{name}: missing for {kind}")
    if kind == "certificate" and parameters["which"] not in CERTIFICATES:
        raise FaultError(f"which: one of {', '.join(CERTIFICATES)}")
    return Fault(number, kind, parameters, left=left, **place)


class Faults:
    """The faults of one cluster, in the order they were added."""

    def __init__(self) -> None:
        self._faults: dict[int, Fault] = {}
        self._last = 0

    def add(self, body: Body) -> Fault:
        fault = read_fault(self._last + 1, body)
        self._last = fault.number
        self._faults[fault.number] = fault
        return fault

    def remove(self, number: int | None) -> None:
        """None removes all."""
        if number is None:
            self._faults.clear()
        else:
            self._faults.pop(number, None)

    def all(self) -> list[Fault]:
        return list(self._faults.values())

    def certificate(self) -> str:
        """The certificate to show: `valid`, `wrong_ca` or `expired`."""
        shown = [fault.parameters["which"] for fault in self._faults.values() if fault.kind == "certificate"]
        return str(shown[-1]) if shown else "valid"

    def take(self, kind: str, path: str, verb: str, **wanted: Any) -> Fault | None:
        """The fault of this kind that spoils this request, counted as used; `wanted` are its parameters."""
        for fault in self._faults.values():
            if fault.kind == kind and _applies(fault, path, verb, wanted):
                return fault
        return None


def _applies(fault: Fault, path: str, verb: str, wanted: Body) -> bool:
    if fault.left == 0 or not fnmatch.fnmatchcase(path, fault.path) or fault.verb not in ("", verb):
        return False
    if any(fault.parameters[name] != value for name, value in wanted.items()):
        return False
    fault.met += 1
    if fault.met % fault.every:
        return False
    if fault.left is not None:
        fault.left -= 1
    return True


async def before(faults: Faults, path: str, verb: str) -> None:
    """Waits, drops the connection or raises the scripted StatusError."""
    if delay := faults.take("delay", path, verb):
        await asyncio.sleep(float(delay.parameters["seconds"]))
    if faults.take("refuse", path, verb):
        raise wire.CutOffError
    if fault := faults.take("status", path, verb):
        code = int(fault.parameters["code"])
        message = "Unauthorized" if code == 401 else f"scripted fault {code}"
        raise statuses.StatusError(code, message, retry_after=fault.parameters["retry_after"])


def after(faults: Faults, path: str, verb: str, answer: wire.Answer) -> wire.Answer:
    """The answer as it leaves: whole, cut after some bytes, or dripping."""
    cut, drip = faults.take("cut", path, verb), faults.take("drip", path, verb)
    if not cut and not drip:
        return answer
    if isinstance(answer.body, bytes):
        answer.length = len(answer.body)
        answer.body = _once(answer.body)
    if cut:
        answer.body = _cut(answer.body, int(cut.parameters["bytes"]))
    if drip:
        answer.body = _drip(answer.body, float(drip.parameters["bytes_per_second"]))
    return answer


def spoil_lines(faults: Faults, path: str, lines: AsyncIterator[watches.Line]) -> AsyncIterator[watches.Line]:
    """The lines of a watch under the faults that concern single events."""
    if fault := faults.take("gone_in_watch", path, "watch"):
        lines = _gone_after(lines, int(fault.parameters["after"]))
    if fault := faults.take("drop_events", path, "watch"):
        lines = _repeat_each(lines, int(fault.parameters["each"]), times=0)
    if fault := faults.take("repeat_events", path, "watch"):
        lines = _repeat_each(lines, int(fault.parameters["each"]), times=2)
    return lines


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _cut(body: AsyncIterator[bytes], left: int) -> AsyncIterator[bytes]:
    async for piece in body:
        yield piece[:left]
        left -= len(piece)
        if left <= 0:
            # What was written must reach the client before the connection drops.
            await asyncio.sleep(0.05)
            raise wire.CutOffError


async def _drip(body: AsyncIterator[bytes], rate: float) -> AsyncIterator[bytes]:
    async for piece in body:
        for position in range(len(piece)):
            yield piece[position : position + 1]
            await asyncio.sleep(1 / rate)


async def _gone_after(lines: AsyncIterator[watches.Line], left: int) -> AsyncIterator[watches.Line]:
    gone = watches.Line("ERROR", statuses.too_old(0, 0).event())
    if not left:
        yield gone
        return
    async for line in lines:
        yield line
        left -= 1
        if not left:
            yield gone
            return


async def _repeat_each(lines: AsyncIterator[watches.Line], each: int, *, times: int) -> AsyncIterator[watches.Line]:
    """Each `each`-th event is told `times` times; bookmarks are not events."""
    seen = 0
    async for line in lines:
        seen += line.kind != "BOOKMARK"
        spoiled = line.kind != "BOOKMARK" and seen % each == 0
        for _ in range(times if spoiled else 1):
            yield line
