"""The manifest of a project as it stands: what export shows, and what a document is compared with."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from clusters.manifests.document import Manifest, Member, Place
from clusters.projects import selectors
from clusters.projects.models import NamespaceTenure, Project
from portal.access.scopes import ScopeKind
from portal.accounts.models import Binding, User
from portal.accounts.models.people import ROBOT
from portal.tokens.models import Robot

Key = tuple[UUID, str]


@dataclass(frozen=True)
class Standing:
    """A project with the rows behind the entries of its manifest."""

    manifest: Manifest
    bindings: dict[tuple[str, str, str, str], Binding]
    holdings: dict[Place, Key]


def of_project(project: Project, *, at: datetime) -> Standing:
    """Return the project as a document: roles given on it directly and in force, namespaces it holds."""
    given = {_member(binding): binding for binding in _bindings(project, at)}
    held = {Place(row.cluster.slug, row.namespace_name): (row.cluster_id, row.namespace_uid) for row in _held(project)}
    owner = selectors.team_of(project)
    manifest = Manifest(
        slug=project.slug,
        name=project.name,
        description=project.description,
        team=owner.slug if owner else None,
        listed=project.is_listed,
        managed_by=project.managed_by,
        members=tuple(sorted(given)),
        namespaces=tuple(sorted(held)),
    )
    return Standing(manifest, {member.key: binding for member, binding in given.items()}, held)


def _bindings(project: Project, at: datetime) -> list[Binding]:
    found = Binding.objects.in_force(at).on(ScopeKind.PROJECT.value, project.pk)
    return list(found.select_related("user", "group__provider").order_by("created_at", "pk"))


def _held(project: Project) -> list[NamespaceTenure]:
    found = NamespaceTenure.objects.current().filter(project=project)
    # Of two lives of one name the later one is what the document means.
    return list(found.select_related("cluster").order_by("period"))


def _member(binding: Binding) -> Member:
    if binding.group is not None:
        return Member(
            "group",
            binding.group.name,
            binding.role,
            provider=binding.group.provider.key,
            id=binding.group.external_id,
            until=binding.expires_at,
            reason=binding.reason,
        )
    assert isinstance(binding.user, User), "a binding has a person, a robot or a group"
    is_robot = binding.user.kind == ROBOT
    name = Robot.objects.get(user=binding.user).slug if is_robot else binding.user.username
    return Member(
        "robot" if is_robot else "person", name, binding.role, until=binding.expires_at, reason=binding.reason
    )
