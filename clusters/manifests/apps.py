"""App settings."""

from django.apps import AppConfig


class ManifestsConfig(AppConfig):
    """See the package's docstring."""

    name = "clusters.manifests"
    label = "manifests"
