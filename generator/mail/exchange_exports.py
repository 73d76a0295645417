"""What Exchange Online PowerShell exported with `ConvertTo-Json`, recognised by its keys.

`spec/azure-and-smtp.md` 2.2, 2.3 and 4.3. Files are read as Azure's outputs are: UTF-8 or UTF-16,
one object or an array of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from generator.azure.documents import load
from generator.azure.nodes import Node, Record
from generator.errors import ConfigError, Fault
from generator.scrubbing import printable

T = TypeVar("T")

_SMTP_AUTH = "smtp_client_authentication_disabled"
_TRANSPORT = "transport settings"
"""`Identity` of the one object that `Get-TransportConfig` yields."""

ACCEPTED = (
    "Get-ServicePrincipal",
    "Get-MailboxPermission",
    "Get-RecipientPermission",
    "Get-CASMailbox",
    "Get-TransportConfig",
    "Test-ServicePrincipalAuthorization",
)


@dataclass(frozen=True, slots=True)
class Principal:
    """One row of `Get-ServicePrincipal`; texts in lower case."""

    app_id: str
    object_id: str
    sid: str
    names: frozenset[str]
    """By what permissions show it: Sid, ObjectId, AppId."""

    display_name: str = ""
    """Others may bear the same: it proves nothing (2.2)."""


@dataclass(frozen=True, slots=True)
class Right:
    """One row of `Get-MailboxPermission` or `Get-RecipientPermission`; texts in lower case."""

    identity: str
    """Whose mailbox; an address, a name or an alias."""

    holders: frozenset[str]
    """Who has it: `User` and `UserSid`, or `Trustee`."""

    rights: frozenset[str]
    """`fullaccess`, `sendas`."""

    denied: bool


@dataclass(frozen=True, slots=True)
class Exports:
    """Everything that the files say; None where no file is of that command."""

    principals: tuple[Principal, ...] | None = None
    mailbox_rights: tuple[Right, ...] | None = None
    recipient_rights: tuple[Right, ...] | None = None
    mailboxes: tuple[tuple[str, bool | None], ...] | None = None
    """`Get-CASMailbox`: address in lower case, SmtpClientAuthenticationDisabled (null inherits)."""

    organisation_disabled: bool | None = None
    """`Get-TransportConfig`: SmtpClientAuthenticationDisabled; None also where it is not told."""

    roles: tuple[tuple[str, str], ...] | None = None
    """`Test-ServicePrincipalAuthorization`: role and `InScope` in lower case."""

    @property
    def given(self) -> tuple[str, ...]:
        """The commands whose output is there."""
        there = (
            self.principals is not None,
            self.mailbox_rights is not None,
            self.recipient_rights is not None,
            self.mailboxes is not None,
            self.organisation_disabled is not None,
            self.roles is not None,
        )
        return tuple(name for name, is_there in zip(ACCEPTED, there, strict=True) if is_there)


def read_exports(files: Sequence[Path]) -> Exports:
    """Read exports.

    Args:
        files: As the user named them, in any order.

    Raises:
        ConfigError: A file cannot be read, or is of no command that is understood; all of them.
    """
    faults: list[Fault] = []
    found: dict[str, list[Record]] = {}
    for path in files:
        root = load(path)
        if isinstance(root, Fault):
            faults.append(_with_advice(root))
            continue
        if root.value == []:
            faults.append(_nothing(root.file))
            continue
        for record in _records(root):
            kind = _kind(record)
            if kind is None:
                faults.append(_unknown(record))
                break
            found.setdefault(kind, []).append(record)
    if faults:
        raise ConfigError(*faults)
    transport = found.get("Get-TransportConfig")
    return Exports(
        principals=_each(found, "Get-ServicePrincipal", _principal),
        mailbox_rights=_each(found, "Get-MailboxPermission", _right),
        recipient_rights=_each(found, "Get-RecipientPermission", _right),
        mailboxes=_each(found, "Get-CASMailbox", _mailbox),
        organisation_disabled=_switch(transport[-1]) if transport else None,
        roles=_each(found, "Test-ServicePrincipalAuthorization", _role),
    )


def _records(root: Node) -> Iterator[Record]:
    for node in root.elements() or (root,):
        record = node.record()
        # What is no object is one without keys: of no command that is known.
        yield record if record is not None else Record.of(node)


def _kind(record: Record) -> str | None:
    if record.has("app_id", "object_id", "sid"):
        return "Get-ServicePrincipal"
    if record.has("access_rights", "trustee"):
        return "Get-RecipientPermission"
    if record.has("access_rights", "user"):
        return "Get-MailboxPermission"
    if record.has("role_name", "in_scope"):
        return "Test-ServicePrincipalAuthorization"
    if not record.has(_SMTP_AUTH):
        return None
    of_mailbox = record.has("primary_smtp_address") or _text(record, "identity") not in (
        "",
        _TRANSPORT,
    )
    return "Get-CASMailbox" if of_mailbox else "Get-TransportConfig"


def _each(
    found: Mapping[str, list[Record]], kind: str, make: Callable[[Record], T]
) -> tuple[T, ...] | None:
    records = found.get(kind)
    return None if records is None else tuple(make(record) for record in records)


def _principal(record: Record) -> Principal:
    names = ("sid", "object_id", "app_id", "identity", "id")
    shown = _text(record, "display_name")
    texts = frozenset(text for name in names if (text := _text(record, name)) and text != shown)
    return Principal(
        _text(record, "app_id"), _text(record, "object_id"), _text(record, "sid"), texts, shown
    )


def _right(record: Record) -> Right:
    holders = (_text(record, name) for name in ("user", "user_sid", "trustee"))
    rights = record.get("access_rights").value
    listed = rights if isinstance(rights, list) else str(rights).split(",")
    denied = record.get("deny").value
    if isinstance(denied, dict):
        # A SwitchParameter that was never turned into true or false (MEM).
        denied = next((v for key, v in denied.items() if key.lower() == "ispresent"), None)
    return Right(
        identity=_text(record, "identity"),
        holders=frozenset(one for one in holders if one),
        rights=frozenset(str(one).strip().lower() for one in listed),
        denied=str(denied).lower() == "true" or _is_deny(record.get("access_control_type").value),
    )


def _is_deny(value: object) -> bool:
    # ConvertTo-Json writes an enumeration's number unless told otherwise: Allow 0, Deny 1 (MEM).
    return str(value).strip().lower() in ("deny", "1")


def _mailbox(record: Record) -> tuple[str, bool | None]:
    address = _text(record, "primary_smtp_address") or _text(record, "identity")
    return address, _switch(record)


def _role(record: Record) -> tuple[str, str]:
    return _text(record, "role_name"), str(record.get("in_scope").value).strip().lower()


def _switch(record: Record) -> bool | None:
    text = str(record.get(_SMTP_AUTH).value).strip().lower()
    return {"true": True, "false": False}.get(text)


def _text(record: Record, name: str) -> str:
    value = record.get(name).value
    if isinstance(value, dict):
        # Some versions write a user as an object: {"RawIdentity": "S-1-5-..."}.
        inner = [one for key, one in value.items() if key.lower() in ("rawidentity", "value")]
        value = inner[0] if inner else None
    return value.strip().lower() if isinstance(value, str) else ""


def _with_advice(fault: Fault) -> Fault:
    if fault.code == "file-missing":
        return replace(fault, next="check --exchange; docs/verify.md lists what to export")
    return _nothing(fault.file) if fault.code == "file-empty" else fault


def _nothing(file: str | None) -> Fault:
    return Fault(
        "exchange-nothing",
        "holds nothing: the command found no such object, or its output went elsewhere",
        file=file,
        next="run the command without ConvertTo-Json to see; without -Identity or a filter "
        "Get-ServicePrincipal lists all",
    )


def _unknown(record: Record) -> Fault:
    keys = printable(record.shown_keys(), limit=160)
    return Fault(
        "exchange-unknown",
        f"is no output that is understood (it has {keys or 'no keys'}); accepted are "
        f"{', '.join(ACCEPTED)}, each with | ConvertTo-Json -Depth 10",
        file=record.node.file,
        path=record.node.path or None,
        next="export what docs/verify.md lists",
    )
