"""What a refresh reads of a provider, whole or not at all, before anything is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from portal.accounts.models import Binding, Identity, OutsideGroup, Provider
from portal.accounts.providers import github, ldap
from portal.accounts.providers.answers import Found, Group
from portal.accounts.providers.declared import GithubProvider, LdapProvider

ORGANISATION = "org:"


@dataclass(frozen=True)
class Reading:
    """A complete answer.

    `groups` is None where they did not change. `people` are those who have an account here, by subject; None where
    the provider tells of groups alone. `members` are the subjects of single groups, by external id. `marks` are kept
    to ask for changes with next time.
    """

    groups: list[Group] | None
    people: Mapping[str, Found] | None = None
    members: Mapping[str, frozenset[str]] = field(default_factory=dict)
    marks: dict[str, Any] = field(default_factory=dict)
    # Nobody at all was found where people are known: a lost right or a wrong base looks like this.
    empty: bool = False


def of_directory(p: LdapProvider, provider: Provider) -> Reading:
    """Read all groups, and the people who have an account here. Raises `ProviderDown`."""
    groups = list(ldap.groups(p))
    known = set(_subjects(provider))
    people = {found.subject: found for found in ldap.people(p, known)} if known else {}
    empty = bool(known) and not people and next(iter(ldap.people(p)), None) is None
    return Reading(groups, people, empty=empty)


def of_github(p: GithubProvider, provider: Provider) -> Reading:
    """Read organisations and teams, and the members of those that count. Raises `ProviderDown`.

    Members are asked for where a group is bound or admitted, and of each organisation, since leaving it ends the way
    in; always with the marks of the last time, so that what did not change costs no rate limit.
    """
    marks = dict(provider.marks)
    catalogue = github.groups(p, etag=marks.get("groups", ""))
    wanted = _counting(provider, catalogue.groups)
    before: dict[str, str] = marks.get("members", {})
    after: dict[str, str] = {}
    members: dict[str, frozenset[str]] = {}
    for external_id in sorted(wanted):
        answer = github.members(p, external_id, etag=before.get(external_id, ""))
        after[external_id] = answer.etag
        if answer.subjects is not None:
            members[external_id] = answer.subjects
    groups = None if catalogue.groups is None else list(catalogue.groups)
    return Reading(groups, members=members, marks={"groups": catalogue.etag, "members": after})


def _subjects(provider: Provider) -> list[str]:
    mine = Identity.objects.filter(provider=provider, user__isnull=False)
    return list(mine.values_list("subject", flat=True))


def _counting(provider: Provider, groups: tuple[Group, ...] | None) -> set[str]:
    """External ids of the groups whose members matter."""
    rows = OutsideGroup.objects.filter(provider=provider, gone_at=None)
    bound = Binding.objects.filter(group__provider=provider).values("group_id")
    admitted = provider.admitted_groups.values("pk")
    wanted = set(rows.filter(pk__in=bound).values_list("external_id", flat=True))
    wanted |= set(rows.filter(pk__in=admitted).values_list("external_id", flat=True))
    told = {group.external_id for group in groups} if groups is not None else None
    standing = told if told is not None else set(rows.values_list("external_id", flat=True))
    wanted |= {one for one in standing if one.startswith(ORGANISATION)}
    return wanted & standing
