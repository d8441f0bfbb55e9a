"""Enabling, disabling and deleting a provider, and what each of them touches."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from portal.accounts.bindings import right_changes
from portal.accounts.models import Binding, Identity, OutsideGroup, Provider, Session, User
from portal.accounts.outside import queueing, sessions_of
from portal.accounts.providers import rows
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor


@dataclass(frozen=True)
class Touched:
    """What hangs on a provider."""

    people: int
    # People who have no other way in.
    only_here: int
    sessions: int
    # Live ones of the people who have no other way in: they open nothing any more.
    tokens: int
    groups: int
    bindings: int

    def as_values(self) -> dict[str, int]:
        """Return the figures for the audit."""
        return {
            "people": self.people,
            "sessions": self.sessions,
            # A field called after tokens would be masked.
            "programs": self.tokens,
            "bindings": self.bindings,
            "groups": self.groups,
        }


def touched(provider: Provider, at: datetime) -> Touched:
    """Count what disabling freezes and deleting removes."""
    mine = Identity.objects.filter(provider=provider, user__isnull=False)
    people = User.objects.filter(pk__in=mine.values("user_id"))
    elsewhere = Identity.objects.exclude(provider=provider).filter(provider__enabled=True, user__isnull=False)
    others = people.exclude(pk__in=elsewhere.values("user_id"))
    only_here = [user.pk for user in others.only("password") if not user.has_usable_password()]
    tokens: int = import_string(settings.TOKEN_COUNTER)(only_here, at)
    return Touched(
        people=people.count(),
        only_here=len(only_here),
        tokens=tokens,
        sessions=Session.objects.filter(identity__provider=provider, expire_date__gt=at).count(),
        groups=OutsideGroup.objects.filter(provider=provider, gone_at=None).count(),
        bindings=Binding.objects.in_force(at).filter(group__provider=provider).count(),
    )


@transaction.atomic
def enable(*, provider: Provider, by: Actor, at: datetime) -> None:
    """Let people sign in by it, and read its groups. Raises `Conflict` when it is not declared."""
    known = rows.find(provider.key)
    if known is None or known.declared is None:
        raise errors.Conflict.one("", _("The environment does not declare this provider any more."))
    if Provider.objects.filter(pk=provider.pk, enabled=False).update(enabled=True):
        right_changes.of_provider(provider)
        audit.record("accounts.provider.enable", by=by, on=provider.as_subject(), after={"enabled": True})
        queueing.refresh(provider, by=by)


@transaction.atomic
def disable(*, provider: Provider, by: Actor, at: datetime) -> Touched:
    """Freeze: sessions end, rights by its groups give nothing, and nothing of it is forgotten."""
    row = Provider.objects.select_for_update(no_key=True).get(pk=provider.pk)
    found = touched(row, at)
    if row.enabled:
        row.enabled = False
        row.save(update_fields=["enabled"])
        right_changes.of_provider(row)
        sessions_of.end(Identity.objects.filter(provider=row))
        audit.record("accounts.provider.disable", by=by, on=row.as_subject(), after=found.as_values())
    return found


@transaction.atomic
def delete(*, provider: Provider, with_bindings: bool, by: Actor, at: datetime) -> Touched:
    """Forget a disabled provider: its groups and accounts, never the people themselves.

    Raises `Conflict` while it is enabled, and while roles are given to its groups unless they go with it.
    """
    row = Provider.objects.select_for_update().get(pk=provider.pk)
    found = touched(row, at)
    bindings = Binding.objects.filter(group__provider=row).select_related("group", "user")
    if row.enabled:
        raise errors.Conflict.one("", _("Disable it first."))
    if bindings and not with_bindings:
        raise errors.Conflict.one("with_bindings", _("Roles are given to its groups. Confirm that they go as well."))
    for binding in bindings:
        audit.record(
            "accounts.binding.revoke",
            by=by,
            on=binding.as_subject(),
            before={"holder": binding.holder, "role": binding.role},
        )
        right_changes.of_binding(binding)
    right_changes.of_provider(row)
    bindings.delete()
    sessions_of.end(Identity.objects.filter(provider=row))
    Identity.objects.filter(provider=row).delete()
    row.admitted_groups.clear()
    OutsideGroup.objects.filter(provider=row).delete()
    audit.record("accounts.provider.delete", by=by, on=row.as_subject(), before=found.as_values())
    row.delete()
    return found


@transaction.atomic
def change_age(*, provider: Provider, hours: int, by: Actor) -> None:
    """Set after how many hours rights by groups are suspended. Raises `Refused` at "hours"."""
    if not 1 <= hours <= 7 * 24:
        raise errors.Refused.one("hours", _("Between 1 and 168 hours."))
    row = Provider.objects.select_for_update(no_key=True).get(pk=provider.pk)
    before, row.max_age_seconds = row.max_age_seconds, hours * 3600
    if before != row.max_age_seconds:
        row.save(update_fields=["max_age_seconds"])
        right_changes.of_provider(row)
        audit.record(
            "accounts.provider.age",
            by=by,
            on=row.as_subject(),
            before={"hours": before // 3600},
            after={"hours": hours},
        )
