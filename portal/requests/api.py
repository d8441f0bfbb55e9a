"""api/v1 of requests and reviews."""

from typing import Any
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
from portal.accounts.models import User
from portal.core import clock, listing
from portal.requests import lists, selectors, services
from portal.requests.models import AccessRequest, Review


class AskIn(serializers.Serializer[Any]):
    """What is asked for: `days` null is without end."""

    role = serializers.CharField(max_length=40)
    kind = serializers.CharField(max_length=12)
    thing = serializers.CharField(max_length=63, allow_blank=True)
    days = serializers.IntegerField(allow_null=True, min_value=1, max_value=services.LONGEST_DAYS)
    reason = serializers.CharField(max_length=500)


class DecisionIn(serializers.Serializer[Any]):
    """A decision: `days` counts for approvals, null is without end."""

    days = serializers.IntegerField(
        allow_null=True, required=False, default=None, min_value=1, max_value=services.LONGEST_DAYS
    )
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class Requests(listing.ApiList, GenericViewSet[AccessRequest]):
    """Requests that one may decide on; approving and rejecting need a fresh sign-in."""

    permissions = {
        "list": Permission.MEMBER_VIEW,
        "approve": Permission.BINDING_EDIT,
        "reject": Permission.BINDING_EDIT,
    }
    listing = lists.RequestList
    queryset = AccessRequest.objects.none()  # for the description alone; rows come from what one may decide on

    @extend_schema(request=DecisionIn, responses={204: None})
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """Give what was asked for."""
        services.approve(**self._decision(request, pk))
        return Response(status=204)

    @extend_schema(request=DecisionIn, responses={204: None})
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        """Say no, and why."""
        decision = self._decision(request, pk)
        del decision["days"]
        services.reject(**decision)
        return Response(status=204)

    def _decision(self, request: Request, pk: str) -> dict[str, Any]:
        given = DecisionIn(data=request.data)
        given.is_valid(raise_exception=True)
        return {
            "request": get_object_or_404(selectors.decidable(gate.person(request)), pk__in=_uuids(pk)),
            "approver": get_object_or_404(User, pk=request.user.pk),
            "by": gate.actor_of(request),
            "at": clock.now(),
            **given.validated_data,
        }


class Reviews(listing.ApiList, GenericViewSet[Review]):
    """Reviews of what was given."""

    permissions = {"list": Permission.MEMBER_VIEW}
    listing = lists.ReviewList
    queryset = Review.objects.none()  # for the description alone


def _uuids(text: str) -> list[UUID]:
    """The key in an address as a list of one; of none where it is no key."""
    try:
        return [UUID(text)]
    except ValueError:
        return []


# (prefix, viewset, basename), read by portal/config/api_urls.py
ROUTES: list[tuple[str, type[ViewSetMixin], str]] = [
    ("access-requests", Requests, "access-requests"),
    ("access-reviews", Reviews, "access-reviews"),
]
