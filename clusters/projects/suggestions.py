"""Who probably owns a namespace that nobody holds. Pure, and advice only: a person decides.

The first of these that says something wins: the project that held a namespace of this name in this cluster before;
the one project whose rule fits; the project that holds the other namespaces of the same Rancher project; labels that
name a project or a team.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

Key = tuple[UUID, str]
Reason = Literal["former", "rule", "rancher", "label", "team_label", ""]

# In the order of trust. A value names a project by slug or name, a team likewise.
PROJECT_LABELS = ("project", "app.kubernetes.io/part-of", "paddock/project", "projectName", "product", "application")
TEAM_LABELS = ("team", "owner", "app.kubernetes.io/team", "owner-team", "squad", "department")


@dataclass(frozen=True)
class Unowned:
    """A namespace without project. `rancher_project` is the value of `field.cattle.io/projectId`, "" without."""

    key: Key
    name: str
    labels: Mapping[str, str]
    rancher_project: str = ""


@dataclass(frozen=True)
class Choice:
    """A project that a namespace could go to."""

    id: UUID
    slug: str
    name: str
    team_slug: str
    team_name: str


@dataclass(frozen=True)
class Rule:
    """What a project claims: a beginning of names, or a label; `clusters` None is all of them."""

    project: UUID
    prefix: str = ""
    label_key: str = ""
    label_value: str = ""
    clusters: frozenset[UUID] | None = None

    @property
    def text(self) -> str:
        """What it looks for."""
        return f"{self.prefix}*" if self.prefix else f"{self.label_key}={self.label_value}"

    def fits(self, one: "Unowned") -> bool:
        """Tell whether it means the namespace."""
        if self.clusters is not None and one.key[0] not in self.clusters:
            return False
        return one.name.startswith(self.prefix) if self.prefix else one.labels.get(self.label_key) == self.label_value


@dataclass(frozen=True)
class Known:
    """What is known: holdings once by (cluster, namespace name), now by (cluster, Rancher project), and rules."""

    former: Mapping[tuple[UUID, str], UUID] = field(default_factory=dict)
    rancher: Mapping[tuple[UUID, str], frozenset[UUID]] = field(default_factory=dict)
    rules: Sequence[Rule] = ()


@dataclass(frozen=True)
class Suggestion:
    """`project` is None where only a team, or only a label's text, is known.

    `group` is shared by namespaces that belong together whatever the answer is (their Rancher project).
    """

    project: Choice | None = None
    reason: Reason = ""
    team: str = ""
    label: str = ""
    value: str = ""
    group: str = ""


def suggest(namespaces: Iterable[Unowned], choices: Sequence[Choice], known: Known) -> dict[Key, Suggestion]:
    """Return one suggestion per namespace; an empty one where nothing points anywhere."""
    names = _Names(choices)
    return {one.key: _of(one, names, known) for one in namespaces}


def _of(one: Unowned, names: "_Names", known: Known) -> Suggestion:
    cluster = one.key[0]
    group = f"{cluster}/{one.rancher_project}" if one.rancher_project else ""
    former = names.by_id.get(known.former.get((cluster, one.name), cluster))
    if former is not None:
        return Suggestion(former, "former", former.team_name, group=group)
    fitting = [rule for rule in known.rules if rule.fits(one)]
    if len({rule.project for rule in fitting}) == 1 and (ruled := names.by_id.get(fitting[0].project)) is not None:
        return Suggestion(ruled, "rule", ruled.team_name, value=fitting[0].text, group=group)
    neighbours = known.rancher.get((cluster, one.rancher_project), frozenset()) if one.rancher_project else frozenset()
    if len(neighbours) == 1 and (shared := names.by_id.get(next(iter(neighbours)))) is not None:
        return Suggestion(shared, "rancher", shared.team_name, value=one.rancher_project, group=group)
    return _from_labels(one, names, group)


def _from_labels(one: Unowned, names: "_Names", group: str) -> Suggestion:
    for label in PROJECT_LABELS:
        value = one.labels.get(label, "")
        if value and (project := names.project(value)) is not None:
            return Suggestion(project, "label", project.team_name, label, value, group)
    for label in TEAM_LABELS:
        value = one.labels.get(label, "")
        owned = names.of_team(value) if value else []
        if owned:
            only = owned[0] if len(owned) == 1 else None
            return Suggestion(only, "team_label", owned[0].team_name, label, value, group)
    for label in (*TEAM_LABELS, *PROJECT_LABELS):
        if one.labels.get(label):
            return Suggestion(None, "", "", label, one.labels[label], group)
    return Suggestion(group=group)


class _Names:
    """The choices by what labels call them. A name that several share names none of them."""

    def __init__(self, choices: Sequence[Choice]) -> None:
        self.by_id = {choice.id: choice for choice in choices}
        self._projects: dict[str, list[Choice]] = defaultdict(list)
        self._teams: dict[str, list[Choice]] = defaultdict(list)
        for choice in choices:
            for name in {_plain(choice.slug), _plain(choice.name)}:
                self._projects[name].append(choice)
            for name in {_plain(choice.team_slug), _plain(choice.team_name)}:
                self._teams[name].append(choice)

    def project(self, value: str) -> Choice | None:
        found = self._projects.get(_plain(value), [])
        return found[0] if len(found) == 1 else None

    def of_team(self, value: str) -> list[Choice]:
        found = self._teams.get(_plain(value), [])
        return found if len({choice.team_slug for choice in found}) == 1 else []


def _plain(text: str) -> str:
    """Labels cannot hold spaces and are often written with other separators than the name."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())
