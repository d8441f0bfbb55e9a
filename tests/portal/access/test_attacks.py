"""What somebody tries who means harm: each attempt ends in a plain refusal, and nothing of it is kept."""

import json
import uuid
from typing import Any

import pytest
from django.test import Client

from clusters.registry.models import Cluster
from portal.access.scopes import ScopeKind
from portal.accounts import services as accounts
from portal.accounts.bindings import role_bindings
from portal.accounts.models import Binding, Session, SignInAttempt, User
from portal.audit.models import Event
from portal.core import clock
from portal.core.actors import COMMAND
from portal.jobs import runner
from portal.jobs import services as jobs
from portal.jobs.models import Job
from tests.factories import rivals
from tests.people import PASSWORD, client_of

MIB = 2**20
LISTS = (
    "/people/",
    "/people/bindings/",
    "/audit/",
    "/jobs/",
    "/clusters/",
    "/projects/",
    "/teams/",
    "/projects/unowned/",
    "/inventory/pods/",
    "/inventory/workloads/",
    "/inventory/nodes/",
    "/inventory/namespaces/",
)
INJECTIONS = (
    {"order": "user__password"},
    {"order": "team__token"},
    {"order": "-password"},
    {"order": "id;DROP TABLE job"},
    {"cursor": "bm90LW91cnM"},
    {"cursor": "W1swLDAsW11dXQ:forged-signature"},
    {"size": "100000"},
)


@pytest.mark.parametrize("address", LISTS)
def test_orders_cursors_and_sizes_are_by_allow_list(ann: User, address: str) -> None:
    client = client_of(ann)
    for query in INJECTIONS:
        assert client.get(address, query).status_code == 400, query


@pytest.mark.parametrize("name", ["people", "bindings", "audit-events", "clusters", "projects", "teams", "pods"])
def test_the_api_refuses_lookups_by_name(ann: User, name: str) -> None:
    client = client_of(ann)
    for query in ({"password__startswith": "a"}, {"user__password": "x"}, {"_connector": "OR"}, *INJECTIONS):
        answer = client.get(f"/api/v1/{name}/", query)
        assert answer.status_code == 400
        assert next(iter(query)) in answer.json()["errors"]


def test_a_place_in_one_list_is_none_in_another(ann: User) -> None:
    for number in range(30):
        accounts.create_user(username=f"person-{number}", by=COMMAND, password=PASSWORD)
    client = client_of(ann)
    following = client.get("/api/v1/people/", {"size": "25"}).json()["next"]
    cursor = following.split("cursor=")[1].split("&")[0]
    assert client.get(f"/api/v1/people/?size=25&cursor={cursor}").status_code == 200
    assert client.get(f"/api/v1/people/?size=25&order=-username&cursor={cursor}").status_code == 400
    assert client.get(f"/api/v1/bindings/?cursor={cursor}").status_code == 400


@pytest.mark.parametrize("address", ["/people/of/%00/", "/people/of/a%00b/grant/", "/%00", "/clusters/%00/"])
def test_a_nul_in_an_address_is_an_absent_thing(ann: User, bob: User, address: str) -> None:
    assert client_of(ann).get(address).status_code == 404
    assert client_of(bob).get(address).status_code == 404


@pytest.mark.parametrize("key", ["99999999999999999999999999", "0", "9223372036854775808"])
def test_numbers_beyond_the_column_are_absent(ann: User, key: str) -> None:
    assert client_of(ann).get(f"/inventory/pods/{key}/").status_code == 404


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "http:///evil.example",
        "https://testserver@evil.example/",
        "/sign-out/",
    ],
)
def test_signing_in_leads_nowhere_else(ann: User, wanted: str) -> None:
    given = {"username": "ann", "password": PASSWORD, "next": wanted}
    client = Client()
    for answer in (client.post("/sign-in/", given), client.get("/sign-in/", {"next": wanted})):
        assert answer.status_code == 302
        assert answer.headers["Location"] == "/"


def test_a_fragments_page_leads_nowhere_else(db: None) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "https://evil.example//evil.example/x"}
    answer = Client().get("/jobs/", headers=headers)
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"].startswith("/sign-in/?next=")
    page = Client().get(answer.headers["HX-Redirect"])
    assert b'value="/"' in page.content
    assert b'value="//evil.example' not in page.content


def test_a_session_begun_by_a_stranger_is_worth_nothing(ann: User) -> None:
    client = Client()
    client.get("/sign-in/")
    before = client.session.session_key
    client.post("/sign-in/", {"username": "ann", "password": PASSWORD})
    assert client.session.session_key != before
    assert not Session.objects.filter(session_key=before).exists()


def test_a_stranger_leaves_no_rows_behind(db: None) -> None:
    for address in ("/", "/jobs/", "/nothing/", "/static/nothing.css", "/api/v1/pods/", "/healthz/"):
        Client().get(address)
    Client(enforce_csrf_checks=True).post("/sign-in/", {"username": "x"})
    assert not Session.objects.exists()


def test_signing_out_ends_the_session_itself(ann: User) -> None:
    client = client_of(ann)
    stolen = client.cookies.output()
    client.post("/sign-out/")
    assert not Session.objects.exists(), stolen


@pytest.mark.parametrize("address", ["/sign-in/", "/sign-out/", "/password/", "/people/new/", "/clusters/add/"])
def test_a_foreign_form_changes_nothing(ann: User, address: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ann)
    before = Event.objects.count()
    answer = client.post(address, {"username": "eve", "password": PASSWORD}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "no-store" in answer.headers["Cache-Control"]
    assert Event.objects.count() == before


def test_the_api_asks_for_the_token_too(ann: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ann)
    answer = client.post("/api/v1/teams/", {"name": "Eve"}, content_type="application/json")
    assert answer.status_code == 403
    assert answer.json()["title"] == "csrf_failed"


def one_time(username: str = "newcomer") -> tuple[User, str]:
    """An administrator who has not chosen a password yet."""
    user, password = accounts.create_user(username=username, by=COMMAND)
    role_bindings.grant(user=user, role="admin", scope=role_bindings.EVERYTHING, by=COMMAND, at=clock.now())
    return user, password


def test_a_one_time_password_opens_nothing_but_choosing_another(db: None) -> None:
    _user, password = one_time()
    client = Client()
    signed_in = client.post("/sign-in/", {"username": "newcomer", "password": password, "next": "/people/"})
    assert signed_in.headers["Location"] == "/password/?next=%2Fpeople%2F"
    for address in ("/", "/people/", "/jobs/", "/people/new/", "/gallery/", "/audit/?format=csv"):
        assert client.get(address).headers["Location"] == "/password/", address
    assert client.post("/people/new/", {"username": "eve"}).headers["Location"] == "/password/"
    fragment = client.get("/people/", headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment.headers["HX-Redirect"]) == (204, "/password/")
    api = client.get("/api/v1/people/")
    assert (api.status_code, api.json()["title"]) == (403, "password_not_chosen")
    assert not User.objects.filter(username="eve").exists()
    assert client.post("/password/", {"password": password}).status_code == 422
    assert client.post("/password/", {"password": PASSWORD}).status_code == 302
    assert client.get("/people/").status_code == 200
    assert Client().post("/sign-in/", {"username": "newcomer", "password": password}).status_code == 422


def test_rights_end_with_the_binding_and_the_account(ann: User) -> None:
    fay, _password = accounts.create_user(username="fay", by=COMMAND, password=PASSWORD)
    binding = role_bindings.grant(user=fay, role="auditor", scope=role_bindings.EVERYTHING, by=COMMAND, at=clock.now())
    client = client_of(fay)
    assert client.get("/audit/").status_code == 200
    role_bindings.revoke(binding=binding, by=COMMAND, at=clock.now())
    assert client.get("/audit/").status_code == 404
    accounts.set_active(user=fay, active=False, by=COMMAND)
    assert client.get("/").headers["Location"].startswith("/sign-in/")
    assert client.get("/api/v1/audit-events/").status_code == 401


def test_another_password_ends_the_other_sessions(ann: User) -> None:
    here, elsewhere = client_of(ann), client_of(ann)
    another = "quite-another-password-8"
    assert here.post("/password/", {"password": another}).status_code == 422
    assert here.post("/password/", {"password": another, "current": "wrong"}).status_code == 422
    assert elsewhere.get("/people/").status_code == 200
    assert here.post("/password/", {"password": another, "current": PASSWORD}).status_code == 302
    assert here.get("/people/").status_code == 200
    assert elsewhere.get("/people/").status_code == 302


def test_the_last_administrator_stays_though_another_right_has_ended(ann: User, bob: User) -> None:
    now = clock.now()
    ended = role_bindings.grant(user=bob, role="admin", scope=role_bindings.EVERYTHING, by=COMMAND, at=now)
    Binding.objects.filter(pk=ended.pk).update(expires_at=now)
    last = Binding.objects.get(user=ann, role="admin")
    answer = client_of(ann).post(f"/people/bindings/{last.pk}/revoke/")
    assert answer.status_code == 409
    assert Binding.objects.filter(pk=last.pk).exists()


def check_job(user: User, cluster: Cluster) -> Job:
    """A check that the person asked for."""
    return jobs.enqueue("clusters.registry.check", key=str(cluster.pk), by=user.as_actor(), cluster_id=str(cluster.pk))


@pytest.mark.django_db(transaction=True)
def test_a_job_runs_with_the_right_its_author_still_has_on_that_thing(bob: User) -> None:
    mine, other = rivals.cluster("mine"), rivals.cluster("other")
    given = rivals.give(bob, "cluster_owner", ScopeKind.CLUSTER, mine)
    rivals.give(bob, "cluster_owner", ScopeKind.CLUSTER, other)
    job = check_job(bob, mine)
    role_bindings.revoke(binding=given, by=COMMAND, at=clock.now())
    assert runner.run(job.pk) == "dead"
    assert "cluster.edit" in Job.objects.get(pk=job.pk).error


def test_wrong_passwords_are_counted_past_forged_addresses(ann: User) -> None:
    client = Client()
    answers = [
        client.post(
            "/sign-in/", {"username": "ann", "password": "wrong"}, headers={"X-Forwarded-For": f"203.0.113.{number}"}
        )
        for number in range(14)
    ]
    assert b"Too many tries" in answers[-1].content
    assert SignInAttempt.objects.count() == 10
    assert Event.objects.filter(kind="accounts.session.refuse").count() == 11, "ten, and once that there are too many"
    assert set(SignInAttempt.objects.values_list("network", flat=True)) == {"127.0.0.0/24"}
    assert client.post("/sign-in/", {"username": "ANN", "password": PASSWORD}).status_code == 429


@pytest.mark.parametrize("address", ["/sign-in/", "/sign-out/", "/clusters/add/", "/api/v1/clusters/", "/healthz/"])
def test_a_stranger_sends_a_mebibyte_at_most(db: None, address: str) -> None:
    answer = Client().post(address, b"x" * (MIB + 1), content_type="application/octet-stream")
    assert answer.status_code == 413
    assert "no-store" in answer.headers["Cache-Control"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("length", ["-1", "1e9", "９", "99999999999999999999"])
def test_an_odd_length_is_refused(db: None, length: str) -> None:
    assert Client().post("/sign-in/", {"username": "x"}, CONTENT_LENGTH=length).status_code == 413


def test_the_api_refuses_what_is_too_large_or_too_deep(ann: User) -> None:
    client = client_of(ann)
    large = json.dumps({"name": "x", "kubeconfig": "x" * (9 * MIB)})
    answer = client.post("/api/v1/clusters/", large, content_type="application/json")
    assert (answer.status_code, answer.json()["title"]) == (413, "too_large")
    deep = "[" * 100_000 + "]" * 100_000
    assert client.post("/api/v1/clusters/", deep, content_type="application/json").status_code == 400
    no_fields = dict.fromkeys(["null", "[]", '"x"'], 422)
    unfit = dict.fromkeys(['{"name": {"$gt": ""}}', '{"name": "\\u0000", "kubeconfig": "\\ud800"}'], 422)
    statuses = {**no_fields, **unfit, "{": 400}
    given = {odd: client.post("/api/v1/clusters/", odd, content_type="application/json") for odd in statuses}
    assert {odd: answer.status_code for odd, answer in given.items()} == statuses


def test_nobody_sets_what_is_not_asked_for(ann: User) -> None:
    client = client_of(ann)
    extra: dict[str, Any] = {"id": str(uuid.UUID(int=5)), "is_demo": True, "ended_at": "2026-01-01T00:00:00Z"}
    made = client.post("/api/v1/teams/", {"name": "Eve", **extra}, content_type="application/json").json()
    assert (made["is_demo"], made["ended_at"]) == (False, None)
    assert made["id"] != extra["id"]
    client.post("/people/new/", {"username": "eve", "is_active": "", "password": "x", "is_superuser": "1"})
    eve = User.objects.get(username="eve")
    assert (eve.is_active, eve.password_is_one_time, eve.bindings.count()) == (True, True, 0)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "DELETE", "PROPFIND", "get"])
def test_other_methods_do_nothing(ann: User, method: str) -> None:
    client = client_of(ann)
    before = Event.objects.exclude(kind="access.denied").count()
    addresses = ("/people/", "/people/new/", "/clusters/add/", "/api/v1/teams/")
    given = {address: client.generic(method, address).status_code for address in addresses}
    expected = dict.fromkeys(addresses, 200 if method == "get" else 405)
    if method != "get":
        expected["/api/v1/teams/"] = 404
    assert given == expected
    assert Event.objects.exclude(kind="access.denied").count() == before
