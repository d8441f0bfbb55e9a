"""The list of clusters."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import Case, F, Value, When
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clusters.kube import distribution, label_selector
from clusters.registry import labels
from clusters.registry.models import Cluster, State
from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.core import listing
from portal.core.listing import Column, Filter

STATES = {
    State.ATTACHED.value: ("ok", _("Attached")),
    State.CANDIDATE.value: ("busy", _("Waits for confirmation")),
    State.DETACHED.value: ("unknown", _("Detached")),
    "changed": ("broken", _("Identity changed")),
}


def state_choices(_user: Person) -> list[tuple[str, Any]]:
    """Return the states that can be chosen."""
    return [(state.value, STATES[state.value][1]) for state in State]


def distribution_choices(_user: Person) -> list[tuple[str, str]]:
    """Return the distributions that Paddock tells apart."""
    return list(distribution.LABELS.items())


def distribution_name(row: dict[str, Any]) -> str:
    """Return the distribution as people write it."""
    name: str = row["distribution"]
    return distribution.LABELS.get(name, name)


class ClusterList(listing.Listing):
    """Clusters one may see; detached ones are asked for by their state."""

    key = "clusters"
    title = _("Clusters")
    permission = Permission.CLUSTER_VIEW
    empty_reason = _("No cluster is attached yet.")
    columns = (
        Column("name", _("Name"), href=listing.link("registry:cluster", "slug")),
        Column("condition", _("State"), "state", states=STATES, in_export=False),
        Column("state", _("State"), on_page=False),
        Column("distribution", _("Distribution"), show=distribution_name, absent=_("not known yet")),
        Column("version", _("Version"), "code", absent=_("not known yet")),
        Column("server", _("Address"), "code", on_page=False),
        Column("labels", _("Labels"), "labels"),
        Column("rancher_managed", _("Rancher"), "flag"),
        Column("checked_at", _("Checked"), "age", absent=_("not yet")),
        Column("credential_expires_at", _("Credential ends"), "instant", absent=_("does not say")),
        Column("attached_at", _("Attached"), "age", absent=_("not yet")),
        Column("identity_changed_at", _("Identity changed"), "instant", absent=_("no"), on_page=False),
        Column("detached_at", _("Detached"), "instant", on_page=False),
        Column("slug", _("Slug"), "code", on_page=False),
        Column("id", _("Id"), on_page=False),
    )
    filters = (
        Filter("name", _("Name"), "text", lookup="name__icontains"),
        Filter(
            "labels",
            _("Labels"),
            "text",
            help=_("A selector as in Kubernetes: environment=production,region in (eu, us),!frozen"),
        ),
        Filter("state", _("State"), choices=state_choices, help=_("Detached clusters are shown on request.")),
        Filter("distribution", _("Distribution"), choices=distribution_choices, lookup="distribution"),
    )
    orders = {"name": ("name", "id"), "attached_at": ("attached_at", "id"), "version": ("version", "id")}

    def parse(self, user: Person, given: QueryDict, *, at: datetime, strict: bool = False) -> listing.Params:
        """Understand the selector too; raises `BadQuery` at its place."""
        params = super().parse(user, given, at=at, strict=strict)
        try:
            selector = label_selector.parse(params.filters["labels"] or "")
        except label_selector.BadSelector as bad:
            raise listing.BadQuery("labels", labels.explained(bad)) from None
        return replace(params, filters={**params.filters, "labels": selector})

    def rows(self, user: Person, params: listing.Params) -> Any:
        """Candidates and attached clusters, or those of the chosen state."""
        found = Cluster.objects.visible_to(user)
        state = params.filters["state"]
        found = found.filter(state=state) if state else found.exclude(state=State.DETACHED)
        found = found.filter(labels.condition(params.filters["labels"]))
        changed = When(state=State.ATTACHED, identity_changed_at__isnull=False, then=Value("changed"))
        found = found.annotate(condition=Case(changed, default=F("state")))
        return found.values(*(column.key for column in self.columns))

    def empty_action(self, user: Person) -> listing.Link | None:
        """Add one."""
        if not user.scopes_for(Permission.CLUSTER_EDIT).everything:
            return None
        return listing.Link(_("Add cluster"), reverse("registry:add"))
