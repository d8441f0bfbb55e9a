"""Writes about the installation's own roles, and what a change of one would do."""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.access import roles, words
from portal.access.permissions import Permission
from portal.access.scopes import Person, ScopeKind
from portal.accounts.bindings import impact, memberships, own_roles, right_changes, role_bindings, role_rules
from portal.accounts.models import Binding, CustomRole, User, fold
from portal.accounts.models.bindings import CUSTOM
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor
from portal.core.models import validate

LONGEST_KEY = 40


@dataclass(frozen=True)
class Draft:
    """What somebody wants a role to be."""

    name: str
    description: str
    kinds: frozenset[ScopeKind]
    permissions: frozenset[Permission]


@dataclass(frozen=True)
class Change:
    """What saving a draft, or deleting a role (no draft), does to those who hold it now.

    `people` counts everybody it reaches, through groups too; `money` is None for somebody who sees no cost.
    """

    added: list[Permission]
    removed: list[Permission]
    bindings: int
    people: int
    groups: int
    estate: impact.Estate
    money: impact.Money | None
    in_clusters: list[role_rules.InClusters]
    was_in_clusters: list[role_rules.InClusters]

    @property
    def takes_rights(self) -> bool:
        """Somebody loses something."""
        return bool(self.removed) and self.bindings > 0


def draft_of(role: CustomRole) -> Draft:
    """Return the role as it is."""
    kinds = frozenset(kind for kind in ScopeKind if kind.value in role.scope_kinds)
    return Draft(role.name, role.description, kinds, role.known_permissions())


def version(role: CustomRole) -> str:
    """Return a text that is another one after any change: what a form carries from its reading to its saving."""
    state = [role.name, role.description, sorted(role.scope_kinds), sorted(role.permissions)]
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()[:16]


def changes(*, role: CustomRole | None, draft: Draft | None, viewer: Person, at: datetime) -> Change:
    """Return what a draft would change, as far as the viewer may see it; without a draft what deleting would."""
    before = role.known_permissions() if role else frozenset()
    after = draft.permissions if draft else frozenset()
    held = list(Binding.objects.in_force(at).filter(role=role.key)) if role else []
    reached = memberships.reach(held)
    return Change(
        added=[one for one in Permission if one in after - before],
        removed=[one for one in Permission if one in before - after],
        bindings=len(held),
        people=len(memberships.people(held, at)),
        groups=len({one.group_id for one in held if one.group_id}),
        estate=impact.estate(viewer, reached, at) if held else impact.Estate(0, 0, 0),
        money=impact.money(viewer, reached, at) if held else None,
        in_clusters=role_rules.in_clusters(after, draft.kinds) if draft else [],
        was_in_clusters=role_rules.in_clusters(before, draft_of(role).kinds) if role else [],
    )


@transaction.atomic
def create(*, draft: Draft, by: Actor, at: datetime, author: User | None) -> CustomRole:
    """Add a role. The author must hold all of it on everything; None is a command. Raises `Refused`."""
    check(draft=draft, role=None, author=author)
    key = (CUSTOM + slugify(draft.name))[:LONGEST_KEY].rstrip("-")
    if len(key) <= len(CUSTOM):
        raise errors.Refused.one("name", _("Use at least one plain letter or digit: the role's key is made of them."))
    if CustomRole.objects.filter(key=key).exists() or Binding.objects.filter(role=key).exists():
        raise errors.Refused.one("name", _("There is a role with this key already: %s.") % key)
    role = CustomRole(key=key, created_at=at, created_by=by.label)
    _fill(role, draft)
    audit.record("accounts.role.create", by=by, on=role.as_subject(), after=_as_audited(role))
    return role


@transaction.atomic
def change(*, role: CustomRole, draft: Draft, seen: str, by: Actor, at: datetime, author: User | None) -> CustomRole:
    """Change a role for everybody who holds it, from their next request on.

    `seen` is the `version` that the author read. Raises `Refused` (the author lacks a right of it, it is given where
    it could not be given any more) and `Conflict` when somebody else saved in between.
    """
    locked = CustomRole.objects.select_for_update().filter(pk=role.pk).first()
    if locked is None:
        raise errors.Conflict.one("", _("This role was deleted meanwhile."))
    if version(locked) != seen:
        raise errors.Conflict.one("", _("Somebody else changed this role meanwhile. Look at the difference again."))
    check(draft=draft, role=locked, author=author)
    _demand_places_kept(locked, draft)
    before = _as_audited(locked)
    _fill(locked, draft)
    if _as_audited(locked) != before:
        right_changes.of_role(locked.key)
        audit.record("accounts.role.change", by=by, on=locked.as_subject(), before=before, after=_as_audited(locked))
    return locked


@transaction.atomic
def delete(*, role: CustomRole, by: Actor, at: datetime, take_away: bool) -> int:
    """Delete a role and, where `take_away` says so, every binding of it. Returns how many were taken away.

    Raises `Conflict` where the role is given to somebody and `take_away` is not set.
    """
    locked = CustomRole.objects.select_for_update().filter(pk=role.pk).first()
    if locked is None:
        raise errors.Conflict.one("", _("This role was deleted already."))
    given = list(Binding.objects.filter(role=locked.key).select_for_update(of=("self",)))
    if any(one.expires_at is None or one.expires_at > at for one in given) and not take_away:
        text = ngettext(
            "This role is given %(n)d time. Confirm that it is taken away.",
            "This role is given %(n)d times. Confirm that it is taken away.",
            len(given),
        )
        raise errors.Conflict.one("take_away", text % {"n": len(given)})
    for binding in given:
        role_bindings.revoke(binding=binding, by=by, at=at)
    audit.record("accounts.role.delete", by=by, on=locked.as_subject(), before=_as_audited(locked))
    locked.delete()
    return len(given)


def check(*, draft: Draft, role: CustomRole | None, author: User | None) -> None:
    """Raise `Refused` for a draft that cannot be saved: nothing in it, taken name, or more than the author holds."""
    found: dict[str, list[str]] = {}
    if not draft.kinds:
        found["kinds"] = [_("Say where the role can be given.")]
    if not draft.permissions:
        found["permissions"] = [_("Choose at least one permission.")]
    for kind, wrong in role_rules.misplaced(draft.permissions, draft.kinds).items():
        text = _("These mean nothing on %(where)s: %(what)s.")
        found.setdefault("permissions", []).append(text % {"where": words.SCOPES[kind], "what": words.listed(wrong)})
    if _is_taken(draft.name, role):
        found["name"] = [_("There is a role with this name already.")]
    if found:
        raise errors.Refused(found)
    if author is not None:
        missing = [one for one in Permission if one in draft.permissions and _lacks(author, one)]
        if missing:
            text = _("You cannot give what you do not have on everything: %s.")
            raise errors.Refused.one("permissions", text % words.listed(missing))
        # A role has no end, and may be somebody's without one.
        added = draft.permissions - (role.known_permissions() if role else frozenset())
        try:
            role_bindings.demand_lasting(author, added, role_bindings.EVERYTHING, until=None)
        except errors.Refused:
            raise errors.Refused.one(
                "permissions", _("You hold this for a time yourself. A role is there for good.")
            ) from None


def _lacks(author: User, permission: Permission) -> bool:
    return not role_bindings.holds(author, permission, role_bindings.EVERYTHING)


def _is_taken(name: str, role: CustomRole | None) -> bool:
    folded = " ".join(fold(name).split())
    own = {one.key for one in [role] if one}
    return any(
        folded in {" ".join(fold(str(other.name)).split()), fold(other.key)}
        for other in own_roles.every()
        if other.key not in own
    )


def _demand_places_kept(role: CustomRole, draft: Draft) -> None:
    lost = draft_of(role).kinds - draft.kinds
    used = Binding.objects.filter(role=role.key, scope_kind__in=[kind.value for kind in lost])
    places = sorted(set(used.values_list("scope_kind", flat=True)))
    if places:
        named = ", ".join(str(words.SCOPES[ScopeKind(one)]) for one in places)
        raise errors.Refused.one("kinds", _("The role is given on %s; take it away there first.") % named)


def _fill(role: CustomRole, draft: Draft) -> None:
    role.name, role.description = " ".join(draft.name.split()), draft.description
    role.scope_kinds = [kind.value for kind in ScopeKind if kind in draft.kinds]
    role.permissions = [one.value for one in Permission if one in draft.permissions]
    validate(role)
    role.save()


def _as_audited(role: CustomRole) -> dict[str, str]:
    return {
        "name": role.name,
        "description": role.description,
        "on": ", ".join(role.scope_kinds),
        "permissions": ", ".join(role.permissions),
    }


assert not any(key.startswith(CUSTOM) for key in roles.ROLES), "keys of the table never look like custom ones"
