"""The command line of ``python3 -m portal.local``."""

import argparse
import os
import sys

from portal.core import data_folder
from portal.local import bill, console, environment, errors, packages, run


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
        elif chosen.command == "sbom":
            console.say(f"{bill.write()} parts in {bill.TARGET}")
        elif chosen.command == "audit":
            return audit(chosen.source)
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
    run.install_ldap(folder, insist=not development)


def audit(source: str) -> int:
    """Ask for known weaknesses of what the locks name; 1 where there are some, and where nobody could be asked."""
    found = bill.weaknesses(source)
    for part, ids in found:
        console.say(f"{part.name} {part.version}: {', '.join(ids)}")
    console.say(f"{len(found)} packages with known weaknesses." if found else "No known weaknesses.")
    return 1 if found else 0


def browser_files() -> None:
    """The files of other projects that the pages load."""
    run.install_assets(environment.prepare(os.environ))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m portal.local", description="Runs Paddock on this machine.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    setup_parser = commands.add_parser("setup", help="make .venv and the data folder, install the packages")
    setup_parser.add_argument("--dev", action="store_true", help="also what the checks and tests need")
    commands.add_parser("assets", help="fetch the browser files of other projects")
    commands.add_parser("sbom", help="write the bill of materials to build/sbom.json")
    audit_parser = commands.add_parser("audit", help="ask for known weaknesses of the packages of the locks")
    audit_parser.add_argument("--source", default=bill.ADVISORIES, help="address of the OSV query")
    commands.add_parser("run", help="start Paddock; PORT=8001 takes another port")
    commands.add_parser("serve", help="what run continues as, once the packages are there")
    commands.add_parser("guard", help="what run starts beside itself, to clean up after its death")
    return parser
