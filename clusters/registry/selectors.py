"""Reads about clusters."""

from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse

from clusters.kube import checks as kube
from clusters.registry.models import Cluster, State
from portal.jobs.models import Job
from portal.jobs.models import State as JobState


def demo_loaded() -> bool:
    """Tell whether the demo is there."""
    return Cluster.objects.filter(is_demo=True).exists()


def scope_named(slug: str) -> tuple[UUID, str] | None:
    """Return id and label of the cluster a role can be given on, None where there is none."""
    found = Cluster.objects.exclude(state=State.CANDIDATE).filter(slug=slug).values_list("id", "name").first()
    return (found[0], found[1]) if found else None


def scope_page(cluster_id: UUID) -> tuple[str, str] | None:
    """Return name and page of a cluster, None where there is none (`SCOPE_PAGES`)."""
    found = Cluster.objects.exclude(state=State.CANDIDATE).filter(pk=cluster_id).first()
    return (found.name, reverse("registry:cluster", args=[found.slug])) if found else None


@dataclass(frozen=True)
class Looking:
    """How the checks of a cluster stand: `busy` while they are made, `error` when the last attempt broke off."""

    busy: bool
    error: str
    passed: bool
    failed: int
    warned: int


def looking_at(cluster: Cluster) -> Looking:
    """Return how the checks of the cluster stand."""
    jobs = Job.objects.filter(kind="clusters.registry.check", key=str(cluster.pk))
    busy = jobs.open().exists()
    last = None if busy else jobs.order_by("-finished_at", "-started_at").values("state", "error").first()
    states = [one["state"] for one in cluster.checks]
    failed = sum(state in (kube.FAILED, kube.SKIPPED) for state in states)
    return Looking(
        busy=busy,
        error=last["error"].partition("\n")[0] if last and last["state"] == JobState.DEAD else "",
        passed=bool(states) and not failed,
        failed=failed,
        warned=states.count(kube.WARN),
    )
