"""What the tests of the mail stand-ins share: a tenant, and the two peers that ask it."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import requests

from generator.clock import SteppedClock
from generator.sandbox.instance import Sandbox
from generator.sandbox.mail.stand_in import MailSandbox

TENANT = "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"
CLIENT = "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"
PRINCIPAL = "5e7a1c9d-0b2f-4d6e-8a13-9f8e7d6c5b4a"
APPLICATION = "c0ffee00-1111-4222-8333-444455556666"
MAILBOX = "servicenow@contoso.example"
OTHER = "bookings@contoso.example"
SCOPE = "https://outlook.office365.com/.default"
START = datetime(2027, 1, 4, 9, 0, 0, tzinfo=UTC)
APP_SCOPE = "x_acme_smtp"
ACCOUNT = "a" * 32
ENTITY = "b" * 32
MESSAGE = b"From: %s\r\nTo: x@y.example\r\nSubject: Test [%s]\r\n\r\nA text of its own.\r\n"


@contextmanager
def serving(**given: object) -> Iterator[MailSandbox]:
    """Stand-ins that serve; switches and arguments of `MailSandbox` may be mixed."""
    arguments: dict[str, object] = {
        "tenant_id": TENANT,
        "client_id": CLIENT,
        "service_principal_object_id": PRINCIPAL,
        "application_object_id": APPLICATION,
        "mailbox": MAILBOX,
        "clock": SteppedClock(START),
    }
    switches = {}
    from generator.sandbox.mail.mail_switches import MAIL_SWITCHES

    for name, value in given.items():
        (switches if name in MAIL_SWITCHES else arguments)[name] = value
    made = MailSandbox(**arguments)  # type: ignore[arg-type]
    made.behaviour.set(switches)
    with made:
        yield made


def ask(mail: MailSandbox, *, tenant: str = TENANT, **fields: str) -> requests.Response:
    """A token request; `fields` replace those of a right one, an empty one is left out."""
    form = {
        "client_id": CLIENT,
        "client_secret": mail.client_secret,
        "grant_type": "client_credentials",
        "scope": SCOPE,
        **fields,
    }
    return fetch(mail, "POST", f"/{tenant}/oauth2/v2.0/token", data=form)


def fetch(
    mail: MailSandbox,
    method: str,
    path: str,
    *,
    data: Mapping[str, str] | None = None,
    json: object = None,
    token: str = "",
    timeout: float = 20,
) -> requests.Response:
    """One request, without anything of this machine's settings."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(mail.ca_file)
        return session.request(
            method,
            mail.entra_url + path,
            data=data,
            json=json,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=timeout,
            allow_redirects=False,
        )


def token_of(mail: MailSandbox, **fields: str) -> str:
    """The access token of a right request."""
    found = ask(mail, **fields).json()["access_token"]
    assert isinstance(found, str)
    return found


@contextmanager
def session(mail: MailSandbox, *, tls: bool = True) -> Iterator[smtplib.SMTP]:
    """An SMTP session, in TLS if wanted; smtplib is the peer."""
    made = smtplib.SMTP(mail.smtp_host, mail.smtp_port, timeout=20)
    try:
        made.ehlo()
        if tls:
            made.starttls(context=ssl.create_default_context(cafile=str(mail.ca_file)))
            made.ehlo()
        yield made
    finally:
        made.close()


def blob(token: str, *, user: str = MAILBOX) -> str:
    """The text of XOAUTH2, before base64."""
    return f"user={user}\x01auth=Bearer {token}\x01\x01"


def sign_in(
    made: smtplib.SMTP, token: str, *, user: str = MAILBOX, one_step: bool = True
) -> tuple[int, str]:
    """AUTH XOAUTH2: code and text of the reply, also of a refusal."""
    replies = iter([blob(token, user=user), ""])
    try:
        code, text = made.auth(
            "XOAUTH2", lambda _challenge=None: next(replies), initial_response_ok=one_step
        )
    except smtplib.SMTPAuthenticationError as error:
        code, text = error.smtp_code, error.smtp_error
    return code, text.decode() if isinstance(text, bytes) else text


def send(made: smtplib.SMTP, *, sender: str = MAILBOX, marker: str = "abcd-1234") -> str:
    """Send a message: `code text` of the last reply."""
    try:
        made.sendmail(sender, ["x@y.example"], MESSAGE % (sender.encode(), marker.encode()))
    except smtplib.SMTPResponseException as error:
        found = error.smtp_error
        text = found.decode() if isinstance(found, bytes) else found
        return f"{error.smtp_code} {text}"
    return "250"


def instance_with(mail: MailSandbox | None, *, clock: SteppedClock | None = None) -> Sandbox:
    """A sandbox instance that holds the records of an app and an active account of it."""
    box = Sandbox(clock=clock or SteppedClock(START), mail=mail)
    secret = "" if mail is None else mail.client_secret
    fill_instance(box, secret=secret)
    return box


def fill_instance(box: Sandbox, *, secret: str) -> None:
    """Put the records there as a commit and a delivery would."""
    from generator.sandbox.passwords import encrypt

    put = box.database.put
    for row in box.database.query("sys_email_account", "type=smtp"):
        put("sys_email_account", {**row, "active": "false"})
    profile, scope, definition = "c" * 32, "d" * 32, "e" * 32
    put(
        "oauth_entity",
        {
            "sys_id": ENTITY,
            "name": "Mail",
            "active": "true",
            "type": "oauth_provider",
            "client_id": CLIENT,
            "client_secret": encrypt(box, secret),
            "token_url": f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token",
        },
    )
    put(
        "oauth_entity_profile",
        {"sys_id": profile, "oauth_entity": ENTITY, "grant_type": "client_credentials"},
    )
    put("oauth_entity_scope", {"sys_id": scope, "oauth_entity_scope": SCOPE})
    put(
        "oauth_entity_profile_scope",
        {"sys_id": "f" * 32, "oauth_entity_profile": profile, "oauth_entity_scope": scope},
    )
    put(
        "sys_email_account",
        {
            "sys_id": ACCOUNT,
            "name": "Mail",
            "type": "smtp",
            "active": "true",
            "authentication": "oauth2",
            "connection_security": "starttls",
            "server": "smtp.office365.com",
            "port": "587",
            "user_name": MAILBOX,
            "from": MAILBOX,
            "oauth_profile": profile,
        },
    )
    base = f"/api/{APP_SCOPE}/smtp_oauth"
    put("sys_ws_definition", {"sys_id": definition, "active": "true", "base_uri": base})
    for number, (method, path) in enumerate((("GET", "/health"), ("POST", "/test"))):
        put(
            "sys_ws_operation",
            {
                "sys_id": f"{number:032x}",
                "active": "true",
                "http_method": method,
                "operation_uri": base + path,
                "web_service_definition": definition,
            },
        )
    put(
        "sysevent_email_action",
        {
            "sys_id": "1" * 32,
            "active": "true",
            "event_name": f"{APP_SCOPE}.smtp_oauth.test",
            "subject": "Test message of ${name} ${event.parm2}",
        },
    )
