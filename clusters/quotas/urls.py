"""Addresses of the room's pages."""

from django.urls import path

from clusters.quotas import views

app_name = "quotas"
urlpatterns = [
    path("projects/<slug:slug>/quota/", views.quota, name="quota"),
    path("projects/<slug:slug>/quota/plan/", views.Plan.as_view(), name="plan"),
    path("projects/<slug:slug>/quota/remove/", views.remove, name="remove"),
    path("projects/<slug:slug>/quota/more/", views.More.as_view(), name="more"),
    path("requests/quota/<uuid:request_id>/approve/", views.approve, name="approve"),
    path("requests/quota/<uuid:request_id>/reject/", views.reject, name="reject"),
    path("requests/quota/<uuid:request_id>/withdraw/", views.withdraw, name="withdraw"),
]
