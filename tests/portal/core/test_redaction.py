"""Whatever writes a line, no secret stands in it: one canary, many ways to log."""

import io
import json
import logging
import logging.config
import re
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
import structlog
from django.conf import settings
from django.test import RequestFactory
from django.utils.log import log_response
from django.views.debug import ExceptionReporter

from portal.core import redaction

CANARY = "c4n4ry-9f81-Zq"
TOKEN = f"pdk_{CANARY}"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{CANARY}\nMIIE\n-----END RSA PRIVATE KEY-----"
JWT = f"eyJhbGciOiJIUzI1NiJ9.{CANARY}aaaaaaaa.{CANARY}"
plain = logging.getLogger("canary.plain")
told = structlog.get_logger("canary.told")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the handler of the settings writes."""
    handler = next(
        one for one in logging.getLogger().handlers if isinstance(one.formatter, structlog.stdlib.ProcessorFormatter)
    )
    before, into = handler.stream, io.StringIO()  # type: ignore[attr-defined]
    handler.setStream(into)  # type: ignore[attr-defined]
    try:
        yield into
    finally:
        handler.setStream(before)  # type: ignore[attr-defined]


def _raise(text: str) -> None:
    raise ValueError(text)


def caught(text: str, how: Callable[..., None]) -> None:
    try:
        _raise(text)
    except ValueError:
        how("it failed")


def chained() -> None:
    try:
        try:
            _raise(f"postgresql://paddock:{CANARY}@db/paddock")
        except ValueError as error:
            raise RuntimeError("cannot connect") from error
    except RuntimeError:
        plain.exception("start")


class Holder:
    """An object whose text form shows what it holds."""

    def __repr__(self) -> str:
        return f"Holder(password='{CANARY}')"


WAYS: dict[str, Callable[[], Any]] = {
    "a header in a text": lambda: plain.error("sent Authorization: Bearer %s", CANARY),
    "a header by name": lambda: told.error("sent", headers={"Authorization": f"Bearer {CANARY}", "Accept": "x"}),
    "a header as a pair": lambda: plain.error("%r", ("Authorization", f"Bearer {CANARY}")),
    "headers as bytes": lambda: plain.error("%r", {b"authorization": f"Basic {CANARY}".encode()}),
    "a cookie": lambda: plain.error("Cookie: a=b; __Host-paddock=%s; c=d", CANARY),
    "a set cookie": lambda: told.info("answer", set_cookie=f"paddock={CANARY}; Path=/"),
    "a token of ours": lambda: plain.warning("no such token %s here", TOKEN),
    "a token of ours, quoted": lambda: plain.warning("GET /x?t=%s", quote(TOKEN)),
    "a token in a request line": lambda: plain.info('"GET /api/v1/?token=%s&x=1 HTTP/1.1" 200', CANARY),
    "a code in a callback": lambda: plain.info("GET /sign-in/github/back/?code=%s&state=%s", CANARY, CANARY),
    "a password by name": lambda: told.error("tried", username="ann", password=CANARY),
    "a password deep inside": lambda: told.error("tried", form={"fields": [{"new_password": CANARY}]}),
    "a password in a repr": lambda: plain.error("%r", {"password": f"two words {CANARY}"}),
    "a password in a form": lambda: plain.error("body: username=ann&password=%s&next=/", CANARY),
    "a password in an object": lambda: told.error("held", what=Holder()),
    "a password as bytes": lambda: told.error("raw", body=f"password={CANARY}".encode()),
    "a private key": lambda: plain.error("loaded %s", PEM),
    "a private key, cut": lambda: plain.error("loaded %s", PEM[:-30]),
    "a key in a kubeconfig": lambda: plain.error("client-key-data: %s", CANARY),
    "a URL's user": lambda: plain.error("cannot reach redis://:%s@host:6379/0", CANARY),
    "a web address": lambda: told.error("cannot reach", url=f"https://user:{CANARY}@host/x"),
    "an exception": lambda: caught(f"bad password={CANARY}", plain.exception),
    "an exception, structured": lambda: caught(f"refused: Authorization: Bearer {CANARY}", told.exception),
    "a chained exception": chained,
    "a warning": lambda: warnings.warn(f"secret={CANARY} is old", UserWarning, stacklevel=1),
    "Django's own line": lambda: log_response(
        "%s: %s", "Bad Request", f"/x/?token={CANARY}", request=RequestFactory().get("/x/"), response=_bad_answer()
    ),
    "gunicorn's own line": lambda: logging.getLogger("gunicorn.foreign").error(
        "Invalid header: 'AUTHORIZATION: Basic %s'", CANARY
    ),
    "a web token": lambda: plain.error("id token was %s", JWT),
    "a token of GitHub": lambda: plain.error("using ghs_%s", CANARY.replace("-", "") * 3 + CANARY),
    "the secret key": lambda: plain.error("SECRET_KEY: '%s'", CANARY),
    "seal keys": lambda: plain.error("PADDOCK_SEAL_KEYS=k1:%s", CANARY),
    "an LDAP bind": lambda: plain.error("bind dn=cn=x bindpw=%s", CANARY),
    "JSON": lambda: plain.error(json.dumps({"client_secret": CANARY, "grant": "x"})),
}


def _bad_answer() -> Any:
    return type("Answer", (), {"status_code": 500})()


@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_logging_shows_a_secret(way: str, written: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        if way == "a warning":
            # As the process outside of pytest, which takes warnings itself.
            logging.captureWarnings(False)
            logging.captureWarnings(True)
        WAYS[way]()
    text = written.getvalue()
    assert text.strip(), "nothing was logged"
    assert CANARY not in text, text
    assert CANARY.replace("-", "") not in text, text
    assert "masked" in text


def test_ordinary_lines_stay_as_they_are(written: io.StringIO) -> None:
    told.info(
        "job.done", job_id="7f", kind="billing.ledger.close_hour", token_id="5b", at="2026-11-23T10:00:00Z", seconds=1.5
    )
    plain.info("GET /projects/?order=-name&cursor=W1sw 200 in 15 ms, ratio a:b, http://127.0.0.1:8000/")
    for kept in ("job_id=7f", "close_hour", "token_id=5b", "order=-name&cursor=W1sw", "http://127.0.0.1:8000/"):
        assert kept in written.getvalue()


def test_both_renderers_stand_behind_the_mask() -> None:
    chain = settings.LOGGING["formatters"]["event"]["processors"]
    assert chain[-2] is redaction.processor


def test_an_error_report_shows_no_values() -> None:
    request = RequestFactory().post(
        "/x/", {"password": CANARY}, HTTP_AUTHORIZATION=f"Bearer {CANARY}", HTTP_COOKIE=f"a={CANARY}"
    )
    held = CANARY
    try:
        _raise("no " + held[:2])
    except ValueError as error:
        report = ExceptionReporter(request, type(error), error, error.__traceback__)
    data = report.get_traceback_data()
    assert all(not frame["vars"] for frame in data["frames"])
    assert CANARY not in re.sub(
        r"CANARY",
        "",
        str({key: data[key] for key in ("request_meta", "settings", "request_COOKIES_items", "filtered_POST_items")}),
    )
    assert CANARY not in report.get_traceback_text()


def test_long_lines_are_masked_in_time() -> None:
    text = "password" * 20_000 + "=" + "a://" * 20_000 + "Authorization" * 5_000
    begun = time.monotonic()
    redaction.mask(text)
    assert time.monotonic() - begun < 5
