"""api/v1 of clusters."""

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from clusters.registry import lists, services
from clusters.registry.models import Cluster
from portal.access import gate
from portal.access.permissions import Permission
from portal.core import clock
from portal.core.listing import ApiList


class CheckOut(serializers.Serializer[dict[str, str]]):
    """One check."""

    key = serializers.CharField()
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=["ok", "warn", "failed", "skipped"])
    text = serializers.CharField()
    remedy = serializers.CharField()


class ClusterOut(serializers.ModelSerializer[Cluster]):
    """A cluster. Credentials never leave."""

    checks = CheckOut(many=True)
    resumes = serializers.UUIDField(source="resumes_id", allow_null=True)

    class Meta:
        model = Cluster
        fields = (
            "id",
            "slug",
            "name",
            "state",
            "server",
            "ca_fingerprint",
            "distribution",
            "version",
            "rancher_managed",
            "kube_system_uid",
            "identity_changed_at",
            "resumes",
            "checks",
            "checked_at",
            "credential_expires_at",
            "proposed_at",
            "attached_at",
            "detached_at",
            "is_demo",
            "labels",
        )


class ClusterIn(serializers.Serializer[dict[str, str]]):
    """A proposal."""

    name = serializers.CharField(max_length=200)
    kubeconfig = serializers.CharField(trim_whitespace=False, write_only=True)


class LabelsIn(serializers.Serializer[dict[str, Any]]):
    """All labels of a cluster: those that are not named are taken away."""

    labels = serializers.DictField(child=serializers.CharField(allow_blank=True, max_length=63))


class Clusters(ApiList, GenericViewSet[Cluster]):
    """Clusters: proposed, checked, confirmed, detached."""

    permissions = {
        "list": Permission.CLUSTER_VIEW,
        "retrieve": Permission.CLUSTER_VIEW,
        "create": Permission.CLUSTER_EDIT,
        "confirm": Permission.CLUSTER_EDIT,
        "check": Permission.CLUSTER_EDIT,
        "detach": Permission.CLUSTER_EDIT,
        "discard": Permission.CLUSTER_EDIT,
        "labels": Permission.CLUSTER_EDIT,
    }
    listing = lists.ClusterList
    serializer_class = ClusterOut
    lookup_value_regex = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"

    @extend_schema(responses=ClusterOut)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """One cluster with its checks."""
        return Response(ClusterOut(self._visible(request, pk)).data)

    @extend_schema(request=ClusterIn, responses={202: ClusterOut})
    def create(self, request: Request) -> Response:
        """Propose a cluster; its checks run in the background."""
        gate.demand(request, Permission.CLUSTER_EDIT)
        given = ClusterIn(data=request.data)
        given.is_valid(raise_exception=True)
        cluster = services.propose(
            name=given.validated_data["name"],
            kubeconfig=given.validated_data["kubeconfig"].encode(),
            by=gate.actor_of(request),
            at=clock.now(),
        )
        return Response(ClusterOut(cluster).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses=ClusterOut)
    @action(detail=True, methods=["post"])
    def confirm(self, request: Request, pk: UUID) -> Response:
        """Attach a candidate. The answer is the attached cluster, another one where it is resumed."""
        cluster = self._editable(request, pk)
        return self._changed(services.confirm(cluster=cluster, by=gate.actor_of(request), at=clock.now()))

    @extend_schema(request=None, responses={202: ClusterOut})
    @action(detail=True, methods=["post"])
    def check(self, request: Request, pk: UUID) -> Response:
        """Have the checks made again."""
        cluster = self._editable(request, pk)
        services.recheck(cluster=cluster, by=gate.actor_of(request))
        return Response(ClusterOut(cluster).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(request=None, responses=ClusterOut)
    @action(detail=True, methods=["post"])
    def detach(self, request: Request, pk: UUID) -> Response:
        """Let go of a cluster; cost and audit stay."""
        cluster = self._editable(request, pk)
        return self._changed(services.detach(cluster=cluster, by=gate.actor_of(request), at=clock.now()))

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def discard(self, request: Request, pk: UUID) -> Response:
        """Remove a candidate."""
        services.discard(cluster=self._editable(request, pk), by=gate.actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=LabelsIn, responses=ClusterOut)
    @action(detail=True, methods=["put"])
    def labels(self, request: Request, pk: UUID) -> Response:
        """Give a cluster exactly these labels."""
        cluster = self._editable(request, pk)
        given = LabelsIn(data=request.data)
        given.is_valid(raise_exception=True)
        found = services.set_labels(cluster=cluster, labels=given.validated_data["labels"], by=gate.actor_of(request))
        return self._changed(found)

    def _visible(self, request: Request, pk: UUID) -> Cluster:
        return get_object_or_404(Cluster.objects.visible_to(gate.person(request)), pk=pk)

    def _editable(self, request: Request, pk: UUID) -> Cluster:
        cluster = self._visible(request, pk)
        gate.demand(request, Permission.CLUSTER_EDIT, cluster=cluster.pk)
        return cluster

    def _changed(self, cluster: Cluster) -> Response:
        data: dict[str, Any] = ClusterOut(cluster).data
        return Response(data)


# (prefix, viewset, basename), read by portal/config/api_urls.py
ROUTES: list[tuple[str, type[ViewSetMixin], str]] = [("clusters", Clusters, "clusters")]
