"""Where a right holds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from portal.access.permissions import Permission


class ScopeKind(StrEnum):
    """What a binding is about. Stored on binding rows."""

    EVERYTHING = "everything"
    TEAM = "team"
    PROJECT = "project"
    CLUSTER = "cluster"


@dataclass(frozen=True)
class Scopes:
    """All the places where one person holds one permission at one moment."""

    everything: bool = False
    teams: frozenset[UUID] = field(default_factory=frozenset)
    projects: frozenset[UUID] = field(default_factory=frozenset)
    clusters: frozenset[UUID] = field(default_factory=frozenset)

    @property
    def none(self) -> bool:
        """True where the permission is held nowhere."""
        return not (self.everything or self.teams or self.projects or self.clusters)

    def covers(self, *, team: UUID | None = None, project: UUID | None = None, cluster: UUID | None = None) -> bool:
        """Tell whether any of the named things lies inside; with none named, only "everything" does."""
        return self.everything or team in self.teams or project in self.projects or cluster in self.clusters

    def within(self, other: "Scopes", team_of: "TeamOf") -> "Scopes":
        """Return what lies in both. A project lies in the team that `team_of` names."""
        if self.everything or other.everything:
            return other if self.everything else self
        mine = {one for one in self.projects if one in other.projects or _inside(one, other.teams, team_of)}
        theirs = {one for one in other.projects if _inside(one, self.teams, team_of)}
        return Scopes(
            teams=self.teams & other.teams,
            projects=frozenset(mine | theirs),
            clusters=self.clusters & other.clusters,
        )


TeamOf = Callable[[UUID], UUID | None]

NOWHERE = Scopes()
EVERYWHERE = Scopes(everything=True)


def gathered(held: Iterable[tuple[ScopeKind, UUID | None]]) -> Scopes:
    """Return single scopes as one value."""
    found: dict[ScopeKind, set[UUID]] = {kind: set() for kind in ScopeKind}
    everything = False
    for kind, key in held:
        if kind == ScopeKind.EVERYTHING:
            everything = True
        elif key is not None:
            found[kind].add(key)
    return Scopes(
        everything=everything,
        teams=frozenset(found[ScopeKind.TEAM]),
        projects=frozenset(found[ScopeKind.PROJECT]),
        clusters=frozenset(found[ScopeKind.CLUSTER]),
    )


@dataclass(frozen=True)
class Limits:
    """What an API token leaves of its owner's rights: some permissions, in some places."""

    token: str
    permissions: frozenset[Permission]
    scopes: Scopes

    def narrow(self, permission: Permission, scopes: Scopes, team_of: TeamOf) -> Scopes:
        """Return what is left of where the owner holds the permission."""
        return scopes.within(self.scopes, team_of) if permission in self.permissions else NOWHERE


def _inside(project: UUID, teams: frozenset[UUID], team_of: TeamOf) -> bool:
    return bool(teams) and team_of(project) in teams


class Person(Protocol):
    """What the gate and the rooms' `visible_to` know of a user."""

    @property
    def is_authenticated(self) -> bool:
        """False for nobody in particular."""

    def scopes_for(self, permission: Permission) -> Scopes:
        """Return where the permission is held now."""

    def may(self, permission: Permission) -> bool:
        """Tell whether the permission is held anywhere."""
