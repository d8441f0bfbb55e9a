"""The refresh of a real directory: rights follow it, and a bad answer takes nothing away."""

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from portal.accounts.bindings import role_bindings
from portal.accounts.models import (
    GroupMembership,
    GroupNesting,
    Identity,
    OutsideGroup,
    Provider,
    ProviderHold,
    Session,
    User,
    rights,
)
from portal.accounts.outside import queueing
from portal.audit.models import Event
from portal.core import clock
from portal.core.actors import COMMAND, SYSTEM
from portal.jobs.models import Job
from tests.fakes import wires
from tests.people import client_of, person
from tests.portal.accounts.providing import (
    declare,
    group_names,
    identity,
    is_signed_in,
    read,
    run_jobs,
    signed_in_as,
    type_in,
)
from tests.testbed import ldif
from tests.testbed.directories import Directory

pytestmark = pytest.mark.django_db


@pytest.fixture
def corp(openldap: Directory, settings: Settings) -> Provider:
    """The directory, enabled and read once."""
    (provider,) = declare(settings, openldap.provider_json())
    assert read(provider).why == ""
    return provider


def arrive(openldap: Directory, username: str) -> Client:
    """Somebody signs in."""
    client = Client()
    type_in(client, username, openldap.password_of(username))
    assert is_signed_in(client), username
    return client


def bind(provider: Provider, group: str, role: str = "auditor") -> None:
    """Give a role to a group."""
    found = OutsideGroup.objects.get(provider=provider, name=group)
    role_bindings.grant(group=found, role=role, scope=role_bindings.EVERYTHING, by=COMMAND, at=clock.now())


def test_the_catalogue_holds_groups_nobody_is_in(corp: Provider) -> None:
    names = set(corp.groups.values_list("name", flat=True))
    assert names == set(ldif.small().groups)
    nested = {(edge.child.name, edge.parent.name) for edge in GroupNesting.objects.select_related("child", "parent")}
    assert {("team-blue", "developers"), ("loop-a", "loop-b"), ("loop-b", "loop-a")} <= nested


def test_leaving_a_group_ends_its_rights(openldap: Directory, corp: Provider) -> None:
    bind(corp, "developers")
    client = arrive(openldap, "ann")
    assert client.get("/audit/").status_code == 200

    openldap.remove_member("team-blue", "ann")
    read(corp)

    assert client.get("/audit/").status_code == 404
    assert is_signed_in(client)
    assert group_names(corp, "ann") == set()
    told = Event.objects.get(kind="accounts.membership.change", on_label="ann", actor_kind="system")
    assert told.after == {"provider": "corp", "joined": [], "left": ["developers"]}


def test_a_group_that_leaves_a_group_ends_its_rights(openldap: Directory, corp: Provider) -> None:
    bind(corp, "developers")
    client = arrive(openldap, "ann")
    openldap.remove_member("developers", "@team-blue")
    read(corp)
    assert client.get("/audit/").status_code == 404
    assert group_names(corp, "ann") == {"team-blue"}


def test_joining_gives_the_right_without_a_sign_in(openldap: Directory, corp: Provider) -> None:
    bind(corp, "developers")
    client = arrive(openldap, "fay")
    assert client.get("/audit/").status_code == 404
    openldap.add_member("team-red", "fay")
    read(corp)
    assert client.get("/audit/").status_code == 200


def test_whoever_is_gone_there_is_out_here(openldap: Directory, corp: Provider) -> None:
    client = arrive(openldap, "ann")
    arrive(openldap, "bob")
    openldap.remove_person("ann")

    outcome = read(corp)

    assert outcome.people_stopped == 1
    assert identity(corp, "ann").state == "gone"
    assert not is_signed_in(client)
    assert not Session.objects.filter(user__username="ann").exists()
    assert Session.objects.filter(user__username="bob").exists()


def test_a_group_made_again_is_another_group(openldap: Directory, corp: Provider) -> None:
    bind(corp, "team-blue")
    client = arrive(openldap, "ann")
    assert client.get("/audit/").status_code == 200
    openldap.remove_group("team-blue")
    openldap.add_group("team-blue", "ann")

    read(corp)

    assert client.get("/audit/").status_code == 404
    gone = [group.gone_at is not None for group in OutsideGroup.objects.filter(name="team-blue")]
    assert sorted(gone) == [False, True]
    assert "team-blue" in group_names(corp, "ann")


def test_reading_twice_writes_nothing(openldap: Directory, corp: Provider) -> None:
    arrive(openldap, "ann")
    arrive(openldap, "fay")
    read(corp)
    tables = (OutsideGroup, GroupNesting, GroupMembership, Identity)
    before = [_versions(table) for table in tables]

    outcome = read(corp)

    assert [_versions(table) for table in tables] == before
    assert not outcome.changed
    corp.refresh_from_db()
    assert {one.groups_known_at for one in Identity.objects.all()} == {corp.groups_read_at}
    assert not Event.objects.filter(kind="accounts.provider.refresh", at__gt=corp.refreshed_at).exists()


def test_what_is_gone_or_was_never_read_is_no_younger_by_a_reading(openldap: Directory, corp: Provider) -> None:
    arrive(openldap, "ann")
    signed_in = Identity.objects.get(username="ann").groups_as_of
    read(corp, at=clock.now() + timedelta(minutes=1))
    first = Provider.objects.get(key="corp").groups_read_at
    openldap.remove_person("ann")
    never = Identity.objects.create(provider=corp, subject="9", username="never")

    read(corp, at=clock.now() + timedelta(minutes=2))

    ann = Identity.objects.get(username="ann")
    assert (ann.state, ann.groups_known_at) == ("gone", first)
    assert first is not None and signed_in is not None and first > signed_in
    assert never.groups_known_at is None
    listed = Identity.objects.annotate(known=rights.groups_as_of()).values_list("username", "known")
    assert dict(listed) == {one.username: one.groups_known_at for one in Identity.objects.all()}


def _versions(table: type) -> list[tuple[str, str]]:
    """Each row with the transaction that wrote it."""
    rows = table.objects.extra(select={"version": "xmin::text"})  # type: ignore[attr-defined]
    return sorted((str(row.pk), row.version) for row in rows)


def test_a_directory_that_is_down_changes_nothing(openldap: Directory, corp: Provider) -> None:
    bind(corp, "developers")
    client = arrive(openldap, "ann")
    openldap.stop()

    outcome = read(corp)

    assert outcome.why
    assert client.get("/audit/").status_code == 200
    assert (corp.refresh_error, corp.refresh_failed_at is not None) == (outcome.why, True)
    openldap.start()
    read(corp)
    assert (corp.refresh_error, corp.refresh_failed_at) == ("", None)


@pytest.mark.parametrize("after", [2200, 3000])
def test_a_cut_answer_changes_nothing(openldap: Directory, corp: Provider, settings: Settings, after: int) -> None:
    arrive(openldap, "ann")
    before = (set(corp.groups.filter(gone_at=None)), group_names(corp, "ann"))
    with wires.cut(openldap.server.tls_port, after=after) as line:  # type: ignore[union-attr]
        declare(settings, openldap.provider_json(servers=[f"ldaps://127.0.0.1:{line.port}"]))
        outcome = read(corp)
    assert outcome.why
    assert (set(corp.groups.filter(gone_at=None)), group_names(corp, "ann")) == before


def test_an_empty_answer_is_held(openldap: Directory, corp: Provider, settings: Settings, ann: User) -> None:
    """A wrong base, or a service account that lost its right: every group seems gone."""
    bind(corp, "developers")
    client = arrive(openldap, "cleo")
    declare(settings, openldap.provider_json(groups_base=f"ou=services,{ldif.BASE}"))

    outcome = read(corp)

    hold = ProviderHold.objects.get(provider=corp)
    assert (hold.groups_known, hold.groups_gone) == (8, 8)
    assert outcome.why.startswith("Held")
    assert client.get("/audit/").status_code == 200
    browser = client_of(ann)
    assert "lacks 8 of 8 groups" in browser.get("/settings/providers/corp/").content.decode()

    assert browser.post("/settings/providers/corp/hold/").status_code == 302
    assert run_jobs() == ["succeeded"]
    assert client.get("/audit/").status_code == 404
    assert not ProviderHold.objects.exists()
    assert Event.objects.filter(kind="accounts.provider.hold", actor_label="ann").exists()


def test_nobody_found_at_all_is_held(openldap: Directory, corp: Provider, settings: Settings) -> None:
    client = arrive(openldap, "ann")
    declare(settings, openldap.provider_json(people_base=f"ou=services,{ldif.BASE}"))
    assert read(corp).why.startswith("Held")
    assert identity(corp, "ann").state == "active"
    assert is_signed_in(client)


def test_most_people_gone_at_once_is_held(openldap: Directory, corp: Provider) -> None:
    for name in ("ann", "bob", "cleo", "dan", "fay", "person00"):
        arrive(openldap, name)
    for name in ("ann", "bob", "cleo", "dan", "fay"):
        openldap.remove_person(name)
    assert read(corp).why.startswith("Held")
    assert Identity.objects.filter(provider=corp, state="active").count() == 6
    # The directory has them again: nothing is held any more.
    for name in ("ann", "bob", "cleo", "dan"):
        openldap.add_person(name)
    read(corp)
    assert corp.refresh_error.startswith("Held"), "the same names with other ids are other people"


def test_a_sign_in_is_younger_than_a_reading_under_way(openldap: Directory, corp: Provider) -> None:
    begun = clock.now() - timedelta(seconds=1)
    arrive(openldap, "ann")
    openldap.remove_member("team-blue", "ann")
    read(corp, at=begun)
    assert "team-blue" in group_names(corp, "ann")
    read(corp)
    assert group_names(corp, "ann") == set()


def test_old_knowledge_suspends_rights(
    openldap: Directory, corp: Provider, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.SESSION_IDLE_SECONDS = settings.SESSION_COOKIE_AGE = 10 * 24 * 3600
    bind(corp, "developers")
    client = arrive(openldap, "ann")
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=23))
    assert client.get("/audit/").status_code == 200
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(hours=25))
    assert client.get("/audit/").status_code == 404
    read(corp)
    assert client.get("/audit/").status_code == 200


def test_the_job_is_one_per_provider(corp: Provider) -> None:
    queueing.refresh_due(clock.now())
    queueing.refresh(corp, by=SYSTEM)
    assert Job.objects.filter(kind=queueing.KIND).count() == 1
    assert run_jobs() == ["succeeded"]


def test_a_provider_that_is_declared_no_more_freezes(openldap: Directory, corp: Provider, settings: Settings) -> None:
    bind(corp, "developers")
    client = arrive(openldap, "ann")
    settings.PROVIDERS = "[]"
    read(corp)
    assert not corp.enabled
    assert not is_signed_in(client)
    page = client_of(person("eve", "admin")).get("/settings/providers/corp/").content.decode()
    assert "Not declared any more" in page


def test_the_same_name_in_two_trees_is_two_groups(openldap: Directory, settings: Settings) -> None:
    (provider,) = declare(settings, openldap.provider_json(groups_base=ldif.BASE))
    read(provider)
    found = OutsideGroup.objects.filter(provider=provider, name="team-blue")
    assert found.count() == 2
    other = found.exclude(path__endswith=ldif.GROUPS).get()
    role_bindings.grant(group=other, role="auditor", scope=role_bindings.EVERYTHING, by=COMMAND, at=clock.now())
    assert signed_in_as(arrive(openldap, "ann")).rights() == []
