"""A real mail server over TLS that keeps what it is given; it can freeze and refuse."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import quote

from aiosmtpd.smtp import SMTP, AuthResult

USER = "paddock"
PASSWORD = "a-relay's-password-Xq81"  # noqa: S105 - of a fake


@dataclass(frozen=True)
class Received:
    """One mail as it arrived: its envelope, and the mail read."""

    sender: str
    recipients: tuple[str, ...]
    mail: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.mail["Subject"])

    @property
    def text(self) -> str:
        text: str = self.mail.get_content()
        return text.replace("\r\n", "\n")


@dataclass
class MailSink:
    """`messages` is what arrived; `url` is an address for PADDOCK_MAIL_URL.

    It asks for STARTTLS and a sign-in; with `implicit` it speaks TLS from the first byte and asks for no sign-in.

    `freeze()` leaves clients without answers until `thaw()`; `refuse(550)` answers every mail so, `refuse(0)` ends it;
    `refuse_addresses` are recipients that are not taken; `cut()` takes a mail and ends the connection without a word;
    `on_message` is called with a mail before it is confirmed.
    """

    context: ssl.SSLContext
    implicit: bool = False
    host: str = "127.0.0.1"
    messages: list[Received] = field(default_factory=list)
    refuse_addresses: set[str] = field(default_factory=set)
    connections: int = 0
    on_message: Callable[[Received], None] | None = None

    def __post_init__(self) -> None:
        self._code = 0
        self._cuts = 0
        self._open = asyncio.Event()
        self._listener = socket.create_server((self.host, 0))
        self.port: int = self._listener.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        if self.implicit:
            return f"smtps://{self.host}:{self.port}"
        return f"smtp://{USER}:{quote(PASSWORD)}@{self.host}:{self.port}?starttls=1"

    def start(self) -> "MailSink":
        self._loop.call_soon(self._open.set)
        self._thread.start()
        return self

    def stop(self) -> None:
        self.thaw()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def freeze(self) -> None:
        self._call(self._open.clear)

    def thaw(self) -> None:
        self._call(self._open.set)

    def refuse(self, code: int) -> None:
        self._code = code

    def cut(self, times: int = 1) -> None:
        self._cuts = times

    def _call(self, function: Any) -> None:
        done = threading.Event()
        self._loop.call_soon_threadsafe(function)
        self._loop.call_soon_threadsafe(done.set)
        done.wait(5)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            self._loop.create_server(
                self._conversation, sock=self._listener, ssl=self.context if self.implicit else None
            )
        )
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def _conversation(self) -> SMTP:
        self.connections += 1
        if self.implicit:
            return SMTP(self, loop=self._loop)
        return SMTP(
            self,
            tls_context=self.context,
            require_starttls=True,
            auth_required=True,
            authenticator=self._sign_in,
            loop=self._loop,
        )

    def _sign_in(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        return AuthResult(success=(given.login, given.password) == (USER.encode(), PASSWORD.encode()))

    # What aiosmtpd calls

    async def handle_EHLO(self, _server: Any, session: Any, _envelope: Any, hostname: str, responses: list[str]) -> Any:
        await self._open.wait()
        session.host_name = hostname
        return responses

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]) -> str:
        if address in self.refuse_addresses:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        await self._open.wait()
        if self._code:
            return f"{self._code} not now {PASSWORD}"
        mail: Any = message_from_bytes(envelope.content, policy=policy.default)
        self.messages.append(Received(envelope.mail_from, tuple(envelope.rcpt_tos), mail))
        if self.on_message:
            await asyncio.to_thread(self.on_message, self.messages[-1])
        if self._cuts:
            self._cuts -= 1
            server.transport.abort()
        return "250 OK"
