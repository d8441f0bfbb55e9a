"""api/v1 of manifests: a project's document to read, and to put in its place."""

from typing import Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from clusters.manifests import access, document, services
from clusters.projects import finding
from clusters.projects.models import Project
from portal.access import gate
from portal.access.permissions import Permission
from portal.core import clock, errors


class AsSent(BaseParser):
    """The body as it came: YAML and JSON are both read by the document itself."""

    media_type = "*/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, bytes]:
        """Return the bytes under "document"; one more than may be, so that too many are noticed."""
        return {"document": stream.read(document.MOST_BYTES + 1)}


class StepOut(serializers.Serializer[Any]):
    """One change: where the document says it, what it does, before and after."""

    path = serializers.CharField()
    act = serializers.ChoiceField(choices=["set", "give", "end", "take", "claim", "release"])
    what = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()


class AppliedOut(serializers.Serializer[Any]):
    """What changed, or would."""

    project = serializers.UUIDField()
    dry_run = serializers.BooleanField()
    steps = StepOut(many=True)


_FLAGS = [
    OpenApiParameter("dry_run", OpenApiTypes.BOOL, description="Change nothing, say what would change"),
    OpenApiParameter("prune", OpenApiTypes.BOOL, description="Off: take nothing away that the document does not name"),
]


class Manifests(GenericViewSet[Project]):
    """Manifests by the slug of the project."""

    permissions: ClassVar[dict[str, Permission]] = {
        "retrieve": Permission.PROJECT_VIEW,
        "update": Permission.PROJECT_EDIT,
    }
    queryset = Project.objects.none()  # for the description alone
    lookup_field = "slug"
    lookup_value_regex = "[a-z0-9-]{1,63}"
    parser_classes = (AsSent,)

    @extend_schema(responses={(200, "application/yaml"): OpenApiTypes.STR})
    def retrieve(self, request: Request, slug: str) -> HttpResponse:
        """The project as a document, as far as one may see it."""
        project = finding.project(request, slug=slug)
        return HttpResponse(document.write(access.readable(request, project)), content_type="application/yaml")

    @extend_schema(request={"application/yaml": OpenApiTypes.STR}, parameters=_FLAGS, responses=AppliedOut)
    def update(self, request: Request, slug: str) -> Response:
        """Make the project what the document says; the same document again changes nothing."""
        project = finding.project(request, slug=slug)
        finding.demand(request, Permission.PROJECT_EDIT, project)
        dry_run, prune = _flag(request, "dry_run", default=False), _flag(request, "prune", default=True)
        asked: dict[str, Any] = {
            "project": project,
            "wanted": document.read(request.data["document"]),
            "person": access.person(request),
            "at": clock.now(),
            "prune": prune,
            "personal": access.may_change_members(request, project),
        }
        plan = services.preview(**asked)
        access.demand(request, project, plan)
        if not dry_run:
            services.apply(by=gate.actor_of(request), **asked)
        return Response(AppliedOut({"project": project.pk, "dry_run": dry_run, "steps": plan.steps}).data)


def _flag(request: Request, name: str, *, default: bool) -> bool:
    given = request.query_params.get(name)
    if given is None:
        return default
    if given not in {"true", "false"}:
        raise errors.Refused.one(name, "true or false is expected.")
    return given == "true"


# (prefix, viewset, basename), read by portal/config/api_urls.py
ROUTES: list[tuple[str, type[ViewSetMixin], str]] = [("manifests", Manifests, "manifests")]
