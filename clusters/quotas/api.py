"""api/v1 of quotas: a project's plan with its use, and requests for more."""

from typing import Any, ClassVar
from uuid import UUID

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from clusters.projects import finding
from clusters.projects.models import Project
from clusters.quotas import effects, pool, resources, selectors
from clusters.quotas.models import Mode, Network, PodSecurity, QuotaPlan, QuotaRequest
from clusters.quotas.services import asking, plans
from clusters.quotas.services.plans import Limits
from portal.access import gate
from portal.access.permissions import Permission
from portal.accounts.models import User
from portal.core import clock, errors

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def _quantities(**more: Any) -> serializers.DictField:
    return serializers.DictField(child=serializers.CharField(max_length=64), **more)


class ShareIn(serializers.Serializer[dict[str, Any]]):
    """What one namespace gets instead, in fixed mode."""

    cluster_id = serializers.UUIDField()
    namespace_uid = serializers.CharField(max_length=64)
    amounts = _quantities()


class PlanIn(serializers.Serializer[dict[str, Any]]):
    """A plan; amounts are quantities of Kubernetes by resource. `version` is that of the plan it replaces, 0 for none.

    `dry_run` changes nothing and answers with the effect.
    """

    mode = serializers.ChoiceField(choices=Mode.choices)
    amounts = _quantities()
    shares = ShareIn(many=True, required=False)
    limit_range = serializers.DictField(
        child=serializers.DictField(child=serializers.CharField(max_length=64)), required=False, default=dict
    )
    pod_security = serializers.ChoiceField(choices=PodSecurity.choices, required=False, default="", allow_blank=True)
    network = serializers.ChoiceField(choices=Network.choices, required=False, default="", allow_blank=True)
    version = serializers.IntegerField(min_value=0)
    below_use = serializers.BooleanField(required=False, default=False)
    dry_run = serializers.BooleanField(required=False, default=False)


class BarOut(serializers.Serializer[Any]):
    """Use and limit of one resource over all clusters; `money` is a month of the whole limit, null where unknown."""

    resource = serializers.CharField()
    used = serializers.CharField()
    limit = serializers.CharField()
    days_to_full = serializers.IntegerField(allow_null=True)
    money = serializers.DecimalField(max_digits=40, decimal_places=12, allow_null=True)


class PlanOut(serializers.Serializer[Any]):
    """A plan and how it stands; `mode` is empty where a project has none."""

    mode = serializers.CharField()
    amounts = _quantities()
    limit_range = serializers.DictField()
    pod_security = serializers.CharField()
    network = serializers.CharField()
    version = serializers.IntegerField()
    bars = BarOut(many=True)


class EffectOut(serializers.Serializer[Any]):
    """What a plan would do in one namespace."""

    cluster = serializers.CharField()
    namespace = serializers.CharField()
    no_longer_fit = serializers.ListField(child=serializers.CharField())
    without_requests = serializers.ListField(child=serializers.CharField())
    narrower = serializers.ListField(child=serializers.CharField())
    limits = serializers.DictField()


class MoreIn(serializers.Serializer[dict[str, Any]]):
    """What is asked for: what the plan should say of some resources."""

    amounts = _quantities(allow_empty=False)
    reason = serializers.CharField(max_length=500)


class RequestOut(serializers.ModelSerializer[QuotaRequest]):
    """A request for more."""

    asker = serializers.CharField(source="asker.username")
    amounts = serializers.SerializerMethodField()

    class Meta:
        model = QuotaRequest
        fields = (
            "id",
            "project",
            "asker",
            "amounts",
            "reason",
            "state",
            "created_at",
            "expires_at",
            "decided_at",
            "decided_by",
            "note",
        )

    def get_amounts(self, request: QuotaRequest) -> dict[str, str]:
        """As Kubernetes writes them."""
        return _written(request.wanted)


class QuotaDecisionIn(serializers.Serializer[dict[str, Any]]):
    """A decision; `version` is that of the plan one has looked at."""

    version = serializers.IntegerField(min_value=0, required=False, default=0)
    note = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class Quotas(GenericViewSet[Project]):
    """What projects may use, by project."""

    permissions: ClassVar[dict[str, Permission]] = {
        "retrieve": Permission.INVENTORY_VIEW,
        "update": Permission.QUOTA_EDIT,
        "more": Permission.INVENTORY_VIEW,
    }
    queryset = Project.objects.none()  # for the description alone
    lookup_value_regex = _UUID

    @extend_schema(responses=PlanOut)
    def retrieve(self, request: Request, pk: UUID) -> Response:
        """The plan, and use and limit of each resource."""
        project = _project(request, pk)
        return Response(_plan(project, request))

    @extend_schema(request=PlanIn, responses={200: PlanOut})
    def update(self, request: Request, pk: UUID) -> Response:
        """Replace the plan. The same plan again changes nothing."""
        project = _project(request, pk)
        finding.demand(request, Permission.QUOTA_EDIT, project)
        given = _read(PlanIn, request)
        limits, mode = _limits(given), given["mode"]
        plans.demand_sense(mode, limits)
        if given["dry_run"]:
            return Response({"effect": _effect(project, mode, limits)})
        if not _same(project, given, limits):
            plans.set(
                project=project,
                mode=mode,
                limits=limits,
                version=given["version"],
                by=gate.actor_of(request),
                at=clock.now(),
                below_use=given["below_use"],
            )
        return Response(_plan(project, request))

    @extend_schema(request=MoreIn, responses={201: RequestOut})
    @action(detail=True, methods=["post"])
    def more(self, request: Request, pk: UUID) -> Response:
        """Ask for more."""
        project = _project(request, pk)
        given = _read(MoreIn, request)
        asked = asking.ask(
            project=project,
            asker=_user(request),
            wanted=_amounts(given["amounts"]),
            reason=given["reason"],
            by=gate.actor_of(request),
            at=clock.now(),
        )
        return Response(RequestOut(asked).data, status=status.HTTP_201_CREATED)


class QuotaRequests(GenericViewSet[QuotaRequest]):
    """Requests for more that one may decide on."""

    permissions: ClassVar[dict[str, Permission]] = {
        "list": Permission.QUOTA_EDIT,
        "approve": Permission.QUOTA_EDIT,
        "reject": Permission.QUOTA_EDIT,
    }
    queryset = QuotaRequest.objects.none()  # for the description alone
    lookup_value_regex = _UUID

    @extend_schema(responses=RequestOut(many=True))
    def list(self, request: Request) -> Response:
        """The latest first, at most 500."""
        rows = selectors.decidable(gate.person(request)).select_related("asker").order_by("-created_at", "-id")[:500]
        return Response({"next": None, "results": RequestOut(rows, many=True).data})

    @extend_schema(request=QuotaDecisionIn, responses={204: None})
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: UUID) -> Response:
        """Change the plan as was asked."""
        asking.approve(**self._decision(request, pk), version=_read(QuotaDecisionIn, request)["version"])
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request=QuotaDecisionIn, responses={204: None})
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: UUID) -> Response:
        """Say no, and why."""
        asking.reject(**self._decision(request, pk))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _decision(self, request: Request, pk: UUID) -> dict[str, Any]:
        return {
            "request": get_object_or_404(selectors.decidable(gate.person(request)), pk=pk),
            "approver": _user(request),
            "by": gate.actor_of(request),
            "at": clock.now(),
            "note": _read(QuotaDecisionIn, request)["note"],
        }


def _project(request: Request, pk: UUID) -> Project:
    project = finding.project(request, pk=pk)
    finding.demand(request, Permission.INVENTORY_VIEW, project)
    return project


def _plan(project: Project, request: Request) -> dict[str, Any]:
    plan = selectors.plan_of(project) or QuotaPlan(project=project, mode="", version=0)
    amounts = plan.pool_target if plan.mode == Mode.POOL else plan.each
    bars = [
        {
            "resource": bar.resource,
            "used": resources.written(bar.resource, bar.used),
            "limit": resources.written(bar.resource, bar.limit),
            "days_to_full": bar.days,
            "money": None if bar.money is None else f"{bar.money:f}",
        }
        for bar in selectors.bars(project, gate.person(request), clock.now())
    ]
    return {
        "mode": plan.mode,
        "amounts": _written(amounts),
        "limit_range": plan.limit_range,
        "pod_security": plan.pod_security,
        "network": plan.network,
        "version": plan.version,
        "bars": bars,
    }


def _effect(project: Project, mode: str, limits: Limits) -> list[dict[str, Any]]:
    try:
        found = effects.of(project, mode, limits, clock.now())
    except pool.FloorsExceed as exceeded:
        raise plans.floors_refused(exceeded) from None
    return [
        {
            "cluster": one.cluster,
            "namespace": one.name,
            "no_longer_fit": one.no_longer_fit,
            "without_requests": one.without_requests,
            "narrower": one.narrower,
            "limits": {
                line.resource: None if line.after is None else resources.written(line.resource, line.after)
                for line in one.lines
            },
        }
        for one in found
    ]


def _limits(given: dict[str, Any]) -> Limits:
    own = {
        (one["cluster_id"], one["namespace_uid"]): _amounts(one["amounts"], "shares") for one in given.get("shares", [])
    }
    return Limits(
        amounts=_amounts(given["amounts"]),
        own=own,
        limit_range=given["limit_range"],
        pod_security=given["pod_security"],
        network=given["network"],
    )


def _same(project: Project, given: dict[str, Any], limits: Limits) -> bool:
    plan = selectors.plan_of(project)
    if plan is None or given["version"] != plan.version or plan.mode != given["mode"]:
        return False
    stands = asking.limits_with(plan, {})
    return stands == limits


def _amounts(given: dict[str, str], at: str = "") -> dict[str, int]:
    found, wrong = {}, {}
    for typed, quantity in given.items():
        try:
            name = resources.name_of(typed)
            found[name] = resources.parse(name, quantity)
        except resources.UnknownResource:
            wrong[at or f"pool.{typed[:120]}"] = [_("Kubernetes has no quota for this.")]
        except resources.BadAmount:
            wrong[at or f"pool.{typed}"] = [_("This is no amount.")]
    if wrong:
        raise errors.Refused(wrong)
    return found


def _written(amounts: dict[str, int]) -> dict[str, str]:
    return {name: resources.written(name, amount) for name, amount in sorted(amounts.items())}


def _read(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    given = serializer(data=request.data)
    given.is_valid(raise_exception=True)
    return dict(given.validated_data)


def _user(request: Request) -> User:
    assert isinstance(request.user, User), "the gate lets nobody else through"
    return request.user


# (prefix, viewset, basename), read by portal/config/api_urls.py
ROUTES: list[tuple[str, type[ViewSetMixin], str]] = [
    ("quotas", Quotas, "quotas"),
    ("quota-requests", QuotaRequests, "quota-requests"),
]
