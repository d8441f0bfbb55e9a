"""Addresses of the room's pages: all lie below a cluster."""

from django.urls import path

from clusters.applying import views

app_name = "applying"
urlpatterns = [
    path("clusters/<slug:slug>/written/", views.written, name="written"),
    path("clusters/<slug:slug>/written/decide/", views.decide, name="decide"),
    path("clusters/<slug:slug>/written/resume/", views.resume, name="resume"),
    path("clusters/<slug:slug>/written/stop/", views.stop, name="stop"),
]
