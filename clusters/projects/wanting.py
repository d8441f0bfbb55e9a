"""What a new namespace may be called and labelled. Pure."""

import re
from collections.abc import Mapping

from django.utils.translation import gettext as _

NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
LABEL_NAME = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
DOMAIN = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
# Names that belong to the cluster itself, and to Paddock.
TAKEN = frozenset({"default", "paddock-system"})
TAKEN_BEGINNINGS = ("kube-", "openshift-", "cattle-", "gatekeeper-")
# Labels under these are read as orders by the cluster or by others: pod security, ownership, Rancher's projects.
RESERVED_DOMAINS = ("kubernetes.io", "k8s.io", "paddock.io", "cattle.io", "openshift.io")
MOST_NAMES, MOST_CLUSTERS, MOST_LABELS = 50, 200, 20


def wrong_name(name: str) -> str:
    """Return what is wrong with the name of a namespace, "" where nothing is."""
    if not NAME.fullmatch(name):
        return _("%s: use lower-case letters, digits and hyphens, at most 63, beginning and ending with a letter.") % (
            name or "–"
        )
    if name in TAKEN or name.startswith(TAKEN_BEGINNINGS):
        return _("%s: this name belongs to the cluster itself.") % name
    return ""


def names_of(text: str) -> list[str]:
    """Return the names of a text, separated by spaces, commas or lines, each once."""
    return list(dict.fromkeys(re.split(r"[\s,]+", text.strip()))) if text.strip() else []


def labels_of(text: str) -> tuple[dict[str, str], list[str]]:
    """Return the labels of a text, `key=value` separated like names, and what is wrong with them."""
    found: dict[str, str] = {}
    wrong: list[str] = []
    for one in names_of(text):
        key, sign, value = one.partition("=")
        if not sign:
            wrong.append(_("%s: write key=value.") % one)
        elif key in found and found[key] != value:
            wrong.append(_("%s: given twice.") % key)
        found[key] = value
    return found, [*wrong, *wrong_labels(found)]


def is_label(key: str, value: str) -> bool:
    """Tell whether Kubernetes takes this as a label."""
    domain, slash, name = key.rpartition("/")
    well = LABEL_NAME.fullmatch(name) and (not slash or (len(domain) <= 253 and DOMAIN.fullmatch(domain)))
    return bool(well) and (not value or LABEL_NAME.fullmatch(value) is not None)


def wrong_labels(labels: Mapping[str, str]) -> list[str]:
    """Return what is wrong with labels that a person chose."""
    wrong = [_("At most %d labels.") % MOST_LABELS] if len(labels) > MOST_LABELS else []
    for key, value in labels.items():
        domain = key.rpartition("/")[0]
        if not is_label(key, value):
            wrong.append(_("%s: not a label that Kubernetes takes.") % f"{key}={value}"[:120])
        elif any(domain == one or domain.endswith(f".{one}") for one in RESERVED_DOMAINS):
            wrong.append(_("%s: labels under this domain are not set here.") % key)
    return wrong
