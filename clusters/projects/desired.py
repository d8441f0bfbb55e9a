"""What projects want in a cluster (`DESIRED_STATES`): namespaces, made and held, and who may work in them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from clusters.applying.desired import Desired, Order
from clusters.inventory.models import Namespace
from clusters.projects import grants, known_names, members
from clusters.projects.members import Subject
from clusters.projects.models import NamespaceTenure, NamespaceWish, WishState

WISH, HOLDING, MEMBERS = "projects.wish", "projects.holding", "projects.members"


@dataclass(frozen=True)
class _Held:
    """A namespace that a project holds in the cluster. `labels` are those it was made with by Paddock."""

    project_id: UUID
    uid: str
    name: str
    labels: Mapping[str, str]


def of_cluster(cluster_id: UUID, at: datetime) -> Iterator[Desired]:
    """Return the namespaces and RoleBindings that all projects want in one cluster."""
    held = _held(cluster_id)
    taken = {one.name for one in held}
    for wish in NamespaceWish.objects.filter(cluster_id=cluster_id, state=WishState.WANTED).order_by("name"):
        if wish.name not in taken:
            yield _made(wish)
    subjects = _subjects(cluster_id, {one.project_id for one in held}, at)
    for one in held:
        yield _holding(one)
        for role, bound in subjects[one.project_id].items():
            if bound:
                yield _binding(one, role, bound)


def _held(cluster_id: UUID) -> list[_Held]:
    """What is held and there. A namespace that was just made for a wish may not have been read yet."""
    made = {
        wish.made_uid: wish
        for wish in NamespaceWish.objects.filter(cluster_id=cluster_id, state=WishState.MADE).order_by("settled_at")
    }
    read = dict(Namespace.objects.filter(cluster_id=cluster_id).values_list("uid", "gone_at"))
    rows = NamespaceTenure.objects.current().filter(cluster_id=cluster_id).order_by("namespace_name", "pk")
    found = []
    for row in rows:
        wish = made.get(row.namespace_uid)
        there = read[row.namespace_uid] is None if row.namespace_uid in read else wish is not None
        if there:
            labels: Mapping[str, str] = wish.labels if wish else {}
            found.append(_Held(row.project_id, row.namespace_uid, row.namespace_name, labels))
    return found


def _subjects(cluster_id: UUID, projects: Collection[UUID], at: datetime) -> dict[UUID, dict[str, tuple[Subject, ...]]]:
    held = grants.of_projects(projects, at)
    holders = {grant.holder for each in held.values() for grant in each}
    named = known_names.of_cluster(cluster_id, holders)
    return {project: members.of_project(project, held[project], named) for project in projects}


def _made(wish: NamespaceWish) -> Desired:
    return Desired(
        kind="namespace",
        namespace="",
        namespace_uid="",
        name=wish.name,
        body=_labelled(wish.labels),
        source=WISH,
        source_id=wish.pk,
        project_id=wish.project_id,
        order=Order.NAMESPACE,
        forced=False,
        drift="hold",
    )


def _holding(one: _Held) -> Desired:
    return Desired(
        kind="namespace",
        namespace="",
        namespace_uid=one.uid,
        name=one.name,
        body=_labelled(one.labels),
        source=HOLDING,
        source_id=one.project_id,
        project_id=one.project_id,
        order=Order.LABELS,
        forced=False,
        drift="hold",
    )


def _binding(one: _Held, role: str, subjects: Sequence[Subject]) -> Desired:
    return Desired(
        kind="role_binding",
        namespace=one.name,
        namespace_uid=one.uid,
        name=role,
        body={
            "roleRef": {"apiGroup": members.RBAC, "kind": "ClusterRole", "name": role},
            "subjects": [subject.as_body() for subject in subjects],
        },
        source=MEMBERS,
        source_id=one.project_id,
        project_id=one.project_id,
        order=Order.RIGHTS,
        forced=True,
        drift="restore",
    )


def _labelled(labels: Mapping[str, str]) -> dict[str, Any]:
    return {"metadata": {"labels": dict(sorted(labels.items()))}} if labels else {}
