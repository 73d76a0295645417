"""The email account of a mail chain (`spec/records.md` section 7)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from generator.checks.interface import Hit, Rule, Severity, rule, shown

M5 = rule(
    "mail chain",
    "M5",
    Severity.ERROR,
    "Port and connection security agree: 587 with starttls, 465 with ssl; legacy flags too.",
    "use port 587 with starttls",
    foreign=Severity.WARNING,
)
M6 = rule(
    "mail chain",
    "M6",
    Severity.ERROR,
    "The connection of the account is encrypted.",
    "write starttls or ssl: with none the token travels in clear",
    foreign=Severity.WARNING,
)
M7 = rule(
    "mail chain",
    "M7",
    Severity.ERROR,
    "The account's server is not the machine itself.",
    "name the SMTP host; the platform refuses localhost and loopback addresses",
    foreign=Severity.WARNING,
)
M8 = rule(
    "mail chain",
    "M8",
    Severity.ERROR,
    "user_name of the account is a full address, and so is from, if filled.",
    "write the mailbox's address",
    foreign=Severity.WARNING,
)
M9 = rule(
    "mail chain",
    "M9",
    Severity.ERROR,
    "The account travels inactive.",
    "write active false; the cut-over is a step of its own, after the import",
    foreign=Severity.WARNING,
)
M10 = rule(
    "mail chain",
    "M10",
    Severity.ERROR,
    "A file holds at most one SMTP account.",
    "ship one account: only one may be active on an instance",
    foreign=Severity.WARNING,
)
M13 = rule(
    "mail chain",
    "M13",
    Severity.NOTE,
    "The From address is the mailbox that signs in.",
    "grant SendAs on the From address in Exchange",
)
M15 = rule(
    "mail chain",
    "M15",
    Severity.WARNING,
    "The port is one of the two for mail submission, 587 or 465.",
    "use port 587 with starttls, unless a relay of your own listens elsewhere",
)
ACCOUNT_RULES = (M5, M6, M7, M8, M9, M10, M13, M15)
"""The rules of this module."""

_ADDRESS = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")
_PAIRS = {"587": "starttls", "465": "ssl"}


@dataclass(frozen=True, slots=True)
class MailRecord:
    """One record of the chain: where it stands and what it holds."""

    values: Mapping[str, str]
    line: int | None
    update: str

    def hit(self, rule_: Rule, message: str, column: str) -> Hit:
        """A hit in this record."""
        return Hit(rule_, message, self.line, self.update, f"payload/{column}")


def account_hits(accounts: Sequence[MailRecord]) -> Iterator[Hit]:
    """Judge the SMTP accounts of a file."""
    for account in accounts:
        yield from _account(account)
    for second in accounts[1:]:
        yield second.hit(M10, f"The file holds {len(accounts)} SMTP accounts.", "type")


def _account(account: MailRecord) -> Iterator[Hit]:
    values = account.values
    port, security = values.get("port", ""), values.get("connection_security", "")
    if security not in ("starttls", "ssl"):
        yield account.hit(M6, f"connection_security is {shown(security)}.", "connection_security")
    elif port not in _PAIRS:
        yield account.hit(M15, f"Port {shown(port)} is neither 587 nor 465.", "port")
    elif _PAIRS[port] != security:
        yield account.hit(M5, f"Port {shown(port)} does not go with {security}.", "port")
    for flag, meant in (("enable_ssl", "ssl"), ("enable_tls", "starttls")):
        if values.get(flag) == "true" and security != meant:
            yield account.hit(M5, f"{flag} contradicts connection_security.", flag)
    if _is_loopback(values.get("server", "")):
        yield account.hit(M7, f"server is {shown(values.get('server', ''))}.", "server")
    user_name, sender = values.get("user_name", ""), values.get("from", "")
    if not _ADDRESS.fullmatch(user_name):
        yield account.hit(M8, f"user_name is {shown(user_name)}, no address.", "user_name")
    if sender and not _ADDRESS.fullmatch(sender):
        yield account.hit(M8, f"from is {shown(sender)}, no address.", "from")
    elif sender and sender.lower() != user_name.lower():
        yield account.hit(M13, "from is not the mailbox that signs in.", "from")
    if values.get("active", "false") != "false":
        yield account.hit(M9, "The account is active.", "active")


def _is_loopback(server: str) -> bool:
    host = server.strip().strip("[]").rstrip(".").lower()
    if host in ("", "localhost") or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
