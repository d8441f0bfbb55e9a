"""What the pages of a cluster say, as plain values for the components."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from clusters.kube import checks as kube
from clusters.kube import distribution, rights, write_rights
from clusters.registry import labels
from clusters.registry.models import Cluster, State
from clusters.registry.selectors import Looking
from portal.core import formats, parts

TONES: dict[str, parts.Tone] = {
    kube.OK: "ok",
    kube.WARN: "attention",
    kube.FAILED: "broken",
    kube.SKIPPED: "unknown",
}
TOKEN_COMMAND = f"kubectl -n {rights.NAMESPACE} create token {rights.ACCOUNT} --duration 720h"
WRITE_TOKEN_COMMAND = f"kubectl -n {rights.NAMESPACE} create token {write_rights.ACCOUNT} --duration 720h"


def head(cluster: Cluster) -> dict[str, Any]:
    """Return title, description and breadcrumb."""
    about = {
        State.ATTACHED.value: _("Attached: read every 30 seconds, and its cost is counted."),
        State.DETACHED.value: _("Detached: no longer read. What is shown is the last that was known."),
    }
    return {
        "title": cluster.name,
        "about": about.get(cluster.state, ""),
        "crumbs": [parts.Crumb(_("Clusters"), reverse("registry:clusters"))],
    }


def tabs(cluster: Cluster, *, may_read: bool) -> list[parts.Tab]:
    """Return the parts of the cluster's page: lists of what is in it, for whoever may read them."""
    if not may_read or cluster.state != State.ATTACHED:
        return []
    return [
        parts.Tab(_("Overview"), reverse("registry:cluster", args=[cluster.slug]), active=True),
        parts.Tab(_("Namespaces"), _narrowed("inventory:namespaces", cluster)),
        parts.Tab(_("Workloads"), _narrowed("inventory:workloads", cluster)),
        parts.Tab(_("Nodes"), _narrowed("inventory:nodes", cluster)),
        parts.Tab(_("Written"), reverse("applying:written", args=[cluster.slug])),
    ]


def _narrowed(name: str, cluster: Cluster) -> str:
    return f"{reverse(name)}?cluster={cluster.slug}"


def facts(cluster: Cluster) -> list[parts.Fact]:
    """Return what is known of an attached or detached cluster."""
    return [
        parts.Fact(_("State"), str(State(cluster.state).label)),
        parts.Fact(_("Distribution"), distribution.LABELS.get(cluster.distribution) or None),
        parts.Fact(_("Version"), cluster.version or None, mono=True),
        parts.Fact(_("Labels"), ", ".join(labels.as_text(cluster.labels).splitlines()) or None, absent=_("none")),
        parts.Fact(_("Managed by Rancher"), _("yes") if cluster.rancher_managed else _("no")),
        *identity(cluster),
        parts.Fact(
            _("Credential ends"),
            formats.instant(cluster.credential_expires_at) if cluster.credential_expires_at else None,
            absent=_("it does not say"),
        ),
        parts.Fact(_("Attached"), formats.instant(cluster.attached_at) if cluster.attached_at else None),
    ] + (
        [parts.Fact(_("Detached"), formats.instant(cluster.detached_at))]
        if cluster.state == State.DETACHED and cluster.detached_at
        else []
    )


def identity(cluster: Cluster) -> list[parts.Fact]:
    """Return what a person compares before confirming."""
    return [
        parts.Fact(_("Address"), cluster.server, mono=True),
        parts.Fact(_("Authority (SHA-256)"), cluster.ca_fingerprint or None, mono=True),
        parts.Fact(_("Identity (uid of kube-system)"), cluster.kube_system_uid or None, mono=True),
    ]


def looking(cluster: Cluster, found: Looking) -> dict[str, Any]:
    """Return the checks and how they stand."""
    return {
        "checks": [
            parts.Check(
                one["title"], TONES[one["state"]], one["text"], one["remedy"] if one["state"] != kube.OK else ""
            )
            for one in cluster.checks
        ],
        "looking": found,
        "checks_url": reverse("registry:checks", args=[cluster.slug]),
        "resumes": cluster.resumes if cluster.state == State.CANDIDATE else None,
    }
