"""Patterns of group names: each match is a proposal that somebody confirms, never a right by itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from portal.access.scopes import ScopeKind
from portal.accounts.bindings import own_roles, role_bindings, scope_names
from portal.accounts.bindings.role_bindings import Scope
from portal.accounts.models import Binding, DismissedProposal, GroupPattern, OutsideGroup, Provider, User
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor

MOST_PROPOSED = 200
STAR = "*"


@dataclass(frozen=True)
class Proposal:
    """A group whose name speaks of a team or project that is there."""

    pattern: GroupPattern
    group: OutsideGroup
    scope: Scope
    role_name: str


def slug_of(pattern: str, name: str) -> str | None:
    """Return what the star stands for in a name, None where the name does not match. Case does not matter."""
    before, _star, after = pattern.casefold().partition(STAR)
    folded = name.casefold()
    if not folded.startswith(before) or not folded.endswith(after) or len(folded) <= len(before) + len(after):
        return None
    slug = folded[len(before) : len(folded) - len(after)]
    return slug if re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", slug) else None


@transaction.atomic
def add(*, provider: Provider, pattern: str, role: str, scope_kind: str, by: Actor, at: datetime) -> GroupPattern:
    """Add a pattern. Raises `Refused` (no single star, a role the scope cannot have) and `Conflict`."""
    if pattern.count(STAR) != 1 or len(pattern) < 3:
        raise errors.Refused.one("pattern", _("Write one * where the slug stands, and something around it."))
    known = own_roles.find(role)
    if known is None or ScopeKind(scope_kind) not in known.scopes:
        raise errors.Refused.one("role", _("This role cannot be given on this kind of scope."))
    row, created = GroupPattern.objects.get_or_create(
        provider=provider,
        pattern=pattern,
        role=role,
        scope_kind=scope_kind,
        defaults={"created_at": at, "created_by": by.label},
    )
    if not created:
        raise errors.Conflict.one("pattern", _("This pattern is there already."))
    audit.record("accounts.pattern.create", by=by, on=provider.as_subject(), after=_told(row))
    return row


@transaction.atomic
def remove(*, pattern: GroupPattern, by: Actor) -> None:
    """Remove a pattern; roles given by its proposals stay."""
    audit.record("accounts.pattern.delete", by=by, on=pattern.provider.as_subject(), before=_told(pattern))
    pattern.delete()


def every() -> list[GroupPattern]:
    """Return all patterns, each with the name of its role."""
    names = {role.key: str(role.name) for role in own_roles.every()}
    found = list(GroupPattern.objects.select_related("provider").order_by("pattern", "pk"))
    for pattern in found:
        pattern.role_name = names.get(pattern.role, pattern.role)  # type: ignore[attr-defined]
    return found


def proposals(at: datetime) -> list[Proposal]:
    """Return what the patterns propose and nobody has answered, at most `MOST_PROPOSED`."""
    found: list[Proposal] = []
    for pattern in (
        GroupPattern.objects.filter(provider__enabled=True).select_related("provider").order_by("pattern", "pk")
    ):
        for proposal in _of(pattern, at):
            found.append(proposal)
            if len(found) >= MOST_PROPOSED:
                return found
    return found


@transaction.atomic
def accept(*, pattern: GroupPattern, group_id: UUID, by: Actor, granted_by: User, at: datetime) -> Binding:
    """Give the proposed role. Raises `Refused` when nothing is proposed any more, or its author has less."""
    proposal = next((one for one in _of(pattern, at) if one.group.pk == group_id), None)
    if proposal is None:
        raise errors.Refused.one("", _("This is not proposed any more."))
    return role_bindings.grant(
        group=proposal.group,
        role=pattern.role,
        scope=proposal.scope,
        by=by,
        at=at,
        reason=_("Proposed by the pattern %s") % pattern.pattern,
        granted_by=granted_by,
    )


@transaction.atomic
def dismiss(*, pattern: GroupPattern, group_id: UUID, by: Actor, at: datetime) -> None:
    """Say no, for good."""
    group = OutsideGroup.objects.filter(pk=group_id, provider=pattern.provider).first()
    if group is None:
        raise errors.Refused.one("", _("This is not proposed any more."))
    DismissedProposal.objects.get_or_create(pattern=pattern, group=group, defaults={"at": at, "by": by.label})
    audit.record("accounts.proposal.dismiss", by=by, on=group.as_subject(), after=_told(pattern))


def _of(pattern: GroupPattern, at: datetime) -> Iterator[Proposal]:
    before = pattern.pattern.partition(STAR)[0]
    groups = OutsideGroup.objects.filter(provider=pattern.provider, gone_at=None, name__istartswith=before)
    groups = (
        groups.exclude(pk__in=pattern.dismissed.values("group_id")).order_by("name", "pk").select_related("provider")
    )
    role = own_roles.find(pattern.role)
    if role is None:
        return
    given = set(
        Binding.objects.in_force(at)
        .filter(group__provider=pattern.provider, role=pattern.role, scope_kind=pattern.scope_kind)
        .values_list("group_id", "scope_id")
    )
    for group in groups:
        slug = slug_of(pattern.pattern, group.name)
        if slug is None:
            continue
        try:
            scope = scope_names.scope_from(pattern.scope_kind, slug)
        except errors.Refused:
            continue
        if (group.pk, scope.id) not in given:
            yield Proposal(pattern, group, scope, str(role.name))


def _told(pattern: GroupPattern) -> dict[str, str]:
    return {"pattern": pattern.pattern, "role": pattern.role, "on": pattern.scope_kind}
