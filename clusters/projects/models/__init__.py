"""Tables of the room: teams, projects, who held what when, and what is to happen to namespaces."""

from clusters.projects.models.namespaces import (
    ClaimRule,
    NamespaceRemoval,
    NamespaceTerm,
    NamespaceWish,
    Offboarding,
    OrphanKept,
    RemovalState,
    WishState,
)
from clusters.projects.models.ownership import (
    NamespaceTenure,
    Project,
    ProjectTenure,
    Team,
    fold,
    span,
)
from clusters.projects.models.spreading import RightLook

__all__ = [
    "ClaimRule",
    "NamespaceRemoval",
    "NamespaceTenure",
    "NamespaceTerm",
    "NamespaceWish",
    "Offboarding",
    "OrphanKept",
    "Project",
    "ProjectTenure",
    "RemovalState",
    "RightLook",
    "Team",
    "WishState",
    "fold",
    "span",
]
