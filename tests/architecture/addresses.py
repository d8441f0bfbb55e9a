"""Every address of the portal with arguments that name something real, and how it is asked."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from billing.pricing.models import PriceBook
from portal.access import gate
from portal.access.permissions import Permission
from portal.accounts.models import Session, User
from portal.audit.models import Event
from portal.core import clock
from portal.core.actors import COMMAND
from portal.jobs import services as jobs
from portal.outbox import services as outbox
from tests.factories.rivals import World

Whose = Literal["ours", "theirs", "absent"]
# What the argument of an address names. The test below fails for an address with an argument that is missing here.
NAMES = {
    "audit:event": "event",
    "api:audit-events-detail": "event",
    "accounts:revoke": "binding",
    "accounts:person": "person",
    "accounts:grant": "person",
    "accounts:set_active": "person",
    "accounts:reset_factor": "person",
    "accounts:reset_password": "person",
    "accounts:end_own": "session",
    "accounts:end_any": "session",
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
}
# The same for whole families: what their names begin with.
FAMILIES = {
    "registry:": "cluster",
    "projects:project": "project",
    "projects:team": "team",
    "pricing:": "book",
    "api:clusters-": "cluster",
    "api:projects-": "project",
    "api:teams-": "team",
    "api:price-books-": "book",
    "api:outbox-messages-": "message",
}
# What exists for everybody alike, and is seen by those who may see all of its kind.
OF_THE_HOUSE = {"session", "message", "binding", "person", "job", "book", "stream", "cluster", "node"}
# Asking them changes who asks.
UNASKED = {
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
        return {"slug": "nothing", "username": "nobody-at-all"}.get(argument, key)
    thing = _thing(world, whose, kind)
    return getattr(thing, argument if argument in {"slug", "username", "public_id"} else "pk")


def _thing(world: World, whose: Whose, kind: str) -> Any:
    side = world.ours if whose == "ours" else world.theirs
    match kind:
        case "person":
            return side.member
        case "job":
            return jobs.enqueue("portal.home.remove_demo", key="", by=COMMAND)
        case "session":
            return _session(side.member)
        case "book":
            return PriceBook.objects.get_or_create(slug="book", defaults={"name": "Book", "currency": "USD"})[0]
        case "message":
            return outbox.webhook(event="world.made", body={}, key="world", at=clock.now())
        case "cluster":
            return world.shared if whose == "ours" else world.foreign
        case "node":
            return world.node
        case "stream":
            return world.stream
        case "event":
            return Event.objects.filter(project_id=side.project.pk).earliest("id")
        case _:
            return getattr(side, kind)


def _session(user: User) -> Session:
    found = Session.objects.filter(user=user, address="192.0.2.1").first()
    end = clock.now() + timedelta(hours=1)
    return found or Session.objects.create(session_key=f"of-{user.pk}", user=user, address="192.0.2.1", expire_date=end)


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
