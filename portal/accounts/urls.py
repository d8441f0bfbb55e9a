"""Addresses of the room's pages."""

from django.urls import path

from portal.accounts.views import people, profile, sign_in

app_name = "accounts"
urlpatterns = [
    path("sign-in/", sign_in.sign_in_page, name="sign_in"),
    path("sign-out/", sign_in.sign_out, name="sign_out"),
    path("confirm/", sign_in.confirm_page, name="confirm"),
    path("people/roles/", people.Roles.as_view(), name="roles"),
    path("password/", profile.password_page, name="password"),
    path("people/", people.People.as_view(), name="people"),
    path("people/new/", people.NewPerson.as_view(), name="new_person"),
    path("people/bindings/", people.Bindings.as_view(), name="bindings"),
    path("people/bindings/<uuid:binding_id>/revoke/", people.revoke, name="revoke"),
    path("people/of/<str:username>/", people.Person.as_view(), name="person"),
    path("people/of/<str:username>/grant/", people.Grant.as_view(), name="grant"),
    path("people/of/<str:username>/active/", people.set_active, name="set_active"),
]
