"""Pages of clusters."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View
from django.views.decorators.http import require_GET, require_POST

from clusters.kube import rights, write_rights
from clusters.registry import accounts, forms, lists, presenting, selectors, services
from clusters.registry import labels as label_rules
from clusters.registry.models import Account, Cluster, State
from portal.access import gate
from portal.access.permissions import Permission
from portal.core import clock, errors, parts
from portal.core.forms import put_errors
from portal.core.listing import ListPage, ListView

CLUSTERS = parts.Crumb(gettext_lazy("Clusters"), "/clusters/")


def _visible(request: HttpRequest, slug: str) -> Cluster:
    return get_object_or_404(Cluster.objects.visible_to(gate.person(request)), slug=slug)


def _editable(request: HttpRequest, slug: str) -> Cluster:
    cluster = _visible(request, slug)
    gate.demand(request, Permission.CLUSTER_EDIT, cluster=cluster.pk)
    return cluster


class Clusters(gate.Gated, ListView):
    """All clusters one may see."""

    permission = Permission.CLUSTER_VIEW
    listing = lists.ClusterList
    template_name = "clusters/registry/clusters.html"

    def context(self, request: HttpRequest, page: ListPage) -> dict[str, Any]:
        """The head of the page."""
        may_add = gate.person(request).scopes_for(Permission.CLUSTER_EDIT).everything
        return {
            "title": _("Clusters"),
            "about": _("What Paddock reads and counts the cost of."),
            "action": parts.Action(_("Add cluster"), reverse("registry:add"), "plus") if may_add else None,
        }


class Add(gate.Gated, View):
    """Propose a cluster by its kubeconfig."""

    permission = Permission.CLUSTER_EDIT

    def get(self, request: HttpRequest) -> HttpResponse:
        """Show the form."""
        gate.demand(request, Permission.CLUSTER_EDIT)
        return self._page(request, forms.AddClusterForm(), 200)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Accept as a candidate and go on to its checks, or show what is wrong."""
        gate.demand(request, Permission.CLUSTER_EDIT)
        form = forms.AddClusterForm(request.POST, request.FILES)
        if form.is_valid():
            try:
                cluster = services.propose(
                    name=form.cleaned_data["name"],
                    kubeconfig=form.kubeconfig(),
                    by=gate.actor_of(request),
                    at=clock.now(),
                )
            except errors.Refused as refused:
                form.put(refused.errors)
            else:
                return redirect("registry:candidate", slug=cluster.slug)
        return self._page(request, form.without_paste(), 422)

    def _page(self, request: HttpRequest, form: forms.AddClusterForm, status: int) -> HttpResponse:
        return render(
            request,
            "clusters/registry/add.html",
            {
                "title": _("Add cluster"),
                "about": _("Nothing is changed in the cluster. Paddock reads it and keeps the credential sealed."),
                "crumbs": [CLUSTERS],
                "form": form,
            },
            status=status,
        )


@require_GET
@gate.requires(Permission.CLUSTER_VIEW)
def cluster(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a cluster: state, checks and identity. A candidate has a page of its own."""
    found = _visible(request, slug)
    if found.state == State.CANDIDATE:
        return redirect("registry:candidate", slug=slug)
    person = gate.person(request)
    may_edit = person.scopes_for(Permission.CLUSTER_EDIT).covers(cluster=found.pk)
    may_read = person.scopes_for(Permission.INVENTORY_VIEW).covers(cluster=found.pk)
    return render(
        request,
        "clusters/registry/cluster.html",
        {
            **presenting.head(found),
            "cluster": found,
            "tabs": presenting.tabs(found, may_read=may_read),
            "facts": presenting.facts(found),
            "may_edit": may_edit and found.state == State.ATTACHED,
            "may_write": found.state == State.ATTACHED
            and person.scopes_for(Permission.CLUSTER_WRITE).covers(cluster=found.pk),
            **presenting.looking(found, selectors.looking_at(found)),
        },
    )


@require_GET
@gate.requires(Permission.CLUSTER_EDIT)
def candidate(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a candidate with its checks as they come in, and what a person confirms."""
    found = _editable(request, slug)
    if found.state != State.CANDIDATE:
        return redirect("registry:cluster", slug=slug)
    return _candidate_page(request, found)


def _candidate_page(request: HttpRequest, found: Cluster, refused: errors.Refused | None = None) -> HttpResponse:
    return render(
        request,
        "clusters/registry/candidate.html",
        {
            "title": found.name,
            "about": _("Waits for your confirmation; removed a day after it was proposed."),
            "crumbs": [CLUSTERS],
            "cluster": found,
            "facts": presenting.identity(found),
            "may_edit": True,
            "problems": [text for texts in refused.errors.values() for text in texts] if refused else [],
            **presenting.looking(found, selectors.looking_at(found)),
        },
        status=refused.status if refused else 200,
    )


@require_GET
@gate.requires(Permission.CLUSTER_VIEW)
def checks(request: HttpRequest, slug: str) -> HttpResponse:
    """Give the checks as a fragment that asks again while they run."""
    found = _visible(request, slug)
    context = {
        "cluster": found,
        "facts": presenting.identity(found),
        "may_edit": gate.person(request).scopes_for(Permission.CLUSTER_EDIT).covers(cluster=found.pk),
        **presenting.looking(found, selectors.looking_at(found)),
    }
    return render(request, "clusters/registry/_checks.html", context)


@require_POST
@gate.requires(Permission.CLUSTER_EDIT)
def confirm(request: HttpRequest, slug: str) -> HttpResponse:
    """Attach a candidate."""
    found = _editable(request, slug)
    try:
        attached = services.confirm(cluster=found, by=gate.actor_of(request), at=clock.now())
    except errors.Refused as refused:
        return _candidate_page(request, found, refused)
    messages.success(request, _("%s is attached. What is in it appears within a minute.") % attached.name)
    return redirect("registry:cluster", slug=attached.slug)


@require_POST
@gate.requires(Permission.CLUSTER_EDIT)
def discard(request: HttpRequest, slug: str) -> HttpResponse:
    """Remove a candidate."""
    found = _editable(request, slug)
    services.discard(cluster=found, by=gate.actor_of(request))
    messages.success(request, _("The candidate %s is removed.") % found.name)
    return redirect("registry:clusters")


@require_POST
@gate.requires(Permission.CLUSTER_EDIT)
def recheck(request: HttpRequest, slug: str) -> HttpResponse:
    """Have the checks made again."""
    found = _editable(request, slug)
    services.recheck(cluster=found, by=gate.actor_of(request))
    return redirect("registry:cluster", slug=slug)


class Labels(gate.Gated, View):
    """Say by which labels the cluster is chosen."""

    permission = Permission.CLUSTER_EDIT

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show them, one a line."""
        found = _editable(request, slug)
        form = forms.LabelsForm(initial={"labels": label_rules.as_text(found.labels)})
        return self._page(request, found, form, 200)

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Save, or show which line is wrong."""
        found = _editable(request, slug)
        form = forms.LabelsForm(request.POST)
        if form.is_valid():
            try:
                services.set_labels(cluster=found, labels=form.cleaned_data["labels"], by=gate.actor_of(request))
            except errors.Refused as refused:
                for text in (text for texts in refused.errors.values() for text in texts):
                    form.add_error(None, text)
            else:
                messages.success(request, _("The labels of %s are saved.") % found.name)
                return redirect("registry:cluster", slug=slug)
        return self._page(request, found, form, 422)

    def _page(self, request: HttpRequest, found: Cluster, form: forms.LabelsForm, status: int) -> HttpResponse:
        context = {
            "title": _("Labels of %s") % found.name,
            "crumbs": [CLUSTERS, parts.Crumb(found.name, found.get_absolute_url())],
            "cluster": found,
            "form": form,
        }
        return render(request, "clusters/registry/labels.html", context, status=status)


class Writing(gate.Gated, View):
    """Let Paddock write to the cluster: the manifest, the command, and the token it prints."""

    permission = Permission.CLUSTER_WRITE

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Show what it may write, and whether it does."""
        return self._page(request, self._cluster(request, slug), forms.TokenForm(), 200)

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Keep the token."""
        found = self._cluster(request, slug)
        form = forms.TokenForm(request.POST)
        if form.is_valid():
            try:
                accounts.keep(
                    cluster=found,
                    account=Account.MANAGE,
                    token=form.cleaned_data["token"],
                    by=gate.actor_of(request),
                    at=clock.now(),
                )
            except errors.Refused as refused:
                put_errors(form, refused)
            else:
                messages.success(request, _("Paddock writes to %s from now on.") % found.name)
                return redirect("registry:writing", slug=slug)
        return self._page(request, found, form, 422)

    def _cluster(self, request: HttpRequest, slug: str) -> Cluster:
        found = _visible(request, slug)
        gate.demand(request, Permission.CLUSTER_WRITE, cluster=found.pk)
        return found

    def _page(self, request: HttpRequest, found: Cluster, form: forms.TokenForm, status: int) -> HttpResponse:
        context = {
            "title": _("Writing to %s") % found.name,
            "about": _("Namespaces, members and quotas of projects are made true in the cluster with an account."),
            "crumbs": [CLUSTERS, parts.Crumb(found.name, found.get_absolute_url())],
            "cluster": found,
            "account": found.accounts.filter(key=Account.MANAGE).first(),
            "form": form,
            "manifest": write_rights.manifests(),
            "command": presenting.WRITE_TOKEN_COMMAND,
        }
        return render(request, "clusters/registry/writing.html", context, status=status)


@require_POST
@gate.requires(Permission.CLUSTER_WRITE)
def forget_account(request: HttpRequest, slug: str) -> HttpResponse:
    """Write nothing more to the cluster; what is there stays."""
    found = _visible(request, slug)
    gate.demand(request, Permission.CLUSTER_WRITE, cluster=found.pk)
    accounts.forget(cluster=found, account=Account.MANAGE, by=gate.actor_of(request))
    messages.success(request, _("Paddock writes nothing more to %s. What is there stays.") % found.name)
    return redirect("registry:writing", slug=slug)


class Detach(gate.Gated, View):
    """Let go of a cluster, after its name was typed."""

    permission = Permission.CLUSTER_EDIT

    def get(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Say what happens, and ask for the name."""
        found = _editable(request, slug)
        return self._page(request, found, forms.DetachForm(expected=found.name), 200)

    def post(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Detach at once."""
        found = _editable(request, slug)
        form = forms.DetachForm(request.POST, expected=found.name)
        if form.is_valid():
            try:
                services.detach(cluster=found, by=gate.actor_of(request), at=clock.now())
            except errors.Refused as refused:
                for text in refused.errors.get("", []):
                    form.add_error(None, text)
            else:
                messages.success(request, _("%s is detached. Its cost and its history stay.") % found.name)
                return redirect("registry:cluster", slug=slug)
        return self._page(request, found, form, 422)

    def _page(self, request: HttpRequest, found: Cluster, form: forms.DetachForm, status: int) -> HttpResponse:
        return render(
            request,
            "clusters/registry/detach.html",
            {
                "title": _("Detach %s") % found.name,
                "crumbs": [CLUSTERS, parts.Crumb(found.name, found.get_absolute_url())],
                "cluster": found,
                "form": form,
            },
            status=status,
        )


@require_GET
@gate.requires(Permission.CLUSTER_VIEW)
def rights_page(request: HttpRequest) -> HttpResponse:
    """Show the manifest of the tier "read"."""
    return render(
        request,
        "clusters/registry/rights.html",
        {
            "title": _("Rights in a cluster"),
            "about": _("What Paddock needs to read a cluster: list and watch, and no Secrets."),
            "crumbs": [CLUSTERS],
            "manifest": rights.manifests(),
            "command": presenting.TOKEN_COMMAND,
        },
    )


@require_GET
@gate.requires(Permission.CLUSTER_VIEW)
def manifest(request: HttpRequest) -> HttpResponse:
    """Give the manifest as a file. It holds no secret."""
    response = HttpResponse(rights.manifests(), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="paddock-read.yaml"'
    return response


@require_GET
@gate.requires(Permission.CLUSTER_VIEW)
def write_manifest(request: HttpRequest) -> HttpResponse:
    """Give the manifest of the tier "projects" as a file. It holds no secret."""
    response = HttpResponse(write_rights.manifests(), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="paddock-projects.yaml"'
    return response
