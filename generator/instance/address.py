"""Where requests go: `https://host`, or plain http on this machine's own loopback only."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from generator.errors import Fault, UsageError


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address of an instance."""

    url: str
    """`scheme://host` or `scheme://host:port`, nothing behind it."""

    host: str
    """Host name, lower case, or an IP address without brackets."""

    is_loopback: bool
    """Whether it is this machine: the one place where http is allowed and no proxy is used."""

    @property
    def is_encrypted(self) -> bool:
        """Whether requests go over TLS."""
        return self.url.startswith("https://")


def check_address(url: str, *, override_url: str | None = None) -> Address:
    """The address to send to (`spec/instance-http.md` A2).

    Args:
        url: The instance's address, from the environment file.
        override_url: Where to send requests instead (`--instance`, SN_SMTP_INSTANCE); credentials
            of an instance must not be sent to whatever host a variable names, so loopback only.

    Raises:
        UsageError: It is no plain address, not https off loopback, or an override elsewhere.
    """
    if override_url:
        address = _parsed(override_url, key="--instance")
        if not address.is_loopback:
            raise _wrong(
                "instance-override",
                f"--instance (or SN_SMTP_INSTANCE) sends requests to {address.host}; it may only "
                "name this machine, because the credentials are another host's.",
                key="--instance",
                step="name a sandbox on 127.0.0.1, or unset SN_SMTP_INSTANCE",
            )
    else:
        address = _parsed(url, key="instance.url")
    if not address.is_encrypted and not address.is_loopback:
        raise _wrong(
            "instance-not-https",
            f"The address of {address.host} is not https; http is accepted on loopback only.",
            key="instance.url",
            step="write https://",
        )
    return address


def _parsed(url: str, *, key: str) -> Address:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = (parts.hostname or "").lower()
    shown = f"[{host}]" if ":" in host else host
    place = f"{shown}:{port}" if port is not None else shown
    is_plain = (
        parts.scheme in ("http", "https")
        and url.isascii()
        and url.isprintable()
        and " " not in url
        and parts.netloc.lower() in (place, f"{place}:")
        and (parts.path, parts.query, parts.fragment) in (("", "", ""), ("/", "", ""))
    )
    if not host or not is_plain:
        # The text itself is not shown: it might hold `user:password@`.
        raise _wrong(
            "instance-address",
            "The address is not of the form https://host (no user, path or query).",
            key=key,
            step="write https://<name>.service-now.com",
        )
    return Address(f"{parts.scheme}://{place}", host, _is_loopback(host))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _wrong(code: str, message: str, *, key: str, step: str) -> UsageError:
    return UsageError(Fault(code, message, path=key, next=step))
