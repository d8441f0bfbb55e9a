"""Candidates and attached clusters behind the simulator, made the way the product makes them."""

from collections.abc import Callable
from typing import Any

import pytest

from clusters.registry import services
from clusters.registry.models import Cluster
from portal.core import clock
from portal.core.actors import COMMAND
from portal.jobs import runner
from portal.jobs.models import Job
from tests.fakes.simulator import Simulator

# (name, simulated slug) -> candidate
Propose = Callable[..., Cluster]


def run_checks(cluster: Cluster) -> Cluster:
    """Run the open check job of the cluster, as a worker would."""
    job = Job.objects.open().get(kind="clusters.registry.check", key=str(cluster.pk))
    assert runner.run(job.pk) == "succeeded", Job.objects.get(pk=job.pk).error
    return Cluster.objects.get(pk=cluster.pk)


@pytest.fixture
def propose(db: None, simulator: Simulator, simulated: Callable[..., str]) -> Propose:
    """Propose a simulated cluster and run its checks: `propose("prod", distribution="k3s")`."""

    def make(name: str, *, slug: str = "", checked: bool = True, **world: Any) -> Cluster:
        kubeconfig = simulator.kubeconfig(slug or simulated(**world)).encode()
        cluster = services.propose(name=name, kubeconfig=kubeconfig, by=COMMAND, at=clock.now())
        return run_checks(cluster) if checked else cluster

    return make


@pytest.fixture
def attach(propose: Propose) -> Propose:
    """Propose, check and confirm."""

    def make(name: str, **world: Any) -> Cluster:
        return services.confirm(cluster=propose(name, **world), by=COMMAND, at=clock.now())

    return make
