"""Addresses of the room's pages."""

from django.urls import path

from clusters.manifests import views

app_name = "manifests"
urlpatterns = [
    path("projects/<slug:slug>/as-code/", views.AsCode.as_view(), name="as_code"),
    path("projects/<slug:slug>/as-code/apply/", views.Apply.as_view(), name="apply"),
    path("projects/<slug:slug>/as-code/unlock/", views.unlock, name="unlock"),
]
