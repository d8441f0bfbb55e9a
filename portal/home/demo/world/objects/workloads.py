"""Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs and CronJobs."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from portal.home.demo.world.lives import Generation, Lived, Owner, Run
from portal.home.demo.world.objects import parts
from portal.home.demo.world.objects.parts import Body, condition, stamp

# Old ReplicaSets a Deployment keeps.
_KEPT = 3
_READY = ("running", "restarts")
_UNAVAILABLE = timedelta(minutes=20)
_BACKOFF = "Job has reached the specified backoff limit"


def of(lived: Lived, at: datetime) -> Iterator[tuple[str, Body]]:
    """Yield the objects of an application with the resource they belong to."""
    if lived.app.kind == "Deployment":
        yield "deployments.apps", _deployment(lived, at)
        for generation in lived.generations[-_KEPT:]:
            yield "replicasets.apps", _replica_set(lived, generation)
    elif lived.app.kind == "StatefulSet":
        yield "statefulsets.apps", _stateful_set(lived)
    elif lived.app.kind == "DaemonSet":
        yield "daemonsets.apps", _daemon_set(lived)
    elif lived.app.kind == "CronJob":
        yield "cronjobs.batch", _cron_job(lived)
        for turn in lived.turns:
            yield "jobs.batch", _job(lived, turn)
    elif lived.app.kind == "Job":
        yield "jobs.batch", _job(lived, lived.turns[0])


def _head(lived: Lived) -> Body:
    labels = parts.labels(lived.space, lived.app)
    return parts.metadata(lived.app.name, lived.uid, lived.born, namespace=lived.space.name, labels=labels)


def _template(lived: Lived, version: int) -> Body:
    labels = parts.labels(lived.space, lived.app)
    return {"metadata": {"labels": labels}, "spec": {"containers": [parts.container(lived.space, lived.app, version)]}}


def _selector(lived: Lived) -> Body:
    return {"matchLabels": {"app.kubernetes.io/name": lived.app.name}}


def _ready(runs: list[Run]) -> int:
    return sum(run.state in _READY for run in runs)


def _deployment(lived: Lived, at: datetime) -> Body:
    present, newest = lived.present(), lived.generations[-1]
    ready = _ready(present)
    updated = sum(run.template == newest.template for run in present)
    whole = ready >= lived.app.replicas
    settled = whole and lived.app.trouble != "rollout"
    progress = "NewReplicaSetAvailable" if settled else "ReplicaSetUpdated"
    since = newest.born if whole else at - _UNAVAILABLE
    return {
        "metadata": _head(lived) | {"annotations": {"deployment.kubernetes.io/revision": str(newest.version + 1)}},
        "spec": {
            "replicas": lived.app.replicas,
            "selector": _selector(lived),
            "template": _template(lived, newest.version),
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
        },
        "status": {
            "replicas": len(present),
            "readyReplicas": ready,
            "updatedReplicas": updated,
            "availableReplicas": ready,
            "conditions": [
                condition("Available", "True" if whole else "False", since),
                condition("Progressing", "True", newest.born, progress),
            ],
        },
    }


def _replica_set(lived: Lived, generation: Generation) -> Body:
    pods = [run for run in lived.present() if run.template == generation.template]
    name = f"{lived.app.name}-{generation.template}"
    labels = parts.labels(lived.space, lived.app) | {"pod-template-hash": generation.template}
    reference = parts.owned(Owner("Deployment", lived.app.name, lived.uid))
    return {
        "metadata": parts.metadata(
            name, generation.uid, generation.born, namespace=lived.space.name, labels=labels, ownerReferences=reference
        ),
        "spec": {"replicas": len(pods), "selector": _selector(lived), "template": _template(lived, generation.version)},
        "status": {"replicas": len(pods), "readyReplicas": _ready(pods), "availableReplicas": _ready(pods)},
    }


def _stateful_set(lived: Lived) -> Body:
    app, ready = lived.app, _ready(lived.present())
    spec: Body = {
        "replicas": app.replicas,
        "serviceName": app.name,
        "selector": _selector(lived),
        "template": _template(lived, max((run.version for run in lived.present()), default=0)),
    }
    return {
        "metadata": _head(lived),
        "spec": spec,
        "status": {
            "replicas": len(lived.present()),
            "readyReplicas": ready,
            "updatedReplicas": app.replicas,
            "availableReplicas": ready,
        },
    }


def _daemon_set(lived: Lived) -> Body:
    pods = lived.present()
    ready = _ready(pods)
    return {
        "metadata": _head(lived),
        "spec": {"selector": _selector(lived), "template": _template(lived, 0)},
        "status": {
            "desiredNumberScheduled": len(pods),
            "currentNumberScheduled": len(pods),
            "updatedNumberScheduled": len(pods),
            "numberReady": ready,
            "numberAvailable": ready,
        },
    }


def _cron_job(lived: Lived) -> Body:
    last = [run for run in lived.present() if run.ended is not None]
    good = [run for run in last if run.state == "succeeded"]
    first = last[0].born
    hours = "*" if lived.app.every == 1 else f"{first.hour % lived.app.every}/{lived.app.every}"
    schedule = f"{first.minute} {first.hour if lived.app.every == 24 else hours} * * *"
    return {
        "metadata": _head(lived),
        "spec": {
            "schedule": schedule,
            "timeZone": "Etc/UTC",
            "suspend": False,
            "jobTemplate": {"spec": {"template": _template(lived, 0)}},
        },
        "status": {
            "lastScheduleTime": stamp(last[-1].born),
            "lastSuccessfulTime": stamp(good[-1].ended or last[-1].born),
        },
    }


def _job(lived: Lived, turn: Owner) -> Body:
    pods = [run for run in lived.present() if run.owner.uid == turn.uid]
    made_by = Owner("CronJob", lived.app.name, lived.uid) if lived.app.kind == "CronJob" else None
    counts = {state: sum(run.state == state for run in pods) for state in ("succeeded", "failed")}
    active = len(pods) - sum(counts.values())
    status: Body = {"startTime": stamp(min(run.born for run in pods)), "active": active, **counts}
    ended = max((run.ended for run in pods if run.ended is not None), default=None)
    if active:
        status["ready"] = _ready(pods)
    elif counts["succeeded"] and ended:
        status |= {"completionTime": stamp(ended), "conditions": [condition("Complete", "True", ended)]}
    elif ended:
        status["conditions"] = [condition("Failed", "True", ended, "BackoffLimitExceeded", _BACKOFF)]
    head = parts.metadata(
        turn.name,
        turn.uid,
        min(run.born for run in pods),
        namespace=lived.space.name,
        labels=parts.labels(lived.space, lived.app),
        ownerReferences=parts.owned(made_by) if made_by else [],
    )
    spec = {"parallelism": 1, "completions": 1, "backoffLimit": 2, "template": _template(lived, 0)}
    return {"metadata": head, "spec": spec, "status": status}
