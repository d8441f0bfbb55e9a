"""api/v1 of prices."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.parsers import BaseParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from billing.pricing import lists, selectors, services
from billing.pricing.models import PriceBook
from billing.pricing.revising import Cut, Held, Plan
from billing.pricing.sheet import Entry
from clusters.registry.models import Cluster
from portal.access import gate
from portal.access.permissions import Permission
from portal.core import clock, errors
from portal.core.listing import ApiList


class CsvParser(BaseParser):
    """Hands the body of `text/csv` on as it is."""

    media_type = "text/csv"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        """Read no more than a little over what is accepted: longer files are refused by their reader."""
        return {"data": stream.read(6 * 1024 * 1024)}


class BookIn(serializers.Serializer[dict[str, Any]]):
    """A new price book. Its currency is that of the installation."""

    name = serializers.CharField(max_length=100)
    all_clusters = serializers.BooleanField(default=False)
    clusters = serializers.SlugRelatedField(
        slug_field="slug", many=True, required=False, default=list, queryset=Cluster.objects.all()
    )
    cpu_ratio = serializers.DecimalField(max_digits=24, decimal_places=12, default=services.USUAL.cpu)
    memory_ratio = serializers.DecimalField(max_digits=24, decimal_places=12, default=services.USUAL.memory)
    gpu_ratio = serializers.DecimalField(max_digits=24, decimal_places=12, default=services.USUAL.gpu)


class BookOut(serializers.ModelSerializer[PriceBook]):
    """A price book."""

    clusters = serializers.SerializerMethodField()

    class Meta:
        model = PriceBook
        fields = (
            "id",
            "slug",
            "name",
            "currency",
            "all_clusters",
            "clusters",
            "cpu_ratio",
            "memory_ratio",
            "gpu_ratio",
            "version",
            "is_demo",
            "created_at",
        )

    def get_clusters(self, book: PriceBook) -> list[str]:
        """Slugs of the clusters named, in order."""
        return list(book.serves.order_by("cluster__slug").values_list("cluster__slug", flat=True))


class RateOut(serializers.Serializer[Any]):
    """A rate of a plan. `line` is null for rates that are in the book."""

    line = serializers.IntegerField(allow_null=True)
    asset = serializers.CharField()
    instance_type = serializers.CharField()
    region = serializers.CharField()
    capacity_class = serializers.CharField()
    storage_class = serializers.CharField()
    provider_id = serializers.CharField()
    price = serializers.CharField()
    unit = serializers.CharField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField(allow_null=True)


class UnpricedOut(serializers.Serializer[Any]):
    """What would still have no price in the open month."""

    cluster = serializers.UUIDField()
    price_key_id = serializers.IntegerField()
    missing = serializers.ListField(child=serializers.CharField())
    count = serializers.IntegerField()
    seconds = serializers.IntegerField()
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()


class ImportOut(serializers.Serializer[Any]):
    """What an import does, or did. `ended` and `replaced` show the rates as they were before."""

    imported = serializers.BooleanField()
    version = serializers.IntegerField()
    preview_token = serializers.CharField(
        help_text="Only of a preview; send it as ?preview_token= to import exactly that."
    )
    added = RateOut(many=True)
    ended = RateOut(many=True)
    replaced = RateOut(many=True)
    unchanged = RateOut(many=True)
    unpriced = UnpricedOut(many=True)


class PriceBooks(ApiList, GenericViewSet[PriceBook]):
    """Price books, and the import of their rates."""

    permissions = {
        "list": Permission.PRICE_VIEW,
        "retrieve": Permission.PRICE_VIEW,
        "create": Permission.PRICE_EDIT,
        "import_rates": Permission.PRICE_EDIT,
    }
    listing = lists.BookList
    serializer_class = BookOut
    queryset = PriceBook.objects.none()  # for the description alone; rows come from visible_to
    lookup_value_regex = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    parser_classes = (JSONParser,)

    @extend_schema(responses=BookOut)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One price book."""
        return Response(BookOut(self._visible(request, pk)).data)

    @extend_schema(request=BookIn, responses={201: BookOut})
    def create(self, request: Request) -> Response:
        """Open a price book."""
        gate.demand(request, Permission.PRICE_EDIT)
        given = BookIn(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        ratios = services.Ratios(values["cpu_ratio"], values["memory_ratio"], values["gpu_ratio"])
        book = services.create_book(
            name=values["name"],
            all_clusters=values["all_clusters"],
            clusters=values["clusters"],
            ratios=ratios,
            by=gate.actor_of(request),
            at=clock.now(),
        )
        return Response(BookOut(book).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        request={"text/csv": OpenApiTypes.STR, "multipart/form-data": OpenApiTypes.OBJECT},
        responses=ImportOut,
        parameters=[
            OpenApiParameter("unit", str, enum=["hour", "month"], description="Of rows that name none."),
            OpenApiParameter("preview", str, enum=["1"], description="Say what would be done, and do nothing."),
            OpenApiParameter("preview_token", str, description="Of a preview: refuse (409) anything but exactly that."),
        ],
    )
    @action(detail=True, methods=["post"], url_path="import", parser_classes=[CsvParser, MultiPartParser])
    def import_rates(self, request: Request, pk: str) -> Response:
        """Import a CSV file: as the body (`text/csv`), or as the part `file` of a form."""
        book = self._visible(request, pk)
        gate.demand(request, Permission.PRICE_EDIT)
        data, unit, at = _content(request), request.query_params.get("unit", ""), clock.now()
        if request.query_params.get("preview") == "1":
            found = services.preview_csv(book=book, data=data, unit=unit, at=at)
            return Response(
                {
                    "imported": False,
                    "version": book.version,
                    "preview_token": found.token,
                    **_told(found.plan),
                    "unpriced": [_unpriced(one) for one in found.unpriced],
                }
            )
        token = request.query_params.get("preview_token", "")
        plan = services.import_csv(book=book, data=data, unit=unit, token=token, by=gate.actor_of(request), at=at)
        book.refresh_from_db(fields=["version"])
        return Response({"imported": True, "version": book.version, "preview_token": "", **_told(plan), "unpriced": []})

    def _visible(self, request: Request, pk: str) -> PriceBook:
        return get_object_or_404(PriceBook.objects.visible_to(gate.person(request)), pk=pk)


class Rates(ApiList, GenericViewSet[Any]):
    """Rates of all price books one may see."""

    permissions = {"list": Permission.PRICE_VIEW}
    listing = lists.RateList


class Unpriced(ApiList, GenericViewSet[Any]):
    """What was measured in the open month without a price."""

    permissions = {"list": Permission.PRICE_VIEW}
    listing = lists.UnpricedList


def _content(request: Request) -> bytes:
    body = request.data
    if isinstance(body.get("data"), bytes):
        return bytes(body["data"])
    uploaded = request.FILES.get("file")
    if uploaded is None:
        raise errors.Refused.one("file", "Send the CSV as the body (text/csv) or as the part “file” of a form.")
    return bytes(uploaded.read())


def _told(plan: Plan) -> dict[str, Any]:
    return {
        "added": [_rate(entry, entry.line) for entry in plan.added],
        "ended": [{**_rate(cut.held, None), "left": _left(cut)} for cut in plan.ended],
        "replaced": [_rate(cut.held, None) for cut in plan.replaced],
        "unchanged": [_rate(entry, entry.line) for entry in plan.unchanged],
    }


def _rate(what: Entry | Held, line: int | None) -> dict[str, Any]:
    names = ("asset", "instance_type", "region", "capacity_class", "storage_class", "provider_id")
    end = what.end.isoformat() if what.end else None
    return {
        "line": line,
        **dict(zip(names, what.key, strict=True)),
        "price": f"{what.price:f}",
        "unit": what.unit,
        "start": what.start.isoformat(),
        "end": end,
    }


def _left(cut: Cut) -> list[dict[str, str | None]]:
    return [{"start": start.isoformat(), "end": end.isoformat() if end else None} for start, end in cut.left]


def _unpriced(one: selectors.Unpriced) -> dict[str, Any]:
    return {
        "cluster": str(one.cluster_id),
        "price_key_id": one.price_key_id,
        "missing": list(one.missing),
        "count": one.count,
        "seconds": one.seconds,
        "start": one.start.isoformat(),
        "end": one.end.isoformat(),
    }


# (prefix, viewset, basename), read by portal/config/api_urls.py
ROUTES: list[tuple[str, type[ViewSetMixin], str]] = [
    ("price-books", PriceBooks, "price-books"),
    ("rates", Rates, "rates"),
    ("unpriced", Unpriced, "unpriced"),
]
