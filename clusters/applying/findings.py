"""Objects that claim to be ours and are not, found in what was read.

Looked at are only kinds that the people of a namespace cannot write: else whoever may label a pod could stop a cluster.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from clusters.applying import leases, marks
from clusters.applying.models import AppliedObject, Foreign, Reason
from clusters.kube.objects.table import BY_NAME
from clusters.registry.models import Cluster
from portal.audit import services as audit
from portal.core.actors import SYSTEM

KINDS = ("role_binding", "quota", "limit_range", "network_policy", "namespace")
# What the manifest of a cluster brings gives its roles to the cluster's own groups.
MANIFEST_ROLES = "paddock"

_MARKED = """
SELECT seen.uid, {namespace}, seen.name, seen.labels->>'paddock.io/owner'
  FROM {table} seen
 WHERE seen.cluster_id = %(cluster)s AND seen.gone_at IS NULL AND seen.labels ? 'paddock.io/owner'
"""
_GIVES = """
SELECT seen.uid, {namespace}, seen.name, ''
  FROM {table} seen
 WHERE seen.cluster_id = %(cluster)s AND seen.gone_at IS NULL
   AND seen.subjects @? '$[*] ? (@.name starts with "paddock:")' {more}
"""
# A ClusterRoleBinding of the manifest: every subject is a group of this cluster, and the role is one of Paddock's.
_NOT_MANIFEST = """AND NOT (seen.role_name LIKE 'paddock%%' AND NOT EXISTS (
    SELECT 1 FROM jsonb_array_elements(seen.subjects) one
     WHERE one->>'name' NOT LIKE 'paddock:cluster:' || seen.cluster_id || ':%%'))"""


@dataclass(frozen=True)
class _Found:
    kind: str
    uid: str
    namespace: str
    name: str
    mark: str


def note_findings(cluster_id: UUID, *, installation: UUID, at: datetime) -> int:
    """Keep what claims to be ours and is not; another installation's mark stops writing. Returns how many are new."""
    rows = AppliedObject.objects.filter(cluster_id=cluster_id).values_list("id", "uid", "kind", "namespace", "name")
    ours = {pk: (uid, (kind, namespace, name)) for pk, uid, kind, namespace, name in rows}
    uids = {uid for uid, _key in ours.values() if uid}
    decided = dict(Foreign.objects.filter(cluster_id=cluster_id).values_list("uid", "decision"))
    found: dict[str, tuple[_Found, str]] = {}
    for one in _candidates(cluster_id):
        reason = _reason(one, installation, ours, uids)
        if reason:
            found.setdefault(one.uid, (one, reason))
    fresh = [_row(cluster_id, one, reason, at) for uid, (one, reason) in found.items() if uid not in decided]
    Foreign.objects.bulk_create(fresh, ignore_conflicts=True, batch_size=500)
    # What is no longer there, or claims nothing any more, is no finding; what was decided stays decided.
    over = [uid for uid, decision in decided.items() if uid not in found and not decision]
    Foreign.objects.filter(cluster_id=cluster_id, uid__in=over).delete()
    _stop_for(cluster_id, fresh, at)
    return len(fresh)


def _candidates(cluster_id: UUID) -> Iterator[_Found]:
    with connection.cursor() as cursor:
        for kind in KINDS:
            namespace = "''" if kind == "namespace" else "seen.namespace_name"
            # Doubled for the driver, which reads %% as one.
            cursor.execute(_MARKED.format(table=BY_NAME[kind].table, namespace=namespace), {"cluster": cluster_id})
            yield from [_Found(kind, *row) for row in cursor.fetchall()]
        for kind, namespace, more in (
            ("role_binding", "seen.namespace_name", ""),
            ("cluster_role_binding", "''", _NOT_MANIFEST),
        ):
            text = _GIVES.format(table=BY_NAME[kind].table, namespace=namespace, more=more)
            cursor.execute(text, {"cluster": cluster_id})
            yield from [_Found(kind, *row) for row in cursor.fetchall()]


def _reason(one: _Found, installation: UUID, ours: dict[UUID, tuple[str, tuple[str, str, str]]], uids: set[str]) -> str:
    """Return why it is foreign, "" where it is ours. A mark that others wrote over on an object of ours is a drift."""
    if one.uid in uids:
        return ""
    if not one.mark:
        return Reason.UNLISTED
    mark = marks.read(one.mark)
    if mark is None:
        return Reason.FORGED
    if mark.installation != installation:
        return Reason.OTHER
    if mark.row not in ours:
        return Reason.FORMER
    uid, key = ours[mark.row]
    # Its answer is under way, or was lost: the next pass finds the object by its mark.
    return "" if not uid and key == (one.kind, one.namespace, one.name) else Reason.COPIED


def _row(cluster_id: UUID, one: _Found, reason: str, at: datetime) -> Foreign:
    return Foreign(
        cluster_id=cluster_id,
        kind=one.kind,
        namespace=one.namespace,
        name=one.name,
        uid=one.uid,
        reason=reason,
        mark=one.mark[:63],
        first_seen_at=at,
    )


def _stop_for(cluster_id: UUID, fresh: list[Foreign], at: datetime) -> None:
    others = [one for one in fresh if one.reason == Reason.OTHER]
    if not others:
        return
    text = _("Another Paddock writes to this cluster: %s.") % others[0]
    if leases.stop(cluster_id=cluster_id, code="other_installation", text=text, at=at):
        cluster = Cluster.objects.get(pk=cluster_id)
        after = {"stopped": "other_installation", "objects": len(others)}
        audit.record("applying.cluster.stop", by=SYSTEM, on=cluster.as_subject(), after=after)
