"""Providers as a deployment has them: declared by the environment, enabled by an administrator, read by the job."""

import json
from datetime import datetime
from typing import Any

from django.test import Client
from pytest_django import Settings

from portal.accounts.models import Identity, Provider, User
from portal.accounts.outside import refresh
from portal.accounts.outside.refresh import Outcome
from portal.accounts.providers import rows
from portal.core import clock
from portal.jobs import runner
from portal.jobs.models import Job

BASE_URL = "http://testserver"


def declare(settings: Settings, *entries: dict[str, Any], enabled: bool = True) -> list[Provider]:
    """Set PADDOCK_PROVIDERS; the rows come by themselves."""
    settings.PROVIDERS = json.dumps(entries)
    settings.BASE_URL = BASE_URL
    settings.ALLOW_LOOPBACK = True
    keys = [entry["key"] for entry in entries]
    made = {known.row.key: known.row for known in rows.every()}
    Provider.objects.filter(key__in=keys).update(enabled=enabled)
    for key in keys:
        made[key].refresh_from_db()
    return [made[key] for key in keys]


def read(provider: Provider, at: datetime | None = None) -> Outcome:
    """Refresh it as the job does, without a worker."""
    outcome = refresh.run(key=provider.key, at=at or clock.now(), guard=lambda: None)
    provider.refresh_from_db()
    return outcome


def run_jobs() -> list[str]:
    """Run what waits, as a worker would; returns the states."""
    waiting = Job.objects.filter(state="waiting", kind__startswith="portal.accounts.").order_by("created_at")
    return [runner.run(job.pk) for job in list(waiting)]


def type_in(client: Client, username: str, password: str, **more: str) -> Any:
    """Type name and password on the page for signing in."""
    return client.post("/sign-in/", {"username": username, "password": password, **more})


def is_signed_in(client: Client) -> bool:
    """Whether the browser has somebody's session that stands."""
    answer = client.get("/profile/")
    return bool(answer.status_code == 200)


def signed_in_as(client: Client) -> User:
    """Who is signed in there."""
    return User.objects.get(pk=client.session["_auth_user_id"])


def identity(provider: Provider, username: str) -> Identity:
    """The account of a name at a provider."""
    return Identity.objects.get(provider=provider, username=username)


def group_names(provider: Provider, username: str) -> set[str]:
    """The groups that are kept of somebody, reached ones included."""
    return set(identity(provider, username).memberships.values_list("group__name", flat=True))
