"""The refresh of a provider: read everything, compare, write the differences. Run twice it changes nothing.

A failed, cut or empty-by-accident reading changes nothing. Where more than half would go, somebody confirms first.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from portal.accounts.bindings import right_changes
from portal.accounts.models import GroupMembership, Identity, OutsideGroup, Provider, ProviderHold
from portal.accounts.models.providers import ACTIVE, DISABLED, GONE
from portal.accounts.outside import (
    admission,
    arrivals,
    catalogue,
    freezing,
    memberships,
    queueing,
    reading,
    sessions_of,
)
from portal.accounts.outside.closure import reached
from portal.accounts.outside.memberships import Difference
from portal.accounts.outside.reading import Reading
from portal.accounts.providers import rows
from portal.accounts.providers.answers import Found, ProviderDown
from portal.accounts.providers.declared import GithubProvider, LdapProvider
from portal.audit import services as audit
from portal.core import clock
from portal.core.actors import SYSTEM, Actor

AT_ONCE = 500
# Less than this can go without a question: small numbers halve every day.
FEW = 5
# How long a confirmation of a hold stands.
CONFIRMED_FOR = timedelta(hours=1)
# Held inside a transaction: raises when another worker took over.
Guard = Callable[[], None]


@dataclass(frozen=True)
class Outcome:
    """What a refresh did. `why` is set where it did nothing."""

    groups_new: int = 0
    groups_renamed: int = 0
    groups_gone: int = 0
    people_stopped: int = 0
    members_added: int = 0
    members_removed: int = 0
    sessions_ended: int = 0
    why: str = ""

    @property
    def changed(self) -> bool:
        """True where groups, members or people differ from before."""
        return any(value for value in asdict(self).values() if isinstance(value, int))


def run(*, key: str, at: datetime, guard: Guard) -> Outcome:
    """Read a provider and make the rows agree. Never raises for a provider that is down."""
    known = rows.find(key)
    if known is not None and known.declared is None and known.row.enabled:
        freezing.disable(provider=known.row, by=SYSTEM, at=at)
    if known is None or not known.usable:
        return Outcome(why="not in use")
    if not isinstance(known.declared, LdapProvider | GithubProvider):
        # Groups that come with each sign-in are never read together, so nothing may count as young by that.
        return Outcome(why="nothing to read")
    provider = known.row
    rows.note_started(provider, at)
    try:
        read = _read(known.declared, provider)
    except ProviderDown as down:
        _note_failure(provider, down.reason)
        return Outcome(why=down.reason)
    held = _held(provider, read, at)
    if held:
        _note_failure(provider, held)
        return Outcome(why=held)
    return _written(provider, read, at=at, guard=guard)


@transaction.atomic
def confirm_hold(*, provider: Provider, by: Actor, at: datetime) -> bool:
    """Let a refresh, which is asked for, take away what was held. False where nothing is held."""
    # Locked, so that the figures of the event are those that were confirmed.
    hold = ProviderHold.objects.select_for_update().filter(provider=provider, confirmed_at=None).first()
    if hold is None:
        return False
    hold.confirmed_at, hold.confirmed_by = at, by.label
    hold.save(update_fields=["confirmed_at", "confirmed_by"])
    values = {"groups": hold.groups_gone, "people": hold.people_gone}
    audit.record("accounts.provider.hold", by=by, on=provider.as_subject(), after=values)
    queueing.refresh(provider, by=by)
    return True


def _read(declared: LdapProvider | GithubProvider, provider: Provider) -> Reading:
    if isinstance(declared, LdapProvider):
        return reading.of_directory(declared, provider)
    return reading.of_github(declared, provider)


def _note_failure(provider: Provider, text: str) -> None:
    Provider.objects.filter(pk=provider.pk).update(refresh_error=text[:500], refresh_failed_at=clock.now())


def _held(provider: Provider, read: Reading, at: datetime) -> str:
    """Say why a reading is not believed, "" where it is."""
    groups = set(OutsideGroup.objects.filter(provider=provider, gone_at=None).values_list("external_id", flat=True))
    left = groups - {group.external_id for group in read.groups} if read.groups is not None else set()
    people, lost = _lost(provider, read)
    emptied = bool(groups) and len(left) == len(groups)
    if not (emptied or read.empty or _too_much(len(groups), len(left)) or _too_much(people, lost)):
        return ""
    hold = ProviderHold.objects.filter(provider=provider).first()
    if hold and _confirmed(hold, at) and len(left) <= hold.groups_gone and lost <= hold.people_gone:
        return ""
    counted = {"groups_known": len(groups), "groups_gone": len(left), "people_known": people, "people_gone": lost}
    ProviderHold.objects.update_or_create(
        provider=provider, defaults={**counted, "at": at, "confirmed_at": None, "confirmed_by": ""}
    )
    return _("Held: %(groups)d of %(all_groups)d groups and %(people)d of %(all_people)d people are missing.") % {
        "groups": len(left),
        "all_groups": len(groups),
        "people": lost,
        "all_people": people,
    }


def _confirmed(hold: ProviderHold, at: datetime) -> bool:
    return hold.confirmed_at is not None and at - hold.confirmed_at < CONFIRMED_FOR


def _too_much(known: int, gone: int) -> bool:
    return gone >= FEW and gone * 2 > known


def _lost(provider: Provider, read: Reading) -> tuple[int, int]:
    """How many active accounts there are, and how many of them would be gone."""
    active = Identity.objects.filter(provider=provider, state=ACTIVE, user__isnull=False)
    subjects = set(active.values_list("subject", flat=True))
    if read.people is not None:
        return len(subjects), len(subjects - read.people.keys())
    if not any(key.startswith(reading.ORGANISATION) for key in read.members):
        return len(subjects), 0
    return len(subjects), len(subjects - _in_organisations(provider, read))


def _in_organisations(provider: Provider, read: Reading) -> set[str]:
    """Subjects who are in some organisation: of those read now, else as last kept."""
    told = {key: subjects for key, subjects in read.members.items() if key.startswith(reading.ORGANISATION)}
    kept = GroupMembership.objects.filter(
        identity__provider=provider, group__gone_at=None, group__external_id__startswith=reading.ORGANISATION
    ).exclude(group__external_id__in=told)
    return set().union(*told.values()) | set(kept.values_list("identity__subject", flat=True))


def _written(provider: Provider, read: Reading, *, at: datetime, guard: Guard) -> Outcome:
    with transaction.atomic():
        guard()
        changed = catalogue.Changed()
        if read.groups is not None:
            changed = catalogue.store(provider, read.groups, whole=True, at=at)
    if read.people is not None:
        stopped, difference = _store_people(provider, read.people, read, at=at, guard=guard)
    else:
        stopped, difference = _store_members(provider, read, at=at, guard=guard)
    with transaction.atomic():
        guard()
        ended = admission.end_locked_out(provider)
        # One row says for all accounts that they were read, so that a reading without news writes next to nothing.
        Provider.objects.filter(pk=provider.pk).update(
            refreshed_at=at, groups_read_at=at, refresh_error="", refresh_failed_at=None, marks=read.marks
        )
        ProviderHold.objects.filter(provider=provider).delete()
        outcome = Outcome(
            changed.new,
            changed.renamed,
            changed.gone,
            stopped,
            difference.added,
            difference.removed,
            ended,
        )
        if outcome.changed:
            audit.record("accounts.provider.refresh", by=SYSTEM, on=provider.as_subject(), after=asdict(outcome))
    return outcome


def _store_people(
    provider: Provider, people: Mapping[str, Found], read: Reading, *, at: datetime, guard: Guard
) -> tuple[int, Difference]:
    """Accounts and closures of a directory's people, some hundred at a time."""
    ids = catalogue.known(provider)
    parents = {group.external_id: tuple(group.parents) for group in read.groups or ()}
    stopped, difference = 0, Difference()
    for chunk in _chunks(provider):
        with transaction.atomic():
            guard()
            wanted: dict[UUID, memberships.Wanted] = {}
            current: list[UUID] = []
            for identity in _locked(chunk, at):
                found = people.get(identity.subject)
                stopped += _store_state(identity, found, at)
                if found is None:
                    continue
                direct = {ids[one] for one in found.groups if one in ids}
                through = {ids[one] for one in reached(found.groups, parents) if one in ids}
                wanted[identity.pk] = memberships.wanted(direct, through)
                current.append(identity.pk)
            difference = difference.plus(memberships.store(wanted, by=SYSTEM))
            _note_first(current, at)
    return stopped, difference


def _store_members(provider: Provider, read: Reading, *, at: datetime, guard: Guard) -> tuple[int, Difference]:
    """Members of single groups, as GitHub tells them: each list is the whole truth of its group."""
    ids = catalogue.known(provider)
    told = {ids[key]: subjects for key, subjects in read.members.items() if key in ids}
    inside = _in_organisations(provider, read)
    asked = any(key.startswith(reading.ORGANISATION) for key in read.members)
    stopped, difference = 0, Difference()
    for chunk in _chunks(provider):
        with transaction.atomic():
            guard()
            identities = list(_locked(chunk, at))
            wanted = {
                identity.pk: {group: True for group, subjects in told.items() if identity.subject in subjects}
                for identity in identities
            }
            difference = difference.plus(memberships.store(wanted, by=SYSTEM, within=list(told)))
            for identity in identities if asked else ():
                if identity.state == ACTIVE and identity.subject not in inside:
                    arrivals.stop(identity, GONE, by=SYSTEM)
                    stopped += 1
            current = [identity.pk for identity in identities if identity.state == ACTIVE]
            _note_first(current, at)
    return stopped, difference


def _note_first(keys: list[UUID], at: datetime) -> None:
    Identity.objects.filter(pk__in=keys, groups_as_of=None).update(groups_as_of=at)


def _chunks(provider: Provider) -> Iterable[list[UUID]]:
    mine = Identity.objects.filter(provider=provider, user__isnull=False).order_by("pk")
    keys = list(mine.values_list("pk", flat=True))
    for start in range(0, len(keys), AT_ONCE):
        yield keys[start : start + AT_ONCE]


def _locked(keys: list[UUID], at: datetime) -> Iterable[Identity]:
    """Lock the accounts; what a sign-in told meanwhile is younger than this reading and stays."""
    found = Identity.objects.select_for_update(of=("self",)).select_related("user", "provider")
    return found.filter(pk__in=keys).exclude(groups_as_of__gt=at).order_by("pk")


def _store_state(identity: Identity, found: Found | None, at: datetime) -> int:
    """Write what is new about an account; returns 1 where it was put out of use."""
    state = GONE if found is None else DISABLED if found.disabled else ACTIVE
    before = (identity.state, *_told(identity))
    if found is not None:
        told = (found.username[:200], found.display_name[:200], found.email[:254], found.dn[:1000])
        if told[0] != identity.username and identity.username not in identity.former_names:
            identity.former_names = [*identity.former_names, identity.username][-20:]
        identity.username, identity.display_name, identity.email, identity.dn = told
    if state != before[0]:
        # What was known until now stays known; what is read of an account that is back counts from this reading.
        identity.groups_as_of = at if state == ACTIVE else identity.groups_known_at
    identity.state = state
    if (identity.state, *_told(identity)) == before:
        return 0
    identity.save()
    if before[0] == state:
        right_changes.of_person(identity.user_id)
        return 0
    arrivals.tell_state(identity, before[0], by=SYSTEM)
    if state == ACTIVE:
        return 0
    sessions_of.end(Identity.objects.filter(pk=identity.pk))
    return 1


def _told(identity: Identity) -> tuple[str, str, str, str]:
    return identity.username, identity.display_name, identity.email, identity.dn
