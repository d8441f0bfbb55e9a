"""api/v1 of people and bindings: to read for now; tokens and writes come with the access issue."""

from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from portal.access.permissions import Permission
from portal.accounts import lists
from portal.accounts.models import Binding, User
from portal.core import listing


class People(listing.ApiList, GenericViewSet[User]):
    """People."""

    permissions = {"list": Permission.USER_VIEW}
    listing = lists.PeopleList


class Bindings(listing.ApiList, GenericViewSet[Binding]):
    """Bindings."""

    permissions = {"list": Permission.USER_VIEW}
    listing = lists.BindingList


# (prefix, viewset, basename), read by portal/config/api_urls.py
ROUTES: list[tuple[str, type[ViewSetMixin], str]] = [
    ("people", People, "people"),
    ("bindings", Bindings, "bindings"),
]
