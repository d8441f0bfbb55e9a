"""Addresses of the room's pages."""

from django.urls import path

from billing.pricing import views

app_name = "pricing"
urlpatterns = [
    path("", views.Books.as_view(), name="books"),
    path("new/", views.NewBook.as_view(), name="new"),
    path("unpriced/", views.Unpriced.as_view(), name="unpriced"),
    path("starter.csv", views.starter_file, name="starter"),
    path("books/<slug:slug>/", views.Book.as_view(), name="book"),
    path("books/<slug:slug>/change/", views.ChangeBook.as_view(), name="change"),
    path("books/<slug:slug>/import/", views.Import.as_view(), name="import"),
]
