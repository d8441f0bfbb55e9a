"""Pods: what they reserve, where they run, from when to when.

The effective request follows the scheduler: the larger of what the main containers and sidecars need together
and what the hungriest init container needs while the sidecars started before it run; then the overhead of the
runtime class. A request on the pod itself replaces the sum for the resources it
names. Native sidecars are init containers with restartPolicy Always.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from clusters.kube.objects.metadata import Item, decoded, owner_of
from clusters.kube.objects.resources import Amounts, cpu_milli, gpu_milli, memory_bytes

ENDED = frozenset({"Succeeded", "Failed"})
# Runtimes that lost a container report the epoch or year one; neither is a start.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


class Resources(msgspec.Struct, gc=False):
    requests: Amounts | None = None


class Container(msgspec.Struct, gc=False):
    image: str | None = None
    resources: Resources | None = None


class InitContainer(msgspec.Struct, gc=False):
    resources: Resources | None = None
    restart_policy: str | None = msgspec.field(default=None, name="restartPolicy")


class ClaimReference(msgspec.Struct, gc=False):
    claim_name: str | None = msgspec.field(default=None, name="claimName")


class Ephemeral(msgspec.Struct, gc=False):
    """A claim made for this pod alone, called <pod>-<volume>."""


class PodVolume(msgspec.Struct, gc=False):
    name: str | None = None
    claim: ClaimReference | None = msgspec.field(default=None, name="persistentVolumeClaim")
    ephemeral: Ephemeral | None = None


class PodSpec(msgspec.Struct, gc=False, rename="camel"):
    node_name: str | None = None
    containers: list[Container] | None = None
    init_containers: list[InitContainer] | None = None
    resources: Resources | None = None
    overhead: Amounts | None = None
    volumes: list[PodVolume] | None = None
    priority: int | None = None
    priority_class_name: str | None = None


class Running(msgspec.Struct, gc=False, rename="camel"):
    started_at: datetime | None = None


class Terminated(msgspec.Struct, gc=False, rename="camel"):
    started_at: datetime | None = None
    finished_at: datetime | None = None
    reason: str | None = None


class Waiting(msgspec.Struct, gc=False):
    reason: str | None = None


class ContainerState(msgspec.Struct, gc=False):
    running: Running | None = None
    terminated: Terminated | None = None
    waiting: Waiting | None = None


class ContainerStatus(msgspec.Struct, gc=False, rename="camel"):
    restart_count: int | None = None
    ready: bool | None = None
    state: ContainerState | None = None
    last_state: ContainerState | None = None


class PodStatus(msgspec.Struct, gc=False, rename="camel"):
    phase: str | None = None
    reason: str | None = None
    qos_class: str | None = None
    container_statuses: list[ContainerStatus] | None = None
    init_container_statuses: list[ContainerStatus] | None = None


class Condition(msgspec.Struct, gc=False, rename="camel"):
    last_transition_time: datetime | None = None


class Conditions(msgspec.Struct, gc=False):
    conditions: list[Condition] | None = None


class PodRow(msgspec.Struct, gc=False, frozen=True):
    """CPU in millicores, memory in bytes, GPUs in thousandths; the effective request of the whole pod.

    `started_at` is the earliest start of a container this version of the object knows (an earlier version may
    know an earlier one); `finished_at` is set for Succeeded and Failed only.
    """

    node: str
    phase: str
    reason: str
    owner_kind: str
    owner_name: str
    owner_uid: str
    cpu_m: int
    memory_bytes: int
    gpu_m: int
    restarts: int
    containers: int
    containers_ready: int
    started_at: datetime | None
    finished_at: datetime | None
    deleting_since: datetime | None
    priority: int | None
    priority_class: str
    qos: str
    claims: list[str]
    images: list[str]


_SPEC = msgspec.json.Decoder(PodSpec | None)
_STATUS = msgspec.json.Decoder(PodStatus | None)
_CONDITIONS = msgspec.json.Decoder(Conditions | None)
_NO_STATUSES: list[ContainerStatus] = []


def extract(item: Item) -> PodRow:
    spec = decoded(_SPEC, item.spec) or PodSpec()
    status = decoded(_STATUS, item.status) or PodStatus()
    owner = owner_of(item)
    containers = spec.containers or []
    main = status.container_statuses or _NO_STATUSES
    every = main + status.init_container_statuses if status.init_container_statuses else main
    return PodRow(
        node=spec.node_name or "",
        phase=status.phase or "Unknown",
        reason=status.reason or _reason(every),
        owner_kind=owner.kind,
        owner_name=owner.name,
        owner_uid=owner.uid,
        cpu_m=effective(spec, "cpu", cpu_milli),
        memory_bytes=effective(spec, "memory", memory_bytes),
        gpu_m=effective(spec, "", gpu_milli),
        restarts=sum([each.restart_count or 0 for each in every]),
        containers=len(containers),
        containers_ready=sum([1 for each in main if each.ready]),
        started_at=_started(every),
        finished_at=_finished(item, every) if status.phase in ENDED else None,
        deleting_since=item.metadata.deletion_timestamp,
        priority=spec.priority,
        priority_class=spec.priority_class_name or "",
        qos=status.qos_class or "",
        claims=_claims(item.metadata.name, spec.volumes) if spec.volumes else [],
        images=[each.image or "" for each in containers],
    )


def effective(spec: PodSpec, name: str, amount: Callable[[Amounts | None], int]) -> int:
    """`name` is the resource a request on the pod itself may set; GPUs cannot be set there."""
    whole_pod = spec.resources.requests if spec.resources else None
    overhead = amount(spec.overhead) if spec.overhead else 0
    if whole_pod and name in whole_pod:
        return amount(whole_pod) + overhead
    running = sum([amount(each.resources.requests) for each in spec.containers or () if each.resources])
    if not spec.init_containers:
        return running + overhead
    sidecars, peak = 0, 0
    for each in spec.init_containers:
        request = amount(each.resources.requests) if each.resources else 0
        if each.restart_policy == "Always":
            sidecars += request
            peak = max(peak, sidecars)
        else:
            peak = max(peak, sidecars + request)
    return max(running + sidecars, peak) + overhead


def _started(statuses: list[ContainerStatus]) -> datetime | None:
    earliest = None
    for each in statuses:
        for state in (each.state, each.last_state):
            life = (state.running or state.terminated) if state else None
            start = life.started_at if life else None
            if start and (earliest is None or start < earliest) and start >= EARLIEST:
                earliest = start
    return earliest


def _finished(item: Item, statuses: list[ContainerStatus]) -> datetime | None:
    ends = [
        state.terminated.finished_at
        for each in statuses
        for state in (each.state, each.last_state)
        if state and state.terminated and state.terminated.finished_at
    ]
    if ends:
        return max(ends)
    # A node that died reports no end of its containers: then the last change of a condition is the best known.
    found = decoded(_CONDITIONS, item.status) or Conditions()
    return max(
        [each.last_transition_time for each in found.conditions or () if each.last_transition_time], default=None
    )


def _reason(statuses: list[ContainerStatus]) -> str:
    """The first container that waits, else the first that ended badly: CrashLoopBackOff, OOMKilled."""
    ended = ""
    for each in statuses:
        state = each.state
        if state is None or state.running:
            continue
        if state.waiting and state.waiting.reason:
            return state.waiting.reason
        if state.terminated and state.terminated.reason and state.terminated.reason != "Completed":
            ended = ended or state.terminated.reason
    return ended


def _claims(pod: str, volumes: list[PodVolume]) -> list[str]:
    names = []
    for volume in volumes:
        if volume.claim and volume.claim.claim_name:
            names.append(volume.claim.claim_name)
        elif volume.ephemeral is not None and volume.name:
            names.append(f"{pod}-{volume.name}")
    return names
