"""api/v1 of teams, projects and the namespaces they hold."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from clusters.projects import finding, lists, orphan_lists, selectors
from clusters.projects import since as begins
from clusters.projects.models import NamespaceRemoval, NamespaceTenure, NamespaceWish, Project, Team
from clusters.projects.services import holdings, leaving, namespaces, projects, removals, teams, terms
from clusters.projects.services.holdings import Key
from clusters.projects.services.namespaces import Wanted
from portal.access import gate
from portal.access.permissions import Permission
from portal.core import clock, errors
from portal.core.listing import ApiList


class TeamOut(serializers.ModelSerializer[Team]):
    """A team."""

    class Meta:
        model = Team
        fields = ("id", "slug", "name", "cost_centre", "owner", "created_at", "ended_at", "is_demo")


class TeamIn(serializers.Serializer[dict[str, str]]):
    """A new team; without a slug one is made of the name."""

    name = serializers.CharField(max_length=100)
    slug = serializers.SlugField(max_length=63, required=False)
    cost_centre = serializers.CharField(max_length=100, required=False, allow_blank=True)
    owner = serializers.CharField(max_length=200, required=False, allow_blank=True)


class TeamChange(serializers.Serializer[dict[str, str]]):
    """What of a team can change."""

    name = serializers.CharField(max_length=100, required=False)
    cost_centre = serializers.CharField(max_length=100, required=False, allow_blank=True)
    owner = serializers.CharField(max_length=200, required=False, allow_blank=True)


class ProjectOut(serializers.ModelSerializer[Project]):
    """A project and the team that owns it now."""

    team = serializers.SerializerMethodField()

    class Meta:
        model = Project
        fields = ("id", "slug", "name", "description", "team", "created_at", "ended_at", "is_demo")

    def get_team(self, project: Project) -> UUID | None:
        """The id of the owning team, null for a closed project."""
        owner = selectors.team_of(project)
        return owner.pk if owner else None


class ProjectIn(serializers.Serializer[dict[str, str]]):
    """A new project; without a slug one is made of the name."""

    name = serializers.CharField(max_length=100)
    team = serializers.UUIDField()
    slug = serializers.SlugField(max_length=63, required=False)
    description = serializers.CharField(max_length=500, required=False, allow_blank=True)


class ProjectChange(serializers.Serializer[dict[str, str]]):
    """What of a project can change."""

    name = serializers.CharField(max_length=100, required=False)
    description = serializers.CharField(max_length=500, required=False, allow_blank=True)


class TeamRef(serializers.Serializer[dict[str, str]]):
    """The team that takes over."""

    team = serializers.UUIDField()


class NamespaceRef(serializers.Serializer[dict[str, str]]):
    """A namespace: a new one of the same name has another uid."""

    cluster_id = serializers.UUIDField()
    uid = serializers.CharField(max_length=64)


class NamespacesIn(serializers.Serializer[dict[str, str]]):
    """Namespaces, and from when it counts: first_seen, now, or a whole hour of the open month."""

    namespaces = NamespaceRef(many=True, allow_empty=False)
    since = serializers.CharField(required=False)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True)


class MoveIn(NamespacesIn):
    """The same, with the project they move to."""

    project = serializers.UUIDField()


class HoldingOut(serializers.ModelSerializer[NamespaceTenure]):
    """A namespace held by a project from `from` to `to`; null goes on."""

    project = serializers.UUIDField(source="project_id")

    class Meta:
        model = NamespaceTenure
        fields = ("cluster_id", "namespace_uid", "namespace_name", "project", "reason")

    def get_fields(self) -> dict[str, Any]:
        """`from` is no Python name."""
        since = serializers.DateTimeField(source="period.lower")
        until = serializers.DateTimeField(source="period.upper", allow_null=True)
        return {**super().get_fields(), "from": since, "to": until}


class WishIn(serializers.Serializer[dict[str, str]]):
    """Namespaces to be made: each name on each cluster."""

    names = serializers.ListField(child=serializers.CharField(max_length=63), min_length=1, max_length=50)
    clusters = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=200)
    labels = serializers.DictField(child=serializers.CharField(max_length=63, allow_blank=True), required=False)
    ends_at = serializers.DateTimeField(required=False, allow_null=True)


class WishOut(serializers.ModelSerializer[NamespaceWish]):
    """A namespace that was asked for, and how far it is: wanted, made, failed or withdrawn."""

    cluster = serializers.UUIDField(source="cluster_id")

    class Meta:
        model = NamespaceWish
        fields = ("id", "cluster", "name", "labels", "ends_at", "state", "made_uid", "text", "created_at")


class EndIn(serializers.Serializer[dict[str, str]]):
    """Until when namespaces are there; null: they do not end. Deleting them then is for people, on the page."""

    namespaces = NamespaceRef(many=True, allow_empty=False)
    ends_at = serializers.DateTimeField(allow_null=True)


class DeleteIn(serializers.Serializer[dict[str, str]]):
    """Namespaces to be deleted with all that is in them."""

    namespaces = NamespaceRef(many=True, allow_empty=False)


class RemovalOut(serializers.ModelSerializer[NamespaceRemoval]):
    """A namespace that is to be deleted: wanted, sent, gone or failed."""

    class Meta:
        model = NamespaceRemoval
        fields = ("cluster_id", "namespace_uid", "name", "state", "text", "asked_at")


class LeaveIn(serializers.Serializer[dict[str, str]]):
    """What becomes of the namespaces of a project that leaves; deleting them is for people."""

    choice = serializers.ChoiceField(choices=["release"])


def _read(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def _keys(data: dict[str, Any]) -> list[Key]:
    return [(one["cluster_id"], one["uid"]) for one in data["namespaces"]]


class Teams(ApiList, GenericViewSet[Team]):
    """Teams."""

    permissions = {
        "list": Permission.TEAM_VIEW,
        "retrieve": Permission.TEAM_VIEW,
        "create": Permission.TEAM_EDIT,
        "partial_update": Permission.TEAM_EDIT,
        "close": Permission.TEAM_EDIT,
    }
    listing = lists.TeamList
    serializer_class = TeamOut
    lookup_value_regex = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

    @extend_schema(responses=TeamOut)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One team."""
        return Response(TeamOut(finding.team(request, pk=pk)).data)

    @extend_schema(request=TeamIn, responses={201: TeamOut})
    def create(self, request: Request) -> Response:
        """Open a team."""
        gate.demand(request, Permission.TEAM_EDIT)
        team = teams.open(**_read(TeamIn, request), by=gate.actor_of(request), at=clock.now())
        return Response(TeamOut(team).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=TeamChange, responses=TeamOut)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Change name, cost centre or owner."""
        team = finding.team(request, pk=pk)
        gate.demand(request, Permission.TEAM_EDIT, team=team.pk)
        kept = {"name": team.name, "cost_centre": team.cost_centre, "owner": team.owner}
        changed = teams.change(team=team, **{**kept, **_read(TeamChange, request)}, by=gate.actor_of(request))
        return Response(TeamOut(changed).data)

    @extend_schema(request=None, responses=TeamOut)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: UUID) -> Response:
        """Close a team that owns no project."""
        team = finding.team(request, pk=pk)
        gate.demand(request, Permission.TEAM_EDIT)
        return Response(TeamOut(teams.close(team=team, by=gate.actor_of(request), at=clock.now())).data)


class Projects(ApiList, GenericViewSet[Project]):
    """Projects and what they hold."""

    permissions = {
        "wishes": Permission.PROJECT_VIEW,
        "create_namespaces": Permission.NAMESPACE_CREATE,
        "end_namespaces": Permission.NAMESPACE_CREATE,
        "delete_namespaces": Permission.NAMESPACE_DELETE,
        "offboard": Permission.PROJECT_EDIT,
        "list": Permission.PROJECT_VIEW,
        "retrieve": Permission.PROJECT_VIEW,
        "namespaces": Permission.PROJECT_VIEW,
        "create": Permission.TEAM_EDIT,
        "partial_update": Permission.PROJECT_EDIT,
        "team": Permission.PROJECT_EDIT,
        "close": Permission.PROJECT_EDIT,
        "assign": Permission.PROJECT_ASSIGN,
        "move": Permission.PROJECT_ASSIGN,
        "release": Permission.PROJECT_ASSIGN,
    }
    listing = lists.ProjectList
    serializer_class = ProjectOut
    lookup_value_regex = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

    @extend_schema(responses=ProjectOut)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One project."""
        return Response(ProjectOut(finding.project(request, pk=pk)).data)

    @extend_schema(request=ProjectIn, responses={201: ProjectOut})
    def create(self, request: Request) -> Response:
        """Open a project."""
        data = _read(ProjectIn, request)
        team = self._team(request, data.pop("team"))
        project = projects.open(**data, team=team, by=gate.actor_of(request), at=clock.now())
        return Response(ProjectOut(project).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=ProjectChange, responses=ProjectOut)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Change name or description."""
        project = self._demanded(request, pk, Permission.PROJECT_EDIT)
        kept = {"name": project.name, "description": project.description}
        change = {**kept, **_read(ProjectChange, request)}
        return Response(ProjectOut(projects.change(project=project, **change, by=gate.actor_of(request))).data)

    @extend_schema(request=TeamRef, responses=ProjectOut)
    @action(detail=True, methods=["post"])
    def team(self, request: Request, pk: UUID) -> Response:
        """Give the project to another team from now on."""
        project = self._demanded(request, pk, Permission.PROJECT_EDIT)
        team = self._team(request, _read(TeamRef, request)["team"])
        moved = projects.move_to_team(project=project, team=team, by=gate.actor_of(request), at=clock.now())
        return Response(ProjectOut(moved).data)

    @extend_schema(request=None, responses=ProjectOut)
    @action(detail=True, methods=["post"])
    def close(self, request: Request, pk: UUID) -> Response:
        """Close a project that holds no namespace."""
        project = self._demanded(request, pk, Permission.PROJECT_EDIT)
        return Response(ProjectOut(projects.close(project=project, by=gate.actor_of(request), at=clock.now())).data)

    @extend_schema(responses=HoldingOut(many=True))
    @action(detail=True, methods=["get"])
    def namespaces(self, request: Request, pk: UUID) -> Response:
        """What the project holds and held, newest first."""
        project = finding.project(request, pk=pk)
        rows = NamespaceTenure.objects.filter(project=project).order_by("-period", "-id")[:5000]
        return Response({"next": None, "results": HoldingOut(rows, many=True).data})

    @extend_schema(responses=WishOut(many=True))
    @action(detail=True, methods=["get"], url_path="new-namespaces")
    def wishes(self, request: Request, pk: UUID) -> Response:
        """The namespaces that were asked for, newest first, with what the clusters said."""
        rows = NamespaceWish.objects.filter(project=finding.project(request, pk=pk)).order_by("-created_at", "pk")[
            :1000
        ]
        return Response({"next": None, "results": WishOut(rows, many=True).data})

    @extend_schema(request=WishIn, responses={201: WishOut(many=True)})
    @wishes.mapping.post
    def create_namespaces(self, request: Request, pk: UUID) -> Response:
        """Ask for namespaces on several clusters: all, or none."""
        project = self._demanded(request, pk, Permission.NAMESPACE_CREATE)
        data = _read(WishIn, request)
        places = {place.id for place in selectors.clusters_for(gate.person(request), project)}
        if not set(data["clusters"]) <= places:
            raise errors.Refused.one("clusters", _("At least one of the clusters is not one to choose."))
        wanted = [
            Wanted(cluster, name, data.get("labels", {}), data.get("ends_at"))
            for cluster in dict.fromkeys(data["clusters"])
            for name in dict.fromkeys(data["names"])
        ]
        rows = namespaces.create(project=project, wanted=wanted, by=gate.actor_of(request), at=clock.now())
        return Response({"results": WishOut(rows, many=True).data}, status=status.HTTP_201_CREATED)

    @extend_schema(request=EndIn, responses={204: None})
    @action(detail=True, methods=["post"], url_path="end-namespaces")
    def end_namespaces(self, request: Request, pk: UUID) -> Response:
        """Give namespaces an end, another one, or none: all, or none of them. Their owners are told before."""
        project = self._demanded(request, pk, Permission.NAMESPACE_CREATE)
        data = _read(EndIn, request)
        terms.keep_all(
            project=project, keys=_keys(data), until=data["ends_at"], by=gate.actor_of(request), at=clock.now()
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=DeleteIn, responses={202: RemovalOut(many=True)})
    @action(detail=True, methods=["post"], url_path="delete-namespaces")
    def delete_namespaces(self, request: Request, pk: UUID) -> Response:
        """Have namespaces deleted with all that is in them. Asked again it is the same; no token may do it."""
        project = self._demanded(request, pk, Permission.NAMESPACE_DELETE)
        rows = removals.ask(
            project=project, keys=_keys(_read(DeleteIn, request)), by=gate.actor_of(request), at=clock.now()
        )
        return Response({"results": RemovalOut(rows, many=True).data}, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=LeaveIn, responses=ProjectOut)
    @action(detail=True, methods=["post"])
    def offboard(self, request: Request, pk: UUID) -> Response:
        """Let a project go; its namespaces stand on without project."""
        project = self._demanded(request, pk, Permission.PROJECT_EDIT)
        choice = _read(LeaveIn, request)["choice"]
        leaving.offboard(project=project, choice=choice, by=gate.actor_of(request), at=clock.now())
        return Response(ProjectOut(finding.project(request, pk=pk)).data)

    @extend_schema(request=NamespacesIn, responses=HoldingOut(many=True))
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, pk: UUID) -> Response:
        """Put namespaces without project into this one: all, or none. Since first seen unless said otherwise."""
        project = self._demanded(request, pk, Permission.PROJECT_ASSIGN)
        data = _read(NamespacesIn, request)
        finding.demand_namespaces(request, _keys(data))
        rows = holdings.assign(
            project=project,
            namespaces=_keys(data),
            since=begins.parse(data.get("since", "first_seen")),
            reason=data.get("reason", ""),
            by=gate.actor_of(request),
            at=clock.now(),
        )
        return Response({"results": HoldingOut(rows, many=True).data})

    @extend_schema(request=MoveIn, responses=HoldingOut(many=True))
    @action(detail=True, methods=["post"])
    def move(self, request: Request, pk: UUID) -> Response:
        """Move namespaces of this project to another one: all, or none. From now unless said otherwise."""
        source = self._demanded(request, pk, Permission.PROJECT_ASSIGN)
        data = _read(MoveIn, request)
        rows = holdings.move(
            source=source,
            target=self._demanded(request, data["project"], Permission.PROJECT_ASSIGN),
            namespaces=_keys(data),
            since=begins.parse(data.get("since", "now")),
            reason=data.get("reason", ""),
            by=gate.actor_of(request),
            at=clock.now(),
        )
        return Response({"results": HoldingOut(rows, many=True).data})

    @extend_schema(request=NamespacesIn, responses={204: None})
    @action(detail=True, methods=["post"])
    def release(self, request: Request, pk: UUID) -> Response:
        """Let namespaces of this project go: all, or none. From now unless said otherwise."""
        project = self._demanded(request, pk, Permission.PROJECT_ASSIGN)
        data = _read(NamespacesIn, request)
        holdings.release(
            project=project,
            namespaces=_keys(data),
            since=begins.parse(data.get("since", "now")),
            by=gate.actor_of(request),
            at=clock.now(),
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _demanded(self, request: Request, pk: UUID, permission: Permission) -> Project:
        project = finding.project(request, pk=pk)
        finding.demand(request, permission, project)
        return project

    def _team(self, request: Request, pk: UUID) -> Team:
        team = get_object_or_404(Team.objects.visible_to(gate.person(request)), pk=pk)
        gate.demand(request, Permission.TEAM_EDIT, team=team.pk)
        return team


class VolumesWithoutClaim(ApiList, GenericViewSet[NamespaceTenure]):
    """Volumes that no claim holds."""

    permissions = {"list": Permission.PROJECT_ASSIGN}
    listing = orphan_lists.VolumeOrphans


class WorkloadsWithoutOwner(ApiList, GenericViewSet[NamespaceTenure]):
    """Workloads in namespaces without project."""

    permissions = {"list": Permission.PROJECT_ASSIGN}
    listing = orphan_lists.WorkloadOrphans


class UnownedNamespaces(ApiList, GenericViewSet[NamespaceTenure]):
    """Namespaces without project, each with a suggestion."""

    permissions = {"list": Permission.PROJECT_ASSIGN}
    listing = orphan_lists.UnownedList


# (prefix, viewset, basename), read by portal/config/api_urls.py
ROUTES: list[tuple[str, type[ViewSetMixin], str]] = [
    ("teams", Teams, "teams"),
    ("projects", Projects, "projects"),
    ("volumes-without-claim", VolumesWithoutClaim, "volumes-without-claim"),
    ("workloads-without-owner", WorkloadsWithoutOwner, "workloads-without-owner"),
    ("unowned-namespaces", UnownedNamespaces, "unowned-namespaces"),
]
