"""Addresses of the room's pages."""

from django.urls import path

from clusters.projects.views import members, namespaces, projects, robots, teams, unowned

app_name = "projects"
# The fixed words stand first and are no slugs (naming.RESERVED).
urlpatterns = [
    path("projects/", projects.Projects.as_view(), name="projects"),
    path("projects/new/", projects.NewProject.as_view(), name="new"),
    path("projects/unowned/", unowned.Unowned.as_view(), name="unowned"),
    path("projects/unowned/volumes/", unowned.Volumes.as_view(), name="unowned_volumes"),
    path("projects/unowned/workloads/", unowned.Workloads.as_view(), name="unowned_workloads"),
    path("projects/unowned/roles/", unowned.Roles.as_view(), name="unowned_roles"),
    path("projects/rules/", unowned.Rules.as_view(), name="rules"),
    path("projects/rules/delete/", unowned.delete_rule, name="delete_rule"),
    path("projects/<slug:slug>/", projects.ProjectPage.as_view(), name="project"),
    path(
        "projects/<slug:slug>/namespaces/new/",
        namespaces.NewNamespaces.as_view(),
        name="project_new_namespaces",
    ),
    path("projects/<slug:slug>/namespaces/withdraw/", namespaces.withdraw, name="project_withdraw_namespace"),
    path("projects/<slug:slug>/namespaces/end/", namespaces.Ends.as_view(), name="project_end_namespaces"),
    path("projects/<slug:slug>/namespaces/delete/", namespaces.Delete.as_view(), name="project_delete_namespaces"),
    path("projects/<slug:slug>/leave/", namespaces.Leave.as_view(), name="project_leave"),
    path("projects/<slug:slug>/cost/", projects.cost, name="project_cost"),
    path("projects/<slug:slug>/members/", members.ProjectMembers.as_view(), name="project_members"),
    path("projects/<slug:slug>/robots/", robots.ProjectRobots.as_view(), name="project_robots"),
    path("projects/<slug:slug>/activity/", projects.Activity.as_view(), name="project_activity"),
    path("projects/<slug:slug>/settings/", projects.Settings.as_view(), name="project_settings"),
    path("projects/<slug:slug>/team/", projects.MoveToTeam.as_view(), name="project_team"),
    path("projects/<slug:slug>/close/", projects.close, name="close_project"),
    path("teams/", teams.Teams.as_view(), name="teams"),
    path("teams/new/", teams.NewTeam.as_view(), name="new_team"),
    path("teams/<slug:slug>/", teams.TeamPage.as_view(), name="team"),
    path("teams/<slug:slug>/members/", members.TeamMembers.as_view(), name="team_members"),
    path("teams/<slug:slug>/robots/", robots.TeamRobots.as_view(), name="team_robots"),
    path("teams/<slug:slug>/activity/", teams.Activity.as_view(), name="team_activity"),
    path("teams/<slug:slug>/settings/", teams.Settings.as_view(), name="team_settings"),
    path("teams/<slug:slug>/close/", teams.close, name="close_team"),
]
