"""The SMTP server's replies, and what explains a refusal (`spec/azure-and-smtp.md` 6.2 and 6.3).

A reply that is in no row of the table is explained by its code, and shown word for word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from generator.config.environment import Authorization
from generator.mail.interface import Cause
from generator.mail.settings import MailSettings
from generator.mail.smtp_rows import LATER, NO_TLS, ROWS, TOO_EARLY

TRANSIENT = frozenset({421, 430, 432, 451, 454})
"""Codes after which the same may go through later; a 5xx never is (6.2)."""

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b", re.ASCII)


class Phase(StrEnum):
    """Where in a session a reply came."""

    GREETING = "greeting"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    """Everything from DATA to the end of the message."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, all its lines; no token in it."""

    code: int
    text: str
    """Without the code, in one line."""

    @property
    def enhanced(self) -> str:
        """Enhanced status code (RFC 3463): `5.7.139`; empty if there is none."""
        found = _ENHANCED.match(self.text)
        return found[1] if found else ""

    @property
    def is_transient(self) -> bool:
        """Whether trying again later may help."""
        return self.code in TRANSIENT

    def __str__(self) -> str:
        """As the server said it."""
        return f"{self.code} {self.text}".rstrip()


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a reply means."""

    code: str
    causes: tuple[Cause, ...]


def meaning_of(
    reply: Reply,
    *,
    phase: Phase,
    settings: MailSettings,
    object_id: str | None,
    exchange_fits: bool = False,
) -> Meaning:
    """What explains a refusal, the likeliest first.

    Args:
        reply: The refusal.
        phase: Where it came.
        settings: Whose values stand in the answer.
        object_id: The service principal's object ID, by the token or else the settings.
        exchange_fits: Whether exports of Exchange's objects were read and are right: then it is
            likelier that they are too new to count.
    """
    text = reply.text.lower()
    row = next(
        (
            row
            for row in ROWS
            if row.code == reply.code and all(_holds(text, word) for word in row.holds)
        ),
        None,
    )
    if row is None:
        detail = f"-{reply.enhanced}" if reply.enhanced else ""
        code, causes = f"smtp-{reply.code}{detail}", _family(reply, phase)
    else:
        is_rbac = settings.authorization is Authorization.APP_RBAC
        code, causes = row.name, row.rbac if is_rbac and row.rbac else row.causes
    if phase is Phase.STARTTLS:
        causes = (NO_TLS, *causes)
    if exchange_fits and TOO_EARLY in causes:
        causes = (TOO_EARLY, *(one for one in causes if one is not TOO_EARLY))
    values = {
        "client_id": settings.client_id,
        "user_name": settings.user_name,
        "from_address": settings.from_address,
        "object_id": object_id
        or settings.service_principal_object_id
        or f"$(az ad sp show --id {settings.client_id} --query id -o tsv)",
    }
    return Meaning(
        code, tuple(Cause(one.what.format(**values), one.fix.format(**values)) for one in causes)
    )


def _holds(text: str, word: str) -> bool:
    # 5.7.3 is not 5.7.30.
    return re.search(rf"{re.escape(word)}(?!\d)", text) is not None


def _family(reply: Reply, phase: Phase) -> tuple[Cause, ...]:
    shown = "Read the server's own words; support finds the session by the text in square brackets."
    if reply.is_transient or 400 <= reply.code < 500:
        return (LATER,)
    what = {
        Phase.GREETING: "The server takes no session from here.",
        Phase.EHLO: "The server does not take EHLO: it may be no submission server.",
        Phase.STARTTLS: "The server refuses to begin TLS.",
        Phase.AUTH: "The server does not accept the token.",
        Phase.MAIL: "The server does not take mail from this sender.",
        Phase.RCPT: "The server does not take mail for the recipient.",
        Phase.DATA: "The server does not take the message.",
    }[phase]
    return (Cause(what, shown),)
