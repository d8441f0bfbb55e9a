"""api/v1 of providers and outside groups."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from portal.access import gate
from portal.access.permissions import Permission
from portal.accounts import lists_outside as lists
from portal.accounts.models import OutsideGroup, Provider
from portal.accounts.models.providers import ANYBODY, GROUPS, PEOPLE
from portal.accounts.outside import admission, freezing, queueing
from portal.accounts.providers import rows
from portal.core import clock, errors
from portal.core.listing import ApiList


class ProviderOut(serializers.ModelSerializer[Provider]):
    """A provider. What the environment holds, secrets above all, is not in it."""

    declared = serializers.SerializerMethodField()
    admitted_groups = serializers.SerializerMethodField()
    admitted_people = serializers.SerializerMethodField()

    class Meta:
        model = Provider
        fields = (
            "id",
            "key",
            "kind",
            "name",
            "enabled",
            "declared",
            "admits",
            "admitted_groups",
            "admitted_people",
            "max_age_seconds",
            "refreshed_at",
            "refresh_error",
            "refresh_failed_at",
        )

    def get_admitted_groups(self, provider: Provider) -> list[UUID]:
        """Ids of the groups whose members may sign in."""
        return [group.pk for group in admission.rule_of(provider).groups]

    def get_admitted_people(self, provider: Provider) -> list[str]:
        """User names at the provider of the people who may sign in."""
        return list(admission.rule_of(provider).people)

    def get_declared(self, provider: Provider) -> bool:
        """Whether the environment declares it."""
        known = rows.find(provider.key)
        return known is not None and known.declared is not None


class ProviderChange(serializers.Serializer[dict[str, Any]]):
    """What can change. Groups and people replace the lists there are; they come with `admits`."""

    enabled = serializers.BooleanField(required=False)
    admits = serializers.ChoiceField(choices=[ANYBODY, GROUPS, PEOPLE], required=False)
    admitted_groups = serializers.ListField(child=serializers.UUIDField(), required=False)
    admitted_people = serializers.ListField(child=serializers.CharField(max_length=200), required=False)
    max_age_seconds = serializers.IntegerField(min_value=3600, max_value=7 * 24 * 3600, required=False)


class Providers(ApiList, GenericViewSet[Provider]):
    """Sign-in providers."""

    permissions = {
        "list": Permission.PROVIDER_VIEW,
        "retrieve": Permission.PROVIDER_VIEW,
        "partial_update": Permission.PROVIDER_EDIT,
        "refresh": Permission.PROVIDER_EDIT,
    }
    listing = lists.ProviderList
    serializer_class = ProviderOut
    lookup_value_regex = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

    @extend_schema(responses=ProviderOut)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One provider."""
        return Response(ProviderOut(get_object_or_404(Provider, pk=pk)).data)

    @extend_schema(request=ProviderChange, responses=ProviderOut)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        """Enable or disable it, change who may sign in, or how old groups may be."""
        provider = get_object_or_404(Provider, pk=pk)
        given = ProviderChange(data=request.data)
        given.is_valid(raise_exception=True)
        _change(provider, given.validated_data, request)
        return Response(ProviderOut(Provider.objects.get(pk=pk)).data)

    @extend_schema(request=None, responses={202: ProviderOut})
    @action(detail=True, methods=["post"])
    def refresh(self, request: Request, pk: UUID) -> Response:
        """Read its groups and people again, in the background."""
        provider = get_object_or_404(Provider, pk=pk)
        queueing.refresh(provider, by=gate.actor_of(request))
        return Response(ProviderOut(provider).data, status=status.HTTP_202_ACCEPTED)


class OutsideGroups(ApiList, GenericViewSet[OutsideGroup]):
    """Groups of all providers."""

    permissions = {"list": Permission.USER_VIEW}
    listing = lists.OutsideGroupList


def _change(provider: Provider, data: dict[str, Any], request: Request) -> None:
    by, at = gate.actor_of(request), clock.now()
    if {"admitted_groups", "admitted_people"} & set(data) and "admits" not in data:
        raise errors.Refused.one("admits", "Groups and people come with admits.")
    if "admits" in data:
        groups = OutsideGroup.objects.filter(provider=provider, pk__in=data.get("admitted_groups", []))
        if len(groups) != len(set(data.get("admitted_groups", []))):
            raise errors.Refused.one("admitted_groups", "A group is not of this provider.")
        names = [group.external_id for group in groups]
        rule = admission.read(provider, admits=data["admits"], groups=names, people=data.get("admitted_people", []))
        admission.save(provider=provider, rule=rule, by=by, at=at)
    if "max_age_seconds" in data:
        freezing.change_age(provider=provider, hours=data["max_age_seconds"] // 3600, by=by)
    if data.get("enabled") is True:
        freezing.enable(provider=provider, by=by, at=at)
    elif data.get("enabled") is False:
        freezing.disable(provider=provider, by=by, at=at)


ROUTES: list[tuple[str, Any, str]] = [
    ("providers", Providers, "providers"),
    ("outside-groups", OutsideGroups, "outside-groups"),
]
