"""A world: the clusters to simulate, as JSON.

```
{"clusters": [{
  "slug": "north",                      lower-case letters, digits and hyphens
  "distribution": "k3s",                optional: gives the version when none is named
  "version": "v1.33.4+k3s1",            optional: gitVersion of /version
  "kube_system_uid": "…",               optional: the cluster's identity, else made from the slug
  "user": "…", "token": "…",            optional: who reads; a token is made once and kept
  "admin_token": "…",                   optional: who may do everything
  "users": [{"token": "…", "user": "…", "groups": ["…"]}],   optional: may do what bindings among the objects give
  "denied": [{"verbs": ["list"], "apiGroups": [""], "resources": ["pods"]}],   from the reader's rights
  "groups": ["metrics.k8s.io"],         optional API groups: metrics and Gatekeeper bring their kinds
  "history": 10000,                     changes kept per kind before a watch from earlier gets 410
  "objects": {"pods": [{…}], "deployments.apps": [{…}]}   plain Kubernetes JSON
}]}
```
Objects stand under kubectl's full resource name. Those without uid or creationTimestamp are given both;
resourceVersions are always the simulator's own.
The namespaces kube-system and default exist in every cluster.
"""

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clusters.simulator.api import kinds, reviews, store

Body = dict[str, Any]

VERSIONS = {
    "k3s": "v1.33.4+k3s1",
    "rke2": "v1.32.5+rke2r1",
    "rke1": "v1.30.9-rancher1-1",
    "eks": "v1.31.7-eks-473151a",
    "gke": "v1.32.4-gke.1106006",
    "aks": "v1.31.8",
    "doks": "v1.32.2",
    "openshift": "v1.31.8+e2cb5d1",
    "kubeadm": "v1.33.2",
}
DEFAULT_USER = "system:serviceaccount:paddock:paddock-reader"
CREATED = "2026-01-01T00:00:00Z"
NAMES = uuid.UUID("5a1d3b0e-6f5c-4e0f-9d58-0b4c7f2f6a11")
SLUG = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class WorldError(Exception):
    """A world that cannot be simulated; the message begins with the path of the fault."""


@dataclass(frozen=True, slots=True)
class NamedUser:
    """Somebody known to the cluster, without rights of their own."""

    token: str
    name: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClusterWorld:
    """One cluster of a world; `token` and `admin_token` may be empty."""

    slug: str
    version: str
    kube_system_uid: str
    user: str
    token: str
    admin_token: str
    users: tuple[NamedUser, ...]
    denied: tuple[reviews.Rule, ...]
    groups: tuple[str, ...]
    history: int
    objects: dict[str, list[Body]]

    def fill(self, catalogue: kinds.Catalogue, objects: store.Store) -> None:
        """Loads every object; raises WorldError for an unknown resource or an object without a name."""
        for template in self.objects.get("constrainttemplates.templates.gatekeeper.sh", []):
            catalogue.add(kinds.constraint_kind(template))
        for key, bodies in self._with_system_namespaces().items():
            kind = catalogue.by_key(key)
            if kind is None:
                raise WorldError(f"{self.slug}.objects.{key}: no such resource in this cluster")
            for position, body in enumerate(bodies):
                objects.load(kind, complete(self.slug, kind, body, f"{self.slug}.objects.{key}[{position}]"))

    def _with_system_namespaces(self) -> dict[str, list[Body]]:
        given = {body["metadata"]["name"]: body for body in self.objects.get("namespaces", [])}
        for name in ("default", "kube-system"):
            labels = {"kubernetes.io/metadata.name": name}
            given.setdefault(name, {"metadata": {"name": name, "labels": labels}, "status": {"phase": "Active"}})
        system = given["kube-system"]
        given["kube-system"] = system | {"metadata": system["metadata"] | {"uid": self.kube_system_uid}}
        return self.objects | {"namespaces": list(given.values())}


def complete(slug: str, kind: kinds.Kind, body: Body, path: str, *, created: str = CREATED, life: int = 0) -> Body:
    """The object with uid and creationTimestamp. `life` tells objects apart that bear one name after the other;
    the objects of a world have 0, so that the same object gets the same uid at each start."""
    metadata = body.get("metadata")
    if not isinstance(metadata, dict) or not metadata.get("name"):
        raise WorldError(f"{path}.metadata.name: missing")
    if kind.namespaced != bool(metadata.get("namespace")):
        raise WorldError(f"{path}.metadata.namespace: {'missing' if kind.namespaced else 'not for this kind'}")
    place = (slug, kind.key, metadata.get("namespace", ""), metadata["name"], str(life or ""))
    uid = uuid.uuid5(NAMES, "/".join(place))
    return body | {"metadata": {"uid": str(uid), "creationTimestamp": created} | metadata}


def read_file(path: Path) -> list[Body]:
    """The clusters of a world file, unread; raises WorldError."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise WorldError(f"{path}: {error}") from None
    clusters = document.get("clusters") if isinstance(document, dict) else None
    if not isinstance(clusters, list):
        raise WorldError("clusters: a list is missing")
    return clusters


def read_cluster(body: Any) -> ClusterWorld:
    """Raises WorldError."""
    if not isinstance(body, dict) or not SLUG.fullmatch(str(body.get("slug", ""))):
        raise WorldError("slug: lower-case letters, digits and hyphens")
    slug = body["slug"]
    distribution = body.get("distribution", "kubeadm")
    version = body.get("version") or VERSIONS.get(distribution)
    if version is None:
        raise WorldError(f"{slug}.distribution: name a version, or one of {', '.join(VERSIONS)}")
    if unknown := set(body) - KNOWN_FIELDS:
        raise WorldError(f"{slug}.{min(unknown)}: unknown field")
    return ClusterWorld(
        slug=slug,
        version=version,
        kube_system_uid=body.get("kube_system_uid") or str(uuid.uuid5(NAMES, slug)),
        user=body.get("user", DEFAULT_USER),
        token=body.get("token", ""),
        admin_token=body.get("admin_token", ""),
        users=tuple(_users(slug, body.get("users", []))),
        denied=tuple(_rules(slug, body.get("denied", []))),
        groups=tuple(body.get("groups", ())),
        history=int(body.get("history", store.HISTORY)),
        objects=dict(body.get("objects", {})),
    )


KNOWN_FIELDS = {
    "slug",
    "distribution",
    "version",
    "kube_system_uid",
    "user",
    "token",
    "admin_token",
    "users",
    "denied",
    "groups",
    "history",
    "objects",
}


def _users(slug: str, bodies: list[Body]) -> Iterator[NamedUser]:
    for position, body in enumerate(bodies):
        try:
            yield NamedUser(body["token"], body["user"], tuple(body.get("groups", ())))
        except (KeyError, TypeError):
            raise WorldError(f"{slug}.users[{position}]: token and user are missing") from None


def _rules(slug: str, bodies: list[Body]) -> Iterator[reviews.Rule]:
    for position, body in enumerate(bodies):
        try:
            yield reviews.Rule(tuple(body["verbs"]), tuple(body["apiGroups"]), tuple(body["resources"]))
        except (KeyError, TypeError):
            path = f"{slug}.denied[{position}]"
            raise WorldError(f"{path}: verbs, apiGroups and resources are lists of names") from None
