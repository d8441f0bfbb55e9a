"""Every page of the portal, with addresses that exist in a filled installation.

`tests/e2e/test_pages.py` holds this list to the addresses there are: a new page is a line here, or says why it is
none.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from billing.ledger.models import CostHour
from billing.pricing.models import PriceBook
from clusters.inventory.models import Node, Pod, Workload
from clusters.projects.models import Project, Team
from clusters.registry.models import Cluster
from portal.accounts.models import Binding, CustomRole, OutsideGroup, Provider, User
from portal.audit.models import Event
from portal.core import clock
from portal.jobs.models import Job
from portal.outbox import services as outbox
from portal.requests.models import Review
from portal.tokens.models import Robot

# Not looked at as pages, and why.
NOT_PAGES = {
    "home:healthz": "for machines",
    "registry:manifest": "a file",
    "registry:write_manifest": "a file",
    "registry:forget_account": "carries out",
    "applying:decide": "carries out",
    "applying:stop": "carries out",
    "applying:resume": "carries out",
    "pricing:starter": "a file",
    "registry:checks": "a fragment of the cluster's page",
    "inventory:streams_panel": "a fragment of the cluster's page",
    "inventory:fleet_panel": "a fragment of the list of clusters",
    "ledger:project_panel": "a fragment of the project's page",
    "ledger:cluster_panel": "a fragment of the cluster's page",
    "registry:candidate": "only while a candidate waits; seen by the test that attaches clusters",
    "manifests:unlock": "carries out",
    "home:retry": "carries out",
    "home:cancel": "carries out",
    "home:remove_demo": "carries out",
    "audit:progress": "a fragment of the audit's integrity",
    "audit:verify": "carries out",
    "outbox:retry": "carries out",
    "outbox:test": "carries out",
    "accounts:second_step": "only between the two steps of a sign-in; seen by the test that does both",
    "accounts:search": "a fragment of the form that gives a role",
    "accounts:preview": "a fragment of the form that gives a role",
    "accounts:provider_state": "a fragment of the provider's page",
    "accounts:settings": "leads on to the providers",
    "accounts:begin": "leads to a provider; seen by the tests that sign in",
    "accounts:callback": "where a provider sends back to",
    "accounts:github_hook": "for machines",
    "accounts:oidc_logout": "for machines",
    "csp_report": "for machines",
    "security_txt": "for machines",
    **dict.fromkeys(
        (
            *("accounts:renew_codes", "accounts:remove_factor", "accounts:end_others", "accounts:end_own"),
            *("accounts:end_any", "accounts:reset_factor", "accounts:reset_password", "accounts:remove"),
            *("accounts:unlink", "accounts:unlink_any", "accounts:answer_proposal", "accounts:remove_pattern"),
            *("accounts:refresh_now", "accounts:confirm_hold", "accounts:enable_provider", "accounts:provider_age"),
            *("tokens:revoke", "tokens:revoke_robots", "tokens:retire", "explorer:end_look"),
            *("requests:approve", "requests:reject", "requests:withdraw"),
            *("quotas:approve", "quotas:reject", "quotas:withdraw", "quotas:remove"),
        ),
        "carries out",
    ),
    "accounts:sign_out": "carries out",
    "accounts:revoke": "carries out",
    "accounts:set_active": "carries out",
    "registry:confirm": "carries out",
    "registry:discard": "carries out",
    "registry:recheck": "carries out",
    "inventory:release_hold": "carries out",
    "projects:project_team": "carries out",
    "projects:project_withdraw_namespace": "carries out",
    "projects:project_end_namespaces": "opens with what was chosen in the list",
    "projects:project_delete_namespaces": "opens with what was chosen in the list",
    "projects:delete_rule": "carries out",
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
    "accounts:confirm",
    "accounts:profile",
    "accounts:identities",
    "accounts:second_factor",
    "accounts:own_sessions",
    "tokens:own",
    "tokens:new",
    "explorer:looks",
    "requests:own",
    "requests:ask",
    "requests:waiting",
    "requests:reviews",
    "accounts:people",
    "accounts:new_person",
    "accounts:sessions",
    "accounts:bindings",
    "accounts:give",
    "accounts:roles",
    "accounts:new_role",
    "tokens:every",
    "tokens:robots",
    "tokens:new_robot",
    "explorer:access",
    "explorer:unused",
    "explorer:never_used",
    "accounts:providers",
    "accounts:outside_groups",
    "accounts:proposals",
    "audit:events",
    "audit:integrity",
    "audit:heads",
    "outbox:messages",
    "outbox:targets",
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
    "projects:unowned_volumes",
    "projects:unowned_workloads",
    "projects:unowned_roles",
    "projects:rules",
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
    "accounts:sessions",
    "accounts:bindings",
    "accounts:providers",
    "accounts:outside_groups",
    "tokens:every",
    "tokens:robots",
    "explorer:never_used",
    "audit:events",
    "audit:integrity",
    "audit:heads",
    "outbox:messages",
    "registry:clusters",
    "inventory:workloads",
    "inventory:pods",
    "inventory:nodes",
    "inventory:namespaces",
    "projects:projects",
    "projects:unowned",
    "projects:unowned_volumes",
    "projects:unowned_workloads",
    "projects:unowned_roles",
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
        "person": lambda: User.objects.filter(is_demo=True, kind="person").order_by("username")[0].username,
        "own_role": lambda: CustomRole.objects.order_by("key")[0].key,
        "robot": lambda: Robot.objects.standing().order_by("slug")[0].slug,
        "provider": lambda: Provider.objects.filter(kind="ldap").order_by("key")[0].key,
    }
    return {
        "home:job": lambda: Job.objects.order_by("created_at")[0].pk,
        "audit:event": lambda: Event.objects.order_by("-id")[0].pk,
        "outbox:message": lambda: outbox.webhook(event="page.seen", body={}, key="page", at=clock.now()).pk,
        "accounts:person": slugs["person"],
        "accounts:grant": slugs["person"],
        "explorer:look": slugs["person"],
        "accounts:role": slugs["own_role"],
        "accounts:edit_role": slugs["own_role"],
        "accounts:delete_role": slugs["own_role"],
        "accounts:binding": lambda: Binding.objects.filter(scope_kind="project").order_by("pk")[0].pk,
        "accounts:group": lambda: OutsideGroup.objects.filter(gone_at=None).order_by("name")[0].pk,
        "accounts:link_directory": slugs["provider"],
        **{
            f"accounts:{name}": slugs["provider"]
            for name in ("provider", "provider_people", "disable_provider", "delete_provider", "admits", "try_login")
        },
        "tokens:robot": slugs["robot"],
        "tokens:new_robot_token": slugs["robot"],
        "requests:review": _review,
        "registry:cluster": slugs["cluster"],
        "registry:detach": slugs["cluster"],
        "registry:writing": slugs["cluster"],
        "registry:labels": slugs["cluster"],
        "applying:written": slugs["cluster"],
        "inventory:workload": lambda: Workload.objects.live().filter(kind="Deployment").order_by("pk")[0].pk,
        "inventory:pod": lambda: Pod.objects.live().order_by("pk")[0].pk,
        "inventory:node": lambda: Node.objects.live().order_by("pk")[0].pk,
        **{
            f"projects:{name}": slugs["project"]
            for name in (
                *("project", "project_cost", "project_members", "project_robots"),
                *("project_activity", "project_settings", "project_new_namespaces", "project_leave"),
            )
        },
        **{
            f"projects:{name}": slugs["team"]
            for name in ("team", "team_members", "team_robots", "team_activity", "team_settings")
        },
        **{f"quotas:{name}": slugs["project"] for name in ("quota", "plan", "more")},
        "manifests:as_code": slugs["project"],
        "manifests:apply": slugs["project"],
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


def _review() -> object:
    """A review of the first team that has something to review."""
    team = Team.objects.order_by("slug")[0]
    return Review.objects.get_or_create(
        scope_kind="team",
        scope_id=team.pk,
        closed_at=None,
        defaults={"scope_label": team.name, "due_at": clock.now() + timedelta(days=14)},
    )[0].pk


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
