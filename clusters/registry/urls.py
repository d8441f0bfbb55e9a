"""Addresses of the room's pages."""

from django.urls import path

from clusters.registry import views

app_name = "registry"
# The fixed words stand first and are no slugs (naming.RESERVED).
urlpatterns = [
    path("", views.Clusters.as_view(), name="clusters"),
    path("add/", views.Add.as_view(), name="add"),
    path("rights/", views.rights_page, name="rights"),
    path("rights/paddock-read.yaml", views.manifest, name="manifest"),
    path("rights/paddock-projects.yaml", views.write_manifest, name="write_manifest"),
    path("<slug:slug>/", views.cluster, name="cluster"),
    path("<slug:slug>/candidate/", views.candidate, name="candidate"),
    path("<slug:slug>/checks/", views.checks, name="checks"),
    path("<slug:slug>/confirm/", views.confirm, name="confirm"),
    path("<slug:slug>/discard/", views.discard, name="discard"),
    path("<slug:slug>/recheck/", views.recheck, name="recheck"),
    path("<slug:slug>/labels/", views.Labels.as_view(), name="labels"),
    path("<slug:slug>/writing/", views.Writing.as_view(), name="writing"),
    path("<slug:slug>/writing/forget/", views.forget_account, name="forget_account"),
    path("<slug:slug>/detach/", views.Detach.as_view(), name="detach"),
]
