"""`manage.py add_cluster NAME --kubeconfig FILE`: attach a cluster from the shell."""

import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clusters.kube import checks
from clusters.registry import selectors, services
from clusters.registry.models import Cluster
from portal.core import clock, errors
from portal.core.actors import COMMAND
from portal.jobs import runner
from portal.jobs.models import Job

NOT_PASSED, REFUSED, DECLINED = 1, 2, 3
WAIT_SECONDS = 90
MARKS = {checks.OK: "green ", checks.WARN: "yellow", checks.FAILED: "red   ", checks.SKIPPED: "not yet"}


class Command(BaseCommand):
    """See the module's docstring."""

    help = (
        "Add a cluster by its kubeconfig: look at it, show each check, attach it. "
        "Exit codes: 0 attached, 1 a check did not pass, 2 refused, 3 not confirmed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """NAME, --kubeconfig and --yes."""
        parser.add_argument("name", help="what the cluster is called in Paddock")
        parser.add_argument("--kubeconfig", required=True, help="the file, - for standard input")
        parser.add_argument("--yes", action="store_true", help="attach without asking")

    def handle(self, *, name: str, kubeconfig: str, yes: bool, **_options: Any) -> None:
        """Propose, check, show, confirm; what is not attached is discarded, so that the name is free again."""
        data = _read(kubeconfig)
        try:
            candidate = services.propose(name=name, kubeconfig=data, by=COMMAND, at=clock.now())
        except errors.Refused as refused:
            raise CommandError(_lines(refused), returncode=REFUSED) from None
        try:
            attached = self._attach(candidate, yes)
        except BaseException:
            _discard(candidate)
            raise
        self.stdout.write(f"{attached.name} is attached.")

    def _attach(self, candidate: Cluster, yes: bool) -> Cluster:
        looked = _look(candidate)
        self._show(looked)
        if not selectors.looking_at(looked).passed:
            raise CommandError("Nothing was attached: a check did not pass.", returncode=NOT_PASSED)
        if not yes and input("Attach this cluster? [y/N] ").strip().lower() not in {"y", "yes"}:
            raise CommandError("Nothing was attached.", returncode=DECLINED)
        try:
            return services.confirm(cluster=looked, by=COMMAND, at=clock.now())
        except errors.Refused as refused:
            raise CommandError(_lines(refused), returncode=REFUSED) from None

    def _show(self, cluster: Cluster) -> None:
        for one in cluster.checks:
            self.stdout.write(f"{MARKS[one['state']]}  {one['title']}: {one['text']}")
            if one["state"] != checks.OK and one["remedy"]:
                self.stdout.write(f"        {one['remedy']}")
        self.stdout.write(f"address      {cluster.server}")
        self.stdout.write(f"authority    SHA-256 {cluster.ca_fingerprint}")
        self.stdout.write(f"identity     {cluster.kube_system_uid or 'unknown'}")
        if cluster.resumes is not None:
            self.stdout.write(
                f"This is the cluster {cluster.resumes.name}, detached before; it goes on under that name."
            )


def _read(path: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}.", returncode=REFUSED) from None


def _look(candidate: Cluster) -> Cluster:
    """Run the check job here; a worker that was faster is waited for."""
    job = Job.objects.get(kind="clusters.registry.check", key=str(candidate.pk))
    end = time.monotonic() + WAIT_SECONDS
    runner.run(job.pk)
    while Job.objects.open().filter(pk=job.pk).exists():
        if time.monotonic() > end:
            raise CommandError("The checks did not end in time.", returncode=NOT_PASSED)
        time.sleep(0.5)
        runner.run(job.pk)
    looked = Cluster.objects.get(pk=candidate.pk)
    if looked.checked_at is None:
        job.refresh_from_db()
        raise CommandError(f"The checks could not be made: {job.error}", returncode=NOT_PASSED)
    return looked


def _discard(candidate: Cluster) -> None:
    try:
        services.discard(cluster=candidate, by=COMMAND)
    except errors.Conflict:
        return  # it is attached, or was removed already


def _lines(refused: errors.Refused) -> str:
    return "\n".join(f"{field}: {text}" if field else text for field, texts in refused.errors.items() for text in texts)
