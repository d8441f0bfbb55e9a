"""Addresses of the room's pages."""

from django.urls import path

from clusters.inventory import views

app_name = "inventory"
urlpatterns = [
    path("workloads/", views.Workloads.as_view(), name="workloads"),
    path("workloads/<int:pk>/", views.PodsOfWorkload.as_view(), name="workload"),
    path("pods/", views.Pods.as_view(), name="pods"),
    path("pods/<int:pk>/", views.pod, name="pod"),
    path("nodes/", views.Nodes.as_view(), name="nodes"),
    path("nodes/<int:pk>/", views.PodsOfNode.as_view(), name="node"),
    path("namespaces/", views.Namespaces.as_view(), name="namespaces"),
    path("streams/<slug:slug>/", views.streams_panel, name="streams_panel"),
    path("streams/<int:pk>/release/", views.release_hold, name="release_hold"),
    path("fleet/", views.fleet_panel, name="fleet_panel"),
]
