"""Every switch of the mail stand-ins: one for each failure of `spec/azure-and-smtp.md` 6.

Defaults are a tenant where everything is right. A switch may be set at any time: by the
constructor, on the command line (`parse_mail`), over HTTP (`generator.sandbox.control`), or by
plain assignment.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from generator.sandbox.switch_board import SwitchBoard, parse_board, switches_of
from generator.sandbox.switches import Grade, Switch, choice, flag, number

DOC, COMM, MEM, OWN = Grade.DOC, Grade.COMM, Grade.MEM, Grade.OWN

HEALTHY = "healthy"
PHASES = ("greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data")
"""Where an SMTP session can be interrupted; `data` is the end of the message."""

SERVERS = ("entra", "graph", "smtp", "all")


@dataclass(slots=True)
class MailBehaviour(SwitchBoard):
    """All switches; `metadata["switch"]` of each field says what it takes and does."""

    # Token endpoint (6.1)
    entra: str = choice(
        HEALTHY,
        "secret_invalid",
        "secret_expired",
        "app_unknown",
        "tenant_unknown",
        "tenant_malformed",
        "scope_invalid",
        "scope_malformed",
        "resource_unknown",
        "assertion_invalid",
        "conditional_access",
        "app_disabled",
        "assignment_required",
        "unknown_code",
        "throttled",
        "unavailable",
        "not_json",
        "no_token",
        "redirect",
        help="What the token endpoint answers, whatever it is asked.",
        grade=DOC,
    )
    new_secret_after: int = number(
        0, help="A new secret is refused (7000215) by its first N token requests.", grade=MEM
    )
    token_seconds: int = number(3599, least=1, help="Lifetime of a token.", grade=DOC)
    token_padding: int = number(
        900, most=20_000, help="Bytes that make a token as long as a real one.", grade=COMM
    )
    clock_skew_seconds: int = number(
        0, least=-86_400, most=86_400, help="How far the stand-ins' clock is ahead.", grade=OWN
    )

    # Claims (5.2)
    claims: str = choice(
        HEALTHY,
        "no_roles",
        "other_role",
        "aud_graph",
        "aud_ps_outlook",
        "delegated",
        "wrong_tenant",
        "wrong_app",
        "expired",
        "v2",
        "opaque",
        help="What is wrong with the token (v2: nothing, but other names; opaque: no JWT).",
        grade=DOC,
    )

    # Graph (section 9)
    graph: str = choice(
        HEALTHY,
        "unauthorized",
        "forbidden",
        "not_found",
        "throttled",
        "unavailable",
        "not_json",
        help="What Microsoft Graph answers, whatever it is asked.",
        grade=MEM,
    )

    # Exchange's objects (6.3)
    exchange_object_id: str = choice(
        "service_principal",
        "application",
        "none",
        help="Object id that New-ServicePrincipal was given; none: it was never run.",
        grade=COMM,
    )
    mailbox_permission: bool = flag(
        default=True,
        help="off: the app has no FullAccess; 235, then 430 at the end of DATA.",
        grade=COMM,
    )
    rbac_scope: bool = flag(
        default=True,
        help="off: the mailbox is no member of the role's scope (app_rbac); 235, then 430.",
        grade=COMM,
    )
    send_as: str = choice(
        "granted",
        "denied",
        "denied_older",
        "denied_550",
        help="Whether another From than the mailbox is allowed, and the words of the refusal.",
        grade=COMM,
    )
    organisation_smtp_auth: str = choice(
        "on", "off", help="SmtpClientAuthenticationDisabled of the organisation.", grade=DOC
    )
    mailbox_smtp_auth: str = choice(
        "inherit",
        "on",
        "off",
        help="SmtpClientAuthenticationDisabled of the mailbox ($null, $false, $true).",
        grade=DOC,
    )

    # SMTP session (5.3, 6.2)
    starttls: str = choice(
        "offered", "missing", "refused", "broken", help="STARTTLS; broken: no handshake.", grade=OWN
    )
    certificate: str = choice(
        "valid",
        "other_name",
        "unknown_ca",
        help="Certificate of the SMTP server.",
        grade=OWN,
    )
    xoauth2: str = choice(
        "offered", "missing", help="missing: only AUTH LOGIN is offered.", grade=OWN
    )
    xoauth2_challenge: bool = flag(
        help="A refused token is answered with a 334 and JSON first.", grade=COMM
    )
    smtp_auth: str = choice(
        HEALTHY,
        "rejected",
        "tenant_disabled",
        "mailbox_disabled",
        "security_defaults",
        "criteria",
        "basic_disabled",
        "basic_unsupported",
        help="What AUTH answers, whatever the token says.",
        grade=COMM,
    )
    smtp_mail: str = choice(
        HEALTHY,
        "not_authenticated",
        "not_authenticated_older",
        help="What MAIL FROM answers, even after AUTH.",
        grade=COMM,
    )
    smtp_data: str = choice(
        HEALTHY,
        "logon_failure",
        "mailbox_full",
        "quota",
        "concurrent",
        help="What the end of DATA answers.",
        grade=COMM,
    )
    smtp_transient: str = choice(
        "off",
        "unavailable",
        "temporary",
        "concurrent",
        "tls",
        help="421, 451, 432 or 454 at one phase (smtp_transient_at).",
        grade=COMM,
    )
    smtp_transient_at: str = choice(
        "auth",
        *(phase for phase in PHASES if phase != "auth"),
        help="The phase of that reply.",
        grade=COMM,
    )
    smtp_transient_times: int = number(0, help="How many times it is given; 0: always.", grade=OWN)

    # The wire
    slow: str = choice("off", *SERVERS, help="Answers come byte by byte (slow_ms).", grade=OWN)
    slow_ms: int = number(200, help="Milliseconds between the bytes of a slow answer.", grade=OWN)
    silent: str = choice(
        "off", *SERVERS, help="Connections are taken and never answered.", grade=OWN
    )
    cut: str = choice(
        "off",
        *SERVERS,
        *(f"smtp_{phase}" for phase in PHASES),
        help="Connections break instead of an answer; smtp_...: at that phase.",
        grade=OWN,
    )
    hostile: str = choice(
        "off",
        "entra_endless",
        "entra_huge",
        "entra_nested",
        "entra_headers",
        "entra_echo",
        "smtp_endless",
        "smtp_long_line",
        "smtp_garbage",
        "smtp_injection",
        "smtp_echo",
        help="Answers without end, of 80 MiB, nested 100,000 deep, that repeat the secret or "
        "token; SMTP: lines without end, of 80 MiB, bytes, plain text before STARTTLS.",
        grade=OWN,
    )

    revision: int = field(default=0, init=False, repr=False, compare=False)
    """Grows with every change."""

    _turns: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lock: threading.Lock = field(
        default_factory=threading.Lock, init=False, repr=False, compare=False
    )

    def meets(self, name: str, server: str) -> bool:
        """Whether `slow`, `silent` or `cut` is meant for a server."""
        return getattr(self, name) in (server, "all")


MAIL_SWITCHES: dict[str, Switch] = switches_of(MailBehaviour)
"""Name to switch, in the order of the documents."""


def parse_mail(given: Iterable[str]) -> MailBehaviour:
    """The behaviour that `NAME=VALUE` texts describe.

    Raises:
        UsageError: Every text that is wrong, with the nearest switch.
    """
    return parse_board(MailBehaviour, given)
