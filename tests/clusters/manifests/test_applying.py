"""Making a project what its document says: there and back, by whom, and where what is refused stands."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from clusters.manifests import document, present
from clusters.projects.models import NamespaceTenure, Project, Team
from clusters.registry.models import Cluster
from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.models import Binding, OutsideGroup, Provider, User
from portal.audit.models import Event
from portal.core import clock
from portal.core.actors import COMMAND
from portal.tokens.services import tokens
from tests import people
from tests.clusters.projects.conftest import AT, a_cluster, a_namespace, a_project, a_team
from tests.factories import robots

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _present(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: AT)


@pytest.fixture
def cluster() -> Cluster:
    return a_cluster()


@pytest.fixture
def team() -> Team:
    return a_team()


@pytest.fixture
def shop(team: Team) -> Project:
    return a_project("Shop", team)


@pytest.fixture
def house() -> Provider:
    return Provider.objects.create(key="house", kind="ldap", name="House", enabled=True, refreshed_at=AT)


@pytest.fixture
def owner(shop: Project, bob: User) -> User:
    give(bob, "project_owner", shop)
    return bob


def give(user: User, role: str, project: Project) -> Binding:
    scope = role_bindings.Scope(ScopeKind.PROJECT, project.pk, project.name)
    return role_bindings.grant(user=user, role=role, scope=scope, by=COMMAND, at=AT)


def group(provider: Provider, name: str, key: str) -> OutsideGroup:
    return OutsideGroup.objects.create(provider=provider, external_id=key, name=name, seen_at=AT)


def put(client: Client, project: Project, text: str, **query: str) -> Any:
    asked = "&".join(f"{key}={value}" for key, value in query.items())
    return client.put(f"/api/v1/manifests/{project.slug}/?{asked}", text, content_type="application/yaml")


def manifest(project: Project, spec: str) -> str:
    head = f"apiVersion: paddock.io/v1\nkind: Project\nmetadata:\n  name: {project.slug}\nspec:\n"
    return head + "\n".join(f"  {line}" for line in spec.splitlines()) + "\n"


def roles(project: Project) -> set[tuple[str, str]]:
    found = Binding.objects.on("project", project.pk)
    return {(one.group.name if one.group else str(one.user), one.role) for one in found}


def test_what_is_exported_changes_nothing_when_it_is_applied(
    ann: User, cleo: User, shop: Project, house: Provider, cluster: Cluster
) -> None:
    give(cleo, "project_member", shop)
    scope = role_bindings.Scope(ScopeKind.PROJECT, shop.pk, shop.name)
    ends = AT + timedelta(days=30)
    role_bindings.grant(
        group=group(house, "devs", "7"), role="project_viewer", scope=scope, by=COMMAND, at=AT, expires_at=ends
    )
    give(robots.robot_of(shop, "deployer", AT).user, "project_viewer", shop)
    browser = people.client_of(ann)
    keys = [{"cluster_id": str(cluster.pk), "uid": a_namespace(cluster, name)[1]} for name in ("web", "db")]
    assign = f"/api/v1/projects/{shop.pk}/assign/"
    assert browser.post(assign, {"namespaces": keys}, content_type="application/json").status_code == 200
    text = browser.get("/api/v1/manifests/shop/").content.decode()
    found = document.read(text.encode())
    assert [one.name for one in found.namespaces or ()] == ["db", "web"]
    assert {(one.kind, one.name) for one in found.members or ()} == {
        ("person", "cleo"),
        ("group", "devs"),
        ("robot", "deployer"),
    }
    before = Event.objects.count()
    answer = put(browser, shop, text)
    assert (answer.status_code, answer.json()["steps"]) == (200, [])
    assert Event.objects.count() == before


def test_members_come_change_and_go(ann: User, owner: User, shop: Project, house: Provider, cleo: User) -> None:
    group(house, "devs", "7")
    give(cleo, "project_viewer", shop)
    text = manifest(
        shop,
        "members:\n- {person: bob, role: project_owner, until: 2026-12-01T00:00:00Z}\n"
        "- {group: devs, provider: house, role: project_member, reason: they build it}",
    )
    browser = people.client_of(ann)
    looked = put(browser, shop, text, dry_run="true")
    assert [one["act"] for one in looked.json()["steps"]] == ["give", "end", "take"]
    assert roles(shop) == {("bob", "project_owner"), ("cleo", "project_viewer")}
    assert put(browser, shop, text).status_code == 200
    assert roles(shop) == {("bob", "project_owner"), ("devs", "project_member")}
    assert Binding.objects.get(group__name="devs").reason == "they build it"
    assert put(browser, shop, text).json()["steps"] == []
    event = Event.objects.get(kind="projects.project.apply")
    assert len((event.after or {})["steps"]) == 3


def test_without_pruning_nothing_goes(ann: User, owner: User, shop: Project, cleo: User) -> None:
    text = manifest(shop, "members:\n- {person: cleo, role: project_viewer}\nnamespaces: []")
    assert put(people.client_of(ann), shop, text, prune="false").status_code == 200
    assert roles(shop) == {("bob", "project_owner"), ("cleo", "project_viewer")}


def test_namespaces_come_and_go(ann: User, shop: Project, cluster: Cluster, team: Team) -> None:
    browser, other = people.client_of(ann), a_project("Other", team)
    for name in ("web", "db", "held"):
        a_namespace(cluster, name)
    assert put(browser, other, manifest(other, "namespaces: [{cluster: prod, name: held}]")).status_code == 200
    assert put(browser, shop, manifest(shop, "namespaces: [{cluster: prod, name: web}]")).status_code == 200
    answer = put(browser, shop, manifest(shop, "namespaces: [{cluster: prod, name: db}]"))
    assert [one["act"] for one in answer.json()["steps"]] == ["claim", "release"]
    held = NamespaceTenure.objects.current().filter(project=shop)
    assert list(held.values_list("namespace_name", flat=True)) == ["db"]
    spec = "namespaces: [{cluster: prod, name: db}, {cluster: prod, name: held}, {cluster: x, name: y}]"
    refused = put(browser, shop, manifest(shop, spec)).json()["errors"]
    # What another project holds reads like what is not there.
    assert set(refused) == {"spec.namespaces[1]", "spec.namespaces[2]"}
    assert refused["spec.namespaces[1]"] == refused["spec.namespaces[2]"]


def test_by_token_members_stay_and_the_rest_changes(owner: User, shop: Project, cleo: User) -> None:
    wanted = tokens.Wanted(
        "gitops",
        role_bindings.Scope(ScopeKind.PROJECT, shop.pk, shop.name),
        frozenset({*_permissions("project.view", "project.edit", "member.view")}),
        expires_at=AT + timedelta(days=7),
    )
    _token, text = tokens.create(user=owner, wanted=wanted, by=COMMAND, at=AT)
    program = Client(headers={"Authorization": f"Bearer {text}"})
    same = manifest(shop, "description: by git\nmembers: [{person: bob, role: project_owner}]")
    assert put(program, shop, same).status_code == 200
    assert Project.objects.get(pk=shop.pk).description == "by git"
    other = manifest(shop, "description: again\nmembers: [{person: cleo, role: project_viewer}]")
    refused = put(program, shop, other)
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["spec.members"])
    assert Project.objects.get(pk=shop.pk).description == "by git"


def _permissions(*keys: str) -> set[Permission]:
    return {one for one in Permission if one.value in keys}


def test_nobody_gives_more_than_they_have(owner: User, shop: Project, cleo: User) -> None:
    spec = "members:\n- {person: bob, role: project_owner}\n- {person: cleo, role: finance}"
    refused = put(people.client_of(owner), shop, manifest(shop, spec))
    assert refused.status_code == 422
    assert [key for key in refused.json()["errors"] if key.startswith("spec.members[1]")]
    assert roles(shop) == {("bob", "project_owner")}


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ("{person: nobody-here, role: project_viewer}", "spec.members[1].person"),
        ("{person: bob, role: no_such_role}", "spec.members[1].role"),
        ("{person: bob, role: project_viewer, until: 2020-01-01T00:00:00Z}", "spec.members[1].until"),
        ("{group: absent, provider: house, role: project_viewer}", "spec.members[1].group"),
        ("{group: twice, provider: house, role: project_viewer}", "spec.members[1].group"),
        ("{robot: absent, role: project_viewer}", "spec.members[1].robot"),
    ],
)
def test_members_that_cannot_be(owner: User, shop: Project, house: Provider, entry: str, field: str) -> None:
    group(house, "twice", "1")
    group(house, "twice", "2")
    text = manifest(shop, f"name: Renamed\nmembers:\n- {{person: bob, role: project_owner}}\n- {entry}")
    # Sorted by holder: robots and groups may stand before bob.
    answer = put(people.client_of(owner), shop, text)
    assert answer.status_code == 422
    assert [key.rpartition(".")[2] for key in answer.json()["errors"]] == [field.rpartition(".")[2]]
    assert Project.objects.get(pk=shop.pk).name == "Shop"


def test_what_is_of_another_team_is_not_there(owner: User, dan: User, team: Team) -> None:
    other = a_project("Theirs", a_team("Others"))
    browser = people.client_of(owner)
    for slug in (other.slug, "absent"):
        assert browser.get(f"/api/v1/manifests/{slug}/").status_code == 404
        assert browser.put(f"/api/v1/manifests/{slug}/", "{}", content_type="application/yaml").status_code == 404


def test_one_that_is_managed_is_locked_until_somebody_unlocks_it(owner: User, shop: Project) -> None:
    browser = people.client_of(owner)
    text = manifest(shop, "description: by git").replace("name: shop", "name: shop\n  managedBy: git", 1)
    assert put(browser, shop, text).status_code == 200
    page = browser.get("/projects/shop/settings/").content.decode()
    assert "managed by git" in page
    assert 'name="description"' not in page
    refused = browser.post("/projects/shop/settings/", {"name": "Mine", "description": ""})
    assert refused.status_code == 409
    assert Project.objects.get(pk=shop.pk).name == "Shop"
    assert browser.post("/projects/shop/as-code/unlock/").status_code == 302
    assert browser.post("/projects/shop/settings/", {"name": "Mine", "description": ""}).status_code == 302
    assert Project.objects.get(pk=shop.pk).name == "Mine"


def test_the_page_shows_what_would_change_and_changes_it(owner: User, shop: Project) -> None:
    browser = people.client_of(owner)
    shown = browser.get("/projects/shop/as-code/").content.decode()
    assert "kind: Project" in shown
    sent = browser.get("/projects/shop/as-code/", {"format": "yaml"})
    assert sent["Content-Disposition"] == 'attachment; filename="shop.yaml"'
    text = sent.content.decode().replace("description: ''", "description: By hand")
    looked = browser.post("/projects/shop/as-code/apply/", {"manifest": text, "prune": "on", "do": "preview"})
    assert "By hand" in looked.content.decode()
    assert Project.objects.get(pk=shop.pk).description == ""
    done = browser.post("/projects/shop/as-code/apply/", {"manifest": text, "prune": "on", "do": "apply"})
    assert done.status_code == 302
    assert Project.objects.get(pk=shop.pk).description == "By hand"
    broken = browser.post("/projects/shop/as-code/apply/", {"manifest": text + "  budget: 7\n", "do": "preview"})
    assert broken.status_code == 422
    assert "spec.budget" in broken.content.decode()


def test_the_command_opens_applies_and_refuses(ann: User, team: Team, tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "new.yaml"
    head = "apiVersion: paddock.io/v1\nkind: Project\nmetadata: {name: fresh}\nspec:\n  name: Fresh\n"
    file.write_text(f"{head}  team: {team.slug}\n  description: new\n")
    call_command("apply", str(file), "--as", "ann", "--dry-run")
    assert not Project.objects.filter(slug="fresh").exists()
    call_command("apply", str(file), "--as", "ann")
    made = Project.objects.get(slug="fresh")
    assert (made.name, made.description) == ("Fresh", "new")
    call_command("apply", str(file), "--as", "ann")
    assert "Nothing to change." in capsys.readouterr().out
    assert present.of_project(made, at=AT).manifest.team == team.slug
    file.write_text(f"{head}  budget: 7\n")
    with pytest.raises(CommandError, match="spec.budget"):
        call_command("apply", str(file), "--as", "ann")
    file.write_text(f"{head}  description: new\n")
    with pytest.raises(CommandError, match="no active person"):
        call_command("apply", str(file), "--as", "nobody")
