"""api/v1 of the outbox."""

from typing import ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from portal.access import gate
from portal.access.permissions import Permission
from portal.core import clock
from portal.core.listing import ApiList
from portal.outbox import lists, services
from portal.outbox.models import Attempt, Message


class AttemptOut(serializers.ModelSerializer[Attempt]):
    """One try; without an end it is not known whether the message arrived."""

    class Meta:
        model = Attempt
        fields = ("started_at", "ended_at", "ok", "target", "text")


class MessageOut(serializers.ModelSerializer[Message]):
    """A message as it goes out."""

    tries = AttemptOut(many=True)
    to = serializers.ListField(child=serializers.CharField())
    left = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Message
        fields = (
            "id",
            "kind",
            "key",
            "event",
            "state",
            "target",
            "to",
            "left",
            "subject",
            "body",
            "on_type",
            "on_id",
            "on_label",
            "created_at",
            "attempts",
            "next_at",
            "sent_at",
            "ended_at",
            "error",
            "tries",
        )


class Messages(ApiList, GenericViewSet[Message]):
    """What left Paddock, what waits, and what would have gone out."""

    permissions: ClassVar[dict[str, Permission]] = {
        "list": Permission.OUTBOX_VIEW,
        "retrieve": Permission.OUTBOX_VIEW,
        "retry": Permission.OUTBOX_EDIT,
    }
    listing = lists.MessageList
    serializer_class = MessageOut
    lookup_value_regex = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

    @extend_schema(responses=MessageOut)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One message with its attempts."""
        return Response(MessageOut(self._visible(request, pk)).data)

    @extend_schema(request=None, responses=MessageOut)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: UUID) -> Response:
        """Try now what failed, was given up or had no target."""
        changed = services.retry(message=self._visible(request, pk), by=gate.actor_of(request), at=clock.now())
        return Response(MessageOut(changed).data)

    def _visible(self, request: Request, pk: UUID) -> Message:
        return get_object_or_404(Message.objects.visible_to(gate.person(request)).prefetch_related("tries"), pk=pk)


# (prefix, viewset, basename), read by portal/config/api_urls.py
ROUTES: list[tuple[str, type[ViewSetMixin], str]] = [("outbox-messages", Messages, "outbox-messages")]
