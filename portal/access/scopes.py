"""Where a right holds."""

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


NOWHERE = Scopes()
EVERYWHERE = Scopes(everything=True)


class Person(Protocol):
    """What the gate and the rooms' `visible_to` know of a user."""

    @property
    def is_authenticated(self) -> bool:
        """False for nobody in particular."""

    def scopes_for(self, permission: Permission) -> Scopes:
        """Return where the permission is held now."""

    def may(self, permission: Permission) -> bool:
        """Tell whether the permission is held anywhere."""
