"""What ends the start of every process: keys that are missing, or are not those this database was written with."""

from django.core.checks import run_checks


def refuse_wrong_start() -> None:
    """Raise `SystemExit` with what is wrong and its remedy. A database that is away is nothing wrong here."""
    wrong = run_checks(tags=["paddock", "seals"], databases=["default"])
    if wrong:
        raise SystemExit("\n".join(f"{each.msg} {each.hint}" for each in wrong))
