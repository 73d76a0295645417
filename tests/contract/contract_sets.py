"""Throw-away update set files: a property or two, and what a probe wants beside them.

The form is that of native exports (`spec/update-set-format.md`); every sys_id is random, every
name carries the run's mark.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from generator.update_set.payload_hash import payload_hash

PREFIX = "sn_smtp_contract"
"""Begins the name of everything that the suite makes."""

_PLAIN = frozenset({"sys_email_account", "sys_user_has_role"})
"""Tables that are no application files: their records have no scope and no update name."""

STAMP = "%Y-%m-%d %H:%M:%S"
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'


@dataclass(frozen=True, slots=True)
class Record:
    """A record that a set brings."""

    table: str
    """Its table."""

    sys_id: str
    """32 hex digits."""

    values: Mapping[str, str]
    """Columns, without those that every record has."""

    type: str = "System Property"
    """Label of the table."""

    @property
    def name(self) -> str:
        """What the update is called."""
        return f"{self.table}_{self.sys_id}"


@dataclass(frozen=True, slots=True)
class Member:
    """One update set of a file."""

    sys_id: str
    """The retrieved set's, kept by the upload."""

    name: str
    """Shown."""

    records: tuple[Record, ...]
    """What it brings."""

    base: str = ""
    """sys_id of the base set in a batch, the base's own in the base; empty for a single set."""

    @property
    def is_child(self) -> bool:
        """Whether it is below another one."""
        return self.base not in ("", self.sys_id)


@dataclass(frozen=True, slots=True)
class SetFile:
    """A file, and what it should become."""

    members: tuple[Member, ...]
    """The base first."""

    content: bytes
    """The file."""

    @property
    def sys_id(self) -> str:
        """Of the set that is previewed and committed."""
        return self.members[0].sys_id

    @property
    def name(self) -> str:
        """Of the same."""
        return self.members[0].name

    @property
    def records(self) -> tuple[Record, ...]:
        """Of all members."""
        return tuple(record for member in self.members for record in member.records)


def new_id() -> str:
    """A sys_id that nothing has."""
    return uuid.uuid4().hex


def a_name(run: str) -> str:
    """A new name that carries the run's mark."""
    return f"{PREFIX}.{run}.{new_id()[:8]}"


def a_property(run: str, *, value: str = "1", sys_id: str = "", name: str = "") -> Record:
    """A system property."""
    name = name or a_name(run)
    values = {
        "choices": "",
        "description": "Made by a contract test; may be deleted.",
        "ignore_cache": "true",
        "is_private": "false",
        "name": name,
        "read_roles": "",
        "suffix": name,
        "type": "string",
        "value": value,
        "write_roles": "",
    }
    return Record("sys_properties", sys_id or new_id(), values)


def dangling(run: str) -> Record:
    """An OAuth entity scope of an OAuth entity that is nowhere: previews as a problem."""
    values = {"name": a_name(run), "oauth_entity": new_id(), "oauth_entity_scope": "none"}
    return Record("oauth_entity_scope", new_id(), values, type="OAuth Entity Scope")


def single(run: str, *records: Record, now: datetime) -> SetFile:
    """A file with one set."""
    member = Member(new_id(), a_name(run), records or (a_property(run),))
    return SetFile((member,), write((member,), now=now))


def batch(run: str, *, now: datetime) -> SetFile:
    """A file with a base and a child, a property each."""
    base = new_id()
    members = (
        Member(base, a_name(run), (a_property(run),), base=base),
        Member(new_id(), a_name(run), (a_property(run),), base=base),
    )
    return SetFile(members, write(members, now=now))


def write(members: tuple[Member, ...], *, now: datetime) -> bytes:
    """The bytes of a file; in a batch the base stands twice, as in native exports."""
    stamp = now.strftime(STAMP)
    listed = (members[0], *members) if members[0].base else members
    names = {member.sys_id: member.name for member in members}
    sets = "".join(_set(member, names=names, stamp=stamp) for member in listed)
    rows = "".join(
        _row(record, number, member=member, now=now)
        for member in members
        for number, record in enumerate(member.records, 1)
    )
    text = f'{DECLARATION}<unload unload_date="{stamp}">\n{sets}{rows}</unload>\n'
    return text.encode()


def _set(member: Member, *, names: Mapping[str, str], stamp: str) -> str:
    parent = member.base if member.is_child else ""
    return _element(
        "sys_remote_update_set",
        {
            "application": ("global", "Global"),
            "application_name": "Global",
            "application_scope": "global",
            "application_version": "",
            "collisions": "",
            "commit_date": "",
            "deleted": "",
            "description": "Made by a contract test; may be deleted.",
            "inserted": "",
            "name": member.name,
            "origin_sys_id": "",
            "parent": (parent, names.get(parent, "")),
            "release_date": "",
            "remote_base_update_set": (member.base, names.get(member.base, "")),
            "remote_parent_id": "",
            "remote_sys_id": uuid.uuid5(uuid.UUID(member.sys_id), "local").hex,
            "state": "in_hierarchy" if member.is_child else "loaded",
            "summary": "",
            "sys_class_name": "sys_remote_update_set",
            "sys_created_by": "admin",
            "sys_created_on": stamp,
            "sys_id": member.sys_id,
            "sys_mod_count": "1" if member.base == member.sys_id else "0",
            "sys_updated_by": "admin",
            "sys_updated_on": stamp,
            "update_set": ("", ""),
            "update_source": ("", ""),
            "updated": "",
        },
    )


def _row(record: Record, number: int, *, member: Member, now: datetime) -> str:
    stamp = now.strftime(STAMP)
    payload = _payload(record, stamp=(now - timedelta(seconds=60)).strftime(STAMP))
    milliseconds = int(now.timestamp()) * 1000
    return _element(
        "sys_update_xml",
        {
            "action": "INSERT_OR_UPDATE",
            "application": ("global", "Global"),
            "category": "customer",
            "comments": "",
            "name": record.name,
            "payload": payload,
            "payload_hash": payload_hash(payload),
            "remote_update_set": (member.sys_id, member.name),
            "replace_on_upgrade": "false",
            "sys_created_by": "admin",
            "sys_created_on": stamp,
            "sys_id": new_id(),
            "sys_mod_count": "0",
            "sys_recorded_at": f"{milliseconds:011x}{number:07x}",
            "sys_updated_by": "admin",
            "sys_updated_on": stamp,
            "table": "",
            "target_name": record.values.get("name", record.sys_id),
            "type": record.type,
            "update_domain": "global",
            "update_guid": "",
            "update_guid_history": "",
            "update_set": ("", ""),
            "view": "",
        },
    )


def _payload(record: Record, *, stamp: str) -> str:
    plain = {
        **record.values,
        "sys_created_by": "admin",
        "sys_created_on": stamp,
        "sys_id": record.sys_id,
        "sys_mod_count": "0",
        "sys_updated_by": "admin",
        "sys_updated_on": stamp,
    }
    if record.table not in _PLAIN:
        plain |= {
            "sys_class_name": record.table,
            "sys_name": record.values.get("name", ""),
            "sys_package": "global",
            "sys_policy": "",
            "sys_scope": "global",
            "sys_update_name": record.name,
        }
    shown = {
        "sys_package": ' display_value="Global" source="global"',
        "sys_scope": ' display_value="Global"',
    }
    fields = "".join(
        f"<{name}{shown.get(name, '')}>{escape(value, quote=False)}</{name}>"
        if value
        else f"<{name}/>"
        for name, value in sorted(plain.items())
    )
    table = record.table
    body = f'<{table} action="INSERT_OR_UPDATE">{fields}</{table}>'
    return f'{DECLARATION}<record_update table="{table}">{body}</record_update>'


def _element(tag: str, children: Mapping[str, str | tuple[str, str]]) -> str:
    lines = [f'<{tag} action="INSERT_OR_UPDATE">']
    for name, given in children.items():
        value, display = given if isinstance(given, tuple) else (given, None)
        attribute = "" if display is None else f' display_value="{escape(display)}"'
        if name == "payload":
            lines.append(f"<payload><![CDATA[{value}]]></payload>")
        elif value:
            lines.append(f"<{name}{attribute}>{escape(value, quote=False)}</{name}>")
        else:
            lines.append(f"<{name}{attribute}/>")
    lines.append(f"</{tag}>\n")
    return "\n".join(lines[:-1]) + "\n" + lines[-1]
