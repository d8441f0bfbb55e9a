"""The command line of ``python3 -m portal.local``."""

import argparse
import os
import sys

from portal.core import data_folder
from portal.local import console, environment, errors, packages, run


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0, or 1 with one message on standard error."""
    chosen = _parser().parse_args(arguments)
    os.chdir(data_folder.CHECKOUT)
    os.umask(0o022)
    try:
        if chosen.command == "setup":
            setup(development=chosen.dev)
        elif chosen.command == "assets":
            browser_files()
        elif chosen.command == "run":
            run.prepare(os.environ)
        elif chosen.command == "guard":
            run.guard(os.environ)
        else:
            run.serve(os.environ)
    except KeyboardInterrupt:
        return 0 if chosen.command == "serve" else 130
    except (errors.LocalError, OSError) as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    return 0


def setup(*, development: bool) -> None:
    """The data folder with its settings file, and the packages of the lock file."""
    with console.step("environment") as notes:
        folder = environment.prepare(os.environ)
        notes.append(str(folder))
    run.install_packages(packages.DEVELOPMENT if development else packages.RUNTIME, folder)


def browser_files() -> None:
    """The files of other projects that the pages load."""
    run.install_assets(environment.prepare(os.environ))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m portal.local", description="Runs Paddock on this machine.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    setup_parser = commands.add_parser("setup", help="make .venv and the data folder, install the packages")
    setup_parser.add_argument("--dev", action="store_true", help="also what the checks and tests need")
    commands.add_parser("assets", help="fetch the browser files of other projects")
    commands.add_parser("run", help="start Paddock; PORT=8001 takes another port")
    commands.add_parser("serve", help="what run continues as, once the packages are there")
    commands.add_parser("guard", help="what run starts beside itself, to clean up after its death")
    return parser
