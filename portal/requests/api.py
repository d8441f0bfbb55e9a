"""api/v1 of requests and reviews. What is one's own, and every decision, is done by people, never by tokens."""

from typing import Any, ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from portal.access import gate
from portal.access.permissions import Permission
from portal.access.scopes import ScopeKind
from portal.accounts.models import Binding, User
from portal.core import clock, listing
from portal.requests import lists, reviews, selectors, services
from portal.requests.models import AccessRequest, Review

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class AskIn(serializers.Serializer[dict[str, Any]]):
    """What is asked for; `thing` is a slug, and empty for everything; `days` null is without end."""

    role = serializers.CharField(max_length=40)
    kind = serializers.ChoiceField(choices=[kind.value for kind in ScopeKind])
    thing = serializers.CharField(max_length=63, allow_blank=True, required=False, default="")
    days = serializers.IntegerField(allow_null=True, min_value=1, max_value=services.LONGEST_DAYS)
    reason = serializers.CharField(max_length=500)


class AskedOut(serializers.ModelSerializer[AccessRequest]):
    """What was asked for, as it was typed: nothing that would tell whether the thing exists."""

    class Meta:
        model = AccessRequest
        fields = ("id", "role", "scope_kind", "asked_for", "days", "reason", "state", "created_at", "expires_at")


class DecisionIn(serializers.Serializer[dict[str, Any]]):
    """A decision: `days` counts for approvals, null is without end."""

    days = serializers.IntegerField(
        allow_null=True, required=False, default=None, min_value=1, max_value=services.LONGEST_DAYS
    )
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class ReviewedOut(serializers.ModelSerializer[Binding]):
    """A role to keep or to drop."""

    user = serializers.CharField(source="user.username", default=None)
    group = serializers.CharField(source="group.name", default=None)

    class Meta:
        model = Binding
        fields = ("id", "user", "group", "role", "reason", "created_at", "created_by", "expires_at")


class ReviewOut(serializers.ModelSerializer[Review]):
    """A review; `bindings` are those to decide on, none once it is closed."""

    bindings = serializers.SerializerMethodField()

    class Meta:
        model = Review
        fields = (
            "id",
            "scope_kind",
            "scope_id",
            "scope_label",
            "opened_at",
            "due_at",
            "closed_at",
            "closed_by",
            "kept",
            "dropped",
            "bindings",
        )

    @extend_schema_field(ReviewedOut(many=True))
    def get_bindings(self, review: Review) -> list[Any]:
        """Those in force at the scope."""
        found = [] if review.closed_at else reviews.bindings_of(review, at=clock.now())
        return [ReviewedOut(one).data for one in found]


class AnswersIn(serializers.Serializer[dict[str, Any]]):
    """Ids of the bindings to keep and of those to drop: together all that the review holds."""

    keep = serializers.ListField(child=serializers.UUIDField(), required=False, default=list)
    drop = serializers.ListField(child=serializers.UUIDField(), required=False, default=list)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Nothing is both."""
        if set(attrs["keep"]) & set(attrs["drop"]):
            raise serializers.ValidationError({"drop": [_("Keep it or drop it, not both.")]})
        return attrs


@gate.api_of_ones_own("everybody's own requests")
class OwnRequests(listing.ApiList, GenericViewSet[AccessRequest]):
    """What one asked for oneself."""

    listing = lists.OwnRequestList
    serializer_class = AskedOut
    queryset = AccessRequest.objects.none()  # for the description alone
    lookup_value_regex = _UUID

    @extend_schema(request=AskIn, responses={202: AskedOut})
    def create(self, request: Request) -> Response:
        """Ask for a role. The answer is the same whether the thing exists or not."""
        given = _read(AskIn, request)
        asked = services.ask(
            asker=_user(request),
            role=given["role"],
            kind=given["kind"],
            slug=given["thing"],
            reason=given["reason"],
            days=given["days"],
            by=gate.actor_of(request),
            at=clock.now(),
        )
        return Response(AskedOut(asked).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: UUID) -> Response:
        """Take it back."""
        found = get_object_or_404(selectors.own(_user(request)), pk=pk)
        services.withdraw(request=found, by=gate.actor_of(request), at=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class Requests(listing.ApiList, GenericViewSet[AccessRequest]):
    """Requests that one may decide on; approving and rejecting need a fresh sign-in."""

    permissions: ClassVar[dict[str, Permission]] = {
        "list": Permission.MEMBER_VIEW,
        "approve": Permission.BINDING_EDIT,
        "reject": Permission.BINDING_EDIT,
    }
    listing = lists.RequestList
    queryset = AccessRequest.objects.none()  # for the description alone; rows come from what one may decide on
    lookup_value_regex = _UUID

    @extend_schema(request=DecisionIn, responses={204: None})
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: UUID) -> Response:
        """Give what was asked for."""
        services.approve(**self._decision(request, pk))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=DecisionIn, responses={204: None})
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: UUID) -> Response:
        """Say no, and why."""
        decision = self._decision(request, pk)
        del decision["days"]
        services.reject(**decision)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _decision(self, request: Request, pk: UUID) -> dict[str, Any]:
        return {
            "request": get_object_or_404(selectors.decidable(gate.person(request)), pk=pk),
            "approver": _user(request),
            "by": gate.actor_of(request),
            "at": clock.now(),
            **_read(DecisionIn, request),
        }


class Reviews(listing.ApiList, GenericViewSet[Review]):
    """Reviews of what was given; deciding needs a fresh sign-in."""

    permissions: ClassVar[dict[str, Permission]] = {
        "list": Permission.MEMBER_VIEW,
        "retrieve": Permission.BINDING_EDIT,
        "decide": Permission.BINDING_EDIT,
    }
    listing = lists.ReviewList
    serializer_class = ReviewOut
    queryset = Review.objects.none()  # for the description alone
    lookup_value_regex = _UUID

    @extend_schema(responses=ReviewOut)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One review with the roles to decide on."""
        return Response(ReviewOut(self._one(request, pk)).data)

    @extend_schema(request=AnswersIn, responses=ReviewOut)
    @action(detail=True, methods=["post"])
    def decide(self, request: Request, pk: UUID) -> Response:
        """Keep or drop each role, all at once; the review is closed."""
        review = self._one(request, pk)
        given = _read(AnswersIn, request)
        closed = reviews.decide(
            review=review,
            answers=dict.fromkeys(given["keep"], True) | dict.fromkeys(given["drop"], False),
            reviewer=_user(request),
            by=gate.actor_of(request),
            at=clock.now(),
        )
        return Response(ReviewOut(closed).data)

    def _one(self, request: Request, pk: UUID) -> Review:
        return get_object_or_404(selectors.reviews_of(gate.person(request)), pk=pk)


def _read(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def _user(request: Request) -> User:
    assert isinstance(request.user, User), "the gate lets nobody else through"
    return request.user


# (prefix, viewset, basename), read by portal/config/api_urls.py
ROUTES: list[tuple[str, type[ViewSetMixin], str]] = [
    ("access-requests", Requests, "access-requests"),
    ("own-access-requests", OwnRequests, "own-access-requests"),
    ("access-reviews", Reviews, "access-reviews"),
]
