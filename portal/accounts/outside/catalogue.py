"""The catalogue of outside groups: rows made to agree with what a provider told, by differences alone."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from portal.accounts.bindings import right_changes
from portal.accounts.models import GroupNesting, OutsideGroup, Provider
from portal.accounts.outside import closure
from portal.accounts.providers.answers import Group

LONGEST_ID, LONGEST_NAME, LONGEST_PATH = 255, 255, 1000
AT_ONCE = 1000


@dataclass(frozen=True)
class Changed:
    """How many groups are new (also: back), renamed or moved, and gone; whether any nesting changed."""

    new: int = 0
    renamed: int = 0
    gone: int = 0
    nesting: bool = False

    @property
    def any(self) -> bool:
        """True where a row was written."""
        return bool(self.new or self.renamed or self.gone or self.nesting)


def known(provider: Provider) -> dict[str, UUID]:
    """Return the groups that stand, by the provider's own id."""
    return dict(OutsideGroup.objects.filter(provider=provider, gone_at=None).values_list("external_id", "id"))


def store(provider: Provider, groups: Collection[Group], *, whole: bool, at: datetime) -> Changed:
    """Make the rows agree. `whole`: groups that are not named are gone; else only those named are touched.

    Called inside the caller's transaction.
    """
    told = {group.external_id: group for group in groups if len(group.external_id) <= LONGEST_ID}
    mine = OutsideGroup.objects.filter(provider=provider)
    if not whole:
        mine = mine.filter(external_id__in=told)
    rows = {row.external_id: row for row in mine}
    new = [_new(provider, group, at) for key, group in told.items() if key not in rows]
    back = [rows[key] for key in told if key in rows and rows[key].gone_at is not None]
    renamed = [rows[key] for key, group in told.items() if key in rows and _differs(rows[key], group)]
    for row in back:
        row.gone_at, row.seen_at = None, at
    for row in renamed:
        row.name, row.path = _text(told[row.external_id])
    OutsideGroup.objects.bulk_create(new, batch_size=AT_ONCE)
    changed = list({row.pk: row for row in (*back, *renamed)}.values())
    OutsideGroup.objects.bulk_update(changed, ["name", "path", "gone_at", "seen_at"], batch_size=AT_ONCE)
    gone = [row.pk for key, row in rows.items() if whole and key not in told and row.gone_at is None]
    OutsideGroup.objects.filter(pk__in=gone).update(gone_at=at)
    right_changes.of_groups([*gone, *(row.pk for row in changed)])
    nesting = _store_nesting(provider, told.values(), whole=whole)
    return Changed(len(new) + len(back), len(renamed), len(gone), nesting)


def reached(provider: Provider, direct: Iterable[UUID]) -> set[UUID]:
    """Return the groups with all those they stand in, as far as they stand.

    The whole nesting is read: a chain a thousand deep is one question, where a recursive one takes seconds.
    """
    parents: dict[UUID, list[UUID]] = {}
    edges = GroupNesting.objects.filter(child__provider=provider, parent__gone_at=None)
    for parent, child in edges.values_list("parent_id", "child_id").iterator():
        parents.setdefault(child, []).append(parent)
    return closure.reached(direct, parents)


def _new(provider: Provider, group: Group, at: datetime) -> OutsideGroup:
    name, path = _text(group)
    return OutsideGroup(provider=provider, external_id=group.external_id, name=name, path=path, seen_at=at)


def _text(group: Group) -> tuple[str, str]:
    return (group.name or group.external_id)[:LONGEST_NAME], group.path[:LONGEST_PATH]


def _differs(row: OutsideGroup, group: Group) -> bool:
    return (row.name, row.path) != _text(group)


def _store_nesting(provider: Provider, groups: Iterable[Group], *, whole: bool) -> bool:
    """Write which group stands in which. Not `whole`: for the groups named, as children."""
    ids = known(provider)
    wanted = {
        (ids[parent], ids[group.external_id])
        for group in groups
        for parent in group.parents
        if parent in ids and group.external_id in ids and parent != group.external_id
    }
    stored = GroupNesting.objects.filter(child__provider=provider)
    if not whole:
        named = [ids[group.external_id] for group in groups if group.external_id in ids]
        stored = stored.filter(child_id__in=named)
    present = {(parent, child): pk for pk, parent, child in stored.values_list("pk", "parent_id", "child_id")}
    extra = [pk for edge, pk in present.items() if edge not in wanted]
    missing = [GroupNesting(parent_id=parent, child_id=child) for parent, child in wanted - set(present)]
    # Who holds the other has other groups in it now.
    right_changes.of_groups(parent for parent, _child in set(present) ^ wanted)
    if extra:
        GroupNesting.objects.filter(pk__in=extra).delete()
    GroupNesting.objects.bulk_create(missing, batch_size=AT_ONCE, ignore_conflicts=True)
    return bool(extra or missing)
