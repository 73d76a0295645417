"""The test message: asked of the app, and followed in the instance's own log until it was sent.

That the app queued it proves nothing; the row of `sys_email` that bears its marker does, once it
reads `sent` while ours is the one active account (`spec/instance-http.md` A18).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from generator.errors import Fault, RemoteError, VerificationFailed
from generator.instance.app_check import HealthStatus, queue_test
from generator.instance.cut_over_accounts import Accounts, accounts_of, accounts_read
from generator.instance.cut_over_mail import (
    EMAIL,
    FAILED,
    IGNORED,
    SENT,
    STAMP,
    day_before,
    said,
)
from generator.instance.interface import Found, Read, Row
from generator.instance.next_step import call, package_anew
from generator.instance.run import Run, answered
from generator.instance.work import is_lost
from generator.scrubbing import printable

TEST_LIMIT = 300.0
"""Seconds within which the message must be sent; the sender runs once a minute [DOC]."""

_UNREAD_LIMIT = 3
"""Failed looks one after the other that end the waiting."""


@dataclass(frozen=True, slots=True)
class TestMessage:
    """What became of a test message."""

    __test__ = False

    to: str
    marker: str
    status: str = ""
    """`sys_email.type` as it was last seen; empty while no row bears the marker."""

    sys_id: str = ""
    """Of that row."""

    error: str = ""
    """The platform's own text."""

    def as_json(self) -> dict[str, str]:
        """JSON-ready."""
        return {name: getattr(self, name) for name in self.__slots__}


def new_marker() -> str:
    """A marker that no other message bears."""
    return f"sn-smtp-{secrets.token_hex(8)}"


def message_read(marker: str, *, since: str) -> Read:
    """Messages that may bear a marker.

    Args:
        marker: Of the message.
        since: When it was asked for, or earlier: `YYYY-MM-DD HH:MM:SS`, UTC.
    """
    fields = ("sys_id", "type", "subject", "error_string")
    recent = day_before("sys_created_on", since)
    return Read(EMAIL, f"subjectLIKE{marker}{recent}", fields, limit=20)


def message_of(found: Found, *, to: str, marker: str) -> TestMessage:
    """What the log says of the message with a marker; one that failed counts before one sent.

    Raises:
        RemoteError: The read was refused.
    """
    rows = [row for row in answered(found).rows if f"[{marker}]" in row.get("subject", "")]
    row = min(rows, key=_rank, default={})
    return TestMessage(
        to=to,
        marker=marker,
        status=printable(row.get("type", ""), limit=40),
        sys_id=printable(row.get("sys_id", ""), limit=32),
        error=said(row.get("error_string", "")),
    )


def ask_for_message(run: Run, *, to: str, marker: str) -> None:
    """Ask the app for a test message; a lost answer is no answer, the log is read instead.

    Raises:
        VerificationFailed: The app queued none, or cannot be asked.
        RemoteError: The instance clearly refused.
    """
    scope, account = run.environment.app.scope, run.package.account.sys_id
    try:
        health = queue_test(
            run.instance,
            scope=scope,
            account=account,
            to=to,
            marker=marker,
            update=package_anew(run.environment),
        )
    except RemoteError as error:
        if not is_lost(error):
            raise
        run.tell("test: no clear answer came; looking for the message, never asking twice")
        return
    if not (health.ok and health.test_queued):
        raise VerificationFailed(
            Fault(
                "test-not-queued",
                f"The app queued no test message ({health.status.value}): "
                f"{health.message or 'it does not say why'}",
                next=f"do what it says, then {call(run.environment, 'activate')} again",
            )
        )
    if health.status is HealthStatus.SECRET_EXPIRES:
        run.report.note(health.message)


def await_message(run: Run, message: TestMessage, *, wanted: frozenset[str]) -> TestMessage:
    """Wait until the message is sent.

    Args:
        run: The call.
        message: What was asked for.
        wanted: The accounts that must be active when it is, ours alone.

    Returns:
        The message, sent.

    Raises:
        MessageFailed: It failed, was not sent in time, or another account is active.
        RemoteError: The instance does not say, several times running.
    """
    patience = run.patience(TEST_LIMIT)
    read = message_read(message.marker, since=run.now().strftime(STAMP))
    unread = 0
    while True:
        run.sleep(patience)
        try:
            found = run.read({"message": read, "accounts": accounts_read()})
            looked = message_of(found["message"], to=message.to, marker=message.marker)
            accounts = accounts_of(found["accounts"])
            unread = 0
        except RemoteError:
            unread += 1
            if unread >= _UNREAD_LIMIT:
                raise
            continue
        if looked != message:
            # Five minutes are long for whoever watches while mail is held up.
            _tell(run, looked)
        message = looked
        _require_active(run, message, accounts, wanted)
        if message.status == SENT:
            return message
        if message.status in (FAILED, IGNORED) or patience.is_over:
            raise MessageFailed(_not_sent(run, message), message=message)


def _tell(run: Run, message: TestMessage) -> None:
    reason = f": {message.error}" if message.error else ""
    run.tell(f"test: the message reads {message.status or 'nothing any more'}{reason}")


class MessageFailed(VerificationFailed):
    """The test message was not sent."""

    def __init__(
        self, fault: Fault, *, message: TestMessage, accounts: Accounts | None = None
    ) -> None:
        """Args: fault: Why. message: As it was last seen. accounts: Where they are others."""
        super().__init__(fault)
        self.message = message
        self.accounts = accounts


def _rank(row: Row) -> tuple[int, str]:
    order = {FAILED: 0, IGNORED: 1, SENT: 3}
    return order.get(row.get("type", ""), 2), row.get("sys_id", "")


def _require_active(
    run: Run, message: TestMessage, accounts: Accounts, wanted: frozenset[str]
) -> None:
    if accounts.active == wanted:
        return
    raise MessageFailed(
        Fault(
            "account-switched-meanwhile",
            "While the test message was waited for, the active account changed; now it is "
            f"{accounts.say(accounts.active)}. Over which one the message leaves is not known.",
            next=f"see who switches accounts there, then {call(run.environment, 'activate')} again",
        ),
        message=message,
        accounts=accounts,
    )


def _not_sent(run: Run, message: TestMessage) -> Fault:
    verify = call(run.environment, "verify")
    if message.status == FAILED:
        reason = message.error or "the instance does not say why"
        return Fault(
            "test-failed",
            f"The test message to {message.to} was not sent: {reason}",
            next=f"{verify} explains the reply and finds what is missing at Azure or Exchange",
        )
    if message.status == IGNORED:
        return Fault(
            "test-ignored",
            f"The instance ignored the test message to {message.to} ({message.error or IGNORED}): "
            "the recipient may be excluded, or mail is filtered there.",
            next="give another address (--test-to), or see the log of that message on the instance "
            f"(sys_email {message.sys_id})",
        )
    if message.status:
        return Fault(
            "test-waits",
            f"The test message to {message.to} was not sent within {TEST_LIMIT:.0f} s; it reads "
            f"{message.status}{f': {message.error}' if message.error else ''}.",
            next=f"{verify} tries the way to Exchange from here; see also whether the job SMTP "
            "Sender runs (System Mailboxes, Email Diagnostics). The message is still queued, and "
            "leaves over the account that is active then",
        )
    return Fault(
        "test-unseen",
        f"No message with the marker [{message.marker}] appeared within {TEST_LIMIT:.0f} s.",
        next="see whether events are processed there, whether the app's notification is active, "
        "and whether this user may read sys_email (admin)",
    )
