"""Addresses of the room's pages."""

from django.urls import path

from portal.requests import views

app_name = "requests"
urlpatterns = [
    path("requests/", views.Own.as_view(), name="own"),
    path("requests/new/", views.Ask.as_view(), name="ask"),
    path("requests/waiting/", views.Waiting.as_view(), name="waiting"),
    path("requests/<uuid:request_id>/approve/", views.approve, name="approve"),
    path("requests/<uuid:request_id>/reject/", views.reject, name="reject"),
    path("requests/<uuid:request_id>/withdraw/", views.withdraw, name="withdraw"),
    path("reviews/", views.Reviews.as_view(), name="reviews"),
    path("reviews/<uuid:review_id>/", views.OneReview.as_view(), name="review"),
]
