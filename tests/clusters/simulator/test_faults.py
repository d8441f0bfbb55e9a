"""Every scripted fault, as a client meets it."""

import http.client
import ssl
import time
from collections.abc import Callable

import pytest

from tests.contracts import objects
from tests.contracts.client import Client
from tests.fakes.simulator import ControlError, Simulator

Simulated = Callable[..., str]
Connect = Callable[[str], Client]

PODS = "/api/v1/pods"


@pytest.fixture
def slug(simulated: Simulated) -> str:
    pods = [objects.pod("default", f"pod-{number}") for number in range(5)]
    return simulated(objects={"pods": pods})


@pytest.fixture
def client(slug: str, connect: Connect) -> Client:
    return connect(slug)


def test_status_with_retry_after_as_often_as_told(simulator: Simulator, slug: str, client: Client) -> None:
    simulator.fault(slug, "status", code=429, retry_after=7, path=PODS, count=2)
    for _ in range(2):
        answer = client.get(PODS)
        assert (answer.status, answer.headers["retry-after"]) == (429, "7")
        assert answer.json["reason"] == "TooManyRequests"
        assert answer.json["details"]["retryAfterSeconds"] == 7
    assert client.get(PODS).status == 200


@pytest.mark.parametrize("code", [401, 403, 500, 503])
def test_status_on_one_path_alone(simulator: Simulator, slug: str, client: Client, code: int) -> None:
    simulator.fault(slug, "status", code=code, path="/api/v1/*pods")
    assert client.get("/api/v1/namespaces/default/pods").json["code"] == code
    assert client.get("/api/v1/nodes").status == 200
    simulator.heal(slug)
    assert client.get(PODS).status == 200


def test_every_second_request(simulator: Simulator, slug: str, client: Client) -> None:
    simulator.fault(slug, "status", code=500, every=2)
    assert [client.get(PODS).status for _ in range(4)] == [200, 500, 200, 500]


def test_one_verb_alone(simulator: Simulator, slug: str, client: Client) -> None:
    simulator.fault(slug, "status", code=403, path=PODS, verb="watch")
    assert client.get(PODS).status == 200
    assert client.get(PODS, watch=1, timeoutSeconds=1).status == 403


def test_delay(simulator: Simulator, slug: str, client: Client) -> None:
    simulator.fault(slug, "delay", seconds=0.5, count=1)
    started = time.monotonic()
    assert client.get(PODS).status == 200
    assert time.monotonic() - started >= 0.5


def test_refused_connection(simulator: Simulator, slug: str, client: Client) -> None:
    simulator.fault(slug, "refuse", count=1)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionError, ssl.SSLError)):
        client.get(PODS)
    assert client.get(PODS).status == 200


def test_cut_body(simulator: Simulator, slug: str, client: Client) -> None:
    simulator.fault(slug, "cut", bytes=100, path=PODS, count=1)
    with pytest.raises((http.client.IncompleteRead, ConnectionError, ssl.SSLError)) as caught:
        client.get(PODS)
    if isinstance(caught.value, http.client.IncompleteRead):
        assert len(caught.value.partial) <= 100
    assert client.get(PODS).status == 200


def test_cut_watch(simulator: Simulator, slug: str, client: Client) -> None:
    simulator.fault(slug, "cut", bytes=50, verb="watch")
    with pytest.raises((http.client.IncompleteRead, ConnectionError, ssl.SSLError, ValueError)):
        client.watch(PODS, timeoutSeconds=2)


def test_drip(simulator: Simulator, slug: str, client: Client) -> None:
    simulator.fault(slug, "drip", bytes_per_second=200, path="/version", count=1)
    started = time.monotonic()
    answer = client.get("/version")
    assert answer.json["major"] == "1"
    assert time.monotonic() - started >= len(answer.content) / 200 * 0.9


def test_410_at_one_page(simulator: Simulator, slug: str, client: Client) -> None:
    simulator.fault(slug, "gone_in_list", page=3, count=2)
    for _ in range(2):
        token = ""
        for _ in range(2):
            token = client.get(PODS, limit=1, **{"continue": token}).json["metadata"]["continue"]
        answer = client.get(PODS, limit=1, **{"continue": token})
        assert (answer.status, answer.json["reason"]) == (410, "Expired")
    assert client.get(PODS, limit=1, **{"continue": token}).status == 200


def test_410_in_a_watch(simulator: Simulator, slug: str, client: Client) -> None:
    simulator.fault(slug, "gone_in_watch", after=2, count=1)
    events = client.watch(PODS, timeoutSeconds=1)
    assert [event["type"] for event in events] == ["ADDED", "ADDED", "ERROR"]
    assert events[-1]["object"]["code"] == 410
    assert [event["type"] for event in client.watch(PODS, timeoutSeconds=1)] == ["ADDED"] * 5


def test_an_empty_list_by_accident(simulator: Simulator, slug: str, client: Client) -> None:
    simulator.fault(slug, "empty_list", path=PODS, count=1)
    listed = client.get(PODS).json
    assert listed["items"] == []
    assert listed["metadata"]["resourceVersion"].isdigit()
    assert len(client.get(PODS).json["items"]) == 5


def test_another_identity(simulator: Simulator, slug: str, client: Client) -> None:
    path = "/api/v1/namespaces/kube-system"
    before = client.get(path).json["metadata"]["uid"]
    number = simulator.fault(slug, "other_identity", uid="somebody-else")
    assert client.get(path).json["metadata"]["uid"] == "somebody-else"
    listed = client.get("/api/v1/namespaces").json["items"]
    assert "somebody-else" in {item["metadata"]["uid"] for item in listed}
    simulator.heal(slug, number)
    assert client.get(path).json["metadata"]["uid"] == before


@pytest.mark.parametrize(
    ("which", "message"),
    [("wrong_ca", "self-signed certificate|unable to get local issuer"), ("expired", "expired")],
)
def test_certificates(simulator: Simulator, slug: str, client: Client, which: str, message: str) -> None:
    simulator.fault(slug, "certificate", which=which)
    with pytest.raises(ssl.SSLCertVerificationError, match=message):
        client.get("/version")
    simulator.heal(slug)
    assert client.get("/version").status == 200


def test_dropped_events(simulator: Simulator, slug: str, client: Client) -> None:
    simulator.fault(slug, "drop_events", each=2)
    assert len(client.watch(PODS, timeoutSeconds=1)) == 3


def test_repeated_events(simulator: Simulator, slug: str, client: Client) -> None:
    simulator.fault(slug, "repeat_events", each=5)
    names = [event["object"]["metadata"]["name"] for event in client.watch(PODS, timeoutSeconds=1)]
    assert len(names) == 6
    assert names[-1] == names[-2]


def test_other_clusters_do_not_notice(simulator: Simulator, slug: str, simulated: Simulated, connect: Connect) -> None:
    simulator.fault(slug, "status", code=500)
    assert connect(simulated()).get(PODS).status == 200


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"kind": "earthquake"}, "kind"),
        ({"kind": "delay"}, "seconds"),
        ({"kind": "delay", "seconds": 1, "minutes": 1}, "minutes"),
        ({"kind": "certificate", "which": "blank"}, "which"),
    ],
)
def test_a_wrong_fault_is_refused_by_field(
    simulator: Simulator, slug: str, fault: dict[str, object], field: str
) -> None:
    with pytest.raises(ControlError, match=f"^{field}: "):
        simulator.fault(slug, **fault)  # type: ignore[arg-type]
    assert simulator.faults(slug) == []
