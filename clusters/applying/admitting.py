"""What may never be written, whoever wants it. Pure.

A server lets the account that gives roles bind them to any name, `system:masters` included: the check on the final
body is the only one there is.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from clusters.applying.comparing import COMPARERS
from clusters.applying.desired import Desired

CLUSTER_ROLES = frozenset({"paddock-edit", "paddock-view", "paddock-app"})
OUR_GROUPS = "paddock:project:"
MOST_SUBJECTS = 5_000
LONGEST_NAME = 253
_RBAC = "rbac.authorization.k8s.io"
_OURS = re.compile(r"paddock:project:([0-9a-f-]{36}):project_(owner|member|viewer)")
# What only a server or another part of Paddock may say about an object.
_KEPT_METADATA = frozenset({"name", "namespace", "uid", "resourceVersion", "managedFields", "ownerReferences"})


def wrong(desired: Desired) -> str:
    """Return why this is not written, "" for what may be."""
    if desired.kind not in COMPARERS:
        return f"objects of the kind {desired.kind} are not written"
    if _KEPT_METADATA & set(desired.body.get("metadata", {})):
        return "its metadata holds what is not its to say"
    if not desired.name or (desired.kind != "namespace") != bool(desired.namespace):
        return "it has no place"
    if desired.kind == "namespace":
        return _wrong_namespace(desired)
    return _wrong_binding(desired) if desired.kind == "role_binding" else ""


def _wrong_namespace(desired: Desired) -> str:
    if set(desired.body) - {"metadata"}:
        return "of a namespace only labels are written"
    return "the system's namespaces are not written" if desired.name.startswith("kube-") else ""


def _wrong_binding(desired: Desired) -> str:
    role: Mapping[str, Any] = desired.body.get("roleRef", {})
    if (role.get("apiGroup"), role.get("kind")) != (_RBAC, "ClusterRole") or role.get("name") not in CLUSTER_ROLES:
        return "it gives a role that Paddock does not give"
    subjects = desired.body.get("subjects", ())
    if not subjects or len(subjects) > MOST_SUBJECTS:
        return f"it has {len(subjects)} subjects"
    return next((text for text in (_wrong_subject(one, desired.project_id) for one in subjects) if text), "")


def _wrong_subject(subject: Mapping[str, Any], project_id: UUID | None) -> str:
    name = subject.get("name", "")
    if subject.get("kind") == "ServiceAccount" and set(subject) == {"kind", "name", "namespace"}:
        allowed = subject["namespace"] == "paddock-system" and name == f"paddock-project-{project_id}"
        return "" if allowed else "it names a service account that is not the project's"
    if set(subject) != {"apiGroup", "kind", "name"} or subject["kind"] not in ("User", "Group"):
        return "a subject is neither a user nor a group"
    if not isinstance(name, str) or not name.strip() or len(name.encode(errors="replace")) > LONGEST_NAME:
        return "a subject has no name, or one that is too long"
    if (ours := _OURS.fullmatch(name)) and subject["kind"] == "Group":
        return "" if ours[1] == str(project_id) else "a subject is a group of another project"
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()
    if plain.startswith(("system:", "paddock:")):
        return "a subject has a name that is reserved"
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") for letter in name):
        return "a subject has a name with invisible letters"
    return ""
