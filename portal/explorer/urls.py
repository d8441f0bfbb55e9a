"""Addresses of the room's pages."""

from django.urls import path

from portal.explorer import views

app_name = "explorer"
urlpatterns = [
    path("access/", views.Access.as_view(), name="access"),
    path("access/unused/", views.Unused.as_view(), name="unused"),
    path("access/never-used/", views.NeverUsed.as_view(), name="never_used"),
    path("access/look/end/", views.end_look, name="end_look"),
    path("access/look/<str:username>/", views.Look.as_view(), name="look"),
    path("profile/looks/", views.Looks.as_view(), name="looks"),
]
