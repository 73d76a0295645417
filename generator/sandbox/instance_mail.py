"""What of an instance has to do with mail: the stand-ins within reach, kept tokens, the sender.

Without stand-ins the instance reaches no token endpoint and no SMTP server, and says so.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from generator.sandbox.database import Row

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox
    from generator.sandbox.mail.stand_in import MailSandbox

ACCOUNTS = "sys_email_account"
PROPERTIES = "sys_properties"


@dataclass(frozen=True, slots=True)
class KeptToken:
    """An access token that the instance keeps for an account."""

    token: str = field(repr=False)
    expires: datetime


class InstanceMail:
    """The mail side of one sandbox; any thread may."""

    def __init__(self, stand_ins: MailSandbox | None) -> None:
        """Args: stand_ins: What is within the instance's reach; None for nothing."""
        self.stand_ins = stand_ins
        self.sending = threading.Lock()
        """Held by the one thread that sends."""

        self.last_run = 0
        """Begin of the interval in which the sender ran last, in seconds since 1970."""

        self._tokens: dict[str, KeptToken] = {}
        self._lock = threading.Lock()

    @property
    def within_reach(self) -> MailSandbox | None:
        """The stand-ins, while they serve."""
        found = self.stand_ins
        return found if found is not None and found.is_running else None

    def keep(self, account: str, token: KeptToken) -> None:
        """Keep a new token of an account."""
        with self._lock:
            self._tokens[account] = token

    def kept(self, account: str, *, now: datetime) -> str | None:
        """The token of an account, if one is kept that is still valid."""
        with self._lock:
            found = self._tokens.get(account)
        return found.token if found is not None and found.expires > now else None


def read_property(sandbox: Sandbox, name: str) -> str:
    """The value of a system property; empty if there is none."""
    rows = sandbox.database.query(PROPERTIES, f"name={name}", limit=1)
    return rows[0].get("value", "").strip() if rows else ""


def active_account(sandbox: Sandbox) -> Row | None:
    """The account that sends the instance's mail: the active SMTP one, the latest of several."""
    query = "type=smtp^active=true^ORDERBYDESCsys_updated_on"
    rows = sandbox.database.query(ACCOUNTS, query, limit=1)
    return rows[0] if rows else None
