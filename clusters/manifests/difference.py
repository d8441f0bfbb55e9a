"""What a document would change of a project: resolved, checked against the rights of whoever sends it, in words."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from django.db.models import Q
from django.utils.translation import gettext as _

from clusters.inventory.models import Namespace
from clusters.manifests.document import Manifest, Member, Place
from clusters.manifests.present import Key, Standing
from clusters.projects import selectors
from portal.access.permissions import Permission
from portal.accounts.bindings import searching
from portal.accounts.models import Binding, OutsideGroup, User
from portal.core import errors
from portal.tokens.models import Robot

Act = Literal["set", "give", "end", "take", "claim", "release"]


@dataclass(frozen=True)
class Step:
    """One change: where the document says it, what it does, and the values before and after in words."""

    path: str
    act: Act
    what: str
    before: str = ""
    after: str = ""


@dataclass
class Plan:
    """All steps, and the rows they are about; members with their path. `fields` are of the project itself."""

    steps: list[Step] = field(default_factory=list)
    fields: dict[str, str | bool] = field(default_factory=dict)
    give: list[tuple[str, Member, User | OutsideGroup]] = field(default_factory=list)
    ends: list[tuple[str, Member, Binding]] = field(default_factory=list)
    take: list[Binding] = field(default_factory=list)
    claim: list[Key] = field(default_factory=list)
    release: list[Key] = field(default_factory=list)

    @property
    def changes_members(self) -> bool:
        """Whether roles are given, changed or taken away."""
        return bool(self.give or self.ends or self.take)

    @property
    def changes_namespaces(self) -> bool:
        """Whether namespaces come or go."""
        return bool(self.claim or self.release)


def plan(
    standing: Standing, wanted: Manifest, *, person: User, at: datetime, prune: bool = True, personal: bool = True
) -> Plan:
    """Return what makes the project what the document says; with `prune` off nothing is taken away or released.

    `personal` says that a person signed in a moment ago asks: members change for no one else. Raises `Refused` with
    the path of whatever is not there for this person, which reads like what is not there at all.
    """
    found, faults = Plan(), dict[str, list[str]]()
    _fields(found, standing.manifest, wanted, faults)
    if wanted.members is not None and _differ(standing, wanted.members, prune):
        if personal:
            _members(found, standing, wanted.members, person, at, prune, faults)
        else:
            faults["spec.members"] = [
                _("The members differ from those of the project. A person who signed in a moment ago changes them.")
            ]
    if wanted.namespaces is not None:
        _namespaces(found, standing, wanted.namespaces, person, prune, faults)
    if faults:
        raise errors.Refused(faults)
    return found


def _fields(found: Plan, now: Manifest, wanted: Manifest, faults: dict[str, list[str]]) -> None:
    if wanted.slug != now.slug:
        faults["metadata.name"] = [_("The document is about another project.")]
    if wanted.team is not None and wanted.team != now.team:
        faults["spec.team"] = [_("The project belongs to another team. Give it to this one on its settings page.")]
    named = (
        ("name", "spec.name", now.name, wanted.name),
        ("description", "spec.description", now.description, wanted.description),
        ("is_listed", "spec.listed", now.listed, wanted.listed),
        ("managed_by", "metadata.managedBy", now.managed_by, wanted.managed_by),
    )
    for key, path, before, after in named:
        if after is not None and after != before:
            found.fields[key] = after
            found.steps.append(Step(path, "set", path.rpartition(".")[2], str(before or ""), str(after)))


def _differ(standing: Standing, members: Iterable[Member], prune: bool) -> bool:
    wanted = {one.key: one for one in members}
    gone = standing.bindings.keys() - wanted.keys()
    return any(_news(one, standing.bindings.get(key)) for key, one in wanted.items()) or bool(prune and gone)


def _news(member: Member, binding: Binding | None) -> bool:
    if binding is None or binding.expires_at != member.until:
        return True
    return bool(member.id and binding.group is not None and binding.group.external_id != member.id)


def _members(
    found: Plan,
    standing: Standing,
    members: tuple[Member, ...],
    person: User,
    at: datetime,
    prune: bool,
    faults: dict[str, list[str]],
) -> None:
    for number, member in enumerate(members):
        path, binding = f"spec.members[{number}]", standing.bindings.get(member.key)
        if not _news(member, binding):
            continue
        if member.until is not None and member.until <= at:
            faults[f"{path}.until"] = [_("The end lies in the past.")]
        elif binding is not None and not _is_another(member, binding):
            found.ends.append((path, member, binding))
            before = binding.expires_at.isoformat() if binding.expires_at else _("without end")
            after = member.until.isoformat() if member.until else _("without end")
            found.steps.append(Step(path, "end", words(member), before, after))
        else:
            holder = _holder(member, person)
            if isinstance(holder, str):
                faults[f"{path}.{member.kind}"] = [holder]
                continue
            if binding is not None:
                found.take.append(binding)
            found.give.append((path, member, holder))
            found.steps.append(Step(path, "give", words(member)))
    if prune:
        kept = {one.key for one in members}
        for key, binding in standing.bindings.items():
            if key not in kept:
                found.take.append(binding)
                found.steps.append(Step("spec.members", "take", f"{binding.holder}: {binding.role}"))


def _is_another(member: Member, binding: Binding) -> bool:
    """Whether the document means another group of the same name."""
    return bool(member.id and binding.group is not None and binding.group.external_id != member.id)


def words(member: Member) -> str:
    """Return who and which role."""
    return f"{member.name}: {member.role}"


def _holder(member: Member, person: User) -> User | OutsideGroup | str:
    """The account or group, or in words why there is none for this person."""
    if member.kind == "group":
        groups = OutsideGroup.objects.filter(provider__key=member.provider, name=member.name, gone_at=None)
        known = list(groups.filter(provider__enabled=True, **({"external_id": member.id} if member.id else {}))[:2])
        if len(known) > 1:
            return _("There are several groups of this name. Give the id of one.")
        return known[0] if known else _("There is no group of this name there.")
    if member.kind == "robot":
        robot = Robot.objects.visible_to(person).standing().filter(slug=member.name).select_related("user").first()
        return robot.user if robot else _("There is no robot of this name.")
    user = User.objects.filter(username=member.name).first()
    seen = searching.by_value(f"person:{user.pk}", person) if user else None
    return seen if isinstance(seen, User) else _("There is nobody of this name.")


def _namespaces(
    found: Plan,
    standing: Standing,
    places: tuple[Place, ...],
    person: User,
    prune: bool,
    faults: dict[str, list[str]],
) -> None:
    missing = {place: number for number, place in enumerate(places) if place not in standing.holdings}
    known = _known(missing, person)
    for place, number in missing.items():
        row = known.get(place)
        if row is None:
            faults[f"spec.namespaces[{number}]"] = [_("There is no namespace without project of this name there.")]
            continue
        found.claim.append((row.cluster_id, row.uid))
        found.steps.append(Step(f"spec.namespaces[{number}]", "claim", f"{place.cluster}/{place.name}"))
    if prune:
        for place in sorted(standing.holdings.keys() - set(places)):
            found.release.append(standing.holdings[place])
            found.steps.append(Step("spec.namespaces", "release", f"{place.cluster}/{place.name}"))


def _known(places: Iterable[Place], person: User) -> dict[Place, Namespace]:
    """Namespaces without project that the person may put into one; what others hold is not there."""
    by_cluster: dict[str, list[str]] = {}
    for place in places:
        by_cluster.setdefault(place.cluster, []).append(place.name)
    named = Q(pk__in=[])
    for cluster, names in by_cluster.items():
        named |= Q(cluster__slug=cluster, name__in=names)
    rows = Namespace.objects.visible_to(person, Permission.PROJECT_ASSIGN).filter(named, gone_at=None, project_id=None)
    found = {Place(row.cluster.slug, row.name): row for row in rows.select_related("cluster")}
    keys = [(row.cluster_id, row.uid) for row in found.values()]
    return found if selectors.assignable(person, keys) else {}
