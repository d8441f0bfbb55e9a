"""Every address of the portal with arguments that name something real, and how it is asked."""

import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from billing.pricing.models import PriceBook
from clusters.inventory.models import Stream
from clusters.quotas.models import QuotaRequest
from clusters.registry.models import Cluster
from portal.access import gate
from portal.access.permissions import Permission
from portal.accounts.models import CustomRole, Session, User
from portal.audit.models import Event
from portal.core import clock
from portal.core.actors import COMMAND
from portal.jobs import services as jobs
from portal.outbox import services as outbox
from portal.requests.models import AccessRequest, Review
from tests.factories.rivals import Side, World

Whose = Literal["ours", "theirs", "absent"]
# What the argument of an address names. The test below fails for an address with an argument that is missing here.
NAMES = {
    "audit:event": "event",
    "api:audit-events-detail": "event",
    "accounts:revoke": "membership",
    "accounts:binding": "membership",
    "accounts:role": "role",
    "accounts:edit_role": "role",
    "accounts:delete_role": "role",
    "api:bindings-detail": "membership",
    "api:roles-detail": "role",
    "accounts:person": "person",
    "accounts:grant": "person",
    "accounts:set_active": "person",
    "accounts:reset_factor": "person",
    "accounts:reset_password": "person",
    "explorer:look": "person",
    "tokens:revoke": "token",
    "tokens:revoke_robots": "robot_token",
    "tokens:new_robot_token": "robot",
    "tokens:robot": "robot",
    "tokens:retire": "robot",
    "requests:approve": "request",
    "requests:reject": "request",
    "requests:withdraw": "request",
    "requests:review": "review",
    "api:own-access-requests-withdraw": "request",
    "quotas:approve": "quota_request",
    "quotas:reject": "quota_request",
    "quotas:withdraw": "quota_request",
    "home:job": "job",
    "home:retry": "job",
    "home:cancel": "job",
    "inventory:workload": "workload",
    "inventory:pod": "pod",
    "inventory:node": "node",
    "inventory:release_hold": "stream",
    "inventory:streams_panel": "cluster",
    "ledger:project_panel": "project",
    "ledger:cluster_panel": "cluster",
    "projects:close_project": "project",
    "projects:close_team": "team",
    "outbox:message": "message",
    "outbox:retry": "message",
    "accounts:begin": "provider",
    "accounts:callback": "provider",
    "accounts:github_hook": "provider",
    "accounts:oidc_logout": "provider",
    "accounts:link_directory": "provider",
    "accounts:unlink": "identity",
    "accounts:unlink_any": "identity",
    "accounts:group": "group",
    "accounts:remove_pattern": "pattern",
    "accounts:refresh_now": "provider",
    "accounts:confirm_hold": "provider",
    "accounts:enable_provider": "provider",
    "accounts:disable_provider": "provider",
    "accounts:delete_provider": "provider",
    "accounts:admits": "provider",
    "accounts:try_login": "provider",
}
# The same for whole families: what their names begin with.
FAMILIES = {
    "api:access-requests-": "request",
    "registry:": "cluster",
    "applying:": "cluster",
    "projects:project": "project",
    "projects:team": "team",
    "pricing:": "book",
    "api:clusters-": "cluster",
    "api:projects-": "project",
    "api:manifests-": "project",
    "manifests:": "project",
    "quotas:": "project",
    "api:quotas-": "project",
    "api:quota-requests-": "quota_request",
    "api:teams-": "team",
    "api:tokens-": "token",
    "api:robot-tokens-": "robot_token",
    "api:robots-": "robot",
    "api:price-books-": "book",
    "api:outbox-messages-": "message",
    "accounts:provider": "provider",
    "api:providers-": "provider",
    "api:access-reviews-": "review",
}
# What exists for everybody alike, and is seen by those who may see all of its kind.
OF_THE_HOUSE = {
    *("role", "session", "message", "binding", "person", "job", "book", "stream", "cluster", "node"),
    *("provider", "group", "pattern", "identity"),
}
# Asking them changes who asks.
UNASKED = {
    "explorer:end_look",
    "accounts:sign_in",
    "accounts:second_step",
    "accounts:sign_out",
    "accounts:password",
    "accounts:confirm",
    "accounts:second_factor",
    "accounts:renew_codes",
    "accounts:remove_factor",
    "accounts:end_others",
    "accounts:end_own",
}


@dataclass(frozen=True)
class Address:
    """One address: its name, the name of its argument if it has one, and the view behind it."""

    name: str
    argument: str
    view: Any

    @property
    def kind(self) -> str:
        """What the argument names, "" without one."""
        if not self.argument:
            return ""
        family = next((kind for start, kind in FAMILIES.items() if self.name.startswith(start)), "")
        return NAMES.get(self.name, family)

    @property
    def is_api(self) -> bool:
        """Whether it answers programs."""
        return self.name.startswith("api:")

    @property
    def mark(self) -> str | None:
        """ "public" or "signed_in" where no permission is asked for."""
        rule = getattr(self.view, "gate_rule", None)
        return rule.mark if isinstance(rule, gate.Rule) else None

    def permission(self, method: str) -> Permission | None:
        """The permission declared for a method, None where the method is not answered."""
        rule = getattr(self.view, "gate_rule", None)
        if isinstance(rule, gate.Rule):
            return rule.permissions.get(method, rule.permissions.get("*"))
        action = self.view.actions.get(method.lower())
        return self.view.cls.permissions[action] if action else None

    def url(self, world: World, whose: Whose) -> str:
        """The address with what is ours, theirs, or nobody's."""
        if not self.argument:
            return reverse(self.name)
        return reverse(self.name, kwargs={self.argument: _value(world, whose, self.kind, self.argument)})


def every() -> list[Address]:
    """Return all of them."""
    return list(_walk(get_resolver().url_patterns, ""))


def _walk(patterns: list[Any], space: str) -> Iterator[Address]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, f"{space}{pattern.namespace}:" if pattern.namespace else space)
        elif isinstance(pattern, URLPattern):
            (argument, *more) = [*pattern.pattern.regex.groupindex, ""]
            assert not any(more), f"{pattern.name} has several arguments"
            yield Address(f"{space}{pattern.name}", argument, pattern.callback)


def _value(world: World, whose: Whose, kind: str, argument: str) -> Any:
    if whose == "absent":
        key = 987654321 if kind in {"workload", "pod", "node", "stream", "event"} else uuid.UUID(int=7)
        return {"slug": "nothing", "key": "nothing", "username": "nobody-at-all"}.get(argument, key)
    thing = _thing(world, whose, kind)
    named = {"slug": "slug", "username": "username", "public_id": "public_id", "role": "key", "key": "key"}
    return getattr(thing, named.get(argument, "pk"))


def _thing(world: World, whose: Whose, kind: str) -> Any:
    side = world.ours if whose == "ours" else world.theirs
    made = _OF_A_SIDE.get(kind)
    if made is not None:
        return made(side)
    if kind in _OF_THE_WORLD:
        return _OF_THE_WORLD[kind](world, whose == "ours")
    return getattr(side, {"person": "member", "membership": "binding"}.get(kind, kind))


def _request(side: Side) -> AccessRequest:
    asker = side.member
    about = {"role": "project_viewer", "scope_kind": "project", "asked_for": side.project.slug}
    found = AccessRequest.objects.filter(asker=asker, state="waiting", **about).first()
    return found or AccessRequest.objects.create(
        asker=asker,
        scope_id=side.project.pk,
        scope_label=side.project.name,
        reason="for the sweep",
        expires_at=clock.now() + timedelta(days=14),
        **about,
    )


def _quota_request(side: Side) -> QuotaRequest:
    end = clock.now() + timedelta(days=14)
    found = QuotaRequest.objects.filter(project=side.project, state="waiting").first()
    return found or QuotaRequest.objects.create(
        asker=side.member, project=side.project, wanted={"pods": 9}, reason="for the sweep", expires_at=end
    )


def _review(side: Side) -> Review:
    end = clock.now() + timedelta(days=30)
    return Review.objects.get_or_create(
        scope_kind="project", scope_id=side.project.pk, defaults={"scope_label": side.project.name, "due_at": end}
    )[0]


def _session(user: User) -> Session:
    found = Session.objects.filter(user=user, address="192.0.2.1").first()
    end = clock.now() + timedelta(hours=1)
    return found or Session.objects.create(session_key=f"of-{user.pk}", user=user, address="192.0.2.1", expire_date=end)


def own_role() -> CustomRole:
    """A role of the installation's own, which everybody who sees people sees."""
    shape = {"name": "Reader", "scope_kinds": ["project"], "permissions": ["project.view"], "created_by": "tests"}
    return CustomRole.objects.get_or_create(key="x-reader", defaults=shape)[0]


def _book() -> PriceBook:
    return PriceBook.objects.get_or_create(slug="book", defaults={"name": "Book", "currency": "USD"})[0]


def _stream_of(cluster: Cluster) -> Stream:
    return Stream.objects.filter(cluster=cluster).order_by("pk")[0]


# What is no attribute of a side, by kind.
_OF_A_SIDE: dict[str, Callable[[Side], Any]] = {
    "role": lambda side: own_role(),
    "job": lambda side: jobs.enqueue("portal.home.remove_demo", key="", by=COMMAND),
    "request": _request,
    "review": _review,
    "quota_request": _quota_request,
    "session": lambda side: _session(side.member),
    "book": lambda side: _book(),
    "message": lambda side: outbox.webhook(event="world.made", body={}, key="world", at=clock.now()),
    "event": lambda side: Event.objects.filter(project_id=side.project.pk).earliest("id"),
}
_OF_THE_WORLD: dict[str, Callable[[World, bool], Any]] = {
    "cluster": lambda world, ours: world.shared if ours else world.foreign,
    "node": lambda world, ours: world.near if ours else world.node,
    "stream": lambda world, ours: _stream_of(world.shared) if ours else world.stream,
    "provider": lambda world, ours: world.group.provider,
    "group": lambda world, ours: world.group,
    "pattern": lambda world, ours: world.pattern,
}
_TOKEN = re.compile(rb"[A-Za-z0-9]{64}")


def body(answer: HttpResponseBase) -> bytes:
    """The whole answer without the request's id and the form's token, which differ each time."""
    pieces: Any = answer
    whole = b"".join(pieces.streaming_content if answer.streaming else [pieces.content])
    return _TOKEN.sub(b"token", whole.replace(answer.headers["X-Request-Id"].encode(), b"id"))


def shapes(client: Client, url: str, *, is_api: bool) -> dict[str, HttpResponseBase]:
    """Ask for the page, the fragment and the files; for programs there is one shape."""
    if is_api:
        return {"api": client.get(url)}
    return {
        "page": client.get(url),
        "fragment": client.get(url, headers={"HX-Request": "true"}),
        "csv": client.get(url, {"format": "csv"}),
        "jsonl": client.get(url, {"format": "jsonl"}),
    }
