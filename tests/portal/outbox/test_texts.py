"""What may leave as a subject, an address or a target; and when something is tried again. Pure."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.outbox import targets, texts

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
WRONG_ADDRESSES = (
    "",
    "ann",
    "ann@",
    "@example.org",
    "ann@example.org\r\nBcc: eve@example.org",
    "ann@example.org\nBcc: eve@example.org",
    "ann@example.org,eve@example.org",
    "ann@example.org eve@example.org",
    "<ann@example.org>",
    "Ann <ann@example.org>",
    '"ann\r\nBcc: x"@example.org',
    "ann@@example.org",
    "ann..b@example.org",
    ".ann@example.org",
    "ann@exa\0mple.org",
    "ann@[127.0.0.1]",
    "änn@example.org",
    "a" * 65 + "@example.org",
    "ann@" + "a" * 260,
    "ann@example.org>",
    "ann@example.org\u2028",
)


@pytest.mark.parametrize("address", WRONG_ADDRESSES)
def test_what_is_no_plain_address_is_refused(address: str) -> None:
    assert not texts.is_address(address)


@pytest.mark.parametrize("address", ["ann@example.org", "a.b+c_d@mail.example.org", "root@localhost"])
def test_plain_addresses_are_taken(address: str) -> None:
    assert texts.is_address(address)


@given(st.text())
def test_one_line_has_one_line(text: str) -> None:
    line = texts.one_line(text)
    assert len(line.splitlines()) <= 1
    assert "\0" not in line
    assert texts.one_line(line) == line
    line.encode()


@given(st.text())
def test_lines_hold_no_control_characters(text: str) -> None:
    clean = texts.lines(text)
    assert not {"\r", "\0", "\x1b"} & set(clean)
    clean.encode()


def test_the_message_id_is_made_of_the_key_alone() -> None:
    one = texts.message_id("invite:1", "paddock@example.org")
    assert one == texts.message_id("invite:1", "paddock@example.org")
    assert one != texts.message_id("invite:2", "paddock@example.org")
    assert one.endswith("@example.org>")
    assert texts.message_id("a\r\nBcc: x>", "p@example.org").count("\n") == 0


def test_attempts_become_rarer_and_end_after_a_day() -> None:
    at, attempts, pauses = AT, 1, []
    while again := texts.next_try(attempts, AT, at):
        pauses.append(again - at)
        at, attempts = again, attempts + 1
    assert pauses[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert max(pauses) == timedelta(hours=2)
    assert timedelta(hours=22) < at - AT <= timedelta(hours=24)
    assert attempts < 25


def test_a_target_rests_for_minutes() -> None:
    assert texts.rest_until(1, AT) == AT + timedelta(seconds=30)
    assert texts.rest_until(50, AT) == AT + timedelta(minutes=5)


SENDER = "paddock@example.org"


def test_addresses_of_the_environment_are_read() -> None:
    mail = targets.parse_mail("smtp://us%40er:p%2Fw@mail.example.org?starttls=1", SENDER)
    assert mail == targets.MailTarget("mail.example.org", 25, "starttls", SENDER, "us@er", "p/w")
    assert targets.parse_mail("smtps://mail.example.org", SENDER) == targets.MailTarget(
        "mail.example.org", 465, "tls", SENDER
    )
    stream = targets.parse_stream("syslog+tls://[fd00::1]")
    assert stream is not None
    assert (stream.host, stream.port) == ("fd00::1", 6514)
    assert targets.parse_mail("", "") is None
    assert targets.parse_webhook("", "") is None
    assert targets.parse_stream("") is None


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("smtp://user:canary-pw@mail.example.org", SENDER),
        ("http://mail.example.org", SENDER),
        ("smtp://", SENDER),
        ("smtp://host:99999", SENDER),
        ("smtp://ho st", SENDER),
        ("canary-pw", SENDER),
        ("smtps://user:canary-pw@mail.example.org", ""),
        ("smtps://mail.example.org", "a@b\r\nBcc: c@d"),
        ("smtps://mail.example.org", "not an address"),
    ],
)
def test_a_wrong_relay_is_refused_without_being_repeated(url: str, sender: str) -> None:
    with pytest.raises(ValueError) as refused:
        targets.parse_mail(url, sender)
    assert "canary-pw" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("http://hooks.example.org/", "s" * 32),
        ("https://user:canary-pw@hooks.example.org/", "s" * 32),
        ("https://hooks.example.org/", "canary-pw"),
        ("ftp://hooks.example.org/", "s" * 32),
    ],
)
def test_a_wrong_webhook_is_refused_without_being_repeated(url: str, secret: str) -> None:
    with pytest.raises(ValueError) as refused:
        targets.parse_webhook(url, secret)
    assert "canary-pw" not in str(refused.value)


@pytest.mark.parametrize("url", ["syslog://host", "http://siem.example.org/", "syslog+tls://", "udp://x:1"])
def test_a_wrong_collector_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        targets.parse_stream(url)


def test_no_representation_tells_a_secret() -> None:
    found = (
        targets.parse_mail("smtps://user:canary-pw@mail.example.org", SENDER),
        targets.parse_webhook("https://hooks.example.org/canary-pw", "canary-pw-canary-pw"),
        targets.parse_stream("https://user:canary-pw@siem.example.org/canary-pw"),
    )
    for target in found:
        assert target is not None
        assert "canary-pw" not in f"{target!r} {target} {target.shown}"
