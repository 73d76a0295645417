"""The SMTP sender job: queued mail leaves through the active account, once an interval.

`spec/instance-http.md` A18 for properties and the ways of `sys_email.type`. The job has no thread
of its own: it runs when somebody looks at `sys_email` and an interval of the clock has begun since
it ran last (switch `sender_seconds`). Real sockets, to the stand-in alone: mail of an account
whose server is another stays queued, since nothing would be true that was said of it.
"""

from __future__ import annotations

import smtplib
import ssl
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import formataddr, make_msgid
from typing import TYPE_CHECKING

from generator.azure.clouds import SMTP_HOSTS
from generator.sandbox.app_health import clean
from generator.sandbox.database import Row
from generator.sandbox.instance_mail import active_account, read_property
from generator.sandbox.oauth_client import request_token
from generator.sandbox.passwords import decrypt
from generator.secrets.deadline import within

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox
    from generator.sandbox.mail.stand_in import MailSandbox

EMAILS = "sys_email"
MOST_SECONDS = 10.0
MOST_WAITED = 20.0
"""Seconds that a reader waits for the job, whatever the server does; it goes on by itself."""

MOST_A_RUN = 100
"""`glide.email.smtp.max_send` [DOC]."""


class _NotSent(Exception):
    """A message, or all of them, did not leave; holds what the instance notes."""

    def __init__(self, reason: str, *, code: int = 0, session: bool = False) -> None:
        super().__init__(code)
        self.reason = clean(reason)
        self.code = code
        self.session = session
        """Whether it was the session that failed: no other message can leave either."""


def send_due(sandbox: Sandbox) -> None:
    """Run the job if it is due, and wait a while for its end; never for somebody else's run."""
    side = sandbox.mail_side
    now = int(sandbox.clock.now().timestamp())
    begin = now - now % sandbox.behaviour.sender_seconds
    if begin <= side.last_run or not side.sending.acquire(blocking=False):
        return
    side.last_run = begin

    def work() -> None:
        try:
            _run(sandbox, since=datetime.fromtimestamp(begin, UTC))
        finally:
            side.sending.release()

    ended = within(MOST_WAITED, work)
    if ended.error is not None:
        # The kind alone: a text might hold what was sent.
        sandbox.say(f"mail: the sender failed ({type(ended.error).__name__})")
    elif not ended.is_over:
        sandbox.say("mail: the sender is still busy")


def _run(sandbox: Sandbox, *, since: datetime) -> None:
    """One run; what was queued after it was due waits for the next."""
    query = f"type=send-ready^sys_created_on<{since:%Y-%m-%d %H:%M:%S}^ORDERBYsys_created_on"
    waiting = sandbox.database.query(EMAILS, query, limit=MOST_A_RUN)
    account, mail = active_account(sandbox), sandbox.mail_side.within_reach
    if not waiting or read_property(sandbox, "glide.email.smtp.active") != "true":
        return
    if account is None or mail is None or not _is_imitated(mail, account):
        sandbox.say(f"mail: {len(waiting)} wait, no active account's server is within reach")
        return
    try:
        session = _open(sandbox, mail, account)
    except _NotSent as failure:
        for row in waiting:
            _note(sandbox, row, failure)
        return
    try:
        for row in waiting:
            try:
                _send(sandbox, session, account, row)
            except _NotSent as failure:
                _note(sandbox, row, failure)
                if failure.session:
                    break
            else:
                _store(sandbox, row, type="sent", state="processed", mailbox="sent", error="")
    finally:
        session.close()


def _is_imitated(mail: MailSandbox, account: Row) -> bool:
    return account.get("server", "").lower() in (*SMTP_HOSTS, mail.smtp_host)


def _open(sandbox: Sandbox, mail: MailSandbox, account: Row) -> smtplib.SMTP:
    """A session that is signed in.

    Raises:
        _NotSent: There is none.
    """
    context = ssl.create_default_context(cafile=str(mail.ca_file))
    security = account.get("connection_security", "none")
    session: smtplib.SMTP | None = None
    try:
        if security == "ssl":
            session = smtplib.SMTP_SSL(
                mail.smtp_host, mail.smtp_port, timeout=MOST_SECONDS, context=context
            )
        else:
            session = smtplib.SMTP(mail.smtp_host, mail.smtp_port, timeout=MOST_SECONDS)
        session.ehlo()
        if security == "starttls":
            session.starttls(context=context)
            session.ehlo()
        _sign_in(sandbox, session, account)
    except (_NotSent, smtplib.SMTPException, OSError) as error:
        if session is not None:
            session.close()
        if isinstance(error, _NotSent):
            raise
        raise _refused(error, session=True) from None
    return session


def _sign_in(sandbox: Sandbox, session: smtplib.SMTP, account: Row) -> None:
    user = account.get("user_name", "")
    if account.get("authentication") != "oauth2":
        session.login(user, decrypt(sandbox, account.get("password", "")) or "")
        return
    # The platform's job takes the token that is kept for the account [PLAT KB0955712].
    token = sandbox.mail_side.kept(account["sys_id"], now=sandbox.clock.now())
    if token is None:
        answer = request_token(sandbox, account)
        if not answer.granted:
            raise _NotSent(f"no access token: {answer.said or answer.error}", session=True)
        token = answer.token
    blob = f"user={user}\x01auth=Bearer {token}\x01\x01"
    # An empty line answers the JSON of a refusal.
    replies = iter([blob, ""])
    session.auth("XOAUTH2", lambda _challenge=None: next(replies, ""))


def _send(sandbox: Sandbox, session: smtplib.SMTP, account: Row, row: Row) -> None:
    """Send one message.

    Raises:
        _NotSent: It was not taken.
    """
    sender = account.get("from", "") or account.get("user_name", "")
    redirected = read_property(sandbox, "glide.email.test.user")
    found = redirected or row.get("recipients", "") or row.get("direct", "")
    recipients = [part.strip() for part in found.split(",") if part.strip()]
    if not recipients:
        raise _NotSent("550 the message has no recipient", code=550)
    try:
        message = EmailMessage()
        message["From"] = formataddr((account.get("email_user_label", ""), sender))
        message["To"] = ", ".join(recipients)
        message["Subject"] = " ".join(row.get("subject", "").split())
        message["Message-ID"] = make_msgid(domain=f"{sandbox.name}.example")
        message.set_content(row.get("body_text", "") or row.get("body", ""))
        session.send_message(message, from_addr=sender, to_addrs=recipients)
    except ValueError:
        raise _NotSent("550 the message has no address that can be written", code=550) from None
    except (smtplib.SMTPException, OSError) as error:
        raise _refused(error, session=False) from None


def _refused(error: Exception, *, session: bool) -> _NotSent:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        return _NotSent(f"{code} {_line(text)}", code=code)
    if isinstance(error, smtplib.SMTPResponseException):
        reason = f"{error.smtp_code} {_line(error.smtp_error)}"
        return _NotSent(reason, code=error.smtp_code, session=session)
    # The kind alone: a text might hold what was sent.
    return _NotSent(f"no SMTP session: {type(error).__name__}", session=True)


def _line(text: bytes | str) -> str:
    return text.decode("ascii", "replace") if isinstance(text, bytes) else text


def _note(sandbox: Sandbox, row: Row, failure: _NotSent) -> None:
    """Give up a message or keep it for the next run, as the properties say of the reply's code.

    That a session which is refused counts as one of its messages' replies is [INF].
    """
    code = str(failure.code or "")
    codes = read_property(sandbox, "glide.smtp.fail_message_ids")
    is_final = code in [part.strip() for part in codes.split(",")]
    deferred = read_property(sandbox, "glide.smtp.defer_retry_ids")
    if not is_final and code not in [part.strip() for part in deferred.split(",")]:
        is_final = read_property(sandbox, "glide.smtp.default_retry") == "false"
    kind, state = ("send-failed", "error") if is_final else ("send-ready", "ready")
    mailbox = "failed" if is_final else "outbox"
    _store(sandbox, row, type=kind, state=state, mailbox=mailbox, error=failure.reason)


def _store(sandbox: Sandbox, row: Row, *, type: str, state: str, mailbox: str, error: str) -> None:
    values = {"type": type, "state": state, "mailbox": mailbox, "error_string": error}
    sandbox.database.update(EMAILS, row["sys_id"], values, by="system")
    sandbox.say(f"mail: {row['sys_id']} {type}")
