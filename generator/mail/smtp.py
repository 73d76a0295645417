"""The links of the SMTP side: TLS, XOAUTH2, and a real message.

A reply that asks to try later (`spec/azure-and-smtp.md` 6.2) is followed, in a session of its own
after growing pauses, within `Network.patience_seconds` for all links together; any other refusal
never is, and nothing is repeated once a message was sent and its reply lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import TypeVar

from generator.mail.interface import Cause, LinkResult, Verdict
from generator.mail.network import Network
from generator.mail.settings import MailSettings
from generator.mail.smtp_replies import Reply, meaning_of
from generator.mail.smtp_session import SmtpRefused, SmtpSession, Steps, Undecided
from generator.mail.token import Token
from generator.mail.trouble import BadAnswer, NoAnswer

TLS = ("smtp-tls", "SMTP server and TLS")
AUTH = ("smtp-auth", "Sign-in with XOAUTH2")
MESSAGE = ("message", "A real message")

FIRST_PAUSE = 1.0
"""Seconds; each further one is twice as long."""

LONGEST_REST = 20.0
"""Seconds after which a session is not gone on with: servers end those that say nothing."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What earlier links found, by which refusals are explained."""

    object_id: str | None = None
    """The service principal's object ID, by the token."""

    exchange_fits: bool = False
    """Whether Exchange's objects were seen and are right."""

    doubts: tuple[Cause, ...] = ()
    """What earlier links warned of: it comes before the usual causes."""


class Submission:
    """The SMTP side of a chain.

    submission = Submission(settings, network=network)
    submission.open()                      # the link `smtp-tls`
    submission.sign_in(token, evidence)    # the link `smtp-auth`, after `open` succeeded
    submission.send(message, ...)          # the link `message`, after `sign_in` succeeded
    submission.close()
    """

    def __init__(
        self,
        settings: MailSettings,
        *,
        network: Network,
        steps: Steps = Steps.ONE,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Args: settings: Where. network: How. steps: How XOAUTH2 is spoken. tell: Of pauses."""
        self._settings = settings
        self._network = network
        self._steps = steps
        self._tell = tell
        self._session: SmtpSession | None = None
        self._token: Token | None = None
        self._evidence = Evidence()
        self._waited = 0.0
        self._pauses = 0
        self._rested_at: float | None = None

    def open(self) -> LinkResult:
        """Connect, begin TLS, and see whether XOAUTH2 is offered.

        Raises:
            ConfigError: The file of the stand-ins' authority cannot be used.
        """
        settings = self._settings
        checked = (
            f"{settings.smtp_host}:{settings.smtp_port}, {settings.connection_security.value}, "
            "certificate, AUTH"
        )
        return self._link(TLS, checked, self._offers)

    def sign_in(self, token: Token, evidence: Evidence) -> LinkResult:
        """AUTH XOAUTH2 with a token.

        Args:
            token: For the mailbox.
            evidence: What earlier links found.
        """
        self._token, self._evidence = token, evidence
        checked = f"AUTH XOAUTH2 as {self._settings.user_name} ({self._steps.value} step)"
        return self._link(AUTH, checked, lambda: str(self._signed_in()))

    def send(self, message: EmailMessage, *, recipient: str, marker: str) -> LinkResult:
        """Send a message to the end of DATA.

        Args:
            message: The message.
            recipient: Its one recipient.
            marker: What its subject holds.
        """
        sender = self._settings.from_address
        checked = f"message [{marker}] from {sender} to {recipient}, to the end of DATA"

        def work() -> str:
            if self._session is None:
                self._signed_in()
            session = self._opened()
            try:
                reply = session.send(message, sender=sender, recipient=recipient)
            except SmtpRefused:
                # A further attempt, if there is one, is in a session that has signed in.
                self._close_session()
                raise
            return f"[{marker}] to {recipient}: {reply}"

        return self._link(MESSAGE, checked, work, marker=marker)

    def rest(self) -> None:
        """Nothing is asked for a while; the session stays open."""
        if self._session is not None:
            self._session.rest()
            self._rested_at = self._network.clock.monotonic()

    def close(self) -> None:
        """End the session; never raises."""
        self._close_session()

    # What the links share

    def _offers(self) -> str:
        session = self._opened()
        offered = " ".join(session.mechanisms) or "nothing"
        return f"{session.tls}; AUTH {offered}"

    def _opened(self) -> SmtpSession:
        if self._session is None:
            session = SmtpSession(self._settings, network=self._network, token=self._token)
            try:
                session.open()
            except BaseException:
                session.close()
                raise
            self._session = session
        return self._session

    def _signed_in(self) -> Reply:
        rested, self._rested_at = self._rested_at, None
        if rested is not None and self._network.clock.monotonic() - rested > LONGEST_REST:
            self._close_session()
        session = self._opened()
        assert self._token is not None  # noqa: S101 - `sign_in` set it
        try:
            return session.sign_in(self._token, steps=self._steps)
        except BaseException:
            self._close_session()
            raise

    def _close_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _link(
        self, what: tuple[str, str], checked: str, work: Callable[[], str], *, marker: str = ""
    ) -> LinkResult:
        name, title = what
        clock = self._network.clock
        began = clock.monotonic()
        self._pauses = 0

        def result(
            verdict: Verdict, answered: str, code: str = "", causes: tuple[Cause, ...] = ()
        ) -> LinkResult:
            seconds = clock.monotonic() - began
            if self._pauses:
                answered += f" (after {self._pauses + 1} attempts)"
            return LinkResult(name, title, verdict, checked, answered, code, causes, seconds)

        try:
            answered = self._patiently(work)
        except SmtpRefused as refused:
            return result(Verdict.FAILED, *self._refusal(refused))
        except Undecided as lost:
            return result(Verdict.FAILED, lost.trouble.what, "message-undecided", _lost(marker))
        except (NoAnswer, BadAnswer) as lost:
            self._close_session()
            trouble = lost.trouble
            return result(Verdict.FAILED, trouble.what, trouble.code, trouble.causes)
        if what is TLS and "XOAUTH2" not in self._opened().mechanisms:
            self._close_session()
            return result(Verdict.FAILED, answered, "smtp-no-xoauth2", _NO_XOAUTH2)
        return result(Verdict.OK, answered)

    def _patiently(self, work: Callable[[], T]) -> T:
        while True:
            try:
                return work()
            except SmtpRefused as refused:
                if not refused.reply.is_transient or not self._pause(refused.reply):
                    raise
                self._close_session()

    def _pause(self, reply: Reply) -> bool:
        """Wait before a further attempt; False once there was enough of it."""
        pause = FIRST_PAUSE * 2**self._pauses
        if self._waited + pause > self._network.patience_seconds:
            return False
        self._tell(f"The SMTP server says {reply.code}: trying again in {pause:g} s.")
        self._network.clock.sleep(pause)
        self._waited += pause
        self._pauses += 1
        return True

    def _refusal(self, refused: SmtpRefused) -> tuple[str, str, tuple[Cause, ...]]:
        evidence = self._evidence
        meaning = meaning_of(
            refused.reply,
            phase=refused.phase,
            settings=self._settings,
            object_id=evidence.object_id,
            exchange_fits=evidence.exchange_fits,
        )
        told = str(refused.reply)
        if refused.challenge:
            told += f" (before that: {refused.challenge})"
        return told, meaning.code, (*evidence.doubts, *meaning.causes)


def _lost(marker: str) -> tuple[Cause, ...]:
    return (
        Cause(
            "The connection broke after the message was sent and before the server took or refused "
            "it: it may have left.",
            f"Look for [{marker}] in Sent Items of the mailbox or at the recipient before anything "
            "is sent again.",
        ),
    )


_NO_XOAUTH2 = (
    Cause(
        "The server does not offer XOAUTH2: it is none of Exchange Online, or a mail gateway "
        "stands between.",
        "Leave email_account.server out so that the cloud's own host is used; exempt it from SMTP "
        "inspection.",
    ),
)
