"""Pods in the states of the demo."""

from datetime import datetime, timedelta
from typing import Any

from portal.home.demo.world.lives import Run
from portal.home.demo.world.objects import parts
from portal.home.demo.world.objects.parts import Body, condition, stamp

# A pod that crashes was last started this long ago, and has been restarted this often.
_LAST_TRY = timedelta(minutes=3)
_LAST_SECONDS = timedelta(seconds=11)
_CRASHES = 211
_RESTARTS = 7
_PHASES = dict.fromkeys(("starting", "image", "pending"), "Pending") | {"succeeded": "Succeeded", "failed": "Failed"}
_UNSCHEDULABLE = (
    "0/24 nodes are available: 2 Insufficient nvidia.com/gpu, 22 node(s) didn't match Pod's node affinity/selector."
)


def of(run: Run, at: datetime) -> Body:
    """Return a pod that is there."""
    labels = parts.labels(run.space, run.app)
    if run.template:
        labels["pod-template-hash"] = run.template
    head = parts.metadata(
        run.name, run.uid, run.born, namespace=run.space.name, labels=labels, ownerReferences=parts.owned(run.owner)
    )
    if run.state == "terminating":
        head |= {"deletionTimestamp": stamp(at - timedelta(minutes=50)), "finalizers": ["example.com/cleanup"]}
    return {"metadata": head, "spec": _spec(run), "status": _status(run, at)}


def _spec(run: Run) -> Body:
    app = run.app
    spec: Body = {
        "containers": [parts.container(run.space, app, run.version)],
        "restartPolicy": "Never" if run.owner.kind == "Job" else "Always",
        "serviceAccountName": app.name,
        "priority": 0,
    }
    if app.kind in ("DaemonSet", "Node"):
        spec |= {"priority": 2000001000, "priorityClassName": "system-node-critical"}
    if run.machine:
        spec["nodeName"] = run.machine.name
    if app.kind == "StatefulSet" and app.storage:
        spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": f"data-{run.name}"}}]
    return spec


def _status(run: Run, at: datetime) -> Body:
    status: Body = {"phase": _PHASES.get(run.state, "Running"), "qosClass": "Burstable"}
    if run.state == "pending":
        status["conditions"] = [condition("PodScheduled", "False", run.born, "Unschedulable", _UNSCHEDULABLE)]
        return status
    assert run.machine is not None
    ready = run.state in ("running", "restarts")
    since = run.ended or run.started or run.born
    status |= {
        "hostIP": run.machine.address,
        "startTime": stamp(run.born),
        "conditions": [
            condition("PodScheduled", "True", run.born),
            condition("Initialized", "True", run.born),
            condition("ContainersReady", "True" if ready else "False", since),
            condition("Ready", "True" if ready else "False", since),
        ],
        "containerStatuses": [_container_status(run, at)],
    }
    return status


def _container_status(run: Run, at: datetime) -> Body:
    found: Body = {
        "name": run.app.name,
        "image": parts.image(run.space, run.app, run.version),
        "ready": run.state in ("running", "restarts", "lost"),
        "restartCount": {"crash": _CRASHES, "restarts": _RESTARTS}.get(run.state, 0),
        "state": {"running": {"startedAt": stamp(run.started or at)}},
    }
    if run.state in ("starting", "image"):
        found["state"] = {"waiting": _waiting(run)}
    elif run.state == "crash":
        message = f"back-off 5m0s restarting failed container={run.app.name}"
        found["state"] = {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
        last = at - _LAST_TRY
        found["lastState"] = {"terminated": _terminated(last, last + _LAST_SECONDS, 1, "Error")}
    elif run.state == "restarts":
        found["lastState"] = {"terminated": _terminated(run.begins, at - timedelta(hours=31), 137, "OOMKilled")}
        found["state"] = {"running": {"startedAt": stamp(at - timedelta(hours=31))}}
    elif run.state in ("succeeded", "failed"):
        assert run.started is not None and run.ended is not None
        good = run.state == "succeeded"
        found["state"] = {
            "terminated": _terminated(run.started, run.ended, 0 if good else 2, "Completed" if good else "Error")
        }
    return found


def _waiting(run: Run) -> Body:
    if run.state == "starting":
        return {"reason": "ContainerCreating"}
    image = parts.image(run.space, run.app, run.version)
    return {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}": not found'}


def _terminated(started: datetime, finished: datetime, code: int, reason: str) -> dict[str, Any]:
    return {"exitCode": code, "reason": reason, "startedAt": stamp(started), "finishedAt": stamp(finished)}
