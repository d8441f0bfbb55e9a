"""What only Paddock knows about a candidate: checks against its other clusters."""

from django.utils.translation import gettext as _

from clusters.kube.checks import FAILED, Check
from clusters.registry import naming
from clusters.registry.models import Cluster, State

KNOWN, NAME_FREE = "known", "name_free"
KEYS = frozenset({KNOWN, NAME_FREE})


def known_as(uid: str, state: State) -> Cluster | None:
    """Return the cluster with this kube-system uid in the given state."""
    return Cluster.objects.filter(kube_system_uid=uid, state=state).first() if uid else None


def found(candidate: Cluster) -> list[Check]:
    """Return failed checks, empty where nothing stands in the way (and for clusters that are attached)."""
    if candidate.state != State.CANDIDATE:
        return []
    attached = known_as(candidate.kube_system_uid, State.ATTACHED)
    if attached is not None:
        return [
            Check(
                KNOWN,
                _("Not attached yet"),
                FAILED,
                _("This cluster is attached already, as %s.") % attached.name,
                _("Discard this candidate. To use another credential, detach that cluster first."),
            )
        ]
    holder = Cluster.objects.filter(slug=naming.slug_of(candidate.name), state=State.DETACHED).first()
    if holder is not None and holder.pk != candidate.resumes_id:
        return [
            Check(
                NAME_FREE,
                _("The name is free"),
                FAILED,
                _("The name belongs to another cluster, which is detached and keeps its cost."),
                _("Discard this candidate and add the cluster under another name."),
            )
        ]
    return []
