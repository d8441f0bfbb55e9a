"""The clusters of the demo, attached as a person attaches any: proposed, looked at, confirmed."""

import time
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from billing.metering import services as metering
from clusters.kube import kubeconfig as reader
from clusters.kube.connection import Connection
from clusters.registry import services as registry
from clusters.registry.models import Cluster, State
from portal.core import clock, errors, sealed
from portal.core.actors import Actor
from portal.home.demo import past
from portal.jobs import runner
from portal.jobs.models import Job

_CHECK_SECONDS = 60.0


def attach(described: dict[str, Any], name: str, kubeconfig: Path, records: list[past.Record], *, by: Actor) -> Cluster:
    """Attach a cluster with its past; one that is attached is returned as it is. Raises `Refused`.

    The past comes in the transaction of the confirmation: what the first sync finds goes on from there.
    """
    uid = described["kube_system_uid"]
    known = Cluster.objects.attached().filter(is_demo=True, kube_system_uid=uid).first()
    if known is not None:
        return known
    for left in Cluster.objects.candidates().filter(is_demo=True, name__in=(name, _other(name))):
        registry.discard(cluster=left, by=by)
    candidate = _look(_propose(name, kubeconfig.read_bytes(), by))
    with transaction.atomic():
        attached = registry.confirm(cluster=candidate, by=by, at=clock.now())
        metering.write_segments(cluster_id=attached.pk, past=past.segments(records), at=clock.now())
    return attached


def follow(cluster: Cluster, kubeconfig: Path, *, by: Actor) -> bool:
    """Attach a cluster anew whose simulator got another address or other keys; False where nothing changed.

    It is detached and resumed under its own row, as a person would do it; its cost goes on.
    """
    data = kubeconfig.read_bytes()
    if _known(cluster) == reader.read(data):
        return False
    registry.detach(cluster=cluster, by=by, at=clock.now())
    candidate = registry.propose(name=cluster.name, kubeconfig=data, by=by, at=clock.now(), is_demo=True)
    registry.confirm(cluster=_look(candidate), by=by, at=clock.now())
    return True


def _known(cluster: Cluster) -> Connection | None:
    try:
        return registry.connection(cluster)
    except sealed.SealBroken:
        return None  # the keys went with the former data folder


def _propose(name: str, kubeconfig: bytes, by: Actor) -> Cluster:
    # A real cluster may have the name already.
    wanted = _other(name) if Cluster.objects.filter(name=name).exists() else name
    return registry.propose(name=wanted, kubeconfig=kubeconfig, by=by, at=clock.now(), is_demo=True)


def _other(name: str) -> str:
    return f"{name} demo"


def _look(candidate: Cluster) -> Cluster:
    """Run the check job here; a worker that was faster is waited for."""
    job = Job.objects.filter(kind="clusters.registry.check", key=str(candidate.pk)).latest("created_at")
    deadline = time.monotonic() + _CHECK_SECONDS
    runner.run(job.pk)
    while Job.objects.open().filter(pk=job.pk).exists():
        if time.monotonic() > deadline:
            raise errors.Refused.one("", _("The checks of %s did not end in time.") % candidate.name)
        time.sleep(0.2)
        runner.run(job.pk)
    looked = Cluster.objects.get(pk=candidate.pk)
    if looked.state != State.CANDIDATE or looked.checked_at is None:
        job.refresh_from_db()
        raise errors.Refused.one(
            "", _("The checks of %(name)s could not be made: %(error)s") % {"name": looked.name, "error": job.error}
        )
    return looked
