"""What the page of one event shows."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from portal.audit import diff
from portal.audit.kinds import KINDS
from portal.audit.models import Event, Link
from portal.core import formats, parts

HOW = {"added": lazy("added"), "removed": lazy("removed"), "changed": lazy("changed"), "same": ""}


def context(event: Event, link: Link | None, *, whole: bool) -> dict[str, Any]:
    """Return everything the template needs; places and addresses only for who sees the whole audit."""
    lines = diff.lines(event.before, event.after)
    return {
        "event": event,
        "title": str(KINDS.get(event.kind, event.kind)),
        "crumbs": [parts.Crumb(_("Audit"), reverse("audit:events"))],
        "facts": _facts(event, whole=whole),
        "lines": [(line, HOW[line.how]) for line in lines],
        "chain": _chain(link) if whole else [],
        "request_url": f"{reverse('audit:events')}?request={event.request_id}" if event.request_id else "",
    }


def _facts(event: Event, *, whole: bool) -> list[parts.Fact]:
    facts = [
        parts.Fact(_("When"), formats.instant(event.at), title=formats.iso(event.at)),
        parts.Fact(_("On"), event.on_label or None, url=event.on_url, absent=_("nothing in particular")),
        parts.Fact(_("Who"), event.actor_label),
    ]
    if event.as_label:
        facts.append(parts.Fact(_("As"), event.as_label))
    if event.token:
        facts.append(parts.Fact(_("By token"), event.token, mono=True))
    if whole:
        facts.append(parts.Fact(_("From"), event.address or None, mono=True, absent=_("not over the network")))
    return [*facts, parts.Fact(_("Kind"), event.kind, mono=True)]


def _chain(link: Link | None) -> list[parts.Fact]:
    if link is None:
        return [parts.Fact(_("Place in the chain"), None, absent=_("sealed within ten seconds"))]
    return [
        parts.Fact(_("Place in the chain"), str(link.seq), mono=True),
        parts.Fact(_("Hash"), link.hash, mono=True),
        parts.Fact(_("Hash before"), link.previous, mono=True),
    ]
