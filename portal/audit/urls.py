"""Addresses of the room's pages."""

from django.urls import path

from portal.audit import views

app_name = "audit"
urlpatterns = [path("", views.Events.as_view(), name="events")]
