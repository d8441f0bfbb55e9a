"""Live checks against the simulator: green, red with the remedy, and what they lead to."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from clusters.registry import selectors, services
from clusters.registry.models import Cluster
from portal.core import clock, errors
from portal.core.actors import COMMAND
from portal.jobs import runner
from portal.jobs.models import Job
from tests.clusters.registry import kubeconfigs
from tests.clusters.registry.conftest import Propose, run_checks
from tests.fakes.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


def state(cluster: Cluster, key: str) -> str:
    return next(str(one["state"]) for one in cluster.checks if one["key"] == key)


def test_a_good_cluster_is_green_and_told_apart(propose: Propose) -> None:
    cluster = propose("prod", distribution="rke2")
    assert (cluster.distribution, cluster.version) == ("rke2", "v1.32.5+rke2r1")
    assert cluster.kube_system_uid
    found = selectors.looking_at(cluster)
    assert (found.busy, found.passed, found.failed) == (False, True, 0)
    assert found.warned  # no metrics API, no Gatekeeper


def test_a_missing_right_is_red_with_its_remedy(propose: Propose) -> None:
    denied = [{"verbs": ["watch"], "apiGroups": [""], "resources": ["pods"]}]
    cluster = propose("prod", denied=denied)
    red = [one for one in cluster.checks if one["state"] == "failed"]
    assert [one["key"] for one in red] == ["right.pods"]
    assert red[0]["remedy"]
    with pytest.raises(errors.Refused, match="Right to read pods"):
        services.confirm(cluster=cluster, by=COMMAND, at=clock.now())


@pytest.mark.parametrize(
    ("fault", "key"),
    [
        ({"kind": "certificate", "which": "wrong_ca"}, "tls"),
        ({"kind": "certificate", "which": "expired"}, "tls"),
        ({"kind": "status", "code": 401}, "authentication"),
        ({"kind": "status", "code": 500}, "authentication"),
        ({"kind": "refuse"}, "reach"),
    ],
)
def test_what_is_wrong_with_a_server_is_told(
    propose: Propose, simulator: Simulator, simulated: Callable[..., str], fault: dict[str, object], key: str
) -> None:
    slug = simulated()
    simulator.fault(slug, **fault)  # type: ignore[arg-type]
    cluster = propose("prod", slug=slug)
    failed = [one for one in cluster.checks if one["state"] == "failed"]
    assert failed, cluster.checks
    assert failed[0]["remedy"]
    assert selectors.looking_at(cluster).passed is False
    with pytest.raises(errors.Refused):
        services.confirm(cluster=cluster, by=COMMAND, at=clock.now())
    assert key in [one["key"] for one in failed] or failed[0]["key"] in {"reach", "authentication"}


def test_a_repaired_cluster_turns_green_when_checked_again(
    propose: Propose, simulator: Simulator, simulated: Callable[..., str]
) -> None:
    slug = simulated()
    simulator.fault(slug, "status", code=401)
    cluster = propose("prod", slug=slug)
    simulator.heal(slug)
    services.recheck(cluster=cluster, by=COMMAND)
    assert selectors.looking_at(cluster).busy
    assert selectors.looking_at(run_checks(cluster)).passed


def test_a_name_that_does_not_resolve_is_a_red_check() -> None:
    data = kubeconfigs.with_cluster(server="https://cluster.invalid:6443")
    cluster = run_checks(services.propose(name="prod", kubeconfig=data, by=COMMAND, at=clock.now()))
    assert state(cluster, "name") == "failed"
    assert state(cluster, "tls") == "skipped"


def test_a_result_that_comes_after_the_detaching_is_dropped(
    attach: Propose, simulator: Simulator, simulated: Callable[..., str]
) -> None:
    slug = simulated()
    cluster = attach("prod", slug=slug)
    before = Cluster.objects.get(pk=cluster.pk).checked_at
    simulator.fault(slug, "delay", seconds=1)
    simulator.forget_requests(slug)
    found: list[Cluster | None] = []

    def look() -> None:
        try:
            found.append(services.check(cluster_id=cluster.pk, at=clock.now() + timedelta(hours=1)))
        finally:
            connection.close()

    looking = threading.Thread(target=look)
    looking.start()
    time.sleep(0.3)
    begun = time.monotonic()
    services.detach(cluster=cluster, by=COMMAND, at=clock.now())
    assert time.monotonic() - begun < 5
    looking.join(30)
    assert found == [None]
    assert simulator.requests(slug)
    after = Cluster.objects.get(pk=cluster.pk)
    assert (after.state, after.credential, after.checked_at) == ("detached", "", before)


def test_another_cluster_behind_the_address_is_noted_and_forgiven(
    attach: Propose, simulator: Simulator, simulated: Callable[..., str]
) -> None:
    slug = simulated()
    cluster = attach("prod", slug=slug)
    simulator.fault(slug, "other_identity", uid="11111111-2222-3333-4444-555555555555")
    services.recheck(cluster=cluster, by=COMMAND)
    changed = run_checks(cluster)
    assert changed.foreign_uid == "11111111-2222-3333-4444-555555555555"
    assert changed.identity_changed_at is not None
    assert changed.kube_system_uid == cluster.kube_system_uid
    simulator.heal(slug)
    services.recheck(cluster=cluster, by=COMMAND)
    assert run_checks(cluster).identity_changed_at is None


def test_a_cancelled_check_writes_nothing(propose: Propose) -> None:
    cluster = propose("prod", checked=False)
    job = Job.objects.get(key=str(cluster.pk))
    services.discard(cluster=cluster, by=COMMAND)
    assert runner.run(job.pk) == "succeeded"
    assert Job.objects.get(pk=job.pk).result == {"kept": False}
