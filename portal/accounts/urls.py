"""Addresses of the room's pages."""

from django.urls import path

from portal.accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.sign_in_page, name="sign_in"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("password/", views.password_page, name="password"),
    path("people/", views.People.as_view(), name="people"),
    path("people/new/", views.NewPerson.as_view(), name="new_person"),
    path("people/bindings/", views.Bindings.as_view(), name="bindings"),
    path("people/bindings/<uuid:binding_id>/revoke/", views.revoke, name="revoke"),
    path("people/of/<str:username>/", views.Person.as_view(), name="person"),
    path("people/of/<str:username>/grant/", views.Grant.as_view(), name="grant"),
    path("people/of/<str:username>/active/", views.set_active, name="set_active"),
]
