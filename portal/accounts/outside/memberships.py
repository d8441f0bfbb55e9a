"""Who is in which group, closure included: rows made to agree, by differences alone."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from portal.accounts.models import Binding, GroupMembership, Identity, OutsideGroup
from portal.audit import services as audit
from portal.core.actors import Actor

# Group -> whether the provider itself says so (True), or it is reached through others.
Wanted = Mapping[UUID, bool]


@dataclass
class Difference:
    """What was written."""

    added: int = 0
    removed: int = 0

    def plus(self, other: "Difference") -> "Difference":
        """Return the sum."""
        return Difference(self.added + other.added, self.removed + other.removed)


def wanted(direct: Collection[UUID], reached: Collection[UUID]) -> dict[UUID, bool]:
    """Return memberships of one person; a group that is both direct and reached is direct."""
    return {group: group in direct for group in (*reached, *direct)}


def store(people: Mapping[UUID, Wanted], *, by: Actor, within: Collection[UUID] | None = None) -> Difference:
    """Make the memberships of these identities agree; those of groups outside of `within` are left as they are.

    Called inside the transaction in which the identities are locked. What touches a group that is bound anywhere is
    told to the audit, since rights change with it.
    """
    stored = GroupMembership.objects.filter(identity__in=people)
    if within is not None:
        stored = stored.filter(group__in=within)
    present: dict[UUID, dict[UUID, bool]] = {}
    for identity, group, direct in stored.values_list("identity_id", "group_id", "direct"):
        present.setdefault(identity, {})[group] = direct
    writes: list[tuple[UUID, UUID, bool]] = []
    removed: list[tuple[UUID, UUID]] = []
    news: dict[UUID, tuple[set[UUID], set[UUID]]] = {}
    for identity, groups in people.items():
        before = present.get(identity, {})
        writes += [(identity, group, direct) for group, direct in groups.items() if before.get(group) is not direct]
        removed += [(identity, group) for group in before if group not in groups]
        joined, left = set(groups) - set(before), set(before) - set(groups)
        if joined or left:
            news[identity] = (joined, left)
    _write(writes)
    _remove(removed)
    _tell(news, by)
    return Difference(sum(len(joined) for joined, _left in news.values()), len(removed))


def _write(rows: Collection[tuple[UUID, UUID, bool]]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO outside_group_membership (identity_id, group_id, direct)
            SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::boolean[])
            ON CONFLICT (identity_id, group_id) DO UPDATE SET direct = EXCLUDED.direct
            """,
            [[str(row[0]) for row in rows], [str(row[1]) for row in rows], [row[2] for row in rows]],
        )


def _remove(rows: Collection[tuple[UUID, UUID]]) -> None:
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM outside_group_membership member
            USING unnest(%s::uuid[], %s::uuid[]) AS gone (identity_id, group_id)
            WHERE member.identity_id = gone.identity_id AND member.group_id = gone.group_id
            """,
            [[str(row[0]) for row in rows], [str(row[1]) for row in rows]],
        )


def _tell(news: Mapping[UUID, tuple[set[UUID], set[UUID]]], by: Actor) -> None:
    touched = {group for joined, left in news.values() for group in joined | left}
    if not touched:
        return
    bound = set(Binding.objects.filter(group__isnull=False).values_list("group_id", flat=True).distinct()) & touched
    if not bound:
        return
    names = dict(OutsideGroup.objects.filter(pk__in=bound).values_list("pk", "name"))
    concerned = [identity for identity, (joined, left) in news.items() if (joined | left) & bound]
    for identity in Identity.objects.filter(pk__in=concerned, user__isnull=False).select_related("user", "provider"):
        joined, left = news[identity.pk]
        if identity.user is not None:
            audit.record(
                "accounts.membership.change",
                by=by,
                on=identity.user.as_subject(),
                after={
                    "provider": identity.provider.key,
                    "joined": sorted(names[group] for group in joined & bound),
                    "left": sorted(names[group] for group in left & bound),
                },
            )
