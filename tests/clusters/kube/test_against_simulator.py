"""The same conversations against the simulator: every kind side by side, and its scripted faults."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from clusters.kube import checks, errors, kubeconfig, reactor
from clusters.kube.connection import Connection
from clusters.kube.conversation import Batch, Conversation, more, page_of, watch
from clusters.kube.objects.table import BY_NAME, KINDS, POD, Kind
from tests.fakes.simulator import Simulator

Load = Callable[..., str]


def follow(kind: Kind) -> Conversation[tuple[int, list[Batch]]]:
    """Lists all, then watches for a second."""
    page = yield from page_of(kind)
    for item in page.items:
        kind.extract(item)
    count = len(page.items)
    while page.continue_token:
        page = yield from page_of(kind, continue_token=page.continue_token)
        count += len(page.items)
    batches = [(yield from watch(kind, page.resource_version, timeout_seconds=1))]
    while not batches[-1].ended:
        batches.append((yield from more()))
    return count, batches


def connected(simulator: Simulator, slug: str) -> Connection:
    return kubeconfig.read(simulator.kubeconfig(slug).encode())


def run_all(connection: Connection, deadline: float = 10.0) -> dict[str, reactor.Outcome[Any]]:
    return reactor.run(connection, {kind.name: follow(kind) for kind in KINDS}, deadline=deadline, allow_loopback=True)


def test_every_kind_side_by_side(simulator: Simulator, simulated: Load) -> None:
    slug = simulated(distribution="k3s")
    started = time.monotonic()
    outcomes = run_all(connected(simulator, slug))
    assert time.monotonic() - started < 4
    assert {name: outcome.error for name, outcome in outcomes.items()} == dict.fromkeys(BY_NAME)
    count, batches = outcomes["namespace"].demand()
    assert count >= 1
    assert batches[-1].ended


def test_the_probe_finds_the_distribution_and_every_right(simulator: Simulator, simulated: Load) -> None:
    slug = simulated(distribution="k3s")
    probe = checks.probe(connected(simulator, slug), allow_loopback=True)
    assert [check for check in probe.checks if check.state == checks.FAILED] == []
    assert probe.distribution == "k3s"
    assert probe.kube_system_uid


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "status", "code": 429, "retry_after": 30}, errors.TooManyRequests),
        ({"kind": "status", "code": 500}, errors.ServerError),
        ({"kind": "status", "code": 403}, errors.Forbidden),
        ({"kind": "cut", "bytes": 20}, errors.CutShort),
        ({"kind": "drip", "bytes_per_second": 1}, errors.DeadlinePassed),
        ({"kind": "delay", "seconds": 20}, errors.DeadlinePassed),
    ],
)
def test_a_fault_of_one_kind_stays_its_own(
    simulator: Simulator, simulated: Load, fault: dict[str, Any], expected: type[errors.KubeError]
) -> None:
    slug = simulated()
    connection = connected(simulator, slug)
    simulator.fault(slug, path=POD.path, verb="list", **fault)
    started = time.monotonic()
    outcomes = run_all(connection, deadline=3.0)
    assert time.monotonic() - started < 5
    assert type(outcomes["pod"].error) is expected
    assert all(outcome.error is None for name, outcome in outcomes.items() if name != "pod")


def test_410_in_a_watch(simulator: Simulator, simulated: Load) -> None:
    slug = simulated()
    simulator.fault(slug, kind="gone_in_watch", path=POD.path, verb="watch")
    outcomes = run_all(connected(simulator, slug))
    assert isinstance(outcomes["pod"].error, errors.Gone)


@pytest.mark.parametrize(("which", "reason"), [("wrong_ca", "unknown_ca"), ("expired", "expired")])
def test_certificates(simulator: Simulator, simulated: Load, which: str, reason: str) -> None:
    slug = simulated()
    connection = connected(simulator, slug)
    simulator.forget_requests(slug)
    simulator.fault(slug, kind="certificate", which=which)
    for outcome in run_all(connection).values():
        assert isinstance(outcome.error, errors.TlsFailed)
        assert outcome.error.reason == reason
    assert simulator.requests(slug) == []
