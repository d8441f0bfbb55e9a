"""api/v1 of the room."""

from rest_framework.viewsets import ViewSetMixin

# (prefix, viewset, basename), read by portal/config/api_urls.py
ROUTES: list[tuple[str, type[ViewSetMixin], str]] = []
