"""What is refused leaves nothing behind; what is accepted is a candidate with a sealed credential."""

import pytest
from django.test import override_settings

from clusters.registry import services
from clusters.registry.models import Cluster, State
from portal.audit.models import Event
from portal.core import clock, errors, sealed
from portal.core.actors import COMMAND
from portal.jobs.models import Job
from tests.clusters.registry import kubeconfigs
from tests.clusters.registry.conftest import Propose

pytestmark = pytest.mark.django_db


def propose(name: str = "prod", kubeconfig: bytes = kubeconfigs.GOOD) -> Cluster:
    return services.propose(name=name, kubeconfig=kubeconfig, by=COMMAND, at=clock.now())


def nothing_stored() -> bool:
    return not (Cluster.objects.exists() or Job.objects.exists() or Event.objects.exists())


@pytest.mark.parametrize("what", kubeconfigs.BAD)
def test_a_bad_kubeconfig_is_refused_by_the_name_of_its_field(what: str) -> None:
    data, field = kubeconfigs.BAD[what]
    with pytest.raises(errors.Refused) as refused:
        propose(kubeconfig=data)
    assert list(refused.value.errors) == ["kubeconfig"]
    assert refused.value.errors["kubeconfig"][0].startswith(field)
    assert nothing_stored()


@pytest.mark.parametrize("name", ["", "-x", "a/b", "prоd", "x" * 64, "add", "<b>"])
def test_a_bad_name_is_refused(name: str) -> None:
    with pytest.raises(errors.Refused) as refused:
        propose(name)
    assert list(refused.value.errors) == ["name"]
    assert nothing_stored()


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(errors.Refused) as refused:
        propose("", kubeconfigs.BAD["exec"][0])
    assert set(refused.value.errors) == {"name", "kubeconfig"}


@pytest.mark.parametrize("server", ["https://127.0.0.1:6443", "https://[::1]:6443"])
def test_loopback_needs_the_setting(server: str) -> None:
    data = kubeconfigs.with_cluster(server=server)
    with override_settings(ALLOW_LOOPBACK=False), pytest.raises(errors.Refused):
        propose(kubeconfig=data)
    assert nothing_stored()
    assert propose(kubeconfig=data).state == State.CANDIDATE


def test_the_credential_is_sealed_for_its_row() -> None:
    cluster = propose()
    other = propose("other")
    assert "a-token" not in cluster.credential
    assert services.connection(cluster).token == "a-token"
    other.credential = cluster.credential
    with pytest.raises(sealed.SealBroken):
        services.connection(other)
    assert "a-token" not in "".join(map(str, Event.objects.values_list("before", "after")))


@pytest.mark.parametrize("name", ["prod", "PROD", "Prod", "prod "])
def test_names_that_look_alike_are_one_name(name: str) -> None:
    propose("prod")
    with pytest.raises(errors.Refused) as refused:
        propose(name)
    assert "name" in refused.value.errors


def test_candidates_are_purged_after_a_day(propose: Propose) -> None:
    candidate = propose("prod", checked=False)
    assert services.purge_candidates(at=candidate.proposed_at + services.CANDIDATE_LIFE / 2) == 0
    assert services.purge_candidates(at=candidate.proposed_at + services.CANDIDATE_LIFE) == 1
    assert not Cluster.objects.exists()
    assert Event.objects.filter(kind="registry.cluster.purge", actor_kind="system").exists()
