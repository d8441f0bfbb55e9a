"""The probe of a candidate against a scripted cluster: what is green, what is red, what is not looked at."""

import json
from typing import Any

import pytest

from clusters.kube import checks
from clusters.kube.checks import FAILED, OK, SKIPPED, WARN, Probe
from clusters.kube.connection import Connection
from clusters.kube.rights import ACCESS_REVIEWS, READ
from tests.clusters.kube import certificates
from tests.clusters.kube.certificates import Pair
from tests.clusters.kube.conftest import Serve
from tests.clusters.kube.samples import page
from tests.clusters.kube.scripted import Line, Request, Script

NODE = {"metadata": {"name": "n", "uid": "n-1", "resourceVersion": "1", "labels": {"eks.amazonaws.com/nodegroup": "a"}}}


def cluster(
    *, denied: tuple[str, ...] = (), groups: tuple[str, ...] = (), status: dict[str, str] | None = None
) -> Script:
    def script(request: Request, line: Line) -> None:
        bad = (status or {}).get(request.path)
        answers: dict[str, Any] = {
            "/version": {"gitVersion": "v1.36.1"},
            "/apis": {"groups": [{"name": name} for name in groups]},
            "/api/v1/nodes": page([NODE], kind="NodeList"),
            "/api/v1/namespaces/kube-system": {"metadata": {"name": "kube-system", "uid": "the-uid"}},
        }
        if bad:
            line.json({"message": "the server's own words"}, status=bad)
        elif request.path == ACCESS_REVIEWS:
            asked = json.loads(request.body)["spec"]["resourceAttributes"]
            allowed = f"{asked['verb']} {asked['resource']}" not in denied
            line.json({"status": {"allowed": allowed}}, status="201 Created")
        else:
            line.json(answers[request.path])

    return script


def states(probe: Probe) -> dict[str, str]:
    return {check.key: check.state for check in probe.checks}


def test_a_good_cluster(serve: Serve, authority: Pair) -> None:
    server = serve(cluster(groups=("metrics.k8s.io", "constraints.gatekeeper.sh", "management.cattle.io")))
    probe = checks.probe(server.connection(authority), allow_loopback=True)
    assert probe.passed
    assert set(states(probe).values()) == {OK}
    assert (probe.kube_system_uid, probe.version) == ("the-uid", "v1.36.1")
    assert (probe.distribution, probe.rancher_managed) == ("eks", True)
    assert {f"right.{right.name}" for right in READ} <= states(probe).keys()


def test_missing_rights_are_named_and_optional_ones_only_warn(serve: Serve, authority: Pair) -> None:
    server = serve(cluster(denied=("watch pods", "get pods", "list nodes")))
    probe = checks.probe(server.connection(authority), allow_loopback=True)
    found = {check.key: check for check in probe.checks}
    assert not probe.passed
    assert found["right.pods"].state == FAILED
    assert found["right.pods"].text == "Missing: watch."
    assert found["right.pods"].remedy
    assert found["right.nodes"].state == FAILED
    assert found["right.pods.metrics.k8s.io"].state == WARN
    assert found["right.deployments.apps"].state == OK
    assert (found["metrics"].state, found["gatekeeper"].state) == (WARN, WARN)


def test_one_check_fails_alone(serve: Serve, authority: Pair) -> None:
    server = serve(cluster(status={"/api/v1/namespaces/kube-system": "403 Forbidden", "/apis": "500 Oh"}))
    probe = checks.probe(server.connection(authority), allow_loopback=True)
    assert states(probe)["identity"] == FAILED
    assert states(probe)["version"] == OK
    assert states(probe)["metrics"] == WARN
    assert probe.kube_system_uid == ""
    assert "own words" not in str(probe)


@pytest.mark.parametrize(
    ("status", "stage"), [("401 Unauthorized", "authentication"), ("403 Forbidden", "authentication")]
)
def test_a_credential_that_is_not_accepted(serve: Serve, authority: Pair, status: str, stage: str) -> None:
    server = serve(cluster(status={ACCESS_REVIEWS: status}))
    probe = checks.probe(server.connection(authority), allow_loopback=True)
    found = states(probe)
    assert found.pop(stage) == FAILED
    assert [key for key, state in found.items() if state == OK] == ["name", "reach", "tls"]
    assert found["right.pods"] == found["version"] == found["gatekeeper"] == SKIPPED


def test_a_wrong_authority_stops_at_tls(serve: Serve) -> None:
    server = serve(cluster())
    probe = checks.probe(server.connection(certificates.authority("other")), allow_loopback=True)
    found = states(probe)
    assert (found["name"], found["reach"], found["tls"], found["authentication"]) == (OK, OK, FAILED, SKIPPED)
    assert server.requests == []


def test_a_refused_address_stops_at_the_name(serve: Serve, authority: Pair) -> None:
    server = serve(cluster())
    probe = checks.probe(server.connection(authority), allow_loopback=False)
    found = states(probe)
    assert found["name"] == FAILED
    assert set(found.values()) == {FAILED, SKIPPED}
    assert all(check.text for check in probe.checks)


def test_nobody_listens(authority: Pair) -> None:
    connection = Connection("https://127.0.0.1:9", authority.certificate_pem, "t")
    found = states(checks.probe(connection, allow_loopback=True))
    assert (found["name"], found["reach"], found["tls"]) == (OK, FAILED, SKIPPED)
