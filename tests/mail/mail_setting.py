"""One fictional tenant, as the samples have it, and every failure that the stand-ins can play."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from generator.azure.clouds import ENDPOINTS, Cloud
from generator.config.environment import Authorization, ConnectionSecurity
from generator.mail.interface import LinkResult, Verdict, Verification
from generator.mail.settings import MailSettings
from generator.sandbox.mail.stand_in import MailSandbox

TENANT = "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"
CLIENT = "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"
APPLICATION = "c0ffee00-1111-4222-8333-444455556666"
PRINCIPAL = "5e7a1c9d-0b2f-4d6e-8a13-9f8e7d6c5b4a"
MAILBOX = "servicenow@contoso.example"
OTHER = "bookings@contoso.example"

Verify = Callable[..., Verification]


def settings_for(box: MailSandbox) -> MailSettings:
    """The chain that leads to stand-ins."""
    return MailSettings(
        tenant_id=TENANT,
        client_id=CLIENT,
        service_principal_object_id=PRINCIPAL,
        authorization=Authorization.APP_ROLE,
        cloud=Cloud.PUBLIC,
        token_url=f"{box.entra_url}/{TENANT}/oauth2/v2.0/token",
        scope=ENDPOINTS[Cloud.PUBLIC].scope,
        smtp_host=box.smtp_host,
        smtp_port=box.smtp_port,
        connection_security=ConnectionSecurity.STARTTLS,
        user_name=MAILBOX,
        from_address=MAILBOX,
        secret_expires_on=None,
    )


def first_failed(verification: Verification) -> LinkResult:
    """The link that the report blames."""
    return next(link for link in verification.links if link.verdict is Verdict.FAILED)


def link(verification: Verification, name: str) -> LinkResult:
    """A link by name."""
    return next(one for one in verification.links if one.name == name)


@dataclass(frozen=True, slots=True)
class Case:
    """One failure: what is switched, and what the report must say first."""

    switches: Mapping[str, object]
    link: str
    code: str
    changes: Mapping[str, object] = field(default_factory=dict)
    """Of the settings."""

    limits: tuple[float, float] | None = None
    """Silence and whole time in seconds, where the servers use all of it."""

    said: str = ""
    """A part of the first cause, where one code has several."""

    @property
    def id(self) -> str:
        """For the name of a test."""
        return ",".join(f"{name}={value}" for name, value in self.switches.items())


def _entra(**codes: int) -> tuple[Case, ...]:
    return tuple(Case({"entra": name}, "token", f"aadsts-{code}") for name, code in codes.items())


def _cases(switch: str, where: str, **codes: str) -> tuple[Case, ...]:
    return tuple(Case({switch: name}, where, code) for name, code in codes.items())


_FROM = {"from_address": OTHER}
_BRIEF = (0.4, 0.8)

CASES: tuple[Case, ...] = (
    *_entra(
        secret_invalid=7000215,
        secret_expired=7000222,
        app_unknown=700016,
        tenant_unknown=90002,
        tenant_malformed=900023,
        scope_invalid=1002012,
        scope_malformed=70011,
        resource_unknown=500011,
        assertion_invalid=700027,
        conditional_access=53003,
        app_disabled=7000112,
        assignment_required=501051,
        unknown_code=9999999,
    ),
    *_cases(
        "entra",
        "token",
        throttled="entra-throttled",
        unavailable="entra-unavailable",
        not_json="entra-not-json",
        no_token="entra-no-token",
        redirect="entra-redirect",
    ),
    *_cases(
        "claims",
        "claims",
        no_roles="claims-no-role",
        other_role="claims-other-role",
        aud_graph="claims-aud",
        delegated="claims-delegated",
        wrong_tenant="claims-tid",
        wrong_app="claims-appid",
        expired="claims-exp",
        opaque="claims-opaque",
    ),
    Case({"claims": "aud_ps_outlook"}, "smtp-auth", "smtp-535-5.7.3", said="ps.outlook.com"),
    Case({"exchange_object_id": "application"}, "smtp-auth", "smtp-535-5.7.3", said="object ID"),
    Case({"exchange_object_id": "none"}, "smtp-auth", "smtp-535-5.7.3", said="never run"),
    Case({"mailbox_permission": False}, "message", "smtp-430-4.2.0", said="no right to open"),
    Case(
        {"rbac_scope": False},
        "message",
        "smtp-430-4.2.0",
        {"authorization": Authorization.APP_RBAC},
        said="outside its scope",
    ),
    Case({"send_as": "denied"}, "message", "smtp-554-5.2.252", _FROM),
    Case({"send_as": "denied_older"}, "message", "smtp-554-5.2.0-send-as", _FROM),
    Case({"send_as": "denied_550"}, "message", "smtp-550-5.7.60", _FROM),
    Case({"organisation_smtp_auth": "off"}, "smtp-auth", "smtp-535-5.7.139-tenant"),
    Case({"mailbox_smtp_auth": "off"}, "smtp-auth", "smtp-535-5.7.139-mailbox"),
    *_cases(
        "starttls",
        "smtp-tls",
        missing="smtp-no-starttls",
        refused="smtp-454",
        broken="smtp-tls",
    ),
    *_cases("certificate", "smtp-tls", other_name="smtp-tls-name", unknown_ca="smtp-tls-authority"),
    Case({"xoauth2": "missing"}, "smtp-tls", "smtp-no-xoauth2"),
    *_cases(
        "smtp_auth",
        "smtp-auth",
        rejected="smtp-535-5.7.3",
        tenant_disabled="smtp-535-5.7.139-tenant",
        mailbox_disabled="smtp-535-5.7.139-mailbox",
        security_defaults="smtp-535-5.7.139-security-defaults",
        criteria="smtp-535-5.7.139-criteria",
        basic_disabled="smtp-535-5.7.139-basic",
        basic_unsupported="smtp-550-5.7.30",
    ),
    *_cases(
        "smtp_mail",
        "message",
        not_authenticated="smtp-530-5.7.57",
        not_authenticated_older="smtp-530-5.7.57",
    ),
    *_cases(
        "smtp_data",
        "message",
        logon_failure="smtp-430-4.2.0",
        mailbox_full="smtp-554-5.2.2",
        quota="smtp-554-5.2.0-quota",
        concurrent="smtp-432-4.3.2",
    ),
    *_cases(
        "smtp_transient",
        "smtp-auth",
        unavailable="smtp-421",
        temporary="smtp-451",
        concurrent="smtp-432-4.3.2",
        tls="smtp-454",
    ),
    Case({"silent": "entra"}, "token", "entra-silent", limits=_BRIEF),
    Case({"silent": "smtp"}, "smtp-tls", "smtp-silent", limits=_BRIEF),
    Case({"slow": "entra"}, "token", "entra-slow", limits=_BRIEF),
    Case({"slow": "smtp"}, "smtp-tls", "smtp-slow", limits=_BRIEF),
    Case({"cut": "entra"}, "token", "entra-cut"),
    Case({"cut": "smtp"}, "smtp-tls", "smtp-cut"),
    *(
        Case({"cut": f"smtp_{phase}"}, "smtp-tls", "smtp-cut")
        for phase in ("greeting", "ehlo", "starttls")
    ),
    Case({"cut": "smtp_auth"}, "smtp-auth", "smtp-cut"),
    *(Case({"cut": f"smtp_{phase}"}, "message", "smtp-cut") for phase in ("mail", "rcpt")),
    Case({"cut": "smtp_data"}, "message", "smtp-cut"),
    *_cases(
        "hostile",
        "token",
        entra_endless="entra-too-large",
        entra_huge="entra-too-large",
        entra_nested="entra-not-json",
        entra_headers="entra-cut",
        entra_echo="aadsts-7000215",
    ),
    Case({"hostile": "smtp_echo"}, "smtp-auth", "smtp-535-5.7.3", {"user_name": OTHER}),
    *_cases(
        "hostile",
        "smtp-tls",
        smtp_endless="smtp-not-smtp",
        smtp_long_line="smtp-not-smtp",
        smtp_garbage="smtp-not-smtp",
        smtp_injection="smtp-injection",
    ),
)
