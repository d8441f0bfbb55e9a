"""What the pages of a provider show."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from portal.accounts.models import Identity, OutsideGroup, ProviderHold
from portal.accounts.models.providers import ANYBODY, GROUPS
from portal.accounts.outside import admission, queueing, round_trip_addresses
from portal.accounts.outside.admission import DryRun, Rule
from portal.accounts.outside.freezing import Touched
from portal.accounts.providers.declared import Declared, GithubProvider, LdapProvider, OidcProvider
from portal.accounts.providers.rows import Known
from portal.core import csvfile, formats, parts
from portal.jobs.models import OPEN, Job

MOST_NAMES = 50
# Who loses their way in, who stays out, who gets in.
PARTS = 3
OF_A_KIND = {"ldap": "LDAP", "github": "GitHub", "oidc": "OpenID Connect"}


def settings_tabs(active: str) -> list[parts.Tab]:
    """Return the parts of the settings."""
    places = (
        ("accounts:providers", _("Sign-in providers")),
        ("accounts:outside_groups", _("Outside groups")),
        ("accounts:proposals", _("Proposals")),
    )
    return [parts.Tab(label, reverse(name), active=name == active) for name, label in places]


def tabs(known: Known, active: str) -> list[parts.Tab]:
    """Return the parts of one provider."""
    places = (("accounts:provider", _("Overview")), ("accounts:provider_people", _("Accounts")))
    return [parts.Tab(label, reverse(name, args=[known.row.key]), active=name == active) for name, label in places]


def about(known: Known) -> str:
    """Say what it is in a line."""
    if known.declared is None:
        return _("The environment does not declare it any more: nobody signs in by it.")
    return _("%s. People sign in by it.") % OF_A_KIND[known.row.kind] if known.row.enabled else _("Disabled: frozen.")


def whole(known: Known, at: datetime) -> dict[str, Any]:
    """Return everything of the overview."""
    return {
        "provider": known.row,
        "is_declared": known.declared is not None,
        "declared": _declared(known.declared) if known.declared else [],
        "admits": _admits(admission.rule_of(known.row)),
        **state(known, at),
    }


def state(known: Known, at: datetime) -> dict[str, Any]:
    """Return how fresh it is, and what waits for somebody."""
    row = known.row
    job = Job.objects.filter(kind=queueing.KIND, key=row.key, state__in=OPEN).order_by("-created_at").first()
    hold = ProviderHold.objects.filter(provider=row).first()
    return {
        "provider": row,
        "known": known,
        "busy": job is not None,
        "hold": hold,
        "error": "" if hold and not hold.confirmed_at else row.refresh_error,
        "reads": row.kind != "oidc" and known.usable,
        "freshness": _freshness(known, at),
    }


def touched(found: Touched) -> list[parts.Fact]:
    """Return what hangs on a provider."""
    return [
        parts.Fact(_("People with an account there"), formats.number(found.people)),
        parts.Fact(_("Of them without another way in"), formats.number(found.only_here)),
        parts.Fact(_("Open sessions"), formats.number(found.sessions)),
        parts.Fact(_("Tokens of those without another way in"), formats.number(found.tokens)),
        parts.Fact(_("Groups"), formats.number(found.groups)),
        parts.Fact(_("Roles given to its groups"), formats.number(found.bindings)),
    ]


def dry_run(found: DryRun, rule: Rule, turned: str = "") -> dict[str, Any]:
    """Return who would get in and who would not, by name, a page of each.

    `turned` is where each of the three pages begins, as the buttons of the answer before carried it.
    """
    begins = _begins(turned)
    names = enumerate(_parts(found).items())
    return {
        **{key: _people(people, begins, number) for number, (key, people) in names},
        "by_groups": rule.admits == GROUPS,
    }


def dry_run_file(found: DryRun) -> Iterator[bytes]:
    """Return all of it as CSV: one line for each account."""
    rows = (
        (key, one.username, one.user.username if one.user else "", one.display_name)
        for key, people in _parts(found).items()
        for one in people.iterator(2000)
    )
    return csvfile.stream(("outcome", "account", "person", "name"), rows, iter(()))


def _parts(found: DryRun) -> dict[str, QuerySet[Identity]]:
    stays_out = found.locked_out.exclude(pk__in=found.newly_out.order_by().values("pk"))
    return {"newly": found.newly_out, "outside": stays_out, "inside": found.gets_in}


def _begins(text: str) -> list[int]:
    pieces = text.split(",")
    if len(pieces) != PARTS or not all(one.isascii() and one.isdecimal() and len(one) < 9 for one in pieces):
        return [0] * PARTS
    return [int(one) for one in pieces]


def _people(found: QuerySet[Identity], begins: Sequence[int], number: int) -> dict[str, Any]:
    count = found.count()
    begin = begins[number] if begins[number] < count else 0
    shown = [
        {"account": one.username, "person": one.user.username if one.user else "", "name": one.display_name}
        for one in found[begin : begin + MOST_NAMES]
    ]

    def turn(to: int) -> str:
        return ",".join(str(to if at == number else other) for at, other in enumerate(begins))

    return {
        "count": count,
        "people": shown,
        "first": begin + 1 if shown else 0,
        "last": begin + len(shown),
        "back": turn(max(begin - MOST_NAMES, 0)) if begin else "",
        "next": turn(begin + MOST_NAMES) if begin + MOST_NAMES < count else "",
    }


def _freshness(known: Known, at: datetime) -> list[parts.Fact]:
    row = known.row
    groups = OutsideGroup.objects.filter(provider=row, gone_at=None).count()
    people = Identity.objects.filter(provider=row, user__isnull=False).count()
    facts = [
        parts.Fact(_("People with an account here"), formats.number(people)),
        parts.Fact(_("Groups"), formats.number(groups)),
    ]
    if row.kind == "oidc":
        facts.append(parts.Fact(_("Groups read"), _("with each sign-in")))
    else:
        read = formats.ago(row.refreshed_at, at) if row.refreshed_at else None
        facts.append(parts.Fact(_("Groups read"), read, title=_instant(row.refreshed_at), absent=_("never")))
    if row.refresh_failed_at:
        facts.append(
            parts.Fact(_("Last failure"), formats.ago(row.refresh_failed_at, at), title=_instant(row.refresh_failed_at))
        )
    hours = row.max_age_seconds // 3600
    facts.append(parts.Fact(_("Rights by groups are suspended after"), _("%d hours") % hours))
    return facts


def _instant(value: datetime | None) -> str:
    return formats.instant(value) if value else ""


def _admits(rule: Rule) -> list[parts.Fact]:
    if rule.admits == ANYBODY:
        return [parts.Fact(_("Who may sign in"), _("Anybody it knows"))]
    if rule.admits == GROUPS:
        names = ", ".join(group.path or group.name for group in rule.groups)
        return [parts.Fact(_("Who may sign in"), _("Members of listed groups")), parts.Fact(_("Groups"), names)]
    shown = ", ".join(rule.people[:MOST_NAMES])
    return [parts.Fact(_("Who may sign in"), _("Listed people")), parts.Fact(_("People"), shown)]


def _set(secret: str) -> str:
    return _("set") if secret else _("not set")


def _declared(provider: Declared) -> list[parts.Fact]:
    """What the environment says; of a secret only that it is there."""
    match provider:
        case LdapProvider():
            return [
                parts.Fact(_("Servers"), ", ".join(provider.servers), mono=True),
                parts.Fact(_("Service account"), provider.bind_dn, mono=True),
                parts.Fact(_("Its password"), _set(provider.bind_password)),
                parts.Fact(_("People below"), provider.people_base, mono=True),
                parts.Fact(_("Filter of people"), provider.people_filter, mono=True),
                parts.Fact(_("User name in"), ", ".join(provider.login_attributes), mono=True),
                parts.Fact(_("Known by"), provider.subject_attribute, mono=True),
                parts.Fact(_("Groups below"), provider.groups_base, mono=True),
                parts.Fact(_("Groups in groups"), _("count") if provider.nested else _("do not count")),
            ]
        case GithubProvider():
            return [
                parts.Fact(_("Address"), provider.web_url, mono=True),
                parts.Fact(_("App"), str(provider.app_id), mono=True),
                parts.Fact(_("Organisations"), ", ".join(provider.organisations), mono=True),
                parts.Fact(_("Private key"), _set(provider.private_key)),
                parts.Fact(_("Client secret"), _set(provider.client_secret)),
                parts.Fact(_("Webhook secret"), _set(provider.webhook_secret)),
                *round_trip_addresses.facts(provider),
            ]
        case OidcProvider():
            return [
                parts.Fact(_("Issuer"), provider.issuer, mono=True),
                parts.Fact(_("Client"), provider.client_id, mono=True),
                parts.Fact(_("Client secret"), _set(provider.client_secret)),
                parts.Fact(_("Claim of groups"), provider.groups_claim or None, mono=True, absent=_("none")),
                *round_trip_addresses.facts(provider),
            ]
