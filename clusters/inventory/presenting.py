"""What the pages of the inventory say, as plain values for the components."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clusters.inventory import lists, selectors
from clusters.inventory.models import Node, Pod, Stream, Workload
from clusters.inventory.models.sync import StreamState
from clusters.registry.models import Cluster
from portal.access.permissions import Permission
from portal.access.scopes import Person
from portal.core import formats, parts

STREAM_TONES: Mapping[str, parts.Tone] = {
    StreamState.OK.value: "ok",
    StreamState.LISTING.value: "busy",
    StreamState.STALE.value: "attention",
    StreamState.DENIED.value: "broken",
    StreamState.HELD.value: "attention",
    StreamState.UNREACHABLE.value: "broken",
}
# Filters that mean the same on every list.
CARRIED = ("cluster", "project", "namespace")


def tabs(user: Person, given: QueryDict, active: str) -> list[parts.Tab]:
    """Return the lists beside each other; what they are narrowed to goes along."""
    kept = {name: text for name in CARRIED if (text := given.get(name, ""))}
    scopes = user.scopes_for(Permission.INVENTORY_VIEW)
    shown: list[tuple[str, str, tuple[str, ...]]] = [
        ("workloads", _("Workloads"), CARRIED),
        ("pods", _("Pods"), CARRIED),
    ]
    shown.append(("namespaces", _("Namespaces"), ("cluster", "project")))
    if scopes.everything or scopes.clusters:
        shown.append(("nodes", _("Nodes"), ("cluster",)))
    return [
        parts.Tab(label, _address(f"inventory:{key}", kept, carried), key == active) for key, label, carried in shown
    ]


def _address(name: str, kept: Mapping[str, str], carried: tuple[str, ...]) -> str:
    query = urlencode({key: text for key, text in kept.items() if key in carried})
    return f"{reverse(name)}?{query}" if query else reverse(name)


def crumbs(key: str, label: str, cluster: Cluster) -> list[parts.Crumb]:
    """Return the way back: the list, and the list inside the cluster."""
    inside = _address(f"inventory:{key}", {"cluster": cluster.slug}, CARRIED)
    return [parts.Crumb(label, reverse(f"inventory:{key}")), parts.Crumb(cluster.name, inside)]


def of_workload(workload: Workload, owner: Workload | None) -> list[parts.Fact]:
    """Return what is known of a workload."""
    found = [
        parts.Fact(_("Kind"), workload.kind),
        parts.Fact(_("Cluster"), workload.cluster.name),
        parts.Fact(_("Namespace"), workload.namespace_name, mono=True),
        parts.Fact(_("Images"), ", ".join(workload.images) or None, mono=True),
    ]
    if workload.kind == "CronJob":
        found.append(parts.Fact(_("Schedule"), f"{workload.schedule} {workload.time_zone}".strip(), mono=True))
        last = workload.last_scheduled_at
        found.append(parts.Fact(_("Last run"), formats.instant(last) if last else None, absent=_("not yet")))
    else:
        found.append(parts.Fact(_("Pods ready"), f"{workload.ready}/{workload.desired}"))
    if workload.owner_kind:
        address = owner.get_absolute_url() if owner else ""
        found.append(parts.Fact(_("Made by"), f"{workload.owner_kind} {workload.owner_name}", address))
    return [*found, *_times(workload)]


def of_pod(pod: Pod, workload: Workload | None) -> list[parts.Fact]:
    """Return what is known of a pod."""
    address = workload.get_absolute_url() if workload else ""
    return [
        parts.Fact(_("Phase"), pod.phase),
        parts.Fact(_("Reason"), pod.reason or None, absent=_("none given")),
        parts.Fact(_("Cluster"), pod.cluster.name),
        parts.Fact(_("Namespace"), pod.namespace_name, mono=True),
        parts.Fact(_("Workload"), f"{pod.workload_kind} {pod.workload_name}", address),
        parts.Fact(_("Node"), pod.node or None, mono=True, absent=_("none yet")),
        parts.Fact(_("CPU requested"), formats.cpu(pod.cpu_m), title=f"{pod.cpu_m}m"),
        parts.Fact(_("Memory requested"), formats.size(pod.memory_bytes)),
        parts.Fact(_("Containers ready"), f"{pod.containers_ready}/{pod.containers}"),
        parts.Fact(_("Restarts"), formats.number(pod.restarts)),
        parts.Fact(_("First start"), _instant(pod.started_at), absent=_("not yet")),
        parts.Fact(_("Ended"), _instant(pod.ended_at), absent=_("not yet")),
        *_times(pod),
    ]


def of_node(node: Node) -> list[parts.Fact]:
    """Return what is known of a node."""
    return [
        parts.Fact(_("Cluster"), node.cluster.name),
        parts.Fact(_("Roles"), ", ".join(node.roles) or None, absent=_("none")),
        parts.Fact(_("Type"), node.instance_type or None, mono=True),
        parts.Fact(_("Region"), " ".join(filter(None, [node.region, node.zone])) or None),
        parts.Fact(_("Class"), node.capacity_class or None),
        parts.Fact(_("Provider id"), node.provider_id or None, mono=True),
        parts.Fact(_("Version"), node.kubelet_version or None, mono=True),
        parts.Fact(_("System"), f"{node.operating_system} {node.architecture}".strip() or None),
        parts.Fact(_("CPU, memory"), f"{formats.cpu(node.cpu_m)}, {formats.size(node.memory_bytes)}"),
        *_times(node),
    ]


def bars(node: Node, requested: selectors.Requested) -> list[parts.Bar]:
    """Return what pods reserve of what the node has for them."""
    return [
        _bar(_("CPU"), requested.cpu_m, node.allocatable_cpu_m, formats.cpu),
        _bar(_("Memory"), requested.memory_bytes, node.allocatable_memory_bytes, formats.size),
        _bar(_("Pods"), requested.pods, node.allocatable_pods, formats.number),
    ]


def _bar(label: str, requested: int, limit: int, text: Callable[[int], str]) -> parts.Bar:
    share = Decimal(requested) * 100 / limit if limit else None
    return parts.Bar(label, requested=share, requested_text=text(requested), limit_text=text(limit))


def _times(observed: Workload | Pod | Node) -> list[parts.Fact]:
    found = [
        parts.Fact(_("Made"), _instant(observed.created_at)),
        parts.Fact(_("This version seen"), _instant(observed.observed_at)),
        parts.Fact(_("Uid"), observed.uid, mono=True),
    ]
    if observed.gone_at:
        found.insert(2, parts.Fact(_("Seen gone"), _instant(observed.gone_at)))
    return found


def _instant(value: datetime | None) -> str | None:
    return formats.instant(value) if value else None


@dataclass(frozen=True)
class Line:
    """One row of the panels: what it is, how it is, and since when. `release_url` only where a person decides."""

    name: str
    url: str
    tone: parts.Tone
    word: str
    count: str
    instant: datetime | None
    note: str
    release_url: str = ""


def lines(streams: list[selectors.StreamLine]) -> list[Line]:
    """Return the kinds of a cluster."""
    return [
        Line(
            name=line.kind,
            url="",
            tone="unknown" if line.is_unseen else STREAM_TONES[line.stream.state],
            word=_("Not visible with these rights") if line.is_unseen else str(StreamState(line.stream.state).label),
            count=formats.number(line.stream.objects_live),
            instant=line.stream.last_ok_at,
            note=_note(line.stream),
            release_url=reverse("inventory:release_hold", args=[line.stream.pk]) if line.is_held else "",
        )
        for line in streams
    ]


def _note(stream: Stream) -> str:
    said = " ".join(filter(None, [stream.text, stream.remedy]))
    if not stream.odd:
        return said
    odd = _("%(n)s objects could not be understood.") % {"n": formats.number(stream.odd)}
    return f"{said} {odd}".strip()


def fleet(found: list[selectors.Fleet], at: datetime) -> list[Line]:
    """Return the clusters with how fresh they are."""
    return [
        Line(
            name=one.name,
            url=reverse("registry:cluster", args=[one.slug]),
            tone=_tone(one, at),
            word=_word(one, at),
            count="",
            instant=one.data_at,
            note="",
        )
        for one in found
    ]


def _late(one: selectors.Fleet, at: datetime) -> bool:
    return one.data_at is None or at - one.data_at > lists.STALE_AFTER


def _tone(one: selectors.Fleet, at: datetime) -> parts.Tone:
    if one.passed_at is None:
        return "busy"
    return "attention" if one.troubled or _late(one, at) else "ok"


def _word(one: selectors.Fleet, at: datetime) -> str:
    if one.passed_at is None:
        return _("Not read yet")
    if one.troubled:
        return ngettext("%(n)s kind is out of date", "%(n)s kinds are out of date", one.troubled) % {"n": one.troubled}
    return _("Out of date") if _late(one, at) else _("Up to date")
