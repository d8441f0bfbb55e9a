"""api/v1 of explanations."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet, ViewSetMixin

from portal.access import gate
from portal.access.permissions import Permission
from portal.core import clock
from portal.explorer import explaining, forms, things


class ChainOut(serializers.Serializer[Any]):
    """One way a right reaches a person; only `account` where the asker may know no more."""

    account = serializers.CharField()
    group = serializers.CharField(allow_null=True)
    role = serializers.CharField(allow_null=True)
    scope = serializers.CharField(allow_null=True)
    ends = serializers.DateTimeField(allow_null=True)
    binding_id = serializers.UUIDField(allow_null=True)


class VerdictOut(serializers.Serializer[Any]):
    """Why a person may, or why not. Without a person the answer is `{results}`: everybody who may."""

    allowed = serializers.BooleanField()
    chains = ChainOut(many=True)
    reasons = serializers.ListField(child=serializers.CharField())
    roles_that_give_it = serializers.ListField(child=serializers.CharField())


class Access(ViewSet):
    """Why may a person, or who may: `?permission=…&kind=project&thing=<slug>[&person=<user name>]`."""

    permissions = {"list": Permission.ACCESS_EXPLAIN}

    @extend_schema(
        parameters=[
            OpenApiParameter("permission", required=True, enum=[one.value for one in Permission]),
            OpenApiParameter("kind", required=True, enum=[kind for kind, _label in forms.KINDS]),
            OpenApiParameter("thing"),
            OpenApiParameter("person"),
        ],
        responses=VerdictOut,
    )
    def list(self, request: Request) -> Response:
        """Answer one question."""
        form = forms.QuestionForm(request.query_params)
        if not form.is_valid():
            raise ValidationError(form.errors.get_json_data())
        data, at = form.cleaned_data, clock.now()
        asker = gate.person(request).scopes_for(Permission.ACCESS_EXPLAIN)
        thing = things.named(data["kind"], data["thing"], asker=asker)
        permission = Permission(data["permission"])
        if not data["person"]:
            return Response({"results": explaining.who_may(permission, thing, asker=asker, at=at)})
        user = things.account(data["person"], by=gate.person(request))
        verdict = explaining.why(user, permission, thing, asker=asker, at=at)
        return Response(
            {
                "allowed": verdict.allowed,
                "chains": [_chain(one) for one in verdict.chains],
                "reasons": verdict.reasons,
                "roles_that_give_it": verdict.giving,
            }
        )


def _chain(one: explaining.Chain) -> dict[str, object]:
    if not one.named:
        return {"account": one.account, "group": None, "role": None, "scope": None, "ends": None, "binding_id": None}
    return {
        "account": one.account,
        "group": one.group or None,
        "role": one.role,
        "scope": one.scope,
        "ends": one.ends,
        "binding_id": one.binding_id,
    }


# (prefix, viewset, basename), read by portal/config/api_urls.py
ROUTES: list[tuple[str, type[ViewSetMixin], str]] = [("access", Access, "access")]
