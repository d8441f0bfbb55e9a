"""Pages as a browser gets them, without the network: the whole of Django in this process, signed in."""

from django.conf import settings
from django.test import Client

from portal.accounts.models import User


def browser(username: str = "") -> Client:
    """A browser at the portal; of somebody who is signed in, where a name is given."""
    # Files are found where they lie: `collectstatic` has not run here.
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    client = Client(HTTP_HOST="localhost")
    if username:
        client.force_login(User.objects.get(username=username))
    return client


def get(client: Client, path: str) -> bytes:
    """The page at a path. Raises where it is not there."""
    answer = client.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} was answered with {answer.status_code}")
    return answer.content


def rows(page: bytes) -> int:
    """The rows of its tables, heads included."""
    return page.count(b"<tr")
