"""The description of a list in the OpenAPI file, read off its declaration."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

from portal.core.listing import export, query
from portal.core.listing.declare import Column, Filter
from portal.core.listing.lists import Listing

_FIELDS: Mapping[str, type[serializers.Field[Any, Any, Any, Any]]] = {
    "cpu": serializers.IntegerField,
    "bytes": serializers.IntegerField,
    "duration": serializers.IntegerField,
    "instant": serializers.DateTimeField,
    "age": serializers.DateTimeField,
    "day": serializers.DateField,
    "labels": serializers.DictField,
    "json": serializers.JSONField,
    "flag": serializers.BooleanField,
}
_TYPES = {
    "flag": OpenApiTypes.BOOL,
    "day": OpenApiTypes.DATE,
    "uuid": OpenApiTypes.UUID,
    "number": OpenApiTypes.DECIMAL,
}


def address(path: str, state: Mapping[str, str]) -> str:
    """A path with its query string."""
    return f"{path}?{urlencode(state)}"


def description(listing: type[Listing]) -> dict[str, Any]:
    """What `extend_schema` is told: parameters and the shape of the answer."""
    name = "".join(part.capitalize() for part in listing.key.replace(".", "_").replace("-", "_").split("_"))
    fields: dict[str, Any] = {}
    for column in export.exported(listing.columns):
        fields[column.key] = _field(column)
        if column.unit_key:
            fields[column.unit_key] = serializers.CharField(allow_null=True)
    row = inline_serializer(f"{name}Row", fields, many=True)
    answer = inline_serializer(f"{name}List", {"next": serializers.CharField(allow_null=True), "results": row})
    return {"parameters": [*map(_parameter, listing.filters), *_own(listing)], "responses": {200: answer}}


def _field(column: Column) -> Any:
    return _FIELDS.get(column.kind, serializers.CharField)(allow_null=True, label=str(column.label))


def _parameter(declared: Filter) -> OpenApiParameter:
    return OpenApiParameter(
        declared.key,
        _TYPES.get(declared.kind, OpenApiTypes.STR),
        description=str(declared.help or declared.label),
    )


def _own(listing: type[Listing]) -> list[OpenApiParameter]:
    orders = [sign + name for name in listing.orders for sign in ("", "-")]
    return [
        OpenApiParameter("order", OpenApiTypes.STR, enum=orders),
        OpenApiParameter("size", OpenApiTypes.INT, enum=list(query.SIZES)),
        OpenApiParameter(
            "cursor", OpenApiTypes.STR, description="The place where the page begins, as `next` gives it."
        ),
    ]
