"""The same list as JSON: `{next, results}`, every parameter by allow-list."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from portal.core import clock, formats
from portal.core.listing import export, openapi
from portal.core.listing.lists import Listing


class ApiList:
    """Mix into a view set, with the gate's mixin before it; set `listing`. A bad parameter is a 400 that
    names it.
    """

    listing: ClassVar[type[Listing]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Describe the answer of each list in the OpenAPI file."""
        super().__init_subclass__(**kwargs)
        if "listing" in cls.__dict__ and "list" not in cls.__dict__:
            cls.list = extend_schema(**openapi.description(cls.listing))(_own_copy(cls.list))  # type: ignore[method-assign]

    def scope(self, request: Request) -> dict[str, Any]:
        """What the list is inside of, handed to the listing; the parameters of the address by default."""
        return dict(getattr(self, "kwargs", {}))

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One page of rows; `next` is the address of the following one, null at the end."""
        at = clock.now()
        declared = self.listing(**self.scope(request))
        params = declared.parse(request.user, request.query_params, at=at, strict=True)
        rows, following = declared.slice(request.user, params)
        state = {name: request.query_params.get(name, "") for name in request.query_params if name != "cursor"}
        answer: dict[str, Any] = {
            "next": request.build_absolute_uri(openapi.address(request.path, {**state, "cursor": following}))
            if following
            else None,
            "results": [export.row(declared.columns, row) for row in rows],
        }
        health = declared.health(request.user, params)
        if health.data_at:
            answer["data_at"] = formats.iso(health.data_at)
        answer.update(declared.notes(request.user, params))
        return Response(answer)


def _own_copy(function: Any) -> Any:
    """A function object of this class alone: the description is stored on it."""

    def listed(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        return function(self, request, *args, **kwargs)  # type: ignore[no-any-return]

    listed.__name__ = "list"
    listed.__doc__ = function.__doc__
    return listed
