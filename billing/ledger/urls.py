"""Addresses of the room's pages."""

from django.urls import path

from billing.ledger import views

app_name = "ledger"
urlpatterns = [
    path("", views.Costs.as_view(), name="costs"),
    path("row/", views.row, name="row"),
    path("projects/<slug:slug>/panel/", views.project_panel, name="project_panel"),
    path("clusters/<slug:slug>/panel/", views.cluster_panel, name="cluster_panel"),
]
