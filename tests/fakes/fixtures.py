"""pytest fixtures over the fakes. `tests/conftest.py` names this file as a plug-in."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_django import Settings

from portal.outbox import targets
from tests.fakes.mail import MailSink
from tests.fakes.simulator import Simulator
from tests.fakes.syslog import SyslogSink
from tests.fakes.tls import Certificates
from tests.fakes.webhook import WebhookSink

WEBHOOK_SECRET = "a-webhook's-secret-Kd52"


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """One process for the session, without clusters: each test loads its own under a slug of its own."""
    with Simulator(tmp_path_factory.mktemp("simulator")) as running:
        yield running


@pytest.fixture
def simulated(simulator: Simulator) -> Iterator[Callable[..., str]]:
    """Loads clusters that are removed after the test: `slug = simulated(distribution="k3s", objects={…})`."""
    slugs: list[str] = []

    def load(**world: Any) -> str:
        slug = f"{world.pop('slug', 'cluster')}-{uuid.uuid4().hex[:8]}"
        simulator.load(slug, **world)
        slugs.append(slug)
        return slug

    yield load
    for slug in slugs:
        simulator.remove(slug)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """One authority for the fakes that speak TLS."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def mail_sink(settings: Settings, certificates: Certificates) -> Iterator[MailSink]:
    """A mail server, set as PADDOCK_MAIL_URL: `.messages`, `.freeze()`, `.refuse(code)`; `outbox.deliver()` sends."""
    sink = MailSink(certificates.server()).start()
    settings.OUTBOX_MAIL = targets.parse_mail(sink.url, "paddock@example.org")
    settings.OUTBOX_CA = certificates.ca_pem
    yield sink
    sink.stop()


@pytest.fixture
def webhook_sink(settings: Settings, certificates: Certificates) -> Iterator[WebhookSink]:
    """A receiver, set as PADDOCK_WEBHOOK_URL."""
    sink = WebhookSink(certificates.server()).start()
    settings.OUTBOX_WEBHOOK = targets.parse_webhook(sink.url, WEBHOOK_SECRET)
    settings.OUTBOX_CA = certificates.ca_pem
    settings.OUTGOING_ALLOWED = ["127.0.0.0/8"]
    yield sink
    sink.stop()


@pytest.fixture
def syslog_sink(settings: Settings, certificates: Certificates) -> Iterator[SyslogSink]:
    """A collector over TLS, set as PADDOCK_AUDIT_STREAM_URL."""
    sink = SyslogSink(certificates.server()).start()
    settings.OUTBOX_STREAM = targets.parse_stream(sink.url)
    settings.OUTBOX_CA = certificates.ca_pem
    yield sink
    sink.stop()
