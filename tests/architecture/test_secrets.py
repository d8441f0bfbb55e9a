"""A credential that went in comes out nowhere: not in answers, rows, logs, errors or texts made of objects (T1)."""

import base64
import gzip
import json
import logging
import zlib
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client

from clusters.registry import services
from clusters.registry.models import Cluster
from portal.accounts.models import User
from portal.audit.models import Event
from portal.core import clock
from portal.jobs import runner
from portal.jobs.models import Job
from tests import people
from tests.architecture import addresses
from tests.architecture.addresses import body, shapes
from tests.clusters.registry import kubeconfigs
from tests.factories import rivals
from tests.people import client_of

CANARY = "canary/credential+Zq7Wd3"
PASSWORD = "canary-password-Zq7Wd3"
FORMS = {
    form
    for secret in (CANARY, PASSWORD)
    for form in (
        secret,
        quote(secret, safe=""),
        secret.encode().hex(),
        *(base64.b64encode(b"x" * pad + secret.encode()).decode()[4:-4] for pad in range(3)),
    )
}


def told(text: str | bytes) -> list[str]:
    """The forms of the secrets that a text holds."""
    found = text if isinstance(text, str) else text.decode("utf-8", "replace")
    return [form for form in FORMS if form in found]


def stored() -> str:
    """Every row of every table as text, packed objects unpacked."""
    with connection.cursor() as cursor:
        lines = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT to_jsonb(t)::text FROM "{table}" AS t')
            lines += [row[0] for row in cursor.fetchall()]
    return "\n".join(lines)


def kubeconfig(server: str = "https://127.0.0.1:1") -> bytes:
    """A good one that leads nowhere."""
    found = kubeconfigs.content(token=CANARY)
    found["clusters"][0]["cluster"]["server"] = server
    return kubeconfigs.dump(found)


def test_the_search_finds_what_is_there() -> None:
    for text in (CANARY, quote(CANARY, safe=""), base64.b64encode(f"token {CANARY}".encode()).decode()):
        assert told(text)
    assert not told(zlib.compress(b"something else") + gzip.compress(b"again"))


@pytest.mark.django_db(transaction=True)
def test_a_clusters_credential_is_shown_nowhere(ann: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client = client_of(ann)
    made = client.post("/clusters/add/", {"name": "canary", "pasted": kubeconfig().decode()})
    assert made.status_code == 302
    cluster = Cluster.objects.get()
    for job in Job.objects.filter(kind="clusters.registry.check"):
        runner.run(job.pk)
    assert Cluster.objects.get().checked_at, "the checks were made, and failed"
    answers = [body(client.get(f"/clusters/{cluster.slug}/candidate/"))]
    answers += [body(client.get(f"/clusters/{cluster.slug}/checks/"))]
    answers += [body(client.get(f"/api/v1/clusters/{cluster.pk}/")), body(client.get("/api/v1/clusters/"))]
    answers += [body(client.get(f"/jobs/{job.pk}/")) for job in Job.objects.all()]
    answers += [body(client.get("/audit/")), body(client.get("/audit/?format=csv"))]
    assert [told(answer) for answer in answers if told(answer)] == []
    assert told(stored()) == []
    assert told(caplog.text) == []
    held = services.connection(cluster)
    assert held.token == CANARY
    assert told(f"{held!r} {held} {cluster!r} {cluster} {vars(cluster)}") == []


@pytest.mark.django_db(transaction=True)
def test_no_address_tells_a_password_or_a_credential(ann: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world = rivals.world()
    services.propose(name="canary", kubeconfig=kubeconfig(), by=ann.as_actor(), at=clock.now())
    client = client_of(ann)
    changed = client.post("/password/", {"password": PASSWORD, "current": people.PASSWORD})
    assert changed.status_code == 302
    for one in addresses.every():
        if one.name in addresses.UNASKED:
            continue
        for shape, answer in shapes(client, one.url(world, "ours"), is_api=one.is_api).items():
            assert told(body(answer)) == [], f"{one.name} {shape}"
    assert told(stored()) == []
    assert told(caplog.text) == []


WRONG = {
    "a second context": lambda found: found["contexts"].append(found["contexts"][0]),
    "an odd token": lambda found: found["users"][0]["user"].update(token=f"{CANARY}\x07"),
    "a password": lambda found: found["users"][0]["user"].update(password=PASSWORD),
    "a program": lambda found: found["users"][0]["user"].update(exec={"env": [{"name": "X", "value": CANARY}]}),
    "a bad key": lambda found: found["users"][0]["user"].update({"client-key-data": base64.b64encode(CANARY.encode())}),
    "a place it does not belong": lambda found: found["clusters"][0]["cluster"].update(
        server=f"https://u:{PASSWORD}@x"
    ),
    "a name": lambda found: found.update({"current-context": CANARY}),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_refusal_does_not_repeat_what_was_pasted(ann: User, caplog: pytest.LogCaptureFixture, what: str) -> None:
    caplog.set_level(logging.DEBUG)
    found = kubeconfigs.content(token=CANARY)
    WRONG[what](found)
    pasted = json.dumps(found, default=lambda raw: raw.decode())
    client = client_of(ann)
    page = client.post("/clusters/add/", {"name": "canary", "pasted": pasted})
    api = client.post("/api/v1/clusters/", {"name": "canary", "kubeconfig": pasted}, content_type="application/json")
    assert (page.status_code, api.status_code) == (422, 422)
    assert [told(body(page)), told(body(api)), told(stored()), told(caplog.text)] == [[], [], [], []]


def test_an_error_page_tells_its_id_and_nothing_else(
    ann: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(**given: object) -> None:
        secret = given["kubeconfig"]
        raise RuntimeError(f"could not go on ({type(secret).__name__})")

    monkeypatch.setattr(services, "propose", broken)
    client = Client(raise_request_exception=False)
    client.force_login(ann)
    page = client.post("/clusters/add/", {"name": "canary", "pasted": kubeconfig().decode()})
    api = client.post(
        "/api/v1/clusters/", {"name": "c", "kubeconfig": kubeconfig().decode()}, content_type="application/json"
    )
    for answer in (page, api):
        assert answer.status_code == 500
        assert answer.headers["X-Request-Id"] in answer.content.decode()
        assert "RuntimeError" not in answer.content.decode()
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "no-store" in answer.headers["Cache-Control"]
        assert told(answer.content) == []
    assert told(caplog.text) == []


def test_what_is_typed_as_a_name_may_be_a_password(ann: User) -> None:
    Client().post("/sign-in/", {"username": PASSWORD, "password": "ann"})
    assert Event.objects.filter(kind="accounts.session.refuse").exists()
    assert told(stored()) == []
