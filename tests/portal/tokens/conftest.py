"""People with roles, and their tokens."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from clusters.projects.models import Project, Team
from portal.access.permissions import Permission as P
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.bindings.role_bindings import EVERYTHING, Scope
from portal.accounts.models import Binding, User
from portal.core import clock
from portal.core.actors import COMMAND
from portal.tokens.models import Token
from portal.tokens.services import tokens
from tests.clusters.projects.conftest import a_project, a_team

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Estate:
    """Two teams, one of them with two projects."""

    team: Team
    shop: Project
    cart: Project
    other_team: Team
    foreign: Project


@pytest.fixture
def estate(db: None) -> Estate:
    """Payments with Checkout and Cart; Search with Index."""
    team, other = a_team("Payments"), a_team("Search")
    return Estate(team, a_project("Checkout", team), a_project("Cart", team), other, a_project("Index", other))


def scope_of(thing: Team | Project | None) -> Scope:
    """The scope of a thing; of nothing, everything."""
    if thing is None:
        return EVERYTHING
    return Scope(ScopeKind.TEAM if isinstance(thing, Team) else ScopeKind.PROJECT, thing.pk, thing.name)


def give(user: User, role: str, thing: Team | Project | None) -> Binding:
    """Give a role."""
    return role_bindings.grant(user=user, role=role, scope=scope_of(thing), by=COMMAND, at=clock.now())


def make(  # noqa: PLR0913 - a token has that many sides
    user: User,
    thing: Team | Project | None,
    permissions: Iterable[P] = (P.PROJECT_VIEW,),
    *,
    only: Iterable[Team | Project] = (),
    networks: Iterable[str] = (),
    days: int = 30,
    name: str = "report",
    maker: User | None = None,
) -> tuple[Token, str]:
    """Make a token of somebody's."""
    at = clock.now()
    wanted = tokens.Wanted(
        name=name,
        scope=scope_of(thing),
        permissions=frozenset(permissions),
        expires_at=at + days * DAY,
        only=[scope_of(one) for one in only],
        networks=list(networks),
    )
    return tokens.create(user=user, wanted=wanted, by=(maker or user).as_actor(), at=at, maker=maker)


def ask(text: str, path: str = "/api/v1/projects/", address: str = "10.1.2.3", **more: Any) -> Any:
    """Ask the API with a token."""
    return Client().get(path, headers={"Authorization": f"Bearer {text}"}, REMOTE_ADDR=address, **more)


def seen(text: str) -> set[str]:
    """The projects the API shows to a token."""
    answer = ask(text)
    assert answer.status_code == 200, answer.content
    return {row["slug"] for row in answer.json()["results"]}
