"""Deployments, StatefulSets, DaemonSets, ReplicaSets, Jobs and CronJobs, as one shape."""

from datetime import datetime

import msgspec

from clusters.kube.objects.metadata import Item, decoded, owner_of


class Container(msgspec.Struct, gc=False):
    image: str | None = None


class PodSpec(msgspec.Struct, gc=False):
    containers: list[Container] | None = None


class Template(msgspec.Struct, gc=False):
    spec: PodSpec | None = None


class JobSpec(msgspec.Struct, gc=False):
    template: Template | None = None


class JobTemplate(msgspec.Struct, gc=False):
    spec: JobSpec | None = None


class WorkloadSpec(msgspec.Struct, gc=False, rename="camel"):
    replicas: int | None = None
    template: Template | None = None
    job_template: JobTemplate | None = None
    paused: bool | None = None
    suspend: bool | None = None
    completions: int | None = None
    parallelism: int | None = None
    schedule: str | None = None
    time_zone: str | None = None


class Reference(msgspec.Struct, gc=False):
    name: str | None = None


class WorkloadStatus(msgspec.Struct, gc=False, rename="camel"):
    """The union of what the six kinds report; a kind leaves out what it does not know."""

    replicas: int | None = None
    ready_replicas: int | None = None
    updated_replicas: int | None = None
    available_replicas: int | None = None
    desired_number_scheduled: int | None = None
    number_ready: int | None = None
    updated_number_scheduled: int | None = None
    number_available: int | None = None
    # An integer for a Job; a CronJob's `active` is a list of references.
    active: int | list[Reference] | None = None
    ready: int | None = None
    succeeded: int | None = None
    failed: int | None = None
    start_time: datetime | None = None
    completion_time: datetime | None = None
    last_schedule_time: datetime | None = None
    last_successful_time: datetime | None = None


class WorkloadRow(msgspec.Struct, gc=False, frozen=True):
    """`desired`, `ready`, `updated`, `available` count pods; for a Job they are its parallelism and active pods,
    for a CronJob 0. `paused` is a paused rollout, a suspended Job or a suspended CronJob.
    """

    kind: str
    desired: int
    ready: int
    updated: int
    available: int
    owner_kind: str
    owner_name: str
    owner_uid: str
    paused: bool
    completions: int | None
    active: int
    succeeded: int
    failed: int
    schedule: str
    time_zone: str
    started_at: datetime | None
    finished_at: datetime | None
    last_scheduled_at: datetime | None
    last_succeeded_at: datetime | None
    images: list[str]


_SPEC = msgspec.json.Decoder(WorkloadSpec | None)
_STATUS = msgspec.json.Decoder(WorkloadStatus | None)


def extract_deployment(item: Item) -> WorkloadRow:
    return _row("Deployment", item)


def extract_stateful_set(item: Item) -> WorkloadRow:
    return _row("StatefulSet", item)


def extract_daemon_set(item: Item) -> WorkloadRow:
    return _row("DaemonSet", item)


def extract_replica_set(item: Item) -> WorkloadRow:
    return _row("ReplicaSet", item)


def extract_job(item: Item) -> WorkloadRow:
    return _row("Job", item)


def extract_cron_job(item: Item) -> WorkloadRow:
    return _row("CronJob", item)


def _row(kind: str, item: Item) -> WorkloadRow:
    spec = decoded(_SPEC, item.spec) or WorkloadSpec()
    status = decoded(_STATUS, item.status) or WorkloadStatus()
    owner = owner_of(item)
    desired, ready, updated, available = _counts(kind, spec, status)
    return WorkloadRow(
        kind=kind,
        desired=desired,
        ready=ready,
        updated=updated,
        available=available,
        owner_kind=owner.kind,
        owner_name=owner.name,
        owner_uid=owner.uid,
        paused=bool(spec.paused or spec.suspend),
        completions=spec.completions,
        active=len(status.active) if isinstance(status.active, list) else status.active or 0,
        succeeded=status.succeeded or 0,
        failed=status.failed or 0,
        schedule=spec.schedule or "",
        time_zone=spec.time_zone or "",
        started_at=status.start_time,
        finished_at=status.completion_time,
        last_scheduled_at=status.last_schedule_time,
        last_succeeded_at=status.last_successful_time,
        images=_images(spec),
    )


def _counts(kind: str, spec: WorkloadSpec, status: WorkloadStatus) -> tuple[int, int, int, int]:
    if kind == "DaemonSet":
        counts = (
            status.desired_number_scheduled,
            status.number_ready,
            status.updated_number_scheduled,
            status.number_available,
        )
    elif kind == "Job":
        active = status.active if isinstance(status.active, int) else 0
        parallelism = 1 if spec.parallelism is None else spec.parallelism
        counts = (0 if status.completion_time else parallelism, status.ready, active, status.ready)
    elif kind == "CronJob":
        counts = (0, 0, 0, 0)
    else:
        desired = 1 if spec.replicas is None else spec.replicas
        # A ReplicaSet is of one template, so all its pods are up to date.
        updated = status.replicas if kind == "ReplicaSet" else status.updated_replicas
        counts = (desired, status.ready_replicas, updated, status.available_replicas)
    desired_count, ready_count, updated_count, available_count = (count or 0 for count in counts)
    return desired_count, ready_count, updated_count, available_count


def _images(spec: WorkloadSpec) -> list[str]:
    template = spec.template
    if spec.job_template and spec.job_template.spec:
        template = spec.job_template.spec.template
    containers = template.spec.containers if template and template.spec else None
    return [each.image or "" for each in containers or ()]
