"""Addresses of the room's pages."""

from django.urls import path

from portal.audit import views

app_name = "audit"
urlpatterns = [
    path("", views.Events.as_view(), name="events"),
    path("<int:event_id>/", views.event, name="event"),
    path("integrity/", views.Checks.as_view(), name="integrity"),
    path("integrity/progress/", views.progress, name="progress"),
    path("integrity/verify/", views.verify, name="verify"),
    path("heads/", views.Heads.as_view(), name="heads"),
]
