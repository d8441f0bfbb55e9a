"""Every page of the portal, with addresses that exist in a filled installation.

`tests/e2e/test_pages.py` holds this list to the addresses there are: a new page is a line here, or says why it is
none.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from billing.ledger.models import CostHour
from billing.pricing.models import PriceBook
from clusters.inventory.models import Node, Pod, Workload
from clusters.projects.models import Project, Team
from clusters.registry.models import Cluster
from portal.accounts.models import User
from portal.jobs.models import Job

# Not looked at as pages, and why.
NOT_PAGES = {
    "home:healthz": "for machines",
    "registry:manifest": "a file",
    "pricing:starter": "a file",
    "registry:checks": "a fragment of the cluster's page",
    "inventory:streams_panel": "a fragment of the cluster's page",
    "inventory:fleet_panel": "a fragment of the list of clusters",
    "ledger:project_panel": "a fragment of the project's page",
    "ledger:cluster_panel": "a fragment of the cluster's page",
    "registry:candidate": "only while a candidate waits; seen by the test that attaches clusters",
    "home:retry": "carries out",
    "home:cancel": "carries out",
    "home:remove_demo": "carries out",
    "accounts:sign_out": "carries out",
    "accounts:revoke": "carries out",
    "accounts:set_active": "carries out",
    "registry:confirm": "carries out",
    "registry:discard": "carries out",
    "registry:recheck": "carries out",
    "inventory:release_hold": "carries out",
    "projects:project_team": "carries out",
    "projects:close_project": "carries out",
    "projects:close_team": "carries out",
}
# Pages with nothing to fill into their address.
PLAIN = (
    "home:home",
    "home:jobs",
    "home:gallery",
    "accounts:sign_in",
    "accounts:password",
    "accounts:people",
    "accounts:new_person",
    "accounts:bindings",
    "audit:events",
    "registry:clusters",
    "registry:add",
    "registry:rights",
    "inventory:workloads",
    "inventory:pods",
    "inventory:nodes",
    "inventory:namespaces",
    "projects:projects",
    "projects:new",
    "projects:unowned",
    "projects:teams",
    "projects:new_team",
    "pricing:books",
    "pricing:new",
    "pricing:unpriced",
    "ledger:costs",
)
LISTS = (
    "home:jobs",
    "accounts:people",
    "accounts:bindings",
    "audit:events",
    "registry:clusters",
    "inventory:workloads",
    "inventory:pods",
    "inventory:nodes",
    "inventory:namespaces",
    "projects:projects",
    "projects:unowned",
    "projects:teams",
    "pricing:books",
    "pricing:unpriced",
    "ledger:costs",
)


@dataclass(frozen=True)
class Address:
    """One page: the name of its address, and an address that exists."""

    name: str
    path: str


def names() -> set[str]:
    """Names of every address outside the API."""
    return set(_names(get_resolver(), ""))


def filled() -> dict[str, Callable[[], object]]:
    """What goes into the addresses that hold a slug or an id: the first there is."""
    slugs = {
        "cluster": lambda: Cluster.objects.attached().order_by("slug")[0].slug,
        "project": lambda: Project.objects.filter(holdings__isnull=False).order_by("slug")[0].slug,
        "team": lambda: Team.objects.order_by("slug")[0].slug,
        "book": lambda: PriceBook.objects.order_by("slug")[0].slug,
        "person": lambda: User.objects.order_by("username")[0].username,
    }
    return {
        "home:job": lambda: Job.objects.order_by("created_at")[0].pk,
        "accounts:person": slugs["person"],
        "accounts:grant": slugs["person"],
        "registry:cluster": slugs["cluster"],
        "registry:detach": slugs["cluster"],
        "inventory:workload": lambda: Workload.objects.live().filter(kind="Deployment").order_by("pk")[0].pk,
        "inventory:pod": lambda: Pod.objects.live().order_by("pk")[0].pk,
        "inventory:node": lambda: Node.objects.live().order_by("pk")[0].pk,
        **{
            f"projects:{name}": slugs["project"]
            for name in ("project", "project_cost", "project_members", "project_activity", "project_settings")
        },
        **{f"projects:{name}": slugs["team"] for name in ("team", "team_members", "team_activity", "team_settings")},
        "pricing:book": slugs["book"],
        "pricing:change": slugs["book"],
        "pricing:import": slugs["book"],
        "ledger:row": _row,
    }


def addresses() -> list[Address]:
    """Every page, in the database this process has joined."""
    plain = [Address(name, reverse(name)) for name in PLAIN]
    others = []
    for name, find in filled().items():
        found = find()
        others.append(Address(name, found if name in WHOLE else reverse(name, args=[found])))  # type: ignore[arg-type]
    return plain + others


# The address is found whole, with a query.
WHOLE = {"ledger:row"}


def _row() -> str:
    """The page of the newest stored hour of a team, as the list of hours links it."""
    newest = CostHour.objects.filter(kind="workload", team_id__isnull=False).order_by("-hour", "id")[0]
    query = {
        "cluster": newest.cluster.slug,
        "start": newest.starts_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "kind": newest.kind,
        "namespace": newest.namespace_uid,
        "key": str(newest.price_key_id),
    }
    return f"{reverse('ledger:row')}?{urlencode(query)}"


def _names(resolver: URLResolver, spaces: str) -> Iterator[str]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLPattern):
            yield f"{spaces}{pattern.name}"
        elif pattern.namespace != "api":
            yield from _names(pattern, f"{spaces}{pattern.namespace}:")
