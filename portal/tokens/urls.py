"""Addresses of the room's pages."""

from django.urls import path

from portal.tokens.views import every, own, robots

app_name = "tokens"
# The fixed words stand first and are no slugs of robots (services.robots.RESERVED).
urlpatterns = [
    path("profile/tokens/", own.Tokens.as_view(), name="own"),
    path("profile/tokens/new/", own.NewToken.as_view(), name="new"),
    path("profile/tokens/<uuid:token_id>/revoke/", own.revoke, name="revoke"),
    path("tokens/", every.Tokens.as_view(), name="every"),
    path("robots/", robots.Robots.as_view(), name="robots"),
    path("robots/new/", robots.NewRobot.as_view(), name="new_robot"),
    path("robots/tokens/<uuid:token_id>/revoke/", robots.revoke, name="revoke_robots"),
    path("robots/<slug:slug>/", robots.RobotPage.as_view(), name="robot"),
    path("robots/<slug:slug>/tokens/new/", robots.NewRobotToken.as_view(), name="new_robot_token"),
    path("robots/<slug:slug>/retire/", robots.retire, name="retire"),
]
