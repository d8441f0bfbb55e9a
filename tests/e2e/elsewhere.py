"""Where people come from: a real directory, and GitHub and an OIDC provider as fakes on the wire."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.fakes.github import GithubServer
from tests.fakes.oidc import OidcServer
from tests.testbed import certificates, directories, ldif

DIRECTORY, GITHUB, OIDC = "directory", "github", "sso"
# The fake's people and teams; those of the directory are of `ldif.small`.
LOGIN, TEAM, ORGANISATION = "octavia", "till-crew", "orchard"
SINGLE = "ines"


@dataclass(frozen=True)
class Elsewhere:
    """Three providers, running."""

    directory: directories.Directory
    github: GithubServer
    oidc: OidcServer

    def environ(self) -> dict[str, str]:
        """What declares them to an installation."""
        entries = [
            self.directory.provider_json(DIRECTORY, name="Company directory"),
            self.github.provider_json(GITHUB),
            self.oidc.provider_json(OIDC, name="Single sign-on"),
        ]
        return {"PADDOCK_PROVIDERS": json.dumps(entries)}

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where a browser goes to sign in."""
        return tuple(one.url.partition("://")[2] for one in (self.github, self.oidc))


@contextmanager
def running() -> Iterator[Elsewhere]:
    """Start them. The test is skipped, or fails with CI=true, where there is no slapd."""
    authority = certificates.Authority(name="elsewhere", at=datetime.now(UTC))
    with ExitStack() as servers:
        directory = servers.enter_context(directories.demanded(ldif.small(), authority))
        github = servers.enter_context(GithubServer())
        oidc = servers.enter_context(OidcServer())
        organisation = github.add_organisation(ORGANISATION)
        octavia = github.add_person(LOGIN, name="Octavia Brand", email="octavia@example.org")
        github.join(organisation, octavia)
        github.add_team(organisation, TEAM, octavia)
        oidc.add(SINGLE, name="Ines Calder", email="ines@example.org")
        yield Elsewhere(directory, github, oidc)
