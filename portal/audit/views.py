"""The audit page."""

from portal.access import gate
from portal.access.permissions import Permission
from portal.audit import lists
from portal.core.listing import ListView


class Events(gate.Gated, ListView):
    """What happened."""

    permission = Permission.AUDIT_VIEW
    listing = lists.EventList
    template_name = "portal/audit/events.html"
