"""What the mail chain is asked about: the tenant, the application, the SMTP server, the mailbox."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from generator.azure.clouds import Cloud
from generator.config.environment import Authorization, ConnectionSecurity
from generator.errors import Fault, UsageError

if TYPE_CHECKING:
    from generator.config.environment import Environment


@dataclass(frozen=True, slots=True)
class MailSettings:
    """One mail chain; nothing in it is secret."""

    tenant_id: str
    """Directory (tenant) ID, lower case GUID."""

    client_id: str
    """Application (client) ID, lower case GUID."""

    service_principal_object_id: str | None
    """Object ID of the enterprise application, lower case GUID; None if nobody said."""

    authorization: Authorization
    """Which claims the token has to carry (`spec/azure-and-smtp.md` section 3)."""

    cloud: Cloud
    """Whose audiences and hosts are expected."""

    token_url: str
    """Where the token is asked for: the tenant's token endpoint, or its stand-in on loopback."""

    scope: str
    """OAuth scope of the token request."""

    smtp_host: str
    """SMTP host, or its stand-in on loopback."""

    smtp_port: int
    connection_security: ConnectionSecurity
    user_name: str
    """The mailbox: `user` of XOAUTH2."""

    from_address: str
    """From of a message; equals `user_name` unless the environment says another."""

    secret_expires_on: datetime | None
    """When the client secret ends, aware, UTC; None if nobody said."""

    secret_hint: str | None = None
    """First three characters of the secret, as Azure's outputs tell them; None if they do not."""

    @property
    def login(self) -> str:
        """`https://host` of the token endpoint."""
        parts = urlsplit(self.token_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def login_host(self) -> str:
        """Host name of the token endpoint."""
        return urlsplit(self.token_url).hostname or ""

    @property
    def login_port(self) -> int:
        """Port of the token endpoint."""
        return urlsplit(self.token_url).port or 443

    @property
    def sends_as_other(self) -> bool:
        """Whether From differs from the mailbox, which Exchange allows with SendAs only."""
        return self.from_address.lower() != self.user_name.lower()


def mail_settings(
    environment: Environment, *, entra: str | None = None, smtp: str | None = None
) -> MailSettings:
    """The mail chain of an environment.

    Args:
        environment: What the user wrote, understood.
        entra: `https://localhost:PORT` of a stand-in for Microsoft Entra ID.
        smtp: `HOST:PORT` of a stand-in for the SMTP server.

    Raises:
        UsageError: A stand-in is not on this machine, or its address is none: the secret and the
            token are for Microsoft's servers only.
    """
    azure, account = environment.azure, environment.email_account
    token_url = azure.token_url
    if entra:
        token_url = stand_in_url(entra, option="--entra") + urlsplit(token_url).path
    host, port = _host_and_port(smtp) if smtp else (account.server, account.port)
    return MailSettings(
        tenant_id=azure.tenant_id,
        client_id=azure.client_id,
        service_principal_object_id=azure.service_principal_object_id,
        authorization=azure.authorization,
        cloud=azure.cloud,
        token_url=token_url,
        scope=azure.scope,
        smtp_host=host,
        smtp_port=port,
        connection_security=account.connection_security,
        user_name=account.user_name,
        from_address=account.from_address or account.user_name,
        secret_expires_on=azure.secret_expires_on,
        secret_hint=azure.secret_hint,
    )


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def stand_in_url(url: str, *, option: str) -> str:
    """The checked address `https://HOST:PORT` of a stand-in on this machine.

    Args:
        url: What the user wrote.
        option: The option that it was written for: `--entra`.

    Raises:
        UsageError: It is no such address.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    place = f"[{host}]" if ":" in host else host
    place = place if port is None else f"{place}:{port}"
    is_plain = (
        parts.scheme == "https"
        and url.isascii()
        and url.isprintable()
        and parts.netloc.lower() == place
        and (parts.path, parts.query, parts.fragment) in (("", "", ""), ("/", "", ""))
    )
    if not is_plain or not is_loopback(host):
        raise _not_here(option, "https://localhost:PORT")
    return f"https://{place}"


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    is_port = port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65_536
    if not is_port or not is_loopback(host):
        raise _not_here("--smtp", "localhost:PORT")
    return host, int(port)


def _not_here(option: str, form: str) -> UsageError:
    # The text is not repeated: it might hold `user:password@`.
    variable = f"SN_SMTP_{option.removeprefix('--').upper()}"
    return UsageError(
        Fault(
            "mail-override",
            f"{option} (or {variable}) may only name a stand-in on this machine, as {form}: "
            "secret and token are for Microsoft's own servers.",
            path=option,
            next=f"start one with sn-smtp sandbox --mail, or unset {variable}",
        )
    )
