"""The document: what a project's manifest says, read strictly from YAML or JSON, and written back.

    apiVersion: paddock.io/v1
    kind: Project
    metadata: {name: shop, managedBy: git}
    spec:
      name: Shop
      description: What it is for
      team: payments
      listed: false
      members:
        - {person: ann, role: project_owner}
        - {group: shop-developers, provider: house, role: project_member, until: 2027-01-31T00:00:00Z}
        - {robot: shop-deployer, role: project_viewer}
      namespaces:
        - {cluster: prod, name: shop-web}

A section that is left out is left alone; an empty one is emptied.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

import yaml
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from clusters.kube import strict_yaml
from portal.core import errors

API_VERSION, KIND = "paddock.io/v1", "Project"
MOST_ENTRIES, MOST_BYTES = 2_000, strict_yaml.MAX_BYTES
# Each entry is a mapping of at most six pairs; both sections full, and something for the head.
_MOST_VALUES = 2 * MOST_ENTRIES * 16 + 200
_SLUG = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)

HolderKind = Literal["person", "group", "robot"]
HOLDERS: tuple[HolderKind, ...] = ("person", "group", "robot")
Node: TypeAlias = strict_yaml.Node


@dataclass(frozen=True, order=True)
class Member:
    """A role that somebody holds on the project. `provider` and `id` tell groups of one name apart."""

    kind: HolderKind
    name: str
    role: str
    provider: str = ""
    id: str = ""
    until: datetime | None = field(default=None, compare=False)
    reason: str = field(default="", compare=False)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes two entries the same one: the holder and the role."""
        return self.kind, self.provider, self.name, self.role


@dataclass(frozen=True, order=True)
class Place:
    """A namespace: its cluster's slug, and its name there."""

    cluster: str
    name: str


@dataclass(frozen=True)
class Manifest:
    """A project as a document. None is a section or field that is left alone."""

    slug: str
    name: str | None = None
    description: str | None = None
    team: str | None = None
    listed: bool | None = None
    managed_by: str = ""
    members: tuple[Member, ...] | None = None
    namespaces: tuple[Place, ...] | None = None


def read(data: bytes) -> Manifest:
    """Return what the document says. Raises `Refused` with the path of each fault, such as spec.members[2].role."""
    try:
        whole = strict_yaml.load(data, nodes=_MOST_VALUES)
    except strict_yaml.Refused as refused:
        raise errors.Refused.one("manifest", _("The manifest %s.") % refused) from None
    return _Reader().manifest(whole)


def write(manifest: Manifest) -> str:
    """Return the document as YAML; reading it gives the same manifest."""
    spec: dict[str, Any] = {}
    for key in ("name", "description", "team"):
        if getattr(manifest, key) is not None:
            spec[key] = getattr(manifest, key)
    if manifest.listed is not None:
        spec["listed"] = manifest.listed
    if manifest.members is not None:
        spec["members"] = [_member_as_dict(one) for one in manifest.members]
    if manifest.namespaces is not None:
        spec["namespaces"] = [{"cluster": one.cluster, "name": one.name} for one in manifest.namespaces]
    metadata = {"name": manifest.slug} | ({"managedBy": manifest.managed_by} if manifest.managed_by else {})
    whole = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}
    return yaml.dump(whole, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=120)


class _Dumper(yaml.SafeDumper):
    """Writes no alias, also where one value stands twice: reading refuses them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _member_as_dict(member: Member) -> dict[str, str]:
    found: dict[str, str] = {member.kind: member.name}
    for key in ("provider", "id", "role"):
        if getattr(member, key):
            found[key] = getattr(member, key)
    if member.until is not None:
        found["until"] = member.until.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if member.reason:
        found["reason"] = member.reason
    return found


class _Reader:
    """Walks the document and gathers every fault by its path before it refuses."""

    def __init__(self) -> None:
        self._faults: dict[str, list[str]] = {}

    def manifest(self, whole: Node) -> Manifest:
        top = self._mapping(whole, "manifest", {"apiVersion", "kind", "metadata", "spec"})
        for key, wanted in (("apiVersion", API_VERSION), ("kind", KIND)):
            if top.get(key) != wanted:
                self._fault(key, _("It has to be %s.") % wanted)
        metadata = self._mapping(top.get("metadata"), "metadata", {"name", "managedBy"})
        spec = self._mapping(
            top.get("spec") or {}, "spec", {"name", "description", "team", "listed", "members", "namespaces"}
        )
        found = Manifest(
            slug=self._matching(metadata, "metadata", "name", _SLUG),
            name=self._text(spec, "spec", "name", 100) if "name" in spec else None,
            description=self._text(spec, "spec", "description", 500, empty=True) if "description" in spec else None,
            team=self._matching(spec, "spec", "team", _SLUG) if "team" in spec else None,
            listed=self._flag(spec, "spec", "listed") if "listed" in spec else None,
            managed_by=self._text(metadata, "metadata", "managedBy", 60) if "managedBy" in metadata else "",
            members=self._list(spec, "members", self._member, lambda one: one.key),
            namespaces=self._list(spec, "namespaces", self._place, lambda one: one),
        )
        if self._faults:
            raise errors.Refused(self._faults)
        return found

    def _list(
        self, spec: Mapping[str, Node], key: str, read: Callable[[Node, str], Any], same: Callable[[Any], Any]
    ) -> tuple[Any, ...] | None:
        if key not in spec:
            return None
        entries, path = spec[key] or [], f"spec.{key}"
        if not isinstance(entries, list):
            self._fault(path, _("A list is expected."))
            return ()
        if len(entries) > MOST_ENTRIES:
            self._fault(path, _("At most %d entries.") % MOST_ENTRIES)
            return ()
        found: dict[Any, Any] = {}
        for number, entry in enumerate(entries):
            where = f"{path}[{number}]"
            one = read(entry, where)
            if one is not None and found.setdefault(same(one), one) is not one:
                self._fault(where, _("It stands here already."))
        return tuple(sorted(found.values()))

    def _member(self, entry: Node, path: str) -> Member | None:
        one = self._mapping(entry, path, {*HOLDERS, "role", "provider", "id", "until", "reason"})
        kinds = [kind for kind in HOLDERS if kind in one]
        if len(kinds) != 1:
            self._fault(path, _("Name one of person, group or robot."))
            return None
        kind = kinds[0]
        for key in ("provider", "id"):
            if key in one and kind != "group":
                self._fault(f"{path}.{key}", _("This belongs to groups alone."))
        if kind == "group" and "provider" not in one:
            self._fault(f"{path}.provider", _("Say which provider knows the group."))
        return Member(
            kind=kind,
            name=self._text(one, path, kind, 500),
            role=self._text(one, path, "role", 60),
            provider=self._text(one, path, "provider", 60) if "provider" in one else "",
            id=self._text(one, path, "id", 500) if "id" in one else "",
            until=self._instant(one, path, "until") if one.get("until") is not None else None,
            reason=self._text(one, path, "reason", 500, empty=True) if "reason" in one else "",
        )

    def _place(self, entry: Node, path: str) -> Place | None:
        one = self._mapping(entry, path, {"cluster", "name"})
        return Place(self._matching(one, path, "cluster", _SLUG), self._matching(one, path, "name", _NAMESPACE))

    def _mapping(self, value: Node, path: str, known: set[str]) -> dict[str, Node]:
        if not isinstance(value, dict):
            self._fault(path, _("Keys with values are expected."))
            return {}
        for key in value:
            if key not in known:
                at = f"{path}.{key}" if path != "manifest" else str(key)
                self._fault(at[:200], _("There is no such field."))
        return value

    def _text(self, of: Mapping[str, Node], path: str, key: str, longest: int, *, empty: bool = False) -> str:
        value = of.get(key)
        if value is None and empty:
            return ""
        if not isinstance(value, str) or not (value.strip() or empty):
            self._fault(f"{path}.{key}", _("A text is expected."))
        elif len(value) > longest:
            self._fault(f"{path}.{key}", _("At most %d characters.") % longest)
        elif not value.isprintable():
            self._fault(f"{path}.{key}", _("One line without control characters is expected."))
        else:
            return value.strip()
        return ""

    def _matching(self, of: Mapping[str, Node], path: str, key: str, pattern: re.Pattern[str]) -> str:
        text = self._text(of, path, key, 253)
        if text and not pattern.fullmatch(text):
            self._fault(f"{path}.{key}", _("Small letters, digits and hyphens are expected, at most 63."))
        return text

    def _flag(self, of: Mapping[str, Node], path: str, key: str) -> bool:
        if of.get(key) not in {"true", "false"}:
            self._fault(f"{path}.{key}", _("It has to be true or false."))
        return of.get(key) == "true"

    def _instant(self, of: Mapping[str, Node], path: str, key: str) -> datetime | None:
        text = str(of.get(key))
        try:
            found = parse_datetime(text)
        except ValueError:
            found = None
        if found is None or found.tzinfo is None:
            self._fault(f"{path}.{key}", _("An instant with its zone is expected, such as 2027-01-31T00:00:00Z."))
            return None
        return found.astimezone(UTC).replace(microsecond=0)

    def _fault(self, path: str, text: str) -> None:
        if len(self._faults) < 100:
            self._faults.setdefault(path, []).append(text)
