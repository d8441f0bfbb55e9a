"""`manage.py apply FILE`: make a project what its manifest says."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clusters.manifests import document, services
from clusters.projects.models import Project, Team
from portal.accounts.models import User
from portal.core import clock, errors
from portal.core.actors import COMMAND


class Command(BaseCommand):
    """See the module's docstring."""

    help = "Make a project what its manifest says, and open it where there is none. Exit code 1 when it is refused."

    def add_arguments(self, parser: CommandParser) -> None:
        """FILE, --as, --dry-run, --no-prune."""
        parser.add_argument("file", type=Path, help="the manifest, YAML or JSON")
        parser.add_argument("--as", dest="username", required=True, help="whose rights hold: a person's user name")
        parser.add_argument("--dry-run", action="store_true", help="change nothing, say what would change")
        parser.add_argument("--no-prune", action="store_true", help="take nothing away that the document does not name")

    def handle(self, *, file: Path, username: str, dry_run: bool, no_prune: bool, **_options: Any) -> None:
        """Read, compare, change."""
        try:
            wanted = document.read(file.read_bytes())
            person = User.objects.get(username=username, is_active=True, kind="person")
            project = self._project(wanted, dry_run=dry_run)
            if project is None:
                self.stdout.write(f"open {wanted.slug}")
                return
            do = services.preview if dry_run else services.apply
            more: dict[str, Any] = {} if dry_run else {"by": COMMAND}
            plan = do(project=project, wanted=wanted, person=person, at=clock.now(), prune=not no_prune, **more)
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from None
        except User.DoesNotExist:
            raise CommandError(f"There is no active person {username}.") from None
        except errors.Refused as refused:
            raise CommandError(str(refused)) from None
        for one in plan.steps:
            self.stdout.write(f"{one.act} {one.path} {one.what}: {one.before} -> {one.after}")
        self.stdout.write("Nothing to change." if not plan.steps else f"{len(plan.steps)} changes.")

    def _project(self, wanted: document.Manifest, *, dry_run: bool) -> Project | None:
        found = Project.objects.filter(slug=wanted.slug).first()
        if found is not None or dry_run:
            return found
        team = Team.objects.standing().filter(slug=wanted.team or "").first()
        if team is None:
            raise errors.Refused.one("spec.team", "There is no such team to open the project in.")
        return services.open_as(wanted=wanted, team=team, by=COMMAND, at=clock.now())
