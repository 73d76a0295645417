"""Single values: GUIDs with the kind that a path gives away, dates in all their spellings.

Pure functions; `generator.azure.facts` turns their answers into facts and faults.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from generator.azure.interface import IdKind

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

_MASKS = frozenset(
    {
        "[secret]",
        "<sensitive>",
        "(sensitive value)",
        "(sensitive)",
        "(known after apply)",
        "[redacted]",
        "<redacted>",
        "redacted",
        "hidden",
    }
)
_PLACEHOLDER = re.compile(
    r"(?:replace|change|insert|your|enter|put)[a-z _-]{1,60}|todo|tbd|xxx+|\*+|\.{3,}"
    r"|<[^<>]*>|\$\{[^{}]*\}|\{\{.*\}\}|system\.security\.securestring",
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


def is_masked(text: str) -> bool:
    """Whether a producer wrote a mask, or a person a placeholder, in place of the value."""
    word = text.strip()
    return word.lower() in _MASKS or _PLACEHOLDER.fullmatch(word) is not None


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
    and `/Date(milliseconds)/` of Windows PowerShell 5.1.
    """
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
