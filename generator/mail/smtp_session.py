"""One SMTP session: bounded, and no word of the token shown.

`spec/azure-and-smtp.md` 5.3. The debug level of `smtplib`, which prints the token, is never set.
"""

from __future__ import annotations

import smtplib
import ssl
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from enum import StrEnum

from generator.config.environment import ConnectionSecurity
from generator.mail.hidden import Hidden
from generator.mail.interface import Cause
from generator.mail.network import Network, Watch
from generator.mail.settings import MailSettings
from generator.mail.smtp_client import NotSmtp, SmtpClient
from generator.mail.smtp_replies import Phase, Reply
from generator.mail.token import Token
from generator.mail.trouble import BadAnswer, NoAnswer, Place, Trouble, explain
from generator.scrubbing import printable

_SHOWN = 700
"""Characters of a reply that are shown."""

_TOO_LONG = frozenset({500, 501})
"""What servers answer to an AUTH line that is longer than they read."""


class Steps(StrEnum):
    """How XOAUTH2 is spoken; both are documented."""

    ONE = "one"
    """The token in the AUTH command; where the server wants it, in the next line after all."""

    TWO = "two"
    """AUTH alone, and the token after the server's `334`."""


class SmtpRefused(Exception):
    """The server said no."""

    def __init__(self, phase: Phase, reply: Reply, challenge: str = "") -> None:
        """Args: phase: Where. reply: What it said. challenge: What a `334` before it said."""
        super().__init__(f"{phase}: {reply}")
        self.phase = phase
        self.reply = reply
        self.challenge = challenge


class SmtpSession:
    """A session from the connection to QUIT.

    session = SmtpSession(settings, network=network)
    session.open()
    session.sign_in(token, steps=Steps.ONE)
    session.send(message, sender=..., recipient=...)
    session.close()

    Every method raises `SmtpRefused` where the server says no, `NoAnswer` or `BadAnswer` where
    nothing clear came.
    """

    def __init__(
        self, settings: MailSettings, *, network: Network, token: Token | None = None
    ) -> None:
        """Args: settings: Where. network: How it is reached. token: What it must not repeat."""
        self._settings = settings
        self._network = network
        self._watch = Watch(network.whole_seconds)
        self._hidden = Hidden()
        if token is not None:
            # A server may repeat what an earlier session told it.
            self._hidden = Hidden(token.reveal(), xoauth2(settings.user_name, token))
        self._client: SmtpClient | None = None
        self.place = smtp_place(settings)
        self.mechanisms: tuple[str, ...] = ()
        """What EHLO offers for AUTH, once TLS is on."""

        self.tls = ""
        """Version of TLS, and until when the certificate is valid."""

        self._challenge = ""

    def open(self) -> None:
        """Connect, greet, begin TLS, and see what AUTH offers.

        Raises:
            ConfigError: The file of the stand-ins' authority cannot be used.
        """
        settings, network = self._settings, self._network
        implicit = settings.connection_security is ConnectionSecurity.SSL
        context = network.context(settings.smtp_host)
        client = self._client = SmtpClient(
            network=network, watch=self._watch, context=context, implicit=implicit
        )
        with self._limited():
            self._expect(
                Phase.GREETING, client.connect(settings.smtp_host, settings.smtp_port), 220
            )
            self._expect(Phase.EHLO, client.ehlo(), 250)
            if not implicit:
                self._start_tls(client)
        self._note_tls(client)
        self.mechanisms = tuple(
            printable(word, limit=20)
            for word in client.esmtp_features.get("auth", "").upper().split()[:16]
        )

    def sign_in(self, token: Token, *, steps: Steps) -> Reply:
        """AUTH XOAUTH2.

        Args:
            token: For the mailbox of the settings.
            steps: How it is spoken.

        Returns:
            The `235`.
        """
        blob = xoauth2(self._settings.user_name, token)
        self._hidden = Hidden(token.reveal(), blob)
        with self._limited() as client:
            if steps is Steps.ONE:
                answer = client.docmd("AUTH", f"XOAUTH2 {blob}")
                if answer[0] in _TOO_LONG:
                    answer = self._in_two(client, blob)
                elif answer[0] == 334 and not answer[1].strip():
                    answer = client.docmd(blob)
            else:
                answer = self._in_two(client, blob)
            if answer[0] == 334:
                # Google's way of telling a refusal; an empty line makes the server say it.
                self._challenge = _decoded(answer[1], self._hidden)
                answer = client.docmd("")
        return self._expect(Phase.AUTH, answer, 235)

    def _in_two(self, client: SmtpClient, blob: str) -> tuple[int, bytes]:
        answer = client.docmd("AUTH", "XOAUTH2")
        return client.docmd(blob) if answer[0] == 334 else answer

    def send(self, message: EmailMessage, *, sender: str, recipient: str) -> Reply:
        """One message to one recipient, to the end of DATA.

        Args:
            message: The message.
            sender: Of the envelope.
            recipient: Of the envelope.

        Returns:
            The `250`.

        Raises:
            Undecided: The message was sent, and the connection lost before the reply.
        """
        data = message.as_bytes()
        with self._limited() as client:
            self._expect(Phase.MAIL, client.mail(sender), 250)
            code, text = client.rcpt(recipient)
            self._expect(Phase.RCPT, (code, text), 251 if code == 251 else 250)
            self._expect(Phase.DATA, client.docmd("DATA"), 354)
        try:
            with self._limited() as client:
                client.send(_dotted(data))
                answer = client.getreply()
        except (NoAnswer, BadAnswer) as lost:
            undecided = Undecided(lost.trouble)
        else:
            return self._expect(Phase.DATA, answer, 250)
        raise undecided

    def rest(self) -> None:
        """Nothing is asked for a while; the session stays open."""
        self._watch.rest()

    def close(self) -> None:
        """End the session politely where it still stands; never raises."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(smtplib.SMTPException, OSError, NotSmtp, ValueError):
                if client.sock is not None:
                    self._watch.begin()
                    client.docmd("QUIT")
            with suppress(OSError):
                client.close()
        self._watch.close()

    # What the methods share

    @contextmanager
    def _limited(self) -> Iterator[SmtpClient]:
        """A part of the session within the time limit; errors of the wire become ours."""
        client, watch = self._client, self._watch
        if client is None:
            raise RuntimeError("the session is not open")
        watch.begin()
        try:
            yield client
        except NotSmtp:
            raise BadAnswer(_not_smtp(self.place)) from None
        except (smtplib.SMTPException, OSError, UnicodeError) as lost:
            network, late = self._network, watch.is_over
            seconds = network.whole_seconds if late else network.timeout_seconds
            trouble = explain(lost, place=self.place, too_slow=late, seconds=seconds)
            raise NoAnswer(trouble) from None
        finally:
            watch.rest()

    def _start_tls(self, client: SmtpClient) -> None:
        if not client.has_extn("starttls"):
            raise BadAnswer(_no_starttls(self.place))
        self._expect(Phase.STARTTLS, client.docmd("STARTTLS"), 220)
        if client.said_more():
            raise BadAnswer(_injected(self.place))
        client.begin_tls()
        self._expect(Phase.EHLO, client.ehlo(), 250)

    def _note_tls(self, client: SmtpClient) -> None:
        if isinstance(client.sock, ssl.SSLSocket):
            ends = (client.sock.getpeercert() or {}).get("notAfter", "")
            shown = printable(str(ends), limit=40)
            self.tls = f"{client.sock.version()}, certificate valid until {shown}"

    def _expect(self, phase: Phase, answer: tuple[int, bytes], code: int) -> Reply:
        text = answer[1].decode("utf-8", "replace")
        reply = Reply(answer[0], self._hidden.clean(text, limit=_SHOWN))
        if answer[0] != code:
            raise SmtpRefused(phase, reply, self._challenge)
        return reply


class Undecided(Exception):
    """The message was sent and no reply came: it may have been taken."""

    def __init__(self, trouble: Trouble) -> None:
        """Args: trouble: What became of the connection."""
        super().__init__(trouble.what)
        self.trouble = trouble


def smtp_place(settings: MailSettings) -> Place:
    """What messages call the SMTP server."""
    return Place("smtp", settings.smtp_host, settings.smtp_port, "email_account.server and port")


def xoauth2(user: str, token: Token) -> str:
    """What XOAUTH2 sends (`spec/azure-and-smtp.md` 5.3).

    Args:
        user: The mailbox.
        token: For it.
    """
    return b64encode(f"user={user}\1auth=Bearer {token.reveal()}\1\1".encode()).decode("ascii")


def _decoded(challenge: bytes, hidden: Hidden) -> str:
    try:
        text = b64decode(challenge, validate=True).decode("utf-8", "replace")
    except ValueError:
        text = challenge.decode("utf-8", "replace")
    return hidden.clean(text, limit=200)


def _dotted(data: bytes) -> bytes:
    """A message as DATA carries it (RFC 5321 4.5.2)."""
    lines = data.splitlines()
    return b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines) + (
        b".\r\n"
    )


def _no_starttls(place: Place) -> Trouble:
    return Trouble(
        "smtp-no-starttls",
        f"{place.address} does not offer STARTTLS; without it no token is sent.",
        (
            Cause(
                "A firewall or mail gateway between removes STARTTLS from the server's answer.",
                f"Exempt {place.host} port {place.port} from SMTP inspection.",
            ),
            Cause(
                f"It is another server or port than client submission's ({place.setting}).",
                "Exchange Online takes client submission on port 587; leave email_account.server "
                "out so that the cloud's own host is used.",
            ),
        ),
    )


def _not_smtp(place: Place) -> Trouble:
    return Trouble(
        "smtp-not-smtp",
        f"What {place.address} says is no SMTP.",
        (
            Cause(
                f"Another kind of server answers there ({place.setting}), or a firewall does in "
                "its place.",
                "Check host and port: Exchange Online takes client submission on port 587.",
            ),
        ),
    )


def _injected(place: Place) -> Trouble:
    return Trouble(
        "smtp-injection",
        f"{place.address} said more after STARTTLS, in the clear, before TLS began.",
        (
            Cause(
                "Somebody between puts words into the server's mouth (STARTTLS injection).",
                "Do not go on: no token was sent. Ask the network's administrators; try from "
                "another network.",
            ),
        ),
    )
