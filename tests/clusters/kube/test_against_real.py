"""The same conversations against a real kube-apiserver."""

import pytest
import yaml

from clusters.kube import checks, errors, kubeconfig, reactor, rights
from clusters.kube.connection import Connection
from clusters.kube.conversation import Answer, Get
from clusters.kube.objects.table import BY_NAME, KINDS
from tests.clusters.kube.test_against_simulator import follow
from tests.testbed.control_plane import Cluster


def connected(cluster: Cluster) -> Connection:
    return kubeconfig.read(cluster.kubeconfig().encode())


def test_every_kind_is_listed_and_watched(bare_cluster: Cluster) -> None:
    talks = {kind.name: follow(kind) for kind in KINDS}
    outcomes = reactor.run(connected(bare_cluster), talks, deadline=10, allow_loopback=True)
    assert {name: outcome.error for name, outcome in outcomes.items()} == dict.fromkeys(BY_NAME)
    namespaces, batches = outcomes["namespace"].demand()
    assert namespaces >= 1
    assert batches[-1].ended


def test_gzip_gives_the_same(bare_cluster: Cluster) -> None:
    talks = {kind.name: follow(kind) for kind in KINDS}
    outcomes = reactor.run(connected(bare_cluster), talks, deadline=10, allow_loopback=True, gzip=True)
    assert {name: outcome.error for name, outcome in outcomes.items()} == dict.fromkeys(BY_NAME)


def test_the_probe_of_an_administrator(bare_cluster: Cluster) -> None:
    probe = checks.probe(connected(bare_cluster), allow_loopback=True)
    assert [check for check in probe.checks if check.state in (checks.FAILED, checks.SKIPPED)] == []
    assert probe.version.startswith("v1.")
    found = reactor.fetch(connected(bare_cluster), Get(checks.IDENTITY_PATH), deadline=5, allow_loopback=True)
    assert isinstance(found, Answer)
    assert probe.kube_system_uid.encode() in found.body


def test_a_wrong_token_is_not_accepted(bare_cluster: Cluster) -> None:
    good = connected(bare_cluster)
    bad = Connection(good.server, good.ca_data, "no-such-token")
    states = {check.key: check.state for check in checks.probe(bad, allow_loopback=True).checks}
    assert (states["tls"], states["authentication"], states["version"]) == (checks.OK, checks.FAILED, checks.SKIPPED)


def test_the_manifests_grant_every_right_and_no_more(bare_cluster: Cluster) -> None:
    rules = next(each for each in yaml.safe_load_all(rights.manifests()) if each["kind"] == "ClusterRole")["rules"]
    reader = kubeconfig.read(bare_cluster.account_kubeconfig("paddock-read", rules=rules).encode())
    states = {check.key: check.state for check in checks.probe(reader, allow_loopback=True).checks}
    assert {key: state for key, state in states.items() if state != checks.OK} == {
        "metrics": checks.WARN,
        "gatekeeper": checks.WARN,
    }
    with pytest.raises(errors.Forbidden):
        reactor.fetch(reader, Get("/api/v1/secrets"), deadline=5, allow_loopback=True)


def test_a_missing_right_is_named(bare_cluster: Cluster) -> None:
    rules = [{"apiGroups": ["*"], "resources": ["pods"], "verbs": ["list"]}]
    reader = kubeconfig.read(bare_cluster.account_kubeconfig("pods-only", rules=rules).encode())
    found = {check.key: check for check in checks.probe(reader, allow_loopback=True).checks}
    assert (found["right.pods"].state, found["right.pods"].text) == (checks.FAILED, "Missing: watch.")
    assert found["right.nodes"].text == "Missing: list, watch."
    assert found["right.events"].state == checks.WARN
    assert found["identity"].state == checks.FAILED
