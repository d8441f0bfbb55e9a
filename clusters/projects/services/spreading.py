"""Following changes of rights into clusters: news is folded to the clusters concerned, which are asked once each."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from clusters.applying import services as applying
from clusters.projects import grants
from clusters.projects.models import NamespaceTenure, RightLook
from portal.accounts.bindings import right_changes
from portal.accounts.models import Binding, Provider

# Takes all news there is and answers which clusters hold namespaces of the projects concerned. A group matters where
# it is bound itself, or where one that it stands in is.
FOLD = """
WITH RECURSIVE news AS (DELETE FROM right_change RETURNING scope_kind, scope_id, user_id, group_id),
groups AS (
    SELECT group_id AS id FROM news WHERE group_id IS NOT NULL
    UNION SELECT nesting.parent_id FROM outside_group_nesting nesting JOIN groups ON groups.id = nesting.child_id
),
scopes AS (
    SELECT scope_kind, scope_id FROM news WHERE scope_kind <> ''
    UNION SELECT b.scope_kind, b.scope_id FROM role_binding b
     WHERE b.user_id IN (SELECT user_id FROM news) OR b.group_id IN (SELECT id FROM groups)
),
projects AS (
    SELECT scope_id AS id FROM scopes WHERE scope_kind = 'project'
    UNION SELECT owned.project_id FROM project_tenure owned
      JOIN scopes ON scopes.scope_kind = 'team' AND scopes.scope_id = owned.team_id
     WHERE upper_inf(owned.period)
)
SELECT DISTINCT held.cluster_id FROM namespace_tenure held
  JOIN projects ON projects.id = held.project_id
  JOIN cluster ON cluster.id = held.cluster_id AND cluster.state = 'attached'
 WHERE upper_inf(held.period)
"""


def spread(*, at: datetime) -> int:
    """Ask every cluster that a change of rights reaches to be made true. Returns how many.

    Bindings that ended since the last look, and providers whose groups grew too old or are young again, count as news.
    """
    with transaction.atomic():
        look, is_first = RightLook.objects.select_for_update().get_or_create(defaults={"looked_at": at})
        _note_what_time_did(look, at, is_first=is_first)
        with connection.cursor() as cursor:
            cursor.execute(FOLD)
            clusters = [row[0] for row in cursor.fetchall()]
        if clusters:
            applying.ask(clusters=clusters, because="members")
    return len(clusters)


def ask_for(projects: Iterable[UUID], *, because: str) -> None:
    """Ask the clusters in which the projects hold namespaces, in the caller's transaction."""
    held = NamespaceTenure.objects.current().filter(project__in=list(projects), cluster__state="attached")
    clusters = list(held.values_list("cluster_id", flat=True).distinct())
    if clusters:
        applying.ask(clusters=clusters, because=because)


def _note_what_time_did(look: RightLook, at: datetime, *, is_first: bool) -> None:
    ended = Q(expires_at__lte=at) if is_first else Q(expires_at__gt=look.looked_at, expires_at__lte=at)
    for binding in Binding.objects.filter(ended):
        right_changes.of_binding(binding)
    stale = grants.stale_providers(at)
    for provider in Provider.objects.filter(pk__in=stale ^ set(look.stale)):
        right_changes.of_provider(provider)
    look.looked_at, look.stale = at, sorted(stale)
    look.save(update_fields=["looked_at", "stale"])
