"""Trying out a sign-in, step by step: nobody is signed in and nothing is kept but the audit's line."""

import time
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from portal.accounts import limits
from portal.accounts.bindings import own_roles
from portal.accounts.models import Binding, Identity, OutsideGroup, Provider, RoundTrip, User
from portal.accounts.outside import admission, catalogue
from portal.accounts.providers import ldap
from portal.accounts.providers.answers import Found, NotAdmitted, ProviderDown, Step, WrongCredentials
from portal.accounts.providers.rows import Known
from portal.accounts.signing import round_trips
from portal.audit import services as audit
from portal.core import errors, parts
from portal.core.actors import Actor

MOST_SHOWN = 20
TITLES = {
    "input": gettext_lazy("Input"),
    "resolve": gettext_lazy("Resolve the name"),
    "connect": gettext_lazy("Connect, with TLS"),
    "service": gettext_lazy("Sign in as the service account"),
    "search": gettext_lazy("Find the person"),
    "bind": gettext_lazy("Sign in as the person"),
    "round_trip": gettext_lazy("Round trip to the provider"),
    "groups": gettext_lazy("Groups"),
    "mapping": gettext_lazy("Who that is here"),
    "admission": gettext_lazy("May they sign in?"),
    "rights": gettext_lazy("What they could do"),
}


def demand_tries(user: User, *, at: datetime) -> None:
    """Raise `Refused` when somebody tried out too often: this is no way to guess passwords."""
    if not limits.spend(limits.LOGIN_TESTS, str(user.pk), at):
        raise errors.TooMany.after(300, "", _("Too many trials. Wait some minutes, then try again."))


def by_password(known: Known, *, username: str, password: str, by: Actor, at: datetime) -> list[Step]:
    """Return the steps of a sign-in at a directory."""
    steps, found = ldap.try_out(known.ldap, username, password)
    _record(known, steps, by)
    return [*steps, *_consequences(known.row, found, at)]


def by_browser(known: Known, trip: RoundTrip, *, code: str, issuer: str | None, by: Actor, at: datetime) -> list[Step]:
    """Return the steps of a round trip that has come back."""
    begun, found, told = time.monotonic(), None, []
    try:
        arrival = round_trips.finish(known, trip, code=code, issuer=issuer)
    except (ProviderDown, WrongCredentials, NotAdmitted) as error:
        told = [
            Step("round_trip", False, str(error), time.monotonic() - begun),
            Step("groups", None, _("Not reached.")),
        ]
    else:
        found = arrival.found
        told = [
            Step("round_trip", True, found.username, time.monotonic() - begun),
            Step("groups", True, _names([group.name for group in arrival.groups])),
        ]
    _record(known, told, by)
    return [*told, *_consequences(known.row, found, at)]


def page(known: Known, steps: list[Step]) -> dict[str, Any]:
    """Return what the page of a trial shows."""
    tones: dict[bool | None, parts.Tone] = {True: "ok", False: "broken", None: "unknown"}
    return {
        "title": _("Trial of %s") % known.row.name,
        "about": _("Nobody was signed in, and nothing of it is kept."),
        "crumbs": crumbs(known.row),
        "checks": [
            parts.Check(
                TITLES.get(step.name, step.name),
                tones[step.ok],
                f"{step.text} {_took(step.seconds)}".strip(),
            )
            for step in steps
        ],
        "provider": known.row,
    }


def crumbs(provider: Provider) -> list[parts.Crumb]:
    """Return the way to a page below a provider's."""
    return [
        parts.Crumb(_("Sign-in providers"), reverse("accounts:providers")),
        parts.Crumb(provider.name, reverse("accounts:provider", args=[provider.key])),
    ]


def _took(seconds: float) -> str:
    return _("(%(ms)d ms)") % {"ms": round(seconds * 1000)} if seconds else ""


def _record(known: Known, steps: list[Step], by: Actor) -> None:
    failed = next((step.name for step in steps if step.ok is False), "")
    audit.record("accounts.provider.test", by=by, on=known.row.as_subject(), after={"failed_at": failed})


def _consequences(provider: Provider, found: Found | None, at: datetime) -> list[Step]:
    if found is None:
        return [Step(name, None, _("Not reached.")) for name in ("mapping", "admission", "rights")]
    ids = catalogue.known(provider)
    direct = {ids[one] for one in found.groups if one in ids}
    groups = catalogue.reached(provider, direct | {ids[one] for one in found.through if one in ids})
    unknown = len([one for one in found.groups if one not in ids])
    identity = Identity.objects.select_related("user").filter(provider=provider, subject=found.subject).first()
    user = identity.user if identity else None
    return [
        Step("mapping", user is None or user.is_active, _mapped(user, groups, unknown)),
        _admission(provider, found, groups),
        Step("rights", True, _rights(user, groups, at)),
    ]


def _mapped(user: User | None, groups: set[Any], unknown: int) -> str:
    who = (
        _("The first sign-in makes a new person, without rights of their own.")
        if user is None
        else _("%s.") % user.username
    )
    names = OutsideGroup.objects.filter(pk__in=groups, gone_at=None).order_by("name").values_list("name", flat=True)
    text = f"{who} {_names(list(names))}"
    if unknown:
        text += " " + ngettext(
            "%(count)d group is not in the catalogue yet.", "%(count)d groups are not in the catalogue yet.", unknown
        ) % {"count": unknown}
    return text


def _admission(provider: Provider, found: Found, groups: set[Any]) -> Step:
    if found.disabled:
        return Step("admission", False, _("No: the account is disabled, locked or expired there."))
    if not admission.lets_in(provider, subject=found.subject, username=found.username, groups=groups):
        return Step("admission", False, _("No: not among those who may sign in."))
    if not provider.enabled:
        return Step("admission", None, _("Yes, once the provider is enabled."))
    return Step("admission", True, _("Yes."))


def _rights(user: User | None, groups: set[Any], at: datetime) -> str:
    held = Binding.objects.in_force(at).filter(group__in=groups, group__gone_at=None)
    own = Binding.objects.in_force(at).filter(user=user) if user else Binding.objects.none()
    told = [_binding(one) for one in (*own[:MOST_SHOWN], *held.select_related("group")[:MOST_SHOWN])]
    return "; ".join(told) if told else _("Nothing: no role is given to this person or these groups.")


def _binding(binding: Binding) -> str:
    role = own_roles.name_of(binding.role)
    where = binding.scope_label or binding.scope_kind
    if binding.group is None:
        return _("%(role)s on %(scope)s") % {"role": role, "scope": where}
    return _("%(role)s on %(scope)s by %(group)s") % {"role": role, "scope": where, "group": binding.group.name}


def _names(names: list[str]) -> str:
    if not names:
        return _("In no group.")
    shown = ", ".join(names[:MOST_SHOWN])
    more = len(names) - MOST_SHOWN
    return _("In %(names)s and %(more)d more.") % {"names": shown, "more": more} if more > 0 else _("In %s.") % shown
