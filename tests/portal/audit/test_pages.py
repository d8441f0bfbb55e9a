"""Page 27: finding, exporting, both sides of a change, and each owner's part alone."""

import csv
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from clusters.projects.services import holdings, projects
from portal.access.scopes import ScopeKind
from portal.accounts.models import User
from portal.audit import services as audit
from portal.audit.models import Check, Event
from portal.core import clock
from portal.core.actors import COMMAND, SYSTEM, Actor, Subject
from portal.jobs import runner
from portal.jobs.models import Job
from tests.factories import rivals
from tests.factories.rivals import OURS, THEIRS, World
from tests.people import client_of, person
from tests.portal.audit.chains import exported, sealed

pytestmark = pytest.mark.django_db
EVENTS = "/audit/"
API = "/api/v1/audit-events/"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Two teams, in their present."""
    monkeypatch.setattr(clock, "now", lambda: rivals.AT)
    return rivals.world()


def owner(world: World, role: str) -> User:
    """Somebody who owns our project, or our team."""
    user = person(f"our-{role}")
    thing = world.ours.project if role == "project_owner" else world.ours.team
    rivals.give(user, role, ScopeKind.PROJECT if role == "project_owner" else ScopeKind.TEAM, thing)
    return user


def rows(client: Client, **query: str) -> list[dict[str, Any]]:
    """The rows as a program gets them, which are those of both files."""
    answer = client.get(API, {"size": "100", **query})
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    pieces: Any = client.get(EVENTS, {"format": "jsonl", **query})
    lines = b"".join(pieces.streaming_content).decode().splitlines()
    assert [json.loads(line) for line in lines] == found
    pieces = client.get(EVENTS, {"format": "csv", **query})
    table = csv.DictReader(b"".join(pieces.streaming_content).decode().splitlines())
    assert [row["id"] for row in table if not row["at"].startswith("#")] == [str(row["id"]) for row in found]
    return found


@pytest.mark.parametrize("role", ["project_owner", "team_owner"])
def test_owners_see_their_part_alone(world: World, role: str) -> None:
    user = owner(world, role)
    # Everything that happens between both sides, seen from ours.
    namespace = (world.shared.pk, world.ours.namespace.uid)
    holdings.move(
        source=world.ours.project, target=world.theirs.project, namespaces=[namespace], by=COMMAND, at=clock.now()
    )
    extra = projects.open(name=f"{OURS} second", team=world.ours.team, by=COMMAND, at=rivals.SEEN)
    projects.move_to_team(project=extra, team=world.theirs.team, by=COMMAND, at=clock.now())
    rivals.give(world.theirs.member, "project_owner", ScopeKind.PROJECT, world.theirs.project)
    client = client_of(user)
    found = rows(client)
    told = json.dumps(found).lower()
    assert THEIRS not in told
    assert {"projects.project.create", "projects.namespace.move", "accounts.binding.grant"} <= {
        row["kind"] for row in found
    }
    team_alone = {"projects.team.create", "projects.project.move"}
    assert (team_alone & {row["kind"] for row in found}) == (team_alone if role == "team_owner" else set())
    assert {row["from_address"] for row in found} == {None}
    page = client.get(EVENTS).content.decode().lower()
    assert THEIRS not in page
    assert OURS in page
    for query in (
        {"q": THEIRS},
        {"on": THEIRS},
        {"who": THEIRS},
        {"address": "1"},
        {"kind": "registry.cluster.attach"},
    ):
        assert rows(client, **query) == [], query
    theirs = Event.objects.filter(project_id=world.theirs.project.pk).latest("id")
    for address in (reverse("audit:event", args=[theirs.pk]), f"{API}{theirs.pk}/"):
        assert client.get(address).status_code == 404
    for row in found:
        assert THEIRS not in client.get(reverse("audit:event", args=[row["id"]])).content.decode().lower()
        assert client.get(f"{API}{row['id']}/").json() == row


def test_what_is_theirs_changes_nothing_of_an_answer(world: World) -> None:
    client = client_of(owner(world, "project_owner"))
    before = client.get(EVENTS).content, rows(client)
    for _ in range(30):
        projects.change(project=world.theirs.project, name=f"{THEIRS} {_}", description="", by=COMMAND)
    after = client.get(EVENTS).content, rows(client)
    strip = client.cookies["csrftoken"].value if "csrftoken" in client.cookies else ""
    assert before[1] == after[1]
    count = "pd-foot"
    assert before[0].decode().partition(count)[2][:200] == after[0].decode().partition(count)[2][:200], strip


@pytest.mark.parametrize("address", ["audit:integrity", "audit:heads", "audit:progress"])
def test_the_chain_is_for_those_who_see_all_of_it(world: World, ann: User, address: str) -> None:
    client = client_of(owner(world, "project_owner"))
    assert client.get(reverse(address)).status_code == 404
    assert client.post(reverse("audit:verify")).status_code == 404
    assert client.post("/api/v1/audit-checks/").status_code == 404
    assert client.get("/api/v1/audit-heads/").json()["results"] == []
    # With no reading under way, the progress leads to the page.
    status = 302 if address == "audit:progress" else 200
    assert client_of(ann).get(reverse(address)).status_code == status


def by(label: str, **more: str) -> Actor:
    return Actor("user", label, label, **more)


@pytest.fixture
def some(ann: User) -> Client:
    """Four events to look for."""
    audit.record(
        "demo.load", by=SYSTEM, on=Subject("thing", "1", "payments-api/checkout"), after={"note": "naïve Zürich"}
    )
    audit.record(
        "projects.team.change",
        by=by("cleo", address="10.9.8.7", request_id="feed", as_label="dan"),
        on=Subject("team", "2", "Ledger"),
        before={"name": "old", "labels": {"tier": "gold", "zone": "a"}},
        after={"name": "new", "labels": {"tier": "gold", "zone": "b"}, "added": [1, 2]},
    )
    audit.record("projects.team.close", by=by("cleo", request_id="feed"), on=Subject("team", "2", "Ledger"))
    audit.record_denial(by("eve"), permission="audit.view", path="/audit/", method="GET", on="")
    return client_of(ann)


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ({"q": "checkout"}, ["payments-api/checkout"]),
        ({"q": "api check"}, ["payments-api/checkout"]),
        ({"q": "pay"}, ["payments-api/checkout"]),
        ({"q": "PAYMENTS-API/CHECKOUT"}, ["payments-api/checkout"]),
        ({"q": "zür"}, ["payments-api/checkout"]),
        ({"q": "naïve"}, ["payments-api/checkout"]),
        ({"q": "gold"}, ["Ledger"]),
        ({"q": "heckout"}, []),
        ({"q": "'); drop table audit_event; -- | & ! :* <->"}, []),
        ({"q": "' | & ! :*"}, []),
        ({"room": "projects"}, ["Ledger", "Ledger"]),
        ({"kind": "projects.team.close"}, ["Ledger"]),
        ({"who": "Cle"}, ["Ledger", "Ledger"]),
        ({"as": "dan"}, ["Ledger"]),
        ({"on": "api"}, ["payments-api/checkout"]),
        ({"address": "10.9."}, ["Ledger"]),
        ({"request": "feed"}, ["Ledger", "Ledger"]),
        ({"denials": "1"}, ["GET /audit/"]),
        ({"until": "2020-01-01"}, []),
    ],
)
def test_filters_and_search(some: Client, query: dict[str, str], labels: list[str]) -> None:
    assert [row["on_label"] for row in rows(some, **query)] == labels


def test_days(some: Client) -> None:
    today, tomorrow = f"{clock.now():%Y-%m-%d}", f"{clock.now() + timedelta(days=2):%Y-%m-%d}"
    assert len(rows(some, since=today, until=today)) >= 4
    assert rows(some, since=tomorrow) == []


@pytest.mark.parametrize("query", [{"room": "none"}, {"kind": "none"}, {"since": "x"}, {"denials": "x"}, {"q": "\0"}])
def test_bad_filters(some: Client, query: dict[str, str]) -> None:
    assert some.get(API, query).status_code == 400
    assert some.get(EVENTS, query).status_code == 400


def test_both_sides_of_a_change(some: Client) -> None:
    event = Event.objects.get(kind="projects.team.change")
    page = some.get(reverse("audit:event", args=[event.pk])).content.decode()
    assert "<del>old</del>" in page
    assert "<ins>new</ins>" in page
    assert "labels.zone" in page
    assert "[1, 2]" in page
    assert 'data-copy-text="feed"' in page
    assert "?request=feed" in page
    assert "10.9.8.7" in page
    assert "sealed within ten seconds" in page
    sealed(0)
    assert "Place in the chain" in some.get(reverse("audit:event", args=[event.pk])).content.decode()


def test_verifying_from_the_page(some: Client) -> None:
    sealed(3)
    page = some.get(reverse("audit:integrity")).content.decode()
    assert "One database role" in page
    assert "none yet" in page
    assert some.post(reverse("audit:verify")).status_code == 302
    assert reverse("audit:progress") in some.get(reverse("audit:integrity")).content.decode()
    fragment = some.get(reverse("audit:progress"), headers={"HX-Request": "true"}).content.decode()
    assert "every 2s" in fragment
    runner.run(Job.objects.get(kind="portal.audit.verify").pk)
    fragment = some.get(reverse("audit:progress"), headers={"HX-Request": "true"}).content.decode()
    assert "every 2s" not in fragment
    assert "holds" in fragment
    assert Check.objects.get().holds


def test_heads_leave_as_the_file_that_verification_reads(some: Client) -> None:
    sealed(2, 2)
    pieces: Any = some.get(reverse("audit:heads"), {"format": "jsonl"})
    lines = [json.loads(line) for line in b"".join(pieces.streaming_content).splitlines()]
    kept = [json.loads(line) for line in exported()]
    told = [(one["seq"], one["hash"], one["signature"], one["public"], one["key"]) for one in lines]
    assert told == [(one["seq"], one["hash"], one["signature"], one["public"], one["key"]) for one in kept[::-1]]
    assert some.get("/api/v1/audit-heads/").json()["results"] == lines
    made = some.post("/api/v1/audit-checks/")
    assert (made.status_code, made.json()["found"]) == (202, None)
    assert len(some.get("/api/v1/audit-checks/").json()["results"]) == 1


@pytest.mark.parametrize(
    "text",
    ["payments", "prod", "team-payments-prod", "Team-Pay", "payments-prod", "eu.example.org", "west", "jane.doe@corp",
     "doe", "apps/blue_crane", "crane", "gcr.io/shop:v1.2", "v1", "10.1.2", "shop payments"],
)  # fmt: skip
def test_the_search_finds_the_parts_of_names_between_punctuation(ann: User, text: str) -> None:
    label = "team-payments-prod on eu-west.eu.example.org"
    after = {
        "owner": "jane.doe@corp.example",
        "path": "apps/blue_crane",
        "image": "gcr.io/shop:v1.2",
        "net": "10.1.2.0/24",
    }
    audit.record("projects.team.create", by=SYSTEM, on=Subject("team", "7", label), after=after)
    audit.record("projects.team.create", by=SYSTEM, on=Subject("team", "8", "another"))
    assert [row["on_id"] for row in rows(client_of(ann), q=text)] == ["7"]


@pytest.mark.parametrize("text", ["ayments", "payments-test", "---", "prod' | 'x", "\\"])
def test_the_search_finds_neither_middles_nor_what_is_not_there(ann: User, text: str) -> None:
    audit.record("projects.team.create", by=SYSTEM, on=Subject("team", "7", "team-payments-prod"))
    assert rows(client_of(ann), q=text) == []
