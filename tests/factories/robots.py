"""A robot with a token, and a person's token, as rows: who may make them is tested elsewhere."""

from datetime import datetime, timedelta
from typing import Any

from clusters.projects.models import Project
from portal.accounts.models import User
from portal.tokens.models import Robot, Token


def token_of(user: User, project: Project, at: datetime) -> Token:
    """A token on a project. Nobody knows its text."""
    found: Token = Token.objects.create(
        user=user,
        public_id=f"{Token.objects.count():012x}",
        digest="0" * 64,
        name=f"{project.slug} token",
        scope_kind="project",
        scope_id=project.pk,
        scope_label=project.name,
        permissions=["project.view"],
        created_at=at,
        created_by="tests",
        expires_at=at + timedelta(days=30),
    )
    return found


def robot_of(project: Project, slug: str, at: datetime, **more: Any) -> Robot:
    """A robot of a project with one token."""
    user = User(username=f"robot-{slug}", display_name=slug, kind="robot")
    user.set_unusable_password()
    user.save()
    token_of(user, project, at)
    found: Robot = Robot.objects.create(
        user=user,
        slug=slug,
        name=slug,
        home_kind="project",
        home_id=project.pk,
        home_label=project.name,
        created_at=at,
        created_by="tests",
        **more,
    )
    return found
