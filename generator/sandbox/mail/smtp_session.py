"""One SMTP session as Exchange Online holds it: STARTTLS, XOAUTH2, a message.

`spec/azure-and-smtp.md` 5.3 and the traps of its section 10: aiosmtpd's own limits refuse real
tokens. `aiosmtpd` (extra `sandbox`) is imported only in this package.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from generator.sandbox.mail import exchange
from generator.sandbox.mail.mailbox import from_address
from generator.sandbox.mail.smtp_faults import HOSTILE_REPLIES, flood

if TYPE_CHECKING:
    from generator.sandbox.mail.stand_in import MailSandbox

AUTH_LINE = 12_288
"""Octets of an AUTH line (RFC 4954, 4)."""

_COMMAND_LINE = 2048
_LINE = 1 << 15
_JSON_CHALLENGE = (
    '{"status":"400","schemes":"Bearer","scope":"https://outlook.office365.com/SMTP.Send"}'
)
# Its log lines hold what clients send.
logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)
_Method = Callable[[str | None], Awaitable[None]]
_PHASES = {"EHLO": "ehlo", "HELO": "ehlo", "STARTTLS": "starttls", "AUTH": "auth"}
_PHASES |= {"MAIL": "mail", "RCPT": "rcpt", "DATA": "data"}


class SmtpSession(SMTP):
    """The protocol of a connection."""

    line_length_limit = _LINE

    def __init__(
        self,
        mail: MailSandbox,
        *,
        context: ssl.SSLContext,
        implicit: bool,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Make the protocol of one connection.

        Args:
            mail: The stand-in; its switches hold from command to command.
            context: For TLS.
            implicit: Whether the connection has TLS from the start.
            loop: The server's.
        """
        self.mail = mail
        self.phase = "greeting"
        offered = not implicit and mail.behaviour.starttls != "missing"
        super().__init__(
            _Handler(mail),
            hostname=exchange.HOST,
            ident="Microsoft ESMTP MAIL Service ready",
            data_size_limit=exchange.SIZE,
            tls_context=context if offered else None,
            # Without TLS nothing may be authenticated, but from the first byte on it is there.
            auth_require_tls=not implicit,
            auth_exclude_mechanism=["PLAIN"],
            timeout=60,
            loop=loop,
        )
        # The class's own mapping is shared by all sessions.
        self.command_size_limits = defaultdict(lambda: _COMMAND_LINE, AUTH=AUTH_LINE)
        if mail.behaviour.xoauth2 == "missing":
            self._auth_methods.pop("XOAUTH2")
        for name, method in list(self._smtp_methods.items()):
            if name in _PHASES:
                self._smtp_methods[name] = self._in_phase(_PHASES[name], method)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection begins, or goes on inside TLS."""
        if isinstance(transport, asyncio.Transport):
            self.mail.smtp.opened(transport)
        super().connection_made(transport)

    async def push(self, status: str | bytes) -> None:
        """Send one line of a reply, with what the switches do to it."""
        data = status.encode("ascii", "replace") if isinstance(status, str) else status
        mail, writer = self.mail, self._writer
        ends = data[3:4] != b"-"
        if ends:
            mail.count_reply()
            if mail.latency:
                await asyncio.sleep(mail.latency)
        if mail.behaviour.cut in ("smtp", "all", f"smtp_{self.phase}"):
            writer.transport.abort()
            raise ConnectionResetError
        if mail.behaviour.slow in ("smtp", "all"):
            for index in range(len(data)):
                writer.write(data[index : index + 1])
                await writer.drain()
                await asyncio.sleep(mail.behaviour.slow_ms / 1000)
            data = b""
        if self.phase == "starttls" and mail.behaviour.hostile == "smtp_injection":
            # What comes before the handshake must not be taken for what comes after it.
            data += b"\r\n250 AUTH XOAUTH2"
        writer.write(data + b"\r\n")
        await writer.drain()

    async def _handle_client(self) -> None:
        behaviour = self.mail.behaviour
        if behaviour.meets("silent", "smtp"):
            await asyncio.Event().wait()
        hostile = HOSTILE_REPLIES.get(behaviour.hostile)
        if hostile is not None:
            await flood(self._writer, hostile)
        text = self._transient()
        if text is not None:
            await self.push(text)
            self._writer.close()
            return
        await super()._handle_client()

    def _in_phase(self, phase: str, method: _Method) -> _Method:
        """A command that says where it is, and that a transient reply may come instead of."""

        async def run(argument: str | None) -> None:
            self.phase = phase
            # At DATA the end of the message counts, which the handler sees.
            text = None if phase == "data" else self._transient()
            if text is None:
                await method(argument)
                return
            await self.push(text)
            if text.startswith("421"):
                self._writer.close()

        return run

    def _transient(self) -> str | None:
        return transient(self.mail, self.phase)

    async def smtp_STARTTLS(self, arg: str) -> None:
        """Begin TLS."""
        behaviour = self.mail.behaviour
        if behaviour.starttls == "refused":
            await self.push("454 4.7.0 TLS not available due to temporary reason")
            return
        if behaviour.starttls == "broken":
            await self.push("220 2.0.0 SMTP server ready")
            # Only once the client speaks TLS: before, it would be an injection.
            await self._reader.read(1)
            self._writer.write(b"this is no TLS\r\n" * 64)
            await self._writer.drain()
            self._writer.close()
            return
        await super().smtp_STARTTLS(arg)

    async def ask(self, challenge: str) -> bytes | None:
        """Ask for the next part of AUTH; None if the client broke off (535, not 501 [SRC])."""
        await self.push(f"334 {challenge}")
        line = (await self._reader.readline()).strip()
        return None if line == b"*" else _decoded(line.decode("ascii", "replace"))


def transient(mail: MailSandbox, phase: str) -> str | None:
    """The transient reply that is due at a phase; counts it."""
    behaviour = mail.behaviour
    if behaviour.smtp_transient == "off" or behaviour.smtp_transient_at != phase:
        return None
    if behaviour.smtp_transient_times and not behaviour.counts_down("smtp_transient_times"):
        return None
    return exchange.TRANSIENT_REPLIES[behaviour.smtp_transient]


class _Handler:
    """What aiosmtpd asks about each command."""

    def __init__(self, mail: MailSandbox) -> None:
        self._mail = mail

    def _placed(self, text: str) -> str:
        return text.replace("{place}", exchange.place(self._mail))

    async def handle_EHLO(
        self,
        server: SmtpSession,
        session: Session,
        envelope: Envelope,
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Lines of EHLO; AUTH stands there only inside TLS."""
        session.host_name = hostname
        return responses

    async def auth_XOAUTH2(self, server: SmtpSession, args: list[str]) -> AuthResult:
        """`AUTH XOAUTH2`, in one step or two."""
        if len(args) > 1:
            blob: bytes | None = _decoded(args[1])
        else:
            blob = await server.ask("")
        return await self._judge(server, blob)

    async def auth_LOGIN(self, server: SmtpSession, args: list[str]) -> AuthResult:
        """`AUTH LOGIN`: Basic, which is refused whatever comes."""
        if len(args) == 1:
            await server.ask("VXNlcm5hbWU6")
        await server.ask("UGFzc3dvcmQ6")
        planned = self._mail.behaviour.smtp_auth
        return self._refused(planned if planned in exchange.AUTH_REPLIES else "basic_disabled")

    async def _judge(self, server: SmtpSession, blob: bytes | None) -> AuthResult:
        user, token = _parts(blob)
        found = exchange.sign_in(self._mail, user=user, token=token)
        if isinstance(found, exchange.SignedIn):
            return AuthResult(success=True, message=exchange.AUTHENTICATED, auth_data=found)
        if self._mail.behaviour.hostile == "smtp_echo":
            return AuthResult(
                success=False, handled=False, message=f"535 5.7.3 Not for {token} of {user}"
            )
        if self._mail.behaviour.xoauth2_challenge and blob is not None:
            await server.ask(_b64(_JSON_CHALLENGE))
        return self._refused(found)

    def _refused(self, kind: str) -> AuthResult:
        text = self._placed(exchange.AUTH_REPLIES[kind])
        return AuthResult(success=False, handled=False, message=text)

    async def handle_MAIL(
        self,
        server: SmtpSession,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """`MAIL FROM`, which needs AUTH."""
        planned = self._mail.behaviour.smtp_mail
        if planned in exchange.MAIL_REPLIES:
            return self._placed(exchange.MAIL_REPLIES[planned])
        if not session.authenticated:
            return self._placed(exchange.MAIL_REPLIES["not_authenticated"])
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender OK"

    async def handle_RCPT(
        self,
        server: SmtpSession,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """`RCPT TO`."""
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Recipient OK"

    async def handle_DATA(self, server: SmtpSession, session: Session, envelope: Envelope) -> str:
        """The end of the message."""
        mail = self._mail
        text = transient(mail, "data")
        if text is not None:
            return text
        who: object = session.auth_data
        content: object = envelope.content
        # No DATA without MAIL FROM, and none of that without AUTH.
        assert isinstance(who, exchange.SignedIn) and isinstance(content, bytes)  # noqa: S101
        # Either sender needs the right.
        header, mail_from = from_address(content), envelope.mail_from or ""
        foreign = header if header.lower() != who.mailbox.lower() else mail_from
        refused = exchange.submit(mail, who=who, sender=foreign or who.mailbox)
        if refused is not None:
            return refused
        taken = mail.mailbox_taken.take(
            content, mail_from=mail_from, recipients=tuple(envelope.rcpt_tos), at=mail.now()
        )
        return f"250 2.0.0 OK <{taken.digest[:32]}@{exchange.HOST}> [Hostname={exchange.HOST}]"

    async def handle_exception(self, error: Exception) -> str:
        """A fault of the stand-in, without a word of what was sent."""
        return f"451 4.7.0 Temporary server error. Please try again later. ({type(error).__name__})"


def _decoded(text: str) -> bytes | None:
    try:
        return b64decode(text.encode(), validate=True)
    except ValueError:
        return None


def _b64(text: str) -> str:
    return b64encode(text.encode()).decode()


def _parts(blob: bytes | None) -> tuple[str, str]:
    """User and token of a blob; empty where it is none."""
    if blob is None:
        return "", ""
    fields = dict(
        part.partition("=")[::2] for part in blob.decode("utf-8", "replace").split("\x01") if part
    )
    kind, _, token = fields.get("auth", "").partition(" ")
    return fields.get("user", ""), token if kind.lower() == "bearer" else ""
