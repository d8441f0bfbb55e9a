"""Writes about clusters.

A proposal that is accepted becomes a candidate with a sealed credential; a job looks at the cluster (`look` outside
of any transaction, `keep` in one); a person confirms what was found, which pins the cluster's identity.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from clusters.kube import checks, kubeconfig
from clusters.kube import connection as kube
from clusters.registry import credentials, naming, obstacles
from clusters.registry import labels as label_rules
from clusters.registry.models import Cluster, State
from portal.audit import services as audit
from portal.core import egress, errors, sealed
from portal.core.actors import SYSTEM, Actor
from portal.core.models import validate
from portal.jobs import services as jobs
from portal.jobs.models import Job

CANDIDATE_LIFE = timedelta(hours=24)
CHECK_SECONDS = 30.0


def propose(*, name: str, kubeconfig: bytes, by: Actor, at: datetime, is_demo: bool = False) -> Cluster:
    """Accept a cluster as a candidate and start its checks. A refused one leaves nothing behind.

    Raises `Refused` at "name" or "kubeconfig", whose message begins with the path of the field inside the file.
    """
    found: dict[str, list[str]] = {}
    cleaned = " ".join(name.split())
    if not naming.is_name(cleaned):
        found["name"] = [_("Use 1 to 63 letters (a to z), digits and inner spaces, dots, hyphens or underscores.")]
    connected = None
    try:
        connected = _read(kubeconfig)
    except errors.Refused as refused:
        found.update(refused.errors)
    if found or connected is None:
        raise errors.Refused(found)
    with transaction.atomic():
        cluster = Cluster(name=cleaned, slug=_free_slug(cleaned), proposed_at=at, is_demo=is_demo)
        _hold_credential(cluster, connected)
        validate(cluster)
        cluster.save(force_insert=True)
        audit.record(
            "registry.cluster.propose",
            by=by,
            on=cluster.as_subject(),
            after={"name": cluster.name, "server": cluster.server, "ca_fingerprint": cluster.ca_fingerprint},
        )
        _ask_for_check(cluster, by)
    return cluster


def check(*, cluster_id: UUID, at: datetime, hold: Callable[[], None] | None = None) -> Cluster | None:
    """Look at the cluster and keep what was found; None when it was detached or removed meanwhile.

    Not to be called inside a transaction. `hold` is called inside the one that writes and may end it by raising.
    """
    cluster = Cluster.objects.exclude(state=State.DETACHED).filter(pk=cluster_id).first()
    if cluster is None:
        return None
    probe = checks.probe(connection(cluster), allow_loopback=settings.ALLOW_LOOPBACK, deadline=CHECK_SECONDS)
    with transaction.atomic():
        locked = _still(cluster)
        if locked is not None:
            # The cluster before the job, as detaching locks them.
            if hold is not None:
                hold()
            _keep(locked, probe, at)
        return locked


def recheck(*, cluster: Cluster, by: Actor) -> Job:
    """Ask for the checks again. Raises `Conflict` for a detached cluster."""
    with transaction.atomic():
        locked = _locked(cluster)
        if locked.state == State.DETACHED:
            raise errors.Conflict.one("", _("The cluster is detached; Paddock holds no credential for it."))
        audit.record("registry.cluster.recheck", by=by, on=locked.as_subject())
        return _ask_for_check(locked, by)


def confirm(*, cluster: Cluster, by: Actor, at: datetime) -> Cluster:
    """Attach a candidate, pinned to the identity its checks found; returns the attached cluster.

    That is another row where the cluster is known from before: the detached row goes on under its own name. Raises
    `Conflict` (not a candidate, attached already, name in use) and `Refused` naming the checks that did not pass.
    """
    try:
        with transaction.atomic():
            candidate = _locked(cluster)
            if candidate.state != State.CANDIDATE:
                raise errors.Conflict.one("", _("This cluster is not waiting for a confirmation."))
            _demand_passed(candidate)
            attached = _resume(candidate, candidate.resumes_id) if candidate.resumes_id else candidate
            attached.state = State.ATTACHED
            attached.generation += 1
            attached.attached_at, attached.detached_at = at, None
            attached.identity_changed_at, attached.foreign_uid = None, ""
            validate(attached)
            attached.save()
            audit.record(
                "registry.cluster.attach",
                by=by,
                on=attached.as_subject(),
                after={
                    "server": attached.server,
                    "kube_system_uid": attached.kube_system_uid,
                    "generation": attached.generation,
                    "resumed": attached.pk != candidate.pk,
                },
            )
            _start_sync(attached, by)
    except IntegrityError:
        raise errors.Conflict.one("", _("This cluster was attached a moment ago.")) from None
    return attached


def detach(*, cluster: Cluster, by: Actor, at: datetime) -> Cluster:
    """Let go of a cluster at once, whether or not it answers: the credential is wiped, cost and audit stay.

    Raises `Conflict` when it is not attached.
    """
    with transaction.atomic():
        locked = _locked(cluster)
        if locked.state != State.ATTACHED:
            raise errors.Conflict.one("", _("This cluster is not attached."))
        locked.state = State.DETACHED
        locked.detached_at = at
        locked.generation += 1
        locked.credential, locked.credential_expires_at = "", None
        locked.save()
        locked.accounts.all().delete()
        _stop_jobs(locked, at)
        audit.record(
            "registry.cluster.detach",
            by=by,
            on=locked.as_subject(),
            before={"state": State.ATTACHED.value},
            after={"state": State.DETACHED.value, "generation": locked.generation},
        )
        jobs.enqueue("billing.metering.fold", key=str(locked.pk), by=SYSTEM, cluster_id=str(locked.pk))
    return locked


def discard(*, cluster: Cluster, by: Actor) -> None:
    """Remove a candidate. Raises `Conflict` for anything else."""
    with transaction.atomic():
        locked = _locked(cluster)
        if locked.state != State.CANDIDATE:
            raise errors.Conflict.one("", _("Only a candidate can be discarded; an attached cluster is detached."))
        audit.record("registry.cluster.purge", by=by, on=locked.as_subject(), before={"server": locked.server})
        locked.delete()


def set_labels(*, cluster: Cluster, labels: Mapping[str, str], by: Actor) -> Cluster:
    """Give an attached cluster exactly these labels. Raises `Refused` at "labels", `Conflict` when not attached."""
    wanted = label_rules.demand(labels)
    with transaction.atomic():
        locked = _locked(cluster)
        if locked.state != State.ATTACHED:
            raise errors.Conflict.one("", _("This cluster is not attached."))
        if locked.labels != wanted:
            before, locked.labels = locked.labels, wanted
            locked.save(update_fields=["labels"])
            audit.record(
                "registry.cluster.label",
                by=by,
                on=locked.as_subject(),
                before={"labels": before},
                after={"labels": wanted},
            )
    return locked


def purge_candidates(*, at: datetime) -> int:
    """Remove the candidates that nobody confirmed within a day. Returns how many."""
    old = Cluster.objects.candidates().filter(proposed_at__lte=at - CANDIDATE_LIFE)
    removed = 0
    for cluster in old:
        try:
            discard(cluster=cluster, by=SYSTEM)
        except errors.Conflict:
            continue  # confirmed or discarded by a person a moment ago
        removed += 1
    return removed


def set_identity_changed(*, cluster_id: UUID, generation: int, uid: str, at: datetime) -> bool:
    """Note that another cluster answers behind the address: its sync stops until the pinned one is back.

    False where the cluster was detached or attached anew since `generation`.
    """
    with transaction.atomic():
        cluster = (
            Cluster.objects.select_for_update()
            .filter(pk=cluster_id, generation=generation, state=State.ATTACHED)
            .first()
        )
        if cluster is None:
            return False
        _note_identity(cluster, uid, at)
        cluster.save(update_fields=["foreign_uid", "identity_changed_at"])
    return True


def connection(cluster: Cluster) -> kube.Connection:
    """Open the sealed credential. Raises `sealed.SealBroken`, and `Conflict` for a detached cluster."""
    if not cluster.credential:
        raise errors.Conflict.one("", _("The cluster is detached; Paddock holds no credential for it."))
    return kube.Connection.from_json(sealed.open_sealed(cluster, "credential").reveal())


def _read(data: bytes) -> kube.Connection:
    try:
        connected = kubeconfig.read(data)
        address = egress.check_host(connected.host)
        if address is not None:
            egress.judge(address, connected.host, allow_loopback=settings.ALLOW_LOOPBACK)
    except kubeconfig.KubeconfigError as error:
        raise errors.Refused.one("kubeconfig", str(error)) from None
    except egress.AddressRefused as error:
        raise errors.Refused.one("kubeconfig", _("clusters[0].cluster.server is refused: %s.") % error.reason) from None
    return connected


def _free_slug(name: str) -> str:
    wanted = naming.slug_of(name)
    if wanted in naming.RESERVED:
        raise errors.Refused.one("name", _("This name is kept for Paddock itself. Choose another."))
    taken = dict(Cluster.objects.filter(slug__startswith=wanted[:50]).values_list("slug", "state"))
    state = taken.get(wanted)
    if state == State.CANDIDATE:
        raise errors.Refused.one("name", _("A candidate of this name waits for its confirmation."))
    if state == State.ATTACHED:
        raise errors.Refused.one("name", _("A cluster of this name is attached already."))
    # The name of a detached cluster may mean that very cluster; its checks find out.
    numbers = (naming.numbered(wanted, number) for number in range(2, len(taken) + 3))
    return wanted if state is None else next(slug for slug in numbers if slug not in taken)


def _hold_credential(cluster: Cluster, connected: kube.Connection) -> None:
    cluster.server = connected.server
    cluster.ca_fingerprint = credentials.ca_fingerprint(connected.ca_data)
    cluster.credential_expires_at = credentials.expires_at(connected)
    sealed.set_sealed(cluster, "credential", connected.to_json())


def _ask_for_check(cluster: Cluster, by: Actor) -> Job:
    return jobs.enqueue("clusters.registry.check", key=str(cluster.pk), by=by, cluster_id=str(cluster.pk))


def _still(cluster: Cluster) -> Cluster | None:
    """Lock the row if it is the registration that was looked at."""
    return (
        Cluster.objects.select_for_update()
        .filter(pk=cluster.pk, generation=cluster.generation)
        .exclude(state=State.DETACHED)
        .first()
    )


def _keep(locked: Cluster, probe: checks.Probe, at: datetime) -> None:
    locked.version, locked.distribution = probe.version or locked.version, probe.distribution or locked.distribution
    locked.rancher_managed = probe.rancher_managed if probe.version else locked.rancher_managed
    locked.checked_at = at
    if locked.state == State.CANDIDATE:
        locked.kube_system_uid = probe.kube_system_uid
        locked.resumes = obstacles.known_as(probe.kube_system_uid, State.DETACHED)
    elif probe.kube_system_uid:
        _note_identity(locked, probe.kube_system_uid, at)
    locked.checks = [_as_json(one) for one in (*probe.checks, *obstacles.found(locked))]
    locked.save()


def _note_identity(cluster: Cluster, uid: str, at: datetime) -> None:
    if uid == cluster.kube_system_uid:
        cluster.foreign_uid, cluster.identity_changed_at = "", None
    elif cluster.foreign_uid != uid:
        cluster.foreign_uid = uid
        cluster.identity_changed_at = cluster.identity_changed_at or at
        audit.record(
            "registry.cluster.identity",
            by=SYSTEM,
            on=cluster.as_subject(),
            before={"kube_system_uid": cluster.kube_system_uid},
            after={"kube_system_uid": uid},
        )


def _as_json(one: checks.Check) -> dict[str, Any]:
    return {"key": one.key, "title": one.title, "state": one.state, "text": one.text, "remedy": one.remedy}


def _demand_passed(candidate: Cluster) -> None:
    if candidate.checked_at is None:
        raise errors.Conflict.one("", _("The checks have not been made yet."))
    if not candidate.kube_system_uid:
        raise errors.Refused.one("", _("The identity of the cluster is not known yet."))
    # What the other rows say may have changed since the checks, so it is asked again.
    found = obstacles.found(candidate)
    failed = [one.text for one in found] + [
        one["title"]
        for one in candidate.checks
        if one["state"] in (checks.FAILED, checks.SKIPPED) and one["key"] not in obstacles.KEYS
    ]
    if failed:
        raise errors.Refused.one("", _("Not passed: %s") % "; ".join(failed))


def _resume(candidate: Cluster, known_id: UUID) -> Cluster:
    known = Cluster.objects.select_for_update().get(pk=known_id)
    if known.state != State.DETACHED:
        raise errors.Conflict.one("", _("The cluster %s was attached meanwhile.") % known.name)
    _hold_credential(known, connection(candidate))
    for field in ("distribution", "version", "rancher_managed", "checks", "checked_at", "proposed_at"):
        setattr(known, field, getattr(candidate, field))
    Cluster.objects.filter(pk=candidate.pk).delete()
    return known


def _start_sync(cluster: Cluster, by: Actor) -> None:
    jobs.enqueue("clusters.inventory.drain", key=str(cluster.pk), by=by, cluster_id=str(cluster.pk))


def _stop_jobs(cluster: Cluster, at: datetime) -> None:
    # What runs sees it at its next step; its writes are refused before that by the generation.
    kinds = ("clusters.registry.check", "clusters.inventory.drain")
    for job in Job.objects.open().filter(kind__in=kinds, key=str(cluster.pk)):
        try:
            jobs.cancel(job=job, at=at)
        except errors.Conflict:
            continue  # it ended by itself


def _locked(cluster: Cluster) -> Cluster:
    found = Cluster.objects.select_for_update(of=("self",)).filter(pk=cluster.pk).first()
    if found is None:
        raise errors.Conflict.one("", _("This cluster is no longer there."))
    return found
