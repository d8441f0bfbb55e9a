"""Two teams side by side: okapi is ours, zebra is theirs; one cluster holds both, another one only zebra.

Every name of a team's things begins with the team's word, so that a word on an answer tells whose it is.
"""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import BigIntegerField, BooleanField, Model, TextField
from django.db.models.fields import NOT_PROVIDED

from clusters.inventory.models import Namespace, Node, Pod, Stream, Workload
from clusters.kube.objects.table import KINDS
from clusters.projects.models import Project, Team
from clusters.projects.services import holdings, projects, teams
from clusters.registry.models import Cluster, State
from portal.access.scopes import ScopeKind
from portal.accounts.bindings import role_bindings
from portal.accounts.models import Binding, GroupPattern, Identity, OutsideGroup, Provider, User
from portal.core.actors import COMMAND
from portal.tokens.models import Robot, Token
from tests.factories import robots
from tests.people import person

AT = datetime(2026, 8, 14, 12, 30, 15, tzinfo=UTC)
SEEN = AT - timedelta(days=3)
OURS, THEIRS = "okapi", "zebra"


@dataclass(frozen=True)
class Side:
    """What one team has: all of it exists."""

    team: Team
    project: Project
    namespace: Namespace
    workload: Workload
    pod: Pod
    member: User
    binding: Binding
    identity: Identity
    robot: Robot
    robot_token: Token
    token: Token


@dataclass(frozen=True)
class World:
    """Both teams, the cluster they share, and one of each alone; a directory both come from."""

    shared: Cluster
    own: Cluster
    foreign: Cluster
    near: Node
    node: Node
    stream: Stream
    group: OutsideGroup
    pattern: GroupPattern
    ours: Side
    theirs: Side


def filled(model: type[Model], **fields: Any) -> Any:
    """Write a row of the inventory; what is not given is empty or zero."""
    for field in model._meta.concrete_fields:
        if field.name in fields or field.attname in fields or field.null or field.default is not NOT_PROVIDED:
            continue
        if isinstance(field, BooleanField):
            fields[field.name] = False
        elif isinstance(field, BigIntegerField) and not field.primary_key:
            fields[field.name] = 0
        elif isinstance(field, TextField):
            fields[field.name] = str(uuid.uuid4()) if field.name == "uid" else ""
    return model._default_manager.create(created_at=SEEN, observed_at=SEEN, **fields)


def cluster(name: str) -> Cluster:
    """An attached cluster that nobody reads, every stream of it confirmed."""
    made = Cluster.objects.create(
        name=name,
        slug=name,
        state=State.ATTACHED,
        server=f"https://{name}.example",
        credential="sealed elsewhere",
        kube_system_uid=str(uuid.uuid4()),
        generation=1,
        attached_at=SEEN,
    )
    for kind in KINDS:
        Stream.objects.create(cluster=made, kind=kind.name, state="ok", last_ok_at=AT)
    return made


def give(user: User, role: str, kind: ScopeKind, thing: Any) -> Binding:
    """Give a role on a team, a project or a cluster."""
    scope = role_bindings.Scope(kind, thing.pk, str(thing))
    return role_bindings.grant(user=user, role=role, scope=scope, by=COMMAND, at=AT)


def inhabit(where: Cluster, project: Project, word: str, **pod: Any) -> tuple[Namespace, Workload, Pod]:
    """Put a namespace with a Deployment and its pod into a project."""
    labels = {f"{word}-label": f"{word}-value"}
    namespace = filled(Namespace, cluster=where, name=f"{word}-namespace", labels=labels, phase="Active")
    key = (where.pk, namespace.uid)
    holdings.assign(project=project, namespaces=[key], by=COMMAND, at=AT, since="first_seen")
    place = {"cluster": where, "namespace": namespace, "namespace_name": namespace.name, "labels": labels}
    workload = filled(
        Workload, name=f"{word}-web", kind="Deployment", desired=1, ready=1, images=[f"{word}/image:1"], **place
    )
    shown = {"cpu_m": 250, "memory_bytes": 2**28, "phase": "Running", "containers": 1, "containers_ready": 1, **pod}
    running = filled(
        Pod,
        name=f"{word}-web-1",
        workload_kind="Deployment",
        workload_name=workload.name,
        owner_kind="Deployment",
        owner_uid=workload.uid,
        node=f"{word}-machine",
        **place,
        **shown,
    )
    return Namespace.objects.get(pk=namespace.pk), workload, running


def side(word: str, where: Cluster, provider: Provider) -> Side:
    """A team with a project, a namespace in the cluster, a member with a token, and a robot that reads."""
    team = teams.open(name=f"{word} team", by=COMMAND, at=SEEN, cost_centre=f"{word}-1", owner=f"{word} people")
    project = projects.open(name=f"{word} shop", team=team, by=COMMAND, at=SEEN, description=f"{word} sells")
    namespace, workload, pod = inhabit(where, project, word)
    member = person(f"{word}-member")
    binding = give(member, "project_member", ScopeKind.PROJECT, project)
    identity = Identity.objects.create(
        user=member, provider=provider, subject=f"{word}-1", username=f"{word}-member", groups_as_of=AT
    )
    robot = robots.robot_of(project, f"{word}-robot", SEEN)
    give(robot.user, "project_viewer", ScopeKind.PROJECT, project)
    return Side(
        team=team,
        project=project,
        namespace=namespace,
        workload=workload,
        pod=pod,
        member=member,
        binding=binding,
        identity=identity,
        robot=robot,
        robot_token=robot.user.tokens.get(),
        token=robots.token_of(member, project, SEEN),
    )


def directory() -> tuple[Provider, OutsideGroup, GroupPattern]:
    """An enabled directory with a group and a pattern, as they are after a refresh."""
    provider = Provider.objects.create(key="house", kind="ldap", name="House", enabled=True, refreshed_at=AT)
    group = OutsideGroup.objects.create(provider=provider, external_id="1", name="house-group", seen_at=SEEN)
    pattern = GroupPattern.objects.create(
        provider=provider, pattern="nothing-*", role="project_viewer", scope_kind="project", created_by="tests"
    )
    return provider, group, pattern


def world() -> World:
    """Both teams."""
    shared, own, foreign = cluster("shared"), cluster(f"{OURS}-cluster"), cluster(f"{THEIRS}-cluster")
    near = filled(Node, cluster=shared, name="shared-machine", cpu_m=1000, memory_bytes=2**32, ready=True)
    filled(Node, cluster=own, name=f"{OURS}-machine", cpu_m=2000, memory_bytes=2**33, ready=True)
    node = filled(Node, cluster=foreign, name=f"{THEIRS}-machine", cpu_m=4000, memory_bytes=2**34, ready=True)
    provider, group, pattern = directory()
    ours, theirs = side(OURS, shared, provider), side(THEIRS, shared, provider)
    inhabit(foreign, theirs.project, f"{THEIRS}-far")
    stream = Stream.objects.filter(cluster=foreign)[0]
    return World(shared, own, foreign, near, node, stream, group, pattern, ours, theirs)
