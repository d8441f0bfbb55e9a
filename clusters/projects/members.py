"""Who is a subject of which ClusterRole in the namespaces of a project. Pure.

A namespace has at most one RoleBinding per ClusterRole, `paddock-edit` and `paddock-view`: a roleRef cannot change, so
a change of role moves a subject from one to the other. What a role of Paddock becomes there is for
`portal.accounts.bindings.role_rules.in_clusters`.
"""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

EDIT, VIEW = "paddock-edit", "paddock-view"
# The larger one first: whoever has both is bound to the first alone.
CLUSTER_ROLES = (EDIT, VIEW)
# The groups under which Paddock's own access to clusters knows people, by the ClusterRole they are bound to.
OWN_GROUPS = {EDIT: ("project_owner", "project_member"), VIEW: ("project_viewer",)}
RESERVED = ("system:", "paddock:")
LONGEST = 253
RBAC = "rbac.authorization.k8s.io"

Kind = Literal["User", "Group"]


@dataclass(frozen=True, order=True)
class Subject:
    """A user or group as the cluster knows it."""

    kind: Kind
    name: str

    def as_body(self) -> dict[str, str]:
        """Return it as a RoleBinding names it."""
        return {"apiGroup": RBAC, "kind": self.kind, "name": self.name}


@dataclass(frozen=True, order=True)
class Holder:
    """A person or an outside group, by the id that never changes."""

    kind: Kind
    id: UUID


@dataclass(frozen=True)
class Grant:
    """A role of Paddock that holds now, as the ClusterRole it becomes."""

    cluster_role: str
    holder: Holder


@dataclass(frozen=True)
class Refused:
    """A holder who is no subject in this cluster, with the final name and why: empty, reserved, long, twins."""

    holder: Holder
    name: str
    why: str


@dataclass(frozen=True)
class Named:
    """What holders are called in one cluster."""

    subjects: Mapping[Holder, Subject] = field(default_factory=dict)
    refused: tuple[Refused, ...] = ()


def own_group(project_id: UUID, role: str) -> Subject:
    """Return the group under which Paddock's own access to clusters knows a project's people."""
    return Subject("Group", f"paddock:project:{project_id}:{role}")


def checked(names: Mapping[Holder, str]) -> Named:
    """Return the names that may be written; `names` are final, as the server will see them.

    Servers compare bytes, people do not: names that only case or width tell apart are twins, and both are refused.
    """
    refused: list[Refused] = []
    alike: dict[tuple[Kind, str], list[Holder]] = defaultdict(list)
    for holder, name in sorted(names.items()):
        why = _wrong(name)
        if why:
            refused.append(Refused(holder, name, why))
        else:
            alike[(holder.kind, folded(name))].append(holder)
    subjects = {}
    for (kind, _folded), holders in alike.items():
        if len(holders) == 1:
            subjects[holders[0]] = Subject(kind, names[holders[0]])
        else:
            refused += [Refused(one, names[one], "twins") for one in holders]
    return Named(subjects, tuple(refused))


def folded(name: str) -> str:
    """Return the form in which names are compared."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _wrong(name: str) -> str:
    plain = folded(name).strip()
    if not plain:
        return "empty"
    if plain.startswith(RESERVED):
        return "reserved"
    if any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for letter in name):
        return "control"
    return "long" if len(name.encode(errors="replace")) > LONGEST else ""


def of_project(project_id: UUID, grants: Iterable[Grant], named: Named) -> dict[str, tuple[Subject, ...]]:
    """Return the subjects of each ClusterRole, sorted and without double ones."""
    found: dict[str, set[Subject]] = {
        role: {own_group(project_id, group) for group in OWN_GROUPS[role]} for role in CLUSTER_ROLES
    }
    for grant in grants:
        subject = named.subjects.get(grant.holder)
        if subject is not None and grant.cluster_role in found:
            found[grant.cluster_role].add(subject)
    found[VIEW] -= found[EDIT]
    return {role: tuple(sorted(subjects)) for role, subjects in found.items()}
