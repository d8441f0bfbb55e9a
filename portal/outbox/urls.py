"""Addresses of the room's pages."""

from django.urls import path

from portal.outbox import views

app_name = "outbox"
urlpatterns = [
    path("", views.Messages.as_view(), name="messages"),
    path("targets/", views.targets, name="targets"),
    path("targets/test/", views.send_test, name="test"),
    path("<uuid:message_id>/", views.message, name="message"),
    path("<uuid:message_id>/retry/", views.retry, name="retry"),
]
