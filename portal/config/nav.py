"""The navigation and what every page shows around its content, written out."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from clusters.registry import selectors as registry
from portal.access import gate
from portal.access.permissions import Permission as P
from portal.core.parts import Tab


@dataclass(frozen=True)
class Place:
    """One entry: shown to whoever holds the permission anywhere, to everybody where there is none."""

    label: str | Promise
    name: str
    icon: str
    permission: P | None


MAIN = (
    Place(_("Home"), "home:home", "home", None),
    Place(_("Projects"), "projects:projects", "projects", P.PROJECT_VIEW),
    Place(_("Teams"), "projects:teams", "teams", P.TEAM_VIEW),
    Place(_("Clusters"), "registry:clusters", "clusters", P.CLUSTER_VIEW),
    Place(_("Workloads"), "inventory:workloads", "workloads", P.INVENTORY_VIEW),
    Place(_("Costs"), "ledger:costs", "costs", P.COST_VIEW),
    Place(_("Requests"), "requests:own", "requests", None),
)
ADMIN = (
    Place(_("Unowned namespaces"), "projects:unowned", "unowned", P.PROJECT_ASSIGN),
    Place(_("Prices"), "pricing:books", "prices", P.PRICE_VIEW),
    Place(_("Jobs"), "home:jobs", "jobs", P.JOB_VIEW),
    Place(_("Outbox"), "outbox:messages", "outbox", P.OUTBOX_VIEW),
    Place(_("People"), "accounts:people", "people", P.USER_VIEW),
    Place(_("Tokens"), "tokens:every", "key", P.USER_VIEW),
    Place(_("Robots"), "tokens:robots", "robot", P.USER_VIEW),
    Place(_("Access"), "explorer:access", "lock", P.ACCESS_EXPLAIN),
    Place(_("Settings"), "accounts:settings", "settings", P.PROVIDER_VIEW),
    Place(_("Audit"), "audit:events", "audit", P.AUDIT_VIEW),
)
# The tabs of one's own profile.
PROFILE = (
    Place(_("Profile"), "accounts:profile", "people", None),
    Place(_("Accounts elsewhere"), "accounts:identities", "people", None),
    Place(_("Second factor"), "accounts:second_factor", "lock", None),
    Place(_("Sessions"), "accounts:own_sessions", "people", None),
    Place(_("Tokens"), "tokens:own", "key", None),
    Place(_("Who looked"), "explorer:looks", "search", None),
)
# Panels that a page of a lower room loads from a higher one: (where, address name, what it needs).
PANELS = {
    "project": ("ledger:project_panel", P.COST_VIEW),
    "cluster": ("ledger:cluster_panel", P.COST_VIEW),
    "fleet": ("inventory:fleet_panel", P.CLUSTER_VIEW),
}


def context(request: HttpRequest) -> dict[str, Any]:
    """Give templates the entries the person may use, and whether the demo is loaded."""
    if not request.user.is_authenticated:
        return {"nav": {"main": [], "admin": []}, "demo_loaded": False}
    return {
        "nav": {"main": _entries(request, MAIN), "admin": _entries(request, ADMIN)},
        "profile_tabs": [Tab(place.label, url, url == request.path) for place, url in _profile()],
        "look": getattr(request, "look", None),
        "demo_loaded": registry.demo_loaded(),
        "may_remove_demo": gate.person(request).may(P.DEMO_EDIT),
        "panels": {where: name for where, (name, need) in PANELS.items() if gate.person(request).may(need)},
    }


def _profile() -> list[tuple[Place, str]]:
    return [(place, reverse(place.name)) for place in PROFILE]


def _entries(request: HttpRequest, places: tuple[Place, ...]) -> list[dict[str, Any]]:
    person = gate.person(request)
    shown = [place for place in places if place.permission is None or person.may(place.permission)]
    here = _nearest(request.path)
    return [
        {"label": place.label, "url": reverse(place.name), "icon": place.icon, "active": place == here}
        for place in shown
    ]


def _nearest(path: str) -> Place | None:
    """Return the one entry whose address the path lies under most closely; home is for itself alone."""
    under = [
        (len(url), place) for place in MAIN + ADMIN if (url := reverse(place.name)) != "/" and path.startswith(url)
    ]
    if path == "/":
        return MAIN[0]
    return max(under, key=lambda one: one[0])[1] if under else None
