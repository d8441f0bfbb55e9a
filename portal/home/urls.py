"""Addresses of the room's pages."""

from django.urls import path

from portal.home import views

app_name = "home"
urlpatterns = [
    path("", views.Home.as_view(), name="home"),
    path("healthz/", views.healthz, name="healthz"),
    path("jobs/", views.Jobs.as_view(), name="jobs"),
    path("jobs/<uuid:job_id>/", views.job, name="job"),
    path("jobs/<uuid:job_id>/retry/", views.retry, name="retry"),
    path("jobs/<uuid:job_id>/cancel/", views.cancel, name="cancel"),
    path("gallery/", views.gallery, name="gallery"),
    path("demo/remove/", views.remove_demo, name="remove_demo"),
]
