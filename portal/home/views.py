"""Home, jobs, the gallery and the health check."""

from uuid import UUID

from django.contrib import messages
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from portal.access import gate
from portal.access.permissions import Permission
from portal.core import clock, parts
from portal.core.listing import ListPage, ListView
from portal.core.listing.views import wants_fragment
from portal.home import gallery as examples
from portal.home import job_page, lists, overview, services
from portal.jobs import kinds
from portal.jobs import services as jobs
from portal.jobs.models import OPEN, Job


class Home(gate.SignedIn, ListView):
    """What is mine, how it is, what it costs this month, and what waits for me."""

    reason = "shows only what the person may see"
    listing = overview.MyProjects
    template_name = "portal/home/home.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, object]:
        """Figures and steps around the table."""
        person, at = gate.person(request), clock.now()
        return {
            "stats": overview.stats(person, at),
            "steps": overview.steps(person, at),
            "has_projects": person.may(Permission.PROJECT_VIEW),
            "ask": parts.Action(_("Ask for access"), reverse("requests:ask"), "requests"),
        }


@gate.public("load balancers and supervisors ask without a session; the answer names nothing")
def healthz(request: HttpRequest) -> JsonResponse:
    """Tell whether this process can serve: the database answers and takes writes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        (read_only,) = cursor.fetchone()
    return JsonResponse({"ok": not read_only}, status=503 if read_only else 200)


class Jobs(gate.Gated, ListView):
    """Background work."""

    permission = Permission.JOB_VIEW
    listing = lists.JobList
    template_name = "portal/home/jobs.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, object]:
        """How the queues are."""
        return {"queues": overview.queues(clock.now())}


@gate.requires(Permission.JOB_VIEW)
def job(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """One job; an open one is asked for again every two seconds until it ends."""
    found = get_object_or_404(Job, pk=job_id)
    template = "portal/home/_job.html" if wants_fragment(request) else "portal/home/job.html"
    known = kinds.known().get(found.kind)
    return render(
        request,
        template,
        {
            "job": found,
            "open": found.state in OPEN,
            "label": known.label if known else found.kind,
            "progress": job_page.progress(found),
            "facts": job_page.facts(found, clock.now()),
            "crumbs": [parts.Crumb(_("Jobs"), reverse("home:jobs"))],
            "may_manage": gate.person(request).may(Permission.JOB_MANAGE),
        },
    )


@require_POST
@gate.requires(Permission.JOB_MANAGE)
def retry(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Try again."""
    services.retry_job(job=get_object_or_404(Job, pk=job_id), by=gate.actor_of(request), at=clock.now())
    return redirect("home:job", job_id=job_id)


@require_POST
@gate.requires(Permission.JOB_MANAGE)
def cancel(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """Stop."""
    services.cancel_job(job=get_object_or_404(Job, pk=job_id), by=gate.actor_of(request), at=clock.now())
    return redirect("home:job", job_id=job_id)


@gate.signed_in("shows example data only")
def gallery(request: HttpRequest) -> HttpResponse:
    """Every component in its states."""
    return render(request, "portal/home/gallery.html", {"gallery": examples.gallery(clock.now())})


@require_POST
@gate.requires(Permission.DEMO_EDIT)
def remove_demo(request: HttpRequest) -> HttpResponse:
    """Take the demo away, as a job."""
    asked = jobs.enqueue("portal.home.remove_demo", key="", by=gate.actor_of(request))
    messages.info(request, _("The demo is being removed."))
    return redirect("home:job", job_id=asked.pk)
