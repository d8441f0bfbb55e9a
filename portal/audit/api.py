"""api/v1 of the audit."""

from rest_framework.viewsets import GenericViewSet, ViewSetMixin

from portal.access.permissions import Permission
from portal.audit import lists
from portal.audit.models import Event
from portal.core import listing


class Events(listing.ApiList, GenericViewSet[Event]):
    """What happened, newest first."""

    permissions = {"list": Permission.AUDIT_VIEW}
    listing = lists.EventList


# (prefix, viewset, basename), read by portal/config/api_urls.py
ROUTES: list[tuple[str, type[ViewSetMixin], str]] = [("audit-events", Events, "audit-events")]
