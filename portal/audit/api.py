"""api/v1 of the audit."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from portal.access import gate
from portal.access.permissions import Permission
from portal.audit import lists, services
from portal.audit.models import Check, Event, Head
from portal.core import clock, listing


class EventOut(serializers.ModelSerializer[Event]):
    """One event, with the fields of the list."""

    from_address = serializers.SerializerMethodField()

    class Meta:
        model = Event
        fields = (
            "id",
            "at",
            "kind",
            "actor_kind",
            "actor_id",
            "actor_label",
            "as_label",
            "token",
            "from_address",
            "request_id",
            "team_id",
            "project_id",
            "on_type",
            "on_id",
            "on_label",
            "on_url",
            "before",
            "after",
        )

    def get_from_address(self, event: Event) -> str | None:
        """Where the person was; null to those who see a part of the audit."""
        return event.address if self.context["whole"] else None


class AuditCheckOut(serializers.ModelSerializer[Check]):
    """A reading of the chain."""

    class Meta:
        model = Check
        fields = ("id", "asked_at", "asked_by", "finished_at", "events", "heads", "holds", "found")


class Events(listing.ApiList, GenericViewSet[Event]):
    """What happened, newest first."""

    permissions = {"list": Permission.AUDIT_VIEW, "retrieve": Permission.AUDIT_VIEW}
    listing = lists.EventList
    serializer_class = EventOut
    lookup_value_regex = "[0-9]{1,18}"

    @extend_schema(responses=EventOut)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One event with both sides of its change."""
        person = gate.person(request)
        event = get_object_or_404(Event.objects.visible_to(person), pk=int(pk))
        whole = person.scopes_for(Permission.AUDIT_VIEW).everything
        return Response(EventOut(event, context={"whole": whole}).data)


class Heads(listing.ApiList, GenericViewSet[Head]):
    """Signed ends of the chain."""

    permissions = {"list": Permission.AUDIT_VIEW}
    listing = lists.HeadList


class Checks(listing.ApiList, GenericViewSet[Check]):
    """Readings of the chain; POST asks for one."""

    permissions = {"list": Permission.AUDIT_VIEW, "create": Permission.AUDIT_VIEW}
    listing = lists.CheckList
    serializer_class = AuditCheckOut

    @extend_schema(request=None, responses={202: AuditCheckOut})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Have the chain read by a job; the answer is the reading to look at."""
        gate.demand(request, Permission.AUDIT_VIEW)
        check = services.ask_for_check(by=gate.actor_of(request), at=clock.now())
        return Response(AuditCheckOut(check).data, status=status.HTTP_202_ACCEPTED)


# (prefix, viewset, basename), read by portal/config/api_urls.py
ROUTES: list[tuple[str, type[ViewSetMixin], str]] = [
    ("audit-events", Events, "audit-events"),
    ("audit-heads", Heads, "audit-heads"),
    ("audit-checks", Checks, "audit-checks"),
]
