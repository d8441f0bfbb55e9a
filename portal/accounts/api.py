"""api/v1 of the room; bindings, roles and providers have modules of their own."""

from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from portal.access.permissions import Permission
from portal.accounts import api_bindings, api_providers, lists
from portal.accounts.models import User
from portal.core import listing


class People(listing.ApiList, GenericViewSet[User]):
    """People."""

    permissions = {"list": Permission.USER_VIEW}
    listing = lists.PeopleList


# (prefix, viewset, basename), read by portal/config/api_urls.py
ROUTES: list[tuple[str, type[ViewSetMixin], str]] = [
    ("people", People, "people"),
    *api_bindings.ROUTES,
    *api_providers.ROUTES,
]
