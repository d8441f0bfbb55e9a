"""api/v1 of tokens and robots. Tokens are made and ended by people who have just signed in, never by tokens."""

from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from portal.access import gate
from portal.access.permissions import Permission
from portal.accounts.models import User
from portal.core import clock
from portal.core.listing import ApiList
from portal.tokens import finding, lists, places
from portal.tokens.models import DEFAULT_LIFE, LONGEST_LIFE, Robot, Token
from portal.tokens.services import robots, tokens

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class ThingOut(serializers.Serializer[dict[str, str]]):
    """A thing inside of a token's scope."""

    kind = serializers.CharField()
    id = serializers.UUIDField()
    # A field of this name, not the serializer's own label.
    label = serializers.CharField()  # type: ignore[assignment]


class TokenOut(serializers.ModelSerializer[Token]):
    """A token without its text."""

    username = serializers.CharField(source="user.username")
    begins = serializers.CharField()
    only = ThingOut(many=True)
    permissions = serializers.ListField(child=serializers.CharField())
    networks = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Token
        fields = (
            "id",
            "name",
            "username",
            "begins",
            "scope_kind",
            "scope_id",
            "scope_label",
            "only",
            "permissions",
            "networks",
            "created_at",
            "created_by",
            "expires_at",
            "last_used_at",
            "last_address",
            "revoked_at",
            "revoked_by",
        )


class TokenMade(TokenOut):
    """A new token with its text, this once."""

    token = serializers.SerializerMethodField()

    class Meta(TokenOut.Meta):
        fields: ClassVar[Any] = (*TokenOut.Meta.fields, "token")  # type: ignore[misc]

    def get_token(self, token: Token) -> str:
        """The text: `pdk_…`."""
        text: str = self.context["text"]
        return text


class TokenIn(serializers.Serializer[dict[str, Any]]):
    """A new token. `scope` and `only` name things by slug: `checkout`, and `project/checkout`."""

    name = serializers.CharField(max_length=100)
    scope_kind = serializers.CharField(max_length=12)
    scope = serializers.CharField(max_length=63, required=False, allow_blank=True, default="")
    only = serializers.ListField(
        child=serializers.CharField(max_length=80), required=False, default=list, max_length=50
    )
    permissions = serializers.ListField(
        child=serializers.ChoiceField([one.value for one in Permission]), max_length=100
    )
    networks = serializers.ListField(
        child=serializers.CharField(max_length=64), required=False, default=list, max_length=50
    )
    days = serializers.IntegerField(min_value=1, max_value=LONGEST_LIFE.days, required=False, default=DEFAULT_LIFE.days)


class RobotTokenIn(TokenIn):
    """A new token of a robot, named by its id."""

    robot = serializers.UUIDField()


class RobotOut(serializers.ModelSerializer[Robot]):
    """A robot."""

    username = serializers.CharField(source="user.username")

    class Meta:
        model = Robot
        fields = (
            "id",
            "slug",
            "name",
            "username",
            "description",
            "home_kind",
            "home_id",
            "home_label",
            "created_at",
            "created_by",
            "retired_at",
        )


class RobotIn(serializers.Serializer[dict[str, str]]):
    """A new robot; `home` and `project` are slugs. The role holds on the home, or on that project of it."""

    slug = serializers.SlugField(max_length=50)
    name = serializers.CharField(max_length=100)
    home_kind = serializers.ChoiceField(["team", "project"])
    home = serializers.CharField(max_length=63)
    role = serializers.CharField(max_length=40)
    project = serializers.CharField(max_length=63, required=False, allow_blank=True)
    description = serializers.CharField(max_length=300, required=False, allow_blank=True)


@gate.api_of_ones_own("everybody's own tokens")
class OwnTokens(ApiList, GenericViewSet[Token]):
    """One's own tokens."""

    listing = lists.OwnTokenList
    serializer_class = TokenOut
    lookup_value_regex = _UUID

    @extend_schema(responses=TokenOut)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One of them."""
        return Response(TokenOut(finding.own_token(request, pk)).data)

    @extend_schema(request=TokenIn, responses={201: TokenMade})
    def create(self, request: Request) -> Response:
        """Make a token; its text is in this answer alone."""
        sent = TokenIn(data=request.data)
        sent.is_valid(raise_exception=True)
        user = finding.asking(request)
        return _made(request, user=user, wanted=_wanted(user, sent.validated_data))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: UUID) -> Response:
        """Revoke it."""
        tokens.revoke(token=finding.own_token(request, pk), by=gate.actor_of(request), at=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class RobotTokens(ApiList, GenericViewSet[Token]):
    """Tokens of robots."""

    permissions: ClassVar[dict[str, Permission]] = {
        "list": Permission.MEMBER_VIEW,
        "retrieve": Permission.MEMBER_VIEW,
        "create": Permission.ROBOT_EDIT,
        "destroy": Permission.ROBOT_EDIT,
    }
    listing = lists.RobotTokenList
    serializer_class = TokenOut
    lookup_value_regex = _UUID

    @extend_schema(responses=TokenOut)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One of them."""
        return Response(TokenOut(finding.robots_token(request, pk, Permission.MEMBER_VIEW)).data)

    @extend_schema(request=RobotTokenIn, responses={201: TokenMade})
    def create(self, request: Request) -> Response:
        """Make a token of a robot: no more than the robot has and whoever asks has."""
        sent = RobotTokenIn(data=request.data)
        sent.is_valid(raise_exception=True)
        robot = finding.editable(request, pk=sent.validated_data["robot"])
        maker = finding.asking(request)
        return _made(request, user=robot.user, maker=maker, wanted=_wanted(maker, sent.validated_data))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: UUID) -> Response:
        """Revoke it."""
        token = finding.robots_token(request, pk, Permission.ROBOT_EDIT)
        tokens.revoke(token=token, by=gate.actor_of(request), at=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class Robots(ApiList, GenericViewSet[Robot]):
    """Robots."""

    permissions: ClassVar[dict[str, Permission]] = {
        "list": Permission.MEMBER_VIEW,
        "retrieve": Permission.MEMBER_VIEW,
        "create": Permission.ROBOT_EDIT,
        "destroy": Permission.ROBOT_EDIT,
    }
    listing = lists.RobotList
    serializer_class = RobotOut
    lookup_value_regex = _UUID

    @extend_schema(responses=RobotOut)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One robot."""
        return Response(RobotOut(finding.robot(request, pk=pk)).data)

    @extend_schema(request=RobotIn, responses={201: RobotOut})
    def create(self, request: Request) -> Response:
        """Make one with its first role."""
        sent = RobotIn(data=request.data)
        sent.is_valid(raise_exception=True)
        user = finding.asking(request)
        wanted = finding.wanted_robot(user, sent.validated_data)
        made = robots.create(wanted=wanted, creator=user, by=gate.actor_of(request), at=clock.now())
        return Response(RobotOut(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: UUID) -> Response:
        """Retire it: its tokens and roles end at once."""
        robots.retire(robot=finding.editable(request, pk=pk), by=gate.actor_of(request), at=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


def _wanted(user: User, data: dict[str, Any]) -> tokens.Wanted:
    scope = places.named(user, data["scope_kind"], data["scope"])
    return tokens.Wanted(
        name=data["name"],
        scope=scope,
        permissions=frozenset(Permission(one) for one in data["permissions"]),
        expires_at=clock.now() + timedelta(days=data["days"]),
        only=places.inside(user, scope, data["only"]),
        networks=data["networks"],
    )


def _made(request: Request, *, user: User, wanted: tokens.Wanted, maker: User | None = None) -> Response:
    made, text = tokens.create(user=user, wanted=wanted, maker=maker, by=gate.actor_of(request), at=clock.now())
    made = get_object_or_404(Token.objects.select_related("user"), pk=made.pk)
    return Response(TokenMade(made, context={"text": text}).data, status=status.HTTP_201_CREATED)


# (prefix, viewset, basename), read by portal/config/api_urls.py
ROUTES: list[tuple[str, type[ViewSetMixin], str]] = [
    ("tokens", OwnTokens, "tokens"),
    ("robots", Robots, "robots"),
    ("robot-tokens", RobotTokens, "robot-tokens"),
]
