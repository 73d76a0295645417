"""What each value may be: one small function per kind, text in, accepted text out.

Each raises `Unacceptable`, whose message says what is wrong and what is accepted and never
repeats the value: it may be a secret that was pasted into the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeVar

from generator.characters import illegal_character
from generator.clock import EARLIEST, LATEST
from generator.secrets.forms import ACCEPTED, SOURCE_PATTERN
from generator.secrets.shapes import ciphertext_kind

LONGEST_ACCOUNT_NAME: Final = 40
"""Characters of the email account's and the OAuth entity's name (graded inference)."""

LONGEST_APP_NAME: Final = 64
"""Characters of `sys_app.name` (graded inference)."""

LONGEST_SCOPE: Final = 18
"""Characters of an application scope."""

LONGEST_ADDRESS: Final = 254
"""Characters of a mail address (RFC 5321, section 4.5.3.1)."""

LONGEST_HOST: Final = 253
"""Characters of a host name (RFC 1035, section 2.3.4, in text form)."""

LONGEST_COMMENTS: Final = 1000
LONGEST_LABEL: Final = 100
LONGEST_AUTHOR: Final = 40
LONGEST_VERSION: Final = 20
LONGEST_PATH: Final = 1000
HIGHEST_PORT: Final = 65535

VERSION_PATTERN: Final = r"[0-9]+(\.[0-9]+){0,3}"
APP_VERSION_PATTERN: Final = r"[0-9]+\.[0-9]+\.[0-9]+"
DEFAULT_INTEGRATION: Final = "smtp"
INTEGRATION_PATTERN: Final = r"[a-z][a-z0-9_]{0,19}"
SCOPE_PATTERN: Final = r"x_[a-z0-9]+_[a-z0-9_]+"
GUID_PATTERN: Final = (
    r"(?!00000000-0000-0000-0000-000000000000)"
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
)
SYS_ID_PATTERN: Final = r"[0-9a-f]{32}"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HOST_PATTERN: Final = rf"({_LABEL}\.)+[A-Za-z]([A-Za-z0-9-]{{0,61}}[A-Za-z0-9])?"
ADDRESS_PATTERN: Final = (
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@" + HOST_PATTERN
)
OAUTH_SCOPE_PATTERN: Final = rf"https://{HOST_PATTERN}(/[A-Za-z0-9._~-]+)*/\.default"
DATE_PATTERN: Final = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2}))?"
)

_LOOPBACK: Final = re.compile(r"(.*\.)?localhost(\.localdomain)?|loopback(\..*)?", re.IGNORECASE)
_IP_ADDRESS: Final = re.compile(r"[0-9.]+|\[?[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*\]?")

Choice = TypeVar("Choice", bound=StrEnum)


class Unacceptable(ValueError):
    """A value that is not accepted."""

    def __init__(self, message: str, *, next: str | None = None) -> None:
        """Args: message: What is wrong and accepted. next: The next step, if one is certain."""
        super().__init__(message)
        self.message = message
        self.next = next


def did_you_mean(written: str, accepted: Collection[str]) -> str:
    """` Did you mean x?`, or nothing if nothing is close."""
    # Loaded where something is wrong only: a render that succeeds needs none of it.
    from difflib import get_close_matches

    close = get_close_matches(written.lower()[:60], accepted, n=1, cutoff=0.6)
    return f" Did you mean {close[0]}?" if close else ""


def one_line(value: str, *, longest: int, shortest: int = 1) -> str:
    """Text on one line without blanks around it."""
    character = illegal_character(value)
    if character is not None:
        raise Unacceptable(f"holds {character}; one line without control characters is accepted.")
    _length(value, longest=longest, shortest=shortest)
    if value != value.strip():
        raise Unacceptable("begins or ends with a blank; text without blanks around is accepted.")
    return value


def paragraphs(value: str, *, longest: int) -> str:
    """Text that may hold tabs and line ends, all of them kept."""
    character = illegal_character(value, multiline=True)
    if character is not None:
        raise Unacceptable(f"holds {character}; text without control characters is accepted.")
    return _length(value, longest=longest, shortest=0)


def choice(value: str, choices: type[Choice]) -> Choice:
    """One of an enumeration's values."""
    try:
        return choices(value)
    except ValueError:
        pass
    accepted = [member.value for member in choices]
    hint = did_you_mean(value, accepted)
    raise Unacceptable(f"is none of what is accepted: {', '.join(accepted)}.{hint}")


def version(value: str) -> str:
    """Version of the configuration: one to four numbers."""
    return shaped(value, VERSION_PATTERN, "one to four numbers as in 1.0.0", LONGEST_VERSION)


def app_version(value: str) -> str:
    """Version of the application: three numbers."""
    return shaped(value, APP_VERSION_PATTERN, "three numbers as in 1.0.0", LONGEST_VERSION)


def integration(value: str) -> str:
    """The name that is part of every sys_id."""
    accepted = "a lower-case letter and up to 19 letters, digits or _"
    return shaped(value, INTEGRATION_PATTERN, accepted, 20)


def app_scope(value: str) -> str:
    """An application scope."""
    if len(value) > LONGEST_SCOPE:
        raise Unacceptable(
            f"is {len(value)} characters long; a scope has at most {LONGEST_SCOPE}.",
            next="shorten it; the platform would cut or refuse it",
        )
    accepted = "x_<company code>_<name> in lower-case letters, digits and _"
    return shaped(value, SCOPE_PATTERN, accepted, LONGEST_SCOPE)


def guid(value: str) -> str:
    """A GUID, lower-cased; not the one of zeros that examples hold."""
    accepted = "a GUID (8-4-4-4-12 hexadecimal digits, not all zero)"
    return shaped(value, GUID_PATTERN, accepted, 36).lower()


def sys_id(value: str) -> str:
    """A sys_id as the platform writes it."""
    return shaped(value, SYS_ID_PATTERN, "a sys_id: 32 hexadecimal digits in lower case", 32)


def address(value: str) -> str:
    """A mail address, `local@domain.tld`."""
    shaped(value, ADDRESS_PATTERN, "a mail address as in name@example.com", LONGEST_ADDRESS)
    if len(value.partition("@")[0]) > 64:
        raise Unacceptable("has more than 64 characters before the @; at most 64 are accepted.")
    return value


def host(value: str) -> str:
    """A host name with a dot in it, lower-cased; neither this machine nor an IP address."""
    if _LOOPBACK.fullmatch(value) or _IP_ADDRESS.fullmatch(value):
        raise Unacceptable(
            "is this machine or an IP address; a host name as in smtp.example.com is accepted."
        )
    if not value.isascii():
        raise Unacceptable(
            "holds characters outside ASCII; write an international host name in its xn-- form."
        )
    return shaped(value, HOST_PATTERN, "a host name as in smtp.example.com", LONGEST_HOST).lower()


def https_host(value: str) -> str:
    """`https://host` and nothing after it, lower-cased."""
    accepted = "https:// and a host name, nothing else, is accepted."
    scheme, separator, rest = value.partition("://")
    if scheme.lower() == "http" and separator:
        raise Unacceptable(f"is not encrypted; {accepted}", next="write https:// for http://")
    if scheme.lower() != "https" or not separator:
        raise Unacceptable(f"does not begin with https://; {accepted}", next="add https://")
    if "@" in rest:
        raise Unacceptable(f"holds user information before the host; {accepted}")
    if rest.endswith("/") and rest.count("/") == 1:
        raise Unacceptable(f"ends with a slash; {accepted}", next="remove the slash at the end")
    for sign, what in (("?", "a query"), ("#", "a fragment"), ("/", "a path"), (":", "a port")):
        if sign in rest:
            raise Unacceptable(f"holds {what}; {accepted}", next=f"remove {what}")
    return "https://" + host(rest)


def oauth_scope(value: str) -> str:
    """The scope of a client-credentials token: a resource and `/.default`."""
    accepted = "https://<resource>/.default, as client credentials need it"
    return shaped(value, OAUTH_SCOPE_PATTERN, accepted, LONGEST_HOST)


def moment(value: str) -> datetime:
    """An ISO 8601 date (its first moment, UTC) or date and time with its zone; aware, UTC.

    Not before `EARLIEST` nor after `LATEST`: stamps have four digits for a year.
    """
    accepted = "an ISO date (2027-11-20) or date and time with zone (2027-11-20T09:15:00Z)"
    shaped(value, DATE_PATTERN, accepted, 40)
    read = _utc(value)
    if read is None:
        raise Unacceptable(f"is a day or time that no calendar has; {accepted} is accepted.")
    if not EARLIEST <= read <= LATEST:
        raise Unacceptable(
            f"is not between {EARLIEST.date()} and {LATEST.date()}; {accepted} is accepted."
        )
    return read


def secret_source(value: str) -> str:
    """Where a secret comes from; never the secret."""
    if illegal_character(value) is None and re.fullmatch(SOURCE_PATTERN, value):
        return _length(value, longest=LONGEST_PATH, shortest=1)
    kind = ciphertext_kind(value)
    looks = f" and looks like a secret itself ({kind})" if kind else ""
    raise Unacceptable(
        f"is no source of a secret{looks}; accepted are {ACCEPTED}.",
        next="name where the secret is; replace the secret itself if it stood here",
    )


def port(value: str) -> int:
    """A TCP port."""
    if re.fullmatch(r"[0-9]{1,5}", value) and 1 <= int(value) <= HIGHEST_PORT:
        return int(value)
    raise Unacceptable(f"is no port; a whole number from 1 to {HIGHEST_PORT} is accepted.")


def _utc(value: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(value)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def shaped(value: str, pattern: str, accepted: str, longest: int) -> str:
    """Text of one form.

    Args:
        value: The text.
        pattern: What all of it must match.
        accepted: The form, for the message.
        longest: Characters that it may have.
    """
    if len(value) > longest:
        raise Unacceptable(
            f"is {len(value)} characters long, at most {longest} are accepted: {accepted}."
        )
    if not re.fullmatch(pattern, value):
        raise Unacceptable(f"is not what is accepted: {accepted}.")
    return value


def _length(value: str, *, longest: int, shortest: int) -> str:
    if len(value) < shortest:
        raise Unacceptable(f"is empty; {shortest} to {longest} characters are accepted.")
    if len(value) > longest:
        raise Unacceptable(f"is {len(value)} characters long; at most {longest} are accepted.")
    return value
