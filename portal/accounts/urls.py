"""Addresses of the room's pages."""

from django.urls import path

from portal.accounts.views import factors, people, profile, sessions, sign_in

app_name = "accounts"
urlpatterns = [
    path("sign-in/", sign_in.sign_in_page, name="sign_in"),
    path("sign-out/", sign_in.sign_out, name="sign_out"),
    path("sign-in/second-step/", sign_in.second_step, name="second_step"),
    path("profile/", profile.Profile.as_view(), name="profile"),
    path("profile/second-factor/", factors.SecondFactor.as_view(), name="second_factor"),
    path("profile/second-factor/codes/", factors.renew_codes, name="renew_codes"),
    path("profile/second-factor/remove/", factors.remove_factor, name="remove_factor"),
    path("profile/sessions/", sessions.OwnSessions.as_view(), name="own_sessions"),
    path("profile/sessions/others/end/", sessions.end_others, name="end_others"),
    path("profile/sessions/<uuid:public_id>/end/", sessions.end_own, name="end_own"),
    path("people/sessions/", sessions.Sessions.as_view(), name="sessions"),
    path("people/sessions/<uuid:public_id>/end/", sessions.end_any, name="end_any"),
    path("people/of/<str:username>/reset-factor/", factors.reset_factor, name="reset_factor"),
    path("people/of/<str:username>/reset-password/", factors.reset_password, name="reset_password"),
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
