"""Who may sign in by a provider: anybody it knows, members of listed groups, or listed people."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from portal.accounts.models import AdmittedPerson, GroupMembership, Identity, OutsideGroup, Provider, fold
from portal.accounts.models.providers import ACTIVE, ANYBODY, GROUPS, PEOPLE
from portal.accounts.outside import sessions_of
from portal.audit import services as audit
from portal.core import errors
from portal.core.actors import Actor


@dataclass(frozen=True)
class Rule:
    """Who gets in. `groups` count with `admits` = groups, `people` (user names there) with people."""

    admits: str
    groups: tuple[OutsideGroup, ...] = ()
    people: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class DryRun:
    """What a rule would mean for the people known here, by what was last read of their groups."""

    gets_in: QuerySet[Identity]
    locked_out: QuerySet[Identity]
    # Of these, whom the present rule lets in: they lose something.
    newly_out: QuerySet[Identity]


def rule_of(provider: Provider) -> Rule:
    """Return the rule in force."""
    return Rule(
        provider.admits,
        tuple(provider.admitted_groups.order_by("name", "path")),
        tuple(provider.admitted_people.order_by("username_folded").values_list("username_folded", flat=True)),
    )


def read(provider: Provider, *, admits: str, groups: Iterable[str], people: Iterable[str]) -> Rule:
    """Return the rule that was typed, one group or person a line. Raises `Refused` at "groups" and "people"."""
    found = tuple(dict.fromkeys(_group(provider, line) for line in _lines(groups)))
    names = tuple(dict.fromkeys(fold(line) for line in _lines(people)))
    if admits not in {ANYBODY, GROUPS, PEOPLE}:
        raise errors.Refused.one("admits", _("Choose one of the three."))
    if admits == GROUPS and not found:
        raise errors.Refused.one("groups", _("Name a group, or nobody gets in."))
    if admits == PEOPLE and not names:
        raise errors.Refused.one("people", _("Name somebody, or nobody gets in."))
    if any(len(name) > 200 for name in names):
        raise errors.Refused.one("people", _("A user name is longer than 200 characters."))
    return Rule(admits, found if admits == GROUPS else (), names if admits == PEOPLE else ())


def lets_in(provider: Provider, *, subject: str, username: str, groups: Collection[UUID]) -> bool:
    """Tell whether the rule in force takes a person; `groups` are all of theirs, reached ones included."""
    if provider.admits == ANYBODY:
        return True
    if provider.admits == GROUPS:
        return provider.admitted_groups.filter(pk__in=groups, gone_at=None).exists()
    listed = AdmittedPerson.objects.filter(provider=provider)
    return listed.filter(subject=subject).exists() or listed.filter(subject="", username_folded=fold(username)).exists()


def pin(provider: Provider, *, subject: str, username: str) -> None:
    """Tie the listed name to the person who first came by it: a name is given to others, the id never."""
    listed = AdmittedPerson.objects.filter(provider=provider)
    if not listed.filter(subject=subject).exists():
        listed.filter(subject="", username_folded=fold(username)).update(subject=subject)


def dry_run(provider: Provider, rule: Rule) -> DryRun:
    """Return who would get in and who would not, among the accounts of this provider that are known here."""
    everybody = Identity.objects.filter(provider=provider, user__isnull=False, state=ACTIVE).select_related("user")
    now = _taken(provider, rule_of(provider), everybody)
    then = _taken(provider, rule, everybody)
    inside = everybody.filter(pk__in=then).order_by("username", "pk")
    outside = everybody.exclude(pk__in=then).order_by("username", "pk")
    return DryRun(inside, outside, outside.filter(pk__in=now))


@transaction.atomic
def save(*, provider: Provider, rule: Rule, by: Actor, at: datetime) -> int:
    """Put a rule in force; sessions of those it locks out end with it. Returns how many ended."""
    row = Provider.objects.select_for_update(no_key=True).get(pk=provider.pk)
    before = _told(rule_of(row))
    row.admits = rule.admits
    row.save(update_fields=["admits"])
    row.admitted_groups.set(rule.groups)
    row.admitted_people.exclude(username_folded__in=rule.people).delete()
    AdmittedPerson.objects.bulk_create(
        [AdmittedPerson(provider=row, username_folded=name) for name in rule.people], ignore_conflicts=True
    )
    _pin_known(row)
    audit.record("accounts.provider.admit", by=by, on=row.as_subject(), before=before, after=_told(rule))
    return end_locked_out(row)


def end_locked_out(provider: Provider) -> int:
    """End the sessions of whoever the rule in force does not take, inside the caller's transaction."""
    if provider.admits == ANYBODY:
        return 0
    everybody = Identity.objects.filter(provider=provider, user__isnull=False)
    inside = _taken(provider, rule_of(provider), everybody)
    return sessions_of.end(everybody.exclude(pk__in=inside))


def _taken(provider: Provider, rule: Rule, people: QuerySet[Identity]) -> QuerySet[Identity, UUID]:
    if rule.admits == GROUPS:
        member = GroupMembership.objects.filter(
            identity=OuterRef("pk"), group__in=[group.pk for group in rule.groups], group__gone_at=None
        )
        people = people.filter(Exists(member))
    elif rule.admits == PEOPLE:
        people = people.filter(_listed(provider, rule, people))
    return people.order_by().values_list("pk", flat=True)


def _listed(provider: Provider, rule: Rule, people: QuerySet[Identity]) -> Q:
    pinned = dict(
        provider.admitted_people.filter(username_folded__in=rule.people).values_list("username_folded", "subject")
    )
    subjects = [subject for subject in pinned.values() if subject]
    free = {name for name in rule.people if not pinned.get(name)}
    # Folding is ours, not the database's.
    named = [pk for pk, name in people.values_list("pk", "username").iterator() if fold(name) in free] if free else []
    return Q(subject__in=subjects) | Q(pk__in=named)


def _pin_known(provider: Provider) -> None:
    """People who are known already are listed by their id at once."""
    free = {row.username_folded: row for row in provider.admitted_people.filter(subject="")}
    if free:
        for subject, username in provider.identities.values_list("subject", "username").iterator():
            row = free.pop(fold(username), None)
            if row is not None:
                AdmittedPerson.objects.filter(pk=row.pk, subject="").update(subject=subject)


def _group(provider: Provider, line: str) -> OutsideGroup:
    """The group of a typed line: its place, its id there, or its name where only one has it."""
    standing = OutsideGroup.objects.filter(provider=provider, gone_at=None)
    exact = standing.filter(Q(path=line) | Q(external_id=line)).first()
    if exact is not None:
        return exact
    named = list(standing.filter(name=line).order_by("path")[:4])
    if len(named) > 1:
        places = "; ".join(one.path for one in named)
        raise errors.Refused.one(
            "groups",
            _("Several groups are named %(name)s. Write the place: %(places)s") % {"name": line, "places": places},
        )
    if not named:
        raise errors.Refused.one("groups", _("The catalogue has no group %(name)s.") % {"name": line})
    return named[0]


def _lines(texts: Iterable[str]) -> list[str]:
    return [line.strip() for line in texts if line.strip()]


def _told(rule: Rule) -> dict[str, object]:
    return {
        "admits": rule.admits,
        "groups": [group.path or group.name for group in rule.groups],
        "people": list(rule.people),
    }
