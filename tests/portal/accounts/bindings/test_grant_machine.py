"""Nobody ever gives more than they have, whatever is done in whatever order.

A right is an atom (permission, place): a place is the whole, a team, a project or a cluster; a right on the whole is
one on every place, and a right on a team one on the projects it has at that moment. The closure of a person is the set
of their atoms.

What the machine holds to:
1. Whatever one person does by giving a role, changing one or editing an own role adds to nobody's closure an atom that
   was not in the author's closure, all over the scope, at that moment; nor does the author add to their own.
2. What removes (taking away, expiring, deleting a role, leaving a group, deactivating) adds nothing to anybody.
3. The portal's own answer, `User.scopes_for`, is the closure that this file reckons from its own notes, for every
   person, permission and place.

Moving a project to another team and joining a group at the directory are no gifts of a person's rights, so they may
add; rule 3 holds over them too. `HYPOTHESIS_STEPS` multiplies the length of the search.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from clusters.projects.models import Project, Team
from clusters.projects.services import projects, teams
from portal.access import roles
from portal.access.permissions import PERSONAL, Permission
from portal.access.scopes import ScopeKind
from portal.accounts import services
from portal.accounts.bindings import granting, role_bindings, role_rules, role_services
from portal.accounts.bindings.role_bindings import Scope
from portal.accounts.bindings.role_services import Draft
from portal.accounts.models import Binding, CustomRole, User
from portal.core import clock, errors
from portal.core.actors import COMMAND
from tests.factories import outside
from tests.people import person

LONGER = int(os.environ.get("HYPOTHESIS_STEPS", "1"))
START = datetime(2026, 8, 14, 12, tzinfo=clock.now().tzinfo)
WHOLE = ScopeKind.EVERYTHING.value
Atom = tuple[Permission, str]
Closure = frozenset[Atom]

PEOPLE = ("adi", "fin", "tina", "olga", "bob", "cleo", "dan")
GROUPS = ("g0", "g1")
PLACES = ("everything", "t0", "t1", "p0", "p1", "p2", "c0")
OWN = ("Alpha", "Beta")
KIND = {"e": ScopeKind.EVERYTHING, "t": ScopeKind.TEAM, "p": ScopeKind.PROJECT, "c": ScopeKind.CLUSTER}


@dataclass
class Note:
    """A binding as the machine remembers it."""

    holder: str
    role: str
    place: str
    ends: datetime | None


@dataclass
class World:
    """What the machine knows without asking the portal."""

    now: datetime = START
    bindings: dict[UUID, Note] = field(default_factory=dict)
    own: dict[str, frozenset[Permission]] = field(default_factory=dict)
    own_kinds: dict[str, frozenset[ScopeKind]] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=lambda: {group: set() for group in GROUPS})
    gone: set[str] = field(default_factory=set)
    inactive: set[str] = field(default_factory=set)
    owner: dict[str, str] = field(default_factory=lambda: {"p0": "t0", "p1": "t0", "p2": "t1"})

    def permissions(self, role: str) -> frozenset[Permission]:
        return roles.ROLES[role].permissions if role in roles.ROLES else self.own.get(role, frozenset())

    def inside(self, place: str) -> set[str]:
        """The place and all that lies in it."""
        if place == WHOLE:
            return set(PLACES)
        return {place} | {project for project, team in self.owner.items() if team == place}

    def closure(self, who: str) -> Closure:
        if who in self.inactive:
            return frozenset()
        found: set[Atom] = set()
        for note in self.bindings.values():
            by_group = note.holder in GROUPS and note.holder not in self.gone and who in self.members[note.holder]
            if (note.holder == who or by_group) and (note.ends is None or note.ends > self.now):
                rights = self.permissions(note.role)
                found |= {(right, place) for right in rights for place in self.inside(note.place)}
        return frozenset(found)

    def holds_all_over(self, who: str, rights: frozenset[Permission], place: str) -> bool:
        """On a place itself and on all that lies in it."""
        mine = self.closure(who)
        return all((right, part) in mine for right in rights for part in self.inside(place))

    def roles_on(self, place: str) -> list[str]:
        """The roles that can be given on a place."""
        kind = KIND[place[0]]
        table = [key for key, role in roles.ROLES.items() if kind in role.scopes]
        return [*table, *(key for key in sorted(self.own) if kind in self.own_kinds[key])]

    def places_of(self, who: str) -> list[str]:
        """Where the person may give roles."""
        mine = self.closure(who)
        return [place for place in PLACES if (Permission.BINDING_EDIT, place) in mine]

    def givable(self, who: str, place: str) -> list[str]:
        """The roles that the person can give there."""
        return [key for key in self.roles_on(place) if self.holds_all_over(who, self.permissions(key), place)]

    def everybody(self) -> dict[str, Closure]:
        return {who: self.closure(who) for who in PEOPLE}


people, groups, places = st.sampled_from(PEOPLE), st.sampled_from(GROUPS), st.sampled_from(PLACES)
# Those who begin with something to give act more often.
authors = st.sampled_from(("fin", "tina", "olga", "adi", "fin", *PEOPLE))
numbers = st.integers(0, 1000)
# Mostly what the rules may well allow, so that much comes about; else anything at all.
sensible = st.sampled_from([True, True, True, True, False])
holders = st.one_of(people, groups)
ends = st.sampled_from([None, timedelta(hours=1), timedelta(days=2), timedelta(days=30)])
some_rights = st.sets(st.sampled_from(list(Permission)), min_size=1, max_size=6)
small_rights = st.sets(st.sampled_from(sorted(role_rules.meaningful_on(ScopeKind.PROJECT))), min_size=1, max_size=6)
kinds = st.sampled_from(
    [{ScopeKind.EVERYTHING}, {ScopeKind.PROJECT}, {ScopeKind.PROJECT, ScopeKind.TEAM}, {ScopeKind.CLUSTER}]
)


class Granting(RuleBasedStateMachine):
    """People who give, change and take away, in a world that moves under them."""

    def __init__(self) -> None:
        super().__init__()
        self.known = World()
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(clock, "now", lambda: self.known.now)
        self.block = transaction.atomic()
        self.block.__enter__()
        self.people = {name: person(name) for name in PEOPLE}
        self.groups = {name: outside.a_group(name) for name in GROUPS}
        self.things: dict[str, Any] = {}
        for number in range(2):
            self.things[f"t{number}"] = teams.open(name=f"t{number}", by=COMMAND, at=START)
        for name, team in self.known.owner.items():
            self.things[name] = projects.open(name=name, team=self.things[team], by=COMMAND, at=START)
        self.cluster = uuid4()
        seeds = [("adi", "admin", WHOLE), ("fin", "admin", WHOLE), ("fin", "finance", WHOLE)]
        for who, role_key, place in [*seeds, ("tina", "team_owner", "t0"), ("olga", "project_owner", "p2")]:
            self._noted(role_bindings.grant(**self._holder(who), **self._role(role_key, place), by=COMMAND), who, place)

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)
        self.patch.undo()

    def _scope(self, place: str) -> Scope:
        if place == WHOLE:
            return role_bindings.EVERYTHING
        if place == "c0":
            return Scope(ScopeKind.CLUSTER, self.cluster, place)
        return Scope(ScopeKind.TEAM if place[0] == "t" else ScopeKind.PROJECT, self.things[place].pk, place)

    def _role(self, role_key: str, place: str) -> dict[str, Any]:
        return {"role": role_key, "scope": self._scope(place), "at": self.known.now}

    def _holder(self, who: str) -> dict[str, Any]:
        return {"group": self.groups[who]} if who in GROUPS else {"user": self._user(who)}

    def _user(self, who: str) -> User:
        """As a new request would have them."""
        return User.objects.get(pk=self.people[who].pk)

    def _noted(self, binding: Binding, who: str, place: str) -> None:
        replaced = [
            key
            for key, note in self.known.bindings.items()
            if (note.holder, note.role, note.place) == (who, binding.role, place)
        ]
        for key in replaced:
            del self.known.bindings[key]
        self.known.bindings[binding.pk] = Note(who, binding.role, place, binding.expires_at)

    def _only_what_they_have(self, author: str, before: dict[str, Closure]) -> None:
        """Rule 1."""
        mine = before[author]
        for who, after in self.known.everybody().items():
            beyond = after - before[who] - mine
            assert not beyond, f"{author} gave {who} what they did not have: {sorted(beyond)[:5]}"

    def _nothing_new(self, before: dict[str, Closure]) -> None:
        """Rule 2."""
        for who, after in self.known.everybody().items():
            assert after <= before[who], f"taking away gave {who} {sorted(after - before[who])[:5]}"

    @rule(author=authors, holder=holders, number=numbers, place=places, span=ends, sense=sensible)
    def give(self, author: str, holder: str, number: int, place: str, span: timedelta | None, sense: bool) -> None:
        before, granter = self.known.everybody(), self._user(author)
        allowed = self.known.places_of(author)
        if sense and allowed and place not in allowed:
            place = allowed[number % len(allowed)]
        offered = (self.known.givable(author, place) if sense else []) or self.known.roles_on(place)
        role_key = offered[number % len(offered)]
        end = self.known.now + span if span else None
        rights = self.known.permissions(role_key) | {Permission.BINDING_EDIT}
        try:
            made = role_bindings.grant(
                **self._holder(holder),
                **self._role(role_key, place),
                by=granter.as_actor(),
                expires_at=end,
                granted_by=granter,
            )
        except errors.Conflict:
            return  # it is there already
        except errors.Refused as refused:
            if list(refused.errors) == ["role"] and "what you do not have" in str(refused):
                assert not self.known.holds_all_over(author, rights, place), "refused though all of it is held"
            return
        assert self.known.holds_all_over(author, rights, place)
        self._noted(made, holder, place)
        self._only_what_they_have(author, before)

    @precondition(lambda self: self.known.bindings)
    @rule(author=authors, number=numbers, span=ends, sense=sensible)
    def change(self, author: str, number: int, span: timedelta | None, sense: bool) -> None:
        key, note = self._picked(number, author if sense else "")
        offered = (self.known.givable(author, note.place) if sense else []) or self.known.roles_on(note.place)
        role_key = offered[number // 7 % len(offered)]
        before, granter = self.known.everybody(), self._user(author)
        if not granting.may_edit(granter, self._scope(note.place)):
            return  # its page is not there for them
        try:
            made = granting.change(
                binding=Binding.objects.get(pk=key),
                role=role_key,
                expires_at=self.known.now + span if span else None,
                by=granter.as_actor(),
                at=self.known.now,
                granted_by=granter,
            )
        except errors.Refused:
            assert Binding.objects.filter(pk=key, role=note.role).exists(), "a refused change took something away"
            return
        del self.known.bindings[key]
        self._noted(made, note.holder, note.place)
        self._only_what_they_have(author, before)

    @precondition(lambda self: self.known.bindings)
    @rule(author=authors, number=numbers, sense=sensible)
    def take_away(self, author: str, number: int, sense: bool) -> None:
        key, note = self._picked(number, author if sense else "")
        before, granter = self.known.everybody(), self._user(author)
        if not granting.may_edit(granter, self._scope(note.place)):
            return
        try:
            role_bindings.revoke(binding=Binding.objects.get(pk=key), by=granter.as_actor(), at=self.known.now)
        except errors.Conflict:
            assert note.role == "admin"
            return
        del self.known.bindings[key]
        self._nothing_new(before)

    @rule(
        author=st.sampled_from(("fin", "adi")),
        name=st.sampled_from(OWN),
        rights=st.one_of(some_rights, small_rights, small_rights),
        on=kinds,
    )
    def write_role(self, author: str, name: str, rights: set[Permission], on: set[ScopeKind]) -> None:
        before, granter = self.known.everybody(), self._user(author)
        if not granter.scopes_for(Permission.ROLE_EDIT).everything:
            return  # the page is not there for them
        draft = Draft(name, "", frozenset(on), frozenset(rights))
        there = CustomRole.objects.filter(name=name).first()
        given: dict[str, Any] = {"draft": draft, "by": granter.as_actor(), "at": self.known.now, "author": granter}
        try:
            if there is None:
                role = role_services.create(**given)
            else:
                role = role_services.change(role=there, seen=role_services.version(there), **given)
        except errors.Refused:
            return
        self.known.own[role.key], self.known.own_kinds[role.key] = frozenset(rights), frozenset(on)
        assert self.known.holds_all_over(author, frozenset(rights), WHOLE)
        self._only_what_they_have(author, before)

    @precondition(lambda self: self.known.own)
    @rule(author=authors, number=st.integers(0, 5))
    def delete_role(self, author: str, number: int) -> None:
        key = sorted(self.known.own)[number % len(self.known.own)]
        before, granter = self.known.everybody(), self._user(author)
        if not granter.scopes_for(Permission.ROLE_EDIT).everything:
            return
        role = CustomRole.objects.get(key=key)
        role_services.delete(role=role, by=granter.as_actor(), at=self.known.now, take_away=True)
        del self.known.own[key]
        self.known.bindings = {one: note for one, note in self.known.bindings.items() if note.role != key}
        self._nothing_new(before)

    @rule(span=st.sampled_from([timedelta(minutes=30), timedelta(days=1), timedelta(days=10)]))
    def time_passes(self, span: timedelta) -> None:
        before = self.known.everybody()
        self.known.now += span
        # What is known of groups is read again, as the refresh does all the time.
        for group in self.groups.values():
            for membership in group.memberships.select_related("identity"):
                membership.identity.groups_as_of = self.known.now
                membership.identity.save(update_fields=["groups_as_of"])
        self._nothing_new(before)

    @rule(project=st.sampled_from(["p0", "p1", "p2"]), team=st.sampled_from(["t0", "t1"]))
    def project_moves(self, project: str, team: str) -> None:
        if self.known.owner[project] == team:
            return
        self.known.now += timedelta(seconds=2)
        moved: Project = self.things[project]
        receiver: Team = self.things[team]
        projects.move_to_team(project=moved, team=receiver, by=COMMAND, at=self.known.now)
        self.known.owner[project] = team

    @rule(who=people, group=groups, joins=st.booleans())
    def membership_changes(self, who: str, group: str, joins: bool) -> None:
        if joins == (who in self.known.members[group]):
            return
        before = self.known.everybody()
        if joins:
            outside.join(self._user(who), self.groups[group])
            identity = self._user(who).identities.get()
            identity.groups_as_of = self.known.now
            identity.save(update_fields=["groups_as_of"])
            self.known.members[group].add(who)
        else:
            outside.leave(self._user(who), self.groups[group])
            self.known.members[group].discard(who)
            self._nothing_new(before)

    @rule(group=groups, goes=st.sampled_from([True, False, False]))
    def group_goes_and_comes(self, group: str, goes: bool) -> None:
        self.groups[group].gone_at = self.known.now if goes else None
        self.groups[group].save(update_fields=["gone_at"])
        (self.known.gone.add if goes else self.known.gone.discard)(group)

    @rule(who=st.sampled_from(["olga", "bob", "cleo", "dan"]), active=st.booleans())
    def account_changes(self, who: str, active: bool) -> None:
        services.set_active(user=self._user(who), active=active, by=COMMAND)
        (self.known.inactive.discard if active else self.known.inactive.add)(who)

    @invariant()
    def the_portal_answers_what_is_reckoned(self) -> None:
        """Rule 3."""
        for who in PEOPLE:
            mine, user = self.known.closure(who), self._user(who)
            for right in Permission:
                scopes = user.scopes_for(right)
                for place in PLACES:
                    said = self._covers(scopes, place)
                    assert said == ((right, place) in mine), (who, right, place, said)

    def _covers(self, scopes: Any, place: str) -> bool:
        scope = self._scope(place)
        if place == WHOLE:
            return bool(scopes.everything)
        if scope.kind == ScopeKind.PROJECT:
            return bool(scopes.covers(project=scope.id, team=self.things[self.known.owner[place]].pk))
        return bool(scopes.covers(**{scope.kind.value: scope.id}))

    def _picked(self, number: int, author: str) -> tuple[UUID, Note]:
        """Return some binding; one that the author may edit, where one is named and there is one."""
        places = self.known.places_of(author) if author else []
        every = list(self.known.bindings.items())
        found = [(key, note) for key, note in every if note.place in places] or every
        key, note = found[number % len(found)]
        return key, replace(note)


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One search writes many people; how passwords are made is no part of it."""
    monkeypatch.setattr("portal.accounts.services.check_password_rules", lambda *_given: None)
    yield


def search(**more: Any) -> None:
    """Let the machine run, as long as was asked for."""
    given: dict[str, Any] = {
        "max_examples": 4 * LONGER,
        "stateful_step_count": 40,
        "deadline": None,
        "database": None,
        "suppress_health_check": list(HealthCheck),
        **more,
    }
    run_state_machine_as_test(Granting, settings=settings(**given))


@pytest.mark.django_db
def test_nobody_exceeds_who_gave_to_them(quiet: None) -> None:
    assert set(PERSONAL) < set(Permission)
    search(print_blob=True)


def allows_all(*_given: Any, **_more: Any) -> bool:
    """A check that was forgotten."""
    return True


@pytest.mark.django_db
@pytest.mark.parametrize(
    "forgotten",
    [
        "portal.accounts.bindings.role_bindings.demand_subset",
        "portal.accounts.bindings.role_bindings.holds",
        "portal.accounts.bindings.role_services._lacks",
    ],
)
def test_the_search_finds_a_forgotten_check(quiet: None, monkeypatch: pytest.MonkeyPatch, forgotten: str) -> None:
    monkeypatch.setattr(forgotten, allows_all if "_lacks" not in forgotten else lambda *_given: False)
    with pytest.raises((AssertionError, ExceptionGroup)):
        search(phases=(Phase.generate,), derandomize=True, report_multiple_bugs=False)
