"""What moving namespaces would do to people, quota, policies and the bill, before anybody moves them. Reads only.

Rooms above add lines: each function that `NAMESPACE_EFFECTS` in the settings lists is called with the person, the keys,
both project ids and an instant, and returns `Line`s; it says what that person may know.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from clusters.inventory.models import Namespace, Quota
from clusters.projects import grants
from clusters.projects.members import Grant, Holder
from clusters.projects.models import NamespaceTenure, Project
from clusters.projects.services.holdings import Key
from portal.access.permissions import Permission
from portal.access.scopes import Person, ScopeKind
from portal.accounts.bindings.role_bindings import Scope
from portal.accounts.models import OutsideGroup, User
from portal.core import action_checks, formats, parts

ACTION = "namespace.move"


@dataclass(frozen=True)
class Move:
    """What checks of a move are asked with (`ACTION_CHECKS`)."""

    keys: tuple[Key, ...]
    source: UUID
    target: UUID


@dataclass(frozen=True)
class Line:
    """One effect, in words."""

    label: str
    text: str
    tone: parts.Tone = "plain"


@dataclass(frozen=True)
class Effect:
    """What a move does. `blocked`: some check says that it must not be."""

    names: tuple[str, ...]
    lines: tuple[Line, ...]
    blocked: bool


def effect(*, source: Project, target: Project, keys: Sequence[Key], person: Person, at: datetime) -> Effect:
    """Return what the move does, as far as the person may know it."""
    held = NamespaceTenure.objects.of(keys).current().filter(project=source).select_related("cluster")
    names = tuple(sorted(f"{row.cluster.name}/{row.namespace_name}" for row in held))
    verdicts = action_checks.ask(ACTION, Move(tuple(keys), source.pk, target.pk))
    lines = [
        *_people(source, target, person, at),
        *_quotas(keys),
        *_money(person, keys, at),
        *(
            line
            for path in settings.NAMESPACE_EFFECTS
            for line in import_string(path)(person, tuple(keys), source.pk, target.pk, at)
        ),
        *(Line(_("Check"), one.text, "plain" if one.ok else "broken") for one in verdicts if one.text),
    ]
    return Effect(names, tuple(lines), any(not one.ok for one in verdicts))


def _people(source: Project, target: Project, person: Person, at: datetime) -> list[Line]:
    held = grants.of_projects([source.pk, target.pk], at)
    before = {grant.holder: grant.cluster_role for grant in sorted(held[source.pk], key=_by_role, reverse=True)}
    after = {grant.holder: grant.cluster_role for grant in sorted(held[target.pk], key=_by_role, reverse=True)}
    lose = [one for one in before if one not in after]
    gain = [one for one in after if one not in before]
    change = [one for one in before if one in after and before[one] != after[one]]
    return [
        Line(_("Lose access"), _named(lose, source, person), "attention" if lose else "plain"),
        Line(_("Get access"), _named(gain, target, person), "attention" if gain else "plain"),
        Line(_("Have another role"), _named(change, target, person)),
    ]


def _by_role(grant: Grant) -> tuple[str, Holder]:
    return grant.cluster_role, grant.holder


def _named(holders: Sequence[Holder], of: Project, person: Person) -> str:
    """Names where the person may see members, else how many."""
    if not holders:
        return _("nobody")
    seen = person.scopes_for(Permission.MEMBER_VIEW)
    scope = Scope(ScopeKind.PROJECT, of.pk, of.name)
    if not seen.covers(project=scope.id, team=_team_of(of)):
        return _("%(n)s people and groups") % {"n": formats.number(len(holders))}
    users = User.objects.filter(pk__in=[one.id for one in holders if one.kind == "User"])
    groups = OutsideGroup.objects.filter(pk__in=[one.id for one in holders if one.kind == "Group"])
    names = [*users.values_list("username", flat=True), *(_("group %s") % one.name for one in groups)]
    return ", ".join(sorted(names))


def _team_of(project: Project) -> UUID | None:
    owned = project.tenures.filter(period__endswith=None).values_list("team_id", flat=True)
    return owned.first()


def _quotas(keys: Sequence[Key]) -> list[Line]:
    """The limits that stand there now; those of the other project replace them."""
    rows = Namespace.objects.filter(uid__in=[uid for _cluster, uid in keys], gone_at=None)
    names = Quota.objects.filter(namespace__in=rows, gone_at=None).order_by("name").values_list("name", flat=True)
    found = sorted(set(names))
    text = ", ".join(found) if found else _("none stands there now")
    return [Line(_("Quotas there now"), text), Line(_("Quota and limits"), _("follow the project it comes to"))]


def _money(person: Person, keys: Sequence[Key], at: datetime) -> list[Line]:
    amounts, currency = cost_of(person, keys, at)
    if not amounts:
        return []
    whole = formats.money(sum(amounts.values(), Decimal(0)), currency)
    text = _("%s in the last 30 days; from the move on the other project pays") % whole
    return [Line(_("Bill"), text)]


def cost_of(person: Person, keys: Sequence[Key], at: datetime) -> tuple[dict[Key, Decimal], str]:
    """Return what the namespaces cost in the last 30 days as far as the person sees it, and the currency."""
    if not settings.NAMESPACE_MONEY or person.scopes_for(Permission.COST_VIEW).none:
        return {}, ""
    found: tuple[dict[Key, Decimal], str] = import_string(settings.NAMESPACE_MONEY)(person, tuple(keys), at)
    return found
