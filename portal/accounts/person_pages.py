"""What the page of one person shows beside their roles: where they sign in, and the groups they are in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.accounts.models import Identity, Session, User
from portal.accounts.signing import linking
from portal.core import formats, parts

MOST_GROUPS = 100


@dataclass(frozen=True)
class Account:
    """One account of the person at a provider, with the groups it is in. `more` of them are not listed."""

    id: UUID
    title: str
    # Without it nobody could sign in to the person's account any more.
    last: bool
    state: str
    tone: parts.Tone
    last_sign_in: str
    groups_as_of: str
    groups: Sequence[str]
    more: int


def facts(shown: User, at: datetime) -> list[parts.Fact]:
    """Return what is to be known of the person's account here."""
    sessions = Session.objects.filter(user=shown, expire_date__gt=at).count()
    last = formats.instant(shown.last_login) if shown.last_login else None
    return [
        parts.Fact(_("User name"), shown.username, mono=True),
        parts.Fact(_("Kind"), shown.get_kind_display()),
        parts.Fact(_("Source"), _source(shown)),
        parts.Fact(_("Added"), formats.instant(shown.created_at)),
        parts.Fact(_("Last sign-in"), last, absent=_("never")),
        parts.Fact(_("Sessions"), ngettext("%(n)d open", "%(n)d open", sessions) % {"n": sessions}),
    ]


def accounts(shown: User, at: datetime) -> list[Account]:
    """Return the person's accounts at providers."""
    ways = sorted(linking.ways(shown), key=lambda way: (way.provider.name, way.identity.username))
    return [_account(way, at) for way in ways]


def tokens(shown: User, viewer: Person, at: datetime) -> dict[str, Any]:
    """Return the person's tokens for whoever sees everybody's, else nothing: `rows` as `portal.tokens` shows them."""
    if not viewer.scopes_for(Permission.USER_VIEW).everything:
        return {}
    rows, more = import_string(settings.TOKENS_OF_PERSON)(shown, at)
    return {"rows": rows, "more": more, "all_url": f"{reverse('tokens:every')}?{urlencode({'of': shown.username})}"}


def _account(way: linking.Way, at: datetime) -> Account:
    identity = way.identity
    memberships: Any = identity.memberships.filter(group__gone_at=None).select_related("group")
    names = list(memberships.order_by("group__name").values_list("group__name", flat=True)[: MOST_GROUPS + 1])
    more = max(memberships.count() - MOST_GROUPS, 0) if len(names) > MOST_GROUPS else 0
    read, signed = identity.groups_known_at, identity.last_sign_in_at
    tone: parts.Tone = "ok" if identity.state == "active" and identity.provider.enabled else "unknown"
    return Account(
        id=identity.pk,
        last=way.last,
        title=_("%(name)s at %(provider)s") % {"name": identity.username, "provider": identity.provider.name},
        state=str(identity.get_state_display()) if identity.provider.enabled else _("Provider disabled"),
        tone=tone,
        last_sign_in=formats.ago(signed, at) if signed else _("never"),
        groups_as_of=formats.ago(read, at) if read else "",
        groups=names[:MOST_GROUPS],
        more=more,
    )


def _source(shown: User) -> str:
    names = list(
        Identity.objects.filter(user=shown).order_by("provider__name").values_list("provider__name", flat=True)
    )
    return ", ".join([*([_("local")] if shown.has_usable_password() else []), *dict.fromkeys(names)]) or _("none")
