"""Which workload a pod belongs to, as people know it. Pure rules over names.

A pod names its direct owner only. The Deployment behind a ReplicaSet and the CronJob behind a Job are found by the
way their controllers build names, so that the answer never depends on which list was read first.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

TEMPLATE_HASH = "pod-template-hash"
SCHEDULE_DIGITS = 8
# A Job is made when it is due, at the latest some hours later (startingDeadlineSeconds).
LATEST = timedelta(days=1)


def workload_of(
    *, name: str, owner_kind: str, owner_name: str, labels: Mapping[str, str], created_at: datetime | None
) -> tuple[str, str]:
    """Return kind and name; a pod that nobody owns is its own workload."""
    if not owner_kind:
        return "Pod", name
    if owner_kind == "ReplicaSet":
        # The label is put on by the Deployment controller alone; a bare ReplicaSet has none.
        end = "-" + labels.get(TEMPLATE_HASH, "")
        if len(end) > 1 and owner_name.endswith(end) and len(owner_name) > len(end):
            return "Deployment", owner_name.removesuffix(end)
    if owner_kind == "Job" and created_at is not None:
        parent = cron_job_of(owner_name, created_at)
        if parent:
            return "CronJob", parent
    return owner_kind, owner_name


def cron_job_of(job: str, created_at: datetime) -> str:
    """Return the CronJob that made a Job, "" where the name does not say so.

    The controller appends the scheduled time in minutes since 1970; digits that are no time near the pod's
    creation (a date, a build number) are part of the Job's own name.
    """
    parent, _dash, digits = job.rpartition("-")
    if not parent or len(digits) != SCHEDULE_DIGITS or not (digits.isascii() and digits.isdigit()):
        return ""
    apart = abs(created_at.timestamp() - int(digits) * 60)
    return parent if apart <= LATEST.total_seconds() else ""
