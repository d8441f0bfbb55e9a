"""The door to the mail relay: SMTP with time-outs, a demanded certificate, and headers nobody can add to."""

import contextlib
import smtplib
import socket
from datetime import UTC
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from types import TracebackType

from django.conf import settings
from django.utils.translation import gettext as _

from portal.outbox import texts, wire
from portal.outbox.answers import MessageRefused, Sent, TargetDown, reason_of, said
from portal.outbox.models import Message
from portal.outbox.targets import MailTarget

SENDER_NAME = "Paddock"
CLOSING = 421
TOO_LARGE = 552


def compose(message: Message, sender: str) -> EmailMessage:
    """Return the mail of a row: plain text, with the same Message-ID and Date in every attempt."""
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = Address(SENDER_NAME, addr_spec=sender)
    mail["To"] = tuple(Address(addr_spec=address) for address in message.to if texts.is_address(address))
    mail["Subject"] = texts.one_line(message.subject)
    mail["Date"] = message.created_at.astimezone(UTC)
    mail["Message-ID"] = texts.message_id(message.key, sender)
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.body, cte="quoted-printable")
    return mail


class _Relay(smtplib.SMTP):
    """smtplib, connected to an address that was judged."""

    def __init__(self, target: MailTarget) -> None:
        # Without a host nothing is connected yet. The name for EHLO is not looked up: that can take long.
        super().__init__(timeout=wire.STEP_SECONDS, local_hostname=socket.gethostname())
        self._target = target
        self._host = target.host  # what smtplib checks the certificate of STARTTLS against

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        raw = wire.connect(host, port)
        if self._target.security != "tls":
            return raw
        try:
            return wire.tls().wrap_socket(raw, server_hostname=host)
        except OSError:
            raw.close()
            raise


class Session:
    """One conversation with the relay over several mails."""

    def __init__(self, target: MailTarget) -> None:
        self._target = target
        self._relay: _Relay | None = None

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close(polite=True)

    def send(self, message: Message) -> Sent:
        """Hand one mail to the relay, for those who still wait for it. Raises `TargetDown`, `MessageRefused`."""
        try:
            relay = self._relay or self._open()
            return self._hand_over(relay, message)
        except TargetDown:
            self._close()
            raise
        except smtplib.SMTPServerDisconnected:
            self._close()
            raise TargetDown(_("the relay ended the connection or did not answer in time")) from None
        except smtplib.SMTPException as error:
            self._close()
            raise TargetDown(self._told(error)) from None
        except OSError as error:
            self._close()
            raise TargetDown(reason_of(error)) from None

    def _open(self) -> _Relay:
        relay = self._relay = _Relay(self._target)
        code, reply = relay.connect(self._target.host, self._target.port)
        if relay.sock is None or code != 220:
            raise smtplib.SMTPConnectError(code, reply)
        with wire.Deadline(relay.sock):
            relay.ehlo_or_helo_if_needed()
            if self._target.security == "starttls":
                relay.starttls(context=wire.tls())
                relay.ehlo()
            if self._target.username:
                relay.login(self._target.username, self._target.password)
        return relay

    def _hand_over(self, relay: _Relay, message: Message) -> Sent:
        if relay.sock is None:
            raise smtplib.SMTPServerDisconnected
        with wire.Deadline(relay.sock):
            try:
                mail = compose(message, self._target.sender)
                refused = relay.send_message(mail, self._target.sender, list(message.left))
            except smtplib.SMTPRecipientsRefused as error:
                code, reply = next(iter(error.recipients.values()))
                if code == CLOSING:
                    raise TargetDown(self._words(code, reply)) from None
                raise MessageRefused(self._words(code, reply)) from None
            except smtplib.SMTPDataError as error:
                if error.smtp_code == CLOSING:
                    raise
                raise MessageRefused(self._told(error)) from None
            except smtplib.SMTPSenderRefused as error:
                if error.smtp_code != TOO_LARGE:
                    raise
                raise MessageRefused(self._told(error)) from None
        words = "; ".join(f"{address}: {self._words(*answer)}" for address, answer in refused.items())
        return Sent(words, tuple(refused))

    def _told(self, error: smtplib.SMTPException) -> str:
        # What is said at a sign-in is left out: some relays repeat what they were given.
        if isinstance(error, smtplib.SMTPAuthenticationError):
            return _("the relay does not accept the user name and password (%d)") % error.smtp_code
        if isinstance(error, smtplib.SMTPNotSupportedError):
            return _("the relay does not offer what PADDOCK_MAIL_URL asks for (STARTTLS or a sign-in)")
        if isinstance(error, smtplib.SMTPResponseException):
            return self._words(error.smtp_code, error.smtp_error)
        return _("the relay answered out of order")

    def _words(self, code: int, reply: bytes | str) -> str:
        return f"{code} {said(reply, self._target.password)}"

    def _close(self, *, polite: bool = False) -> None:
        relay, self._relay = self._relay, None
        if relay is None or relay.sock is None:
            return
        with contextlib.suppress(OSError, smtplib.SMTPException):
            if polite:
                relay.sock.settimeout(2.0)
                relay.quit()
        relay.close()


def session() -> Session:
    """Return a conversation with the configured relay; it begins with the first mail."""
    target = settings.OUTBOX_MAIL
    if target is None:
        raise TargetDown(_("no target is configured"))
    return Session(target)
