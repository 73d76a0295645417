"""What the values of the `instance` and `import` keys may be; see `values`."""

from __future__ import annotations

from typing import Final

from generator.config.values import Unacceptable, port, shaped

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
PROXY_PATTERN: Final = (
    rf"[Hh][Tt][Tt][Pp][Ss]?://({_LABEL}(\.{_LABEL})*|\[[0-9A-Fa-f:.]+\]):[0-9]{{1,5}}"
)
"""A proxy may be this machine or an address, unlike any other host of the file."""

TABLE_PATTERN: Final = r"[a-z][a-z0-9_]*"
LONGEST_TABLE: Final = 80
"""Characters of `sys_db_object.name`."""

STATE_PATTERN: Final = r"-?[0-9]{1,4}"
"""Stored values of `change_request.state` (`spec/instance-http.md` A5): -5 to 4 by default."""

LONGEST_PROXY: Final = 300
LONGEST_USER: Final = 100
LONGEST_CLIENT_ID: Final = 100
LONGEST_REASON: Final = 500


def proxy(value: str) -> str:
    """`http://host:port` or `https://host:port`, without user and password."""
    accepted = "http:// or https://, host, colon and port, as in http://proxy.example.com:3128"
    if "@" in value:
        raise Unacceptable(
            f"holds user information before the host; accepted is {accepted}.",
            next="take it out; if a password stood here, replace it where it is valid",
        )
    shaped(value, PROXY_PATTERN, accepted, LONGEST_PROXY)
    port(value.rpartition(":")[2])
    return value


def table(value: str) -> str:
    """The name of a table."""
    accepted = "the name of a table, as in sys_email_account"
    return shaped(value, TABLE_PATTERN, accepted, LONGEST_TABLE)


def change_state(value: str) -> str:
    """The stored value of a change request's state."""
    return shaped(value, STATE_PATTERN, "a state's number, as in -1 (Implement)", 5)
