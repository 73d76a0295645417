"""What decides whether mail leaves, what waits to leave, and what failed (A18).

The mail properties are read and told, never written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from generator.errors import Fault
from generator.instance.interface import Found, Read
from generator.instance.package_files import PROPERTY_TABLE
from generator.instance.run import Run, answered
from generator.scrubbing import printable

OUTBOUND = "glide.email.smtp.active"
"""Outgoing mail on [DOC r_OutboundMailConfiguration.md]; one other page says receiving (B7)."""

REDIRECT = "glide.email.test.user"
"""Where all mail goes instead [DOC same page]; empty if it goes where it should."""

EMAIL = "sys_email"
READY, SENT, FAILED, IGNORED = "send-ready", "sent", "send-failed", "send-ignored"
"""`sys_email.type` on the way out [DOC r_EmailLogs.md, email-diagnostics-dashboard.md]."""

MOST_FAILED = 100
"""Messages that are listed at most."""

STAMP = "%Y-%m-%d %H:%M:%S"
"""Date and time as the Table API stores them, UTC."""


_TOKEN = re.compile(r"\beyJ[\w.~+/=-]*|(?<=bearer )[\w.~+/=-]{16,}|[\w+/=-]{64,}", re.ASCII | re.I)
"""A JWT, what follows `Bearer`, and any long word without dots, as Base64 is."""


@dataclass(frozen=True, slots=True)
class MailState:
    """What is known of the instance's outgoing mail before anything is switched."""

    outbound: str | None
    """`glide.email.smtp.active` as it stands; None where it is missing or cannot be read."""

    redirect: str
    """Addresses that all mail goes to instead; empty if there are none."""

    waiting: int | None
    """Messages that wait to be sent; None where they cannot be counted."""

    @property
    def is_on(self) -> bool:
        """Whether outgoing mail is clearly on."""
        return self.outbound == "true"

    def facts(self) -> dict[str, str]:
        """For the journal."""
        return {OUTBOUND: self.outbound or "", REDIRECT: self.redirect}


@dataclass(frozen=True, slots=True)
class FailedMail:
    """One message that was not sent; neither its subject nor its text."""

    sys_id: str
    at: str
    """When the instance gave up, UTC."""

    error: str
    """The platform's own text."""

    def __str__(self) -> str:
        """One line."""
        return f"{self.sys_id} ({self.at}): {self.error or 'no reason given'}"

    def as_json(self) -> dict[str, str]:
        """JSON-ready."""
        return {"sys_id": self.sys_id, "at": self.at, "error": self.error}


def mail_read() -> Read:
    """The two properties that decide whether mail leaves, and where to."""
    return Read(PROPERTY_TABLE, f"name={OUTBOUND}^ORname={REDIRECT}", ("sys_id", "name", "value"))


def mail_switches(found: Found) -> tuple[str | None, str]:
    """Their values; None and an empty text where they are missing or cannot be read."""
    values = {row.get("name", ""): row.get("value", "") for row in found.rows}
    outbound = values.get(OUTBOUND)
    if outbound is not None:
        outbound = printable(outbound, limit=40)
    return outbound, printable(values.get(REDIRECT, ""), limit=200)


def mail_reads() -> dict[str, Read]:
    """What `mail_state` wants to know."""
    return {"mail": mail_read(), "waiting": Read(EMAIL, f"type={READY}", count_only=True)}


def mail_state(found: Mapping[str, Found]) -> MailState:
    """What was read of it; what cannot be read is not on."""
    outbound, redirect = mail_switches(found["mail"])
    waiting = found["waiting"]
    return MailState(
        outbound=outbound,
        redirect=redirect,
        waiting=None if waiting.error is not None else waiting.total,
    )


def outbound_fault(mail: MailState) -> Fault:
    """Why nothing can be proven while outgoing mail is not clearly on."""
    reads = "is missing or cannot be read"
    if mail.outbound is not None:
        reads = f"reads {mail.outbound!r}"
    return Fault(
        "outbound-mail-off",
        f"Outgoing mail is not on: the property {OUTBOUND} {reads}. No message would leave, so "
        "nothing could be proven; clones switch mail off on purpose.",
        next="if this instance shall send mail, switch it on there (System Properties, Email "
        "Properties); this is never done here",
    )


def said(text: str) -> str:
    """The platform's text on a message, as it may be shown.

    It holds what the SMTP server said, and a server may repeat what it was sent. The instance's
    token is not known here, so what has the shape of one, or of a whole sign-in, is left out.
    """
    return printable(_TOKEN.sub("[removed]", text))


def day_before(column: str, since: str) -> str:
    """A term of a query that leaves out what is older by a day or more.

    The log of a large instance has millions of rows, which no search by subject should go through.
    In which zone an instance takes a time inside a query is not sure; a day covers every zone.

    Args:
        column: Of date and time.
        since: `YYYY-MM-DD HH:MM:SS`, UTC; no term is made of anything else.
    """
    try:
        moment = datetime.strptime(since, STAMP) - timedelta(days=1)
    except (ValueError, OverflowError):
        return ""
    return f"^{column}>={moment.strftime(STAMP)}"


def failed_since(run: Run, since: str, *, without: str) -> tuple[FailedMail, ...]:
    """Messages that failed at or after a moment, the newest first.

    Times are held against each other here, as texts in UTC (`day_before`).

    Args:
        run: The call.
        since: `YYYY-MM-DD HH:MM:SS`, UTC.
        without: Marker of the test message, which is told elsewhere.

    Raises:
        RemoteError: The instance did not say.
    """
    fields = ("sys_id", "type", "subject", "error_string", "sys_updated_on")
    recent = day_before("sys_updated_on", since)
    query = f"type={FAILED}{recent}^ORDERBYDESCsys_updated_on"
    # One more for the test message.
    read = Read(EMAIL, query, fields, limit=MOST_FAILED + 1)
    found = answered(run.read({"failed": read})["failed"])
    return tuple(
        FailedMail(
            sys_id=printable(row.get("sys_id", ""), limit=32),
            at=printable(row.get("sys_updated_on", ""), limit=19),
            error=said(row.get("error_string", "")),
        )
        for row in found.rows
        if row.get("type") == FAILED
        and row.get("sys_updated_on", "") >= since
        and not (without and without in row.get("subject", ""))
    )
