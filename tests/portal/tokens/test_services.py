"""Making and ending tokens: the cap, the audit, what is kept."""

import io
import threading
from contextlib import redirect_stdout
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from portal.access.permissions import Permission as P
from portal.accounts.models import User
from portal.audit.models import Event
from portal.core import clock, errors
from portal.core.actors import COMMAND
from portal.jobs.models import Job
from portal.tokens import schedule, tasks
from portal.tokens.models import LONGEST_LIFE, Token
from portal.tokens.services import tokens
from tests.people import person
from tests.portal.tokens.conftest import DAY, Estate, ask, give, make


@pytest.mark.django_db
def test_the_secret_is_kept_nowhere(ann: User, estate: Estate) -> None:
    token, text = make(ann, None)
    secret = text.split("_", 2)[2]
    ask(text)
    ask(text[:-3] + "AAA")
    dump = io.StringIO()
    with redirect_stdout(dump):
        call_command("dumpdata", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        names = [name for (name,) in cursor.fetchall()]
        whole = dump.getvalue()
        for name in names:
            cursor.execute(f'SELECT t::text FROM "{name}" t')
            whole += "\n".join(row for (row,) in cursor.fetchall())
    assert token.digest in whole
    assert token.public_id in whole
    assert secret not in whole
    assert text not in whole


@pytest.mark.django_db
def test_two_tokens_have_nothing_in_common(ann: User, estate: Estate) -> None:
    first, second = make(ann, None), make(ann, None)
    assert first[1] != second[1]
    assert first[0].public_id != second[0].public_id
    assert first[0].digest != second[0].digest


@pytest.mark.django_db
def test_making_and_ending_are_events(ann: User, estate: Estate) -> None:
    token, _text = make(ann, estate.team, [P.PROJECT_VIEW], only=[estate.shop], networks=["10.1.0.0/16"])
    made = Event.objects.get(kind="tokens.token.create")
    assert made.on_label.startswith("ann: report (pdk_")
    assert made.team_id == estate.team.pk
    assert made.after is not None
    assert made.after["scope"] == "team Payments"
    assert made.after["only"] == ["project Checkout"]
    assert made.after["permissions"] == ["project.view"]
    assert made.after["networks"] == ["10.1.0.0/16"]
    tokens.revoke(token=token, by=COMMAND, at=clock.now())
    tokens.revoke(token=token, by=COMMAND, at=clock.now())
    assert Event.objects.filter(kind="tokens.token.revoke").count() == 1
    token.refresh_from_db()
    assert token.revoked_by == "manage.py"


@pytest.mark.django_db
@pytest.mark.parametrize("days", [0, -1, 91, 1000])
def test_no_token_is_eternal(ann: User, estate: Estate, days: int) -> None:
    with pytest.raises(errors.Refused, match="expires_at"):
        make(ann, None, days=days)


@pytest.mark.django_db
def test_the_database_knows_the_longest_life(ann: User, estate: Estate) -> None:
    token, _text = make(ann, None, days=90)
    late = token.created_at + LONGEST_LIFE + timedelta(seconds=1)
    for wrong in ({"expires_at": late}, {"expires_at": token.created_at}, {"scope_kind": "team"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Token.objects.filter(pk=token.pk).update(**wrong)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["", " ", "x" * 101])
def test_names_that_are_none(ann: User, estate: Estate, name: str) -> None:
    with pytest.raises(errors.Refused):
        make(ann, None, name=name)


@pytest.mark.django_db
def test_there_is_a_cap_of_live_ones(ann: User, bob: User, estate: Estate, settings: object) -> None:
    settings.TOKENS_PER_OWNER = 3  # type: ignore[attr-defined]
    made = [make(ann, None)[0] for _turn in range(3)]
    with pytest.raises(errors.Refused, match="3 tokens"):
        make(ann, None)
    give(bob, "project_viewer", estate.shop)
    make(bob, estate.shop)
    tokens.revoke(token=made[0], by=COMMAND, at=clock.now())
    make(ann, None)
    assert Token.objects.filter(user=ann).count() == 4


@pytest.mark.django_db(transaction=True)
def test_making_many_at_once_does_not_pass_the_cap(settings: object) -> None:
    settings.TOKENS_PER_OWNER = 3  # type: ignore[attr-defined]
    ann = person("ann", "admin")
    start, outcome = threading.Barrier(8), []

    def one() -> None:
        mine = User.objects.get(pk=ann.pk)
        start.wait()
        try:
            make(mine, None)
            outcome.append("made")
        except errors.Refused:
            outcome.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _turn in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert sorted(outcome) == ["made"] * 3 + ["refused"] * 5
    assert Token.objects.filter(user=ann).count() == 3


@pytest.mark.django_db
def test_old_ones_are_forgotten(ann: User, estate: Estate, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = clock.now()
    short, _text = make(ann, None, days=1)
    revoked, _text = make(ann, None, days=90)
    tokens.revoke(token=revoked, by=COMMAND, at=begun)
    long, _text = make(ann, None, days=90)
    for days, left in ((90, {short, revoked, long}), (91.5, {long}), (179, {long}), (181, set())):
        at = begun + days * DAY
        monkeypatch.setattr(clock, "now", lambda at=at: at)
        tasks.prune(None)  # type: ignore[arg-type]
        assert set(Token.objects.all()) == left, days


@pytest.mark.django_db
def test_the_schedule_asks_for_both_jobs() -> None:
    schedule.hourly(clock.now())
    assert set(Job.objects.values_list("kind", flat=True)) == {"portal.tokens.warn", "portal.tokens.prune"}
