"""Single values: GUIDs with the kind that a path gives away, dates in all their spellings.

Pure functions; `generator.azure.facts` turns their answers into facts and faults.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from generator.azure.interface import IdKind
from generator.clock import EARLIEST, LATEST

EXCHANGE_APP_ID = "00000002-0000-0ff1-ce00-000000000000"
"""Application ID of Office 365 Exchange Online, the same in every tenant."""

_GUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_MICROSOFT = re.compile(r"0000000[0-9a-f]-0000-")
_ID_PATH = re.compile(
    r"/?(applications|servicePrincipals)/([^/]+)(?:/.*)?", re.IGNORECASE | re.DOTALL
)
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)?",
    re.IGNORECASE | re.ASCII,
)
_MILLISECONDS = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Mask(Enum):
    """What can stand in place of a value (`spec/azure-and-smtp.md` section 2.3 (f))."""

    PULUMI = auto()
    """`[secret]`: `pulumi stack output` without `--show-secrets`."""

    TERRAFORM = auto()
    """`<sensitive>`: `terraform output` without `-json`."""

    UNKNOWN_YET = auto()
    """`(known after apply)`: a Terraform plan."""

    POWERSHELL = auto()
    """`System.Security.SecureString`: the type's name instead of the object."""

    REDACTED = auto()
    """What logs and pipelines write."""

    PLACEHOLDER = auto()
    """`REPLACE_ME` and the like: a person's."""


_MASKS = {
    "[secret]": Mask.PULUMI,
    "<sensitive>": Mask.TERRAFORM,
    "(sensitive value)": Mask.TERRAFORM,
    "(sensitive)": Mask.TERRAFORM,
    "(known after apply)": Mask.UNKNOWN_YET,
    "system.security.securestring": Mask.POWERSHELL,
    "[redacted]": Mask.REDACTED,
    "<redacted>": Mask.REDACTED,
    "redacted": Mask.REDACTED,
    "hidden": Mask.REDACTED,
}
_ASTERISKS = re.compile(r"\*+")
_PLACEHOLDER = re.compile(
    r"(?:replace|change|insert|your|enter|put)[a-z _-]{1,60}|todo|tbd|xxx+|\.{3,}"
    r"|<[^<>]*>|\$\{[^{}]*\}|\{\{.*\}\}",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"@microsoft\.keyvault\(|https?://|/subscriptions/", re.IGNORECASE)
_SHORTEST_SECRET = 16
_HARMLESS = re.compile(
    r"[({]?[0-9A-Fa-f]+(?:-[0-9A-Fa-f]+){2,8}[)}]?|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,24}"
)


def guid(text: str) -> str | None:
    """The GUID that `text` is, in lower case; None if it is none."""
    return text.lower() if _GUID.fullmatch(text) else None


def is_microsoft_app(client_id: str) -> bool:
    """Whether a client ID is one of Microsoft's own resource applications (Exchange, Graph)."""
    return _MICROSOFT.match(client_id) is not None


def split_id_path(text: str) -> tuple[IdKind | None, str]:
    """Strip `/applications/` or `/servicePrincipals/` and learn the kind from it.

    `spec/azure-and-smtp.md` section 2.3 (d). The rest is not yet known to be a GUID.
    """
    found = _ID_PATH.fullmatch(text)
    if found is None:
        return None, text
    kind = (
        IdKind.APPLICATION_OBJECT
        if found[1].lower() == "applications"
        else IdKind.SERVICE_PRINCIPAL_OBJECT
    )
    return kind, found[2]


def mask_of(text: str) -> Mask | None:
    """The mask of a producer, or a person's placeholder, that stands in place of the value."""
    word = text.strip()
    known = _MASKS.get(word.lower())
    if known is not None:
        return known
    if _ASTERISKS.fullmatch(word):
        return Mask.REDACTED
    return Mask.PLACEHOLDER if _PLACEHOLDER.fullmatch(word) else None


def is_masked(text: str) -> bool:
    """Whether a mask or a placeholder stands in place of the value."""
    return mask_of(text) is not None


def is_reference(text: str) -> bool:
    """Whether `text` says where a secret is (a vault's address) instead of being one."""
    return _REFERENCE.match(text.strip()) is not None


def shown(text: str) -> str:
    """`text` as a message may show it.

    Entra secrets have 16 to 64 characters of mixed case (Graph `passwordCredential`), so a
    longer text is shown only if it is hexadecimal like a GUID or a lower-case host name.
    """
    harmless = len(text) < _SHORTEST_SECRET or (len(text) < 254 and _HARMLESS.fullmatch(text))
    if harmless and text.isprintable():
        return f'"{text}"'
    return f"a text of {len(text)} characters, not shown because it could be a secret"


def parse_date(text: str) -> datetime | str:
    """A date as aware UTC time, or what is wrong with it.

    Accepted: ISO 8601 with `Z` or an offset and up to nine decimals (microseconds are kept),
    and `/Date(milliseconds)/` of Windows PowerShell 5.1; from `EARLIEST` to `LATEST`.
    """
    moment = _moment(text)
    if isinstance(moment, datetime) and not EARLIEST <= moment <= LATEST:
        return f"is a date that is not between {EARLIEST.date()} and {LATEST.date()}"
    return moment


def _moment(text: str) -> datetime | str:
    milliseconds = _MILLISECONDS.fullmatch(text)
    try:
        if milliseconds:
            return _EPOCH + timedelta(milliseconds=int(milliseconds[1]))
        found = _ISO.fullmatch(text)
        if found is None:
            return "is not a date that is understood"
        day, time, decimals, zone = found.groups()
        if zone is None:
            return "is a date without a time zone"
        moment = datetime.fromisoformat(f"{day}T{time}{'+00:00' if zone in 'Zz' else zone}")
        return moment.astimezone(UTC) + timedelta(microseconds=int(f"{decimals or 0:0<6}"[:6]))
    except (ValueError, OverflowError):
        return "is a date that does not exist"
