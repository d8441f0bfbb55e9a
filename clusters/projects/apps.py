"""App settings."""

from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    """See the package's docstring."""

    name = "clusters.projects"
    label = "projects"
