"""From rows to update sets: identities, stamps and the batch around them.

Identity of sets and rows follows `docs/decisions.md`, 3: D covers everything
that stands in the package, so a change anywhere gives new sets everywhere, and the same package
is the same sets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID, uuid5

from generator.update_set.history import recorded_at, timestamp
from generator.update_set.model import (
    SET_ELEMENTS,
    SET_REFERENCES,
    UPDATE_ELEMENTS,
    UPDATE_REFERENCES,
    Unload,
    Update,
    UpdateSet,
    elements,
)
from generator.update_set.payload import Payload, Unstamped
from generator.update_set.records import Application

INSERT_OR_UPDATE = "INSERT_OR_UPDATE"
DELETE = "DELETE"


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """What becomes a `sys_update_xml` row."""

    name: str
    """Update name."""

    action: str
    """`INSERT_OR_UPDATE` or `DELETE`."""

    type: str
    """Label of the payload's table."""

    target_name: str
    table: str
    """The row's `table` child; empty for most tables."""

    application: str
    """sys_id of the application, or `global`."""

    application_name: str
    unstamped: Unstamped


@dataclass(frozen=True, slots=True, eq=False)
class SetDraft:
    """One update set before its identity is known."""

    role: str
    """`global` or `app`."""

    name: str
    description: str
    application: Application
    rows: tuple[Row, ...]
    """In dependency order."""


@dataclass(frozen=True, slots=True, eq=False)
class PackageDraft:
    """All that a package ships."""

    batch: bool
    """Whether the sets travel as one batch, the first as base."""

    author: str
    sets: tuple[SetDraft, ...]
    beside: tuple[Row, ...]
    """Rows that stand in no set but belong to the package: the account after the cut-over."""

    def rows(self) -> Iterator[Row]:
        """Every row, those beside the sets last."""
        for draft in self.sets:
            yield from draft.rows
        yield from self.beside


@dataclass(frozen=True, slots=True, eq=False)
class BuiltSet:
    """One update set with its identity."""

    role: str
    name: str
    sys_id: str
    remote_sys_id: str
    rows: int
    """Number of rows in it."""


@dataclass(frozen=True, slots=True, eq=False)
class BuiltFile:
    """One file to be uploaded."""

    name: str
    """`sys_remote_update_set_<sys_id>.xml`, as the platform names its downloads."""

    unload: Unload


@dataclass(frozen=True, slots=True, eq=False)
class Built:
    """Everything that follows from a draft and its history."""

    digest: str
    """D of `docs/decisions.md`, 3."""

    sets: tuple[BuiltSet, ...]
    files: tuple[BuiltFile, ...]


def content_digest(package: PackageDraft) -> str:
    """Everything that D covers except stamps."""
    return _digest(package, (row.unstamped.digest for row in package.rows()))


def build(
    package: PackageDraft,
    payloads: Mapping[str, Payload],
    *,
    build_time: datetime,
    namespace: UUID,
) -> Built:
    """Build the update sets of a package.

    Args:
        package: What it ships.
        payloads: Stamped payloads by update name.
        build_time: B, aware.
        namespace: Namespace that set identities are derived in.

    Returns:
        The sets and the files they stand in.
    """
    digest = _digest(package, (payloads[row.name].digest for row in package.rows()))
    built = tuple(
        BuiltSet(
            role=draft.role,
            name=draft.name,
            sys_id=uuid5(namespace, f"set/{draft.role}/{digest}").hex,
            remote_sys_id=uuid5(namespace, f"local/{draft.role}/{digest}").hex,
            rows=len(draft.rows),
        )
        for draft in package.sets
    )
    moment = timestamp(build_time)
    numbers = _positions(package)
    updates = [
        _updates(draft, identity, package.author, build_time, numbers, payloads)
        for draft, identity in zip(package.sets, built, strict=True)
    ]
    base = built[0] if package.batch else None
    sets = [
        _update_set(draft, identity, package.author, moment, base)
        for draft, identity in zip(package.sets, built, strict=True)
    ]
    if package.batch:
        # The base is listed once as itself and once among the members (section 11).
        rows = tuple(update for group in updates for update in group)
        whole = Unload(moment, (sets[0], *sets), rows)
        return Built(digest, built, (BuiltFile(_file_name(built[0]), whole),))
    files = tuple(
        BuiltFile(_file_name(identity), Unload(moment, (update_set,), tuple(group)))
        for identity, update_set, group in zip(built, sets, updates, strict=True)
    )
    return Built(digest, built, files)


def _digest(package: PackageDraft, payloads: Iterable[str]) -> str:
    digest = sha256()

    def add(*values: str) -> None:
        for value in values:
            data = value.encode()
            digest.update(f"{len(data)}:".encode())
            digest.update(data)

    add("batch" if package.batch else "separate")
    for draft in package.sets:
        application = draft.application
        add("set", draft.role, draft.name, draft.description)
        add(application.sys_id, application.name, application.scope, application.version)
        add(*(f"{row.action} {row.name}" for row in draft.rows))
    add("beside", *(f"{row.action} {row.name}" for row in package.beside))
    add(*payloads)
    return digest.hexdigest()


def _positions(package: PackageDraft) -> dict[tuple[str, str], int]:
    positions: dict[tuple[str, str], int] = {}
    for draft in package.sets:
        for row in draft.rows:
            positions[draft.role, row.name] = len(positions) + 1
    return positions


def _file_name(identity: BuiltSet) -> str:
    return f"sys_remote_update_set_{identity.sys_id}.xml"


def _update_set(
    draft: SetDraft, identity: BuiltSet, author: str, moment: str, base: BuiltSet | None
) -> UpdateSet:
    application = draft.application
    is_base = base is not None and base.sys_id == identity.sys_id
    is_child = base is not None and not is_base
    values = {
        "application": application.sys_id,
        "application_name": application.name,
        "application_scope": application.scope,
        "application_version": application.version,
        "description": draft.description,
        "name": draft.name,
        "remote_sys_id": identity.remote_sys_id,
        "state": "in_hierarchy" if is_child else "loaded",
        "sys_class_name": "sys_remote_update_set",
        "sys_created_by": author,
        "sys_created_on": moment,
        "sys_id": identity.sys_id,
        "sys_mod_count": "1" if is_base else "0",
        "sys_updated_by": author,
        "sys_updated_on": moment,
    }
    displays = dict.fromkeys(SET_REFERENCES, "") | {"application": application.name}
    if base is not None:
        values["remote_base_update_set"] = base.sys_id
        displays["remote_base_update_set"] = base.name
    if base is not None and is_child:
        values["parent"] = base.sys_id
        displays["parent"] = base.name
    return UpdateSet(elements(SET_ELEMENTS, values, displays))


def _updates(
    draft: SetDraft,
    identity: BuiltSet,
    author: str,
    build_time: datetime,
    positions: Mapping[tuple[str, str], int],
    payloads: Mapping[str, Payload],
) -> list[Update]:
    moment = timestamp(build_time)
    namespace = UUID(hex=identity.sys_id)
    shared = {
        "category": "customer",
        "remote_update_set": identity.sys_id,
        "replace_on_upgrade": "false",
        "sys_created_by": author,
        "sys_created_on": moment,
        "sys_mod_count": "0",
        "sys_updated_by": author,
        "sys_updated_on": moment,
        "update_domain": "global",
    }
    displays = dict.fromkeys(UPDATE_REFERENCES, "") | {"remote_update_set": identity.name}
    found = []
    for row in draft.rows:
        payload = payloads[row.name]
        values = shared | {
            "action": row.action,
            "application": row.application,
            "name": row.name,
            "payload": payload.text,
            "payload_hash": payload.hash,
            "sys_id": uuid5(namespace, row.name).hex,
            "sys_recorded_at": recorded_at(
                build_time, position=positions[draft.role, row.name], count=len(positions)
            ),
            "table": row.table,
            "target_name": row.target_name,
            "type": row.type,
        }
        displays["application"] = row.application_name
        found.append(Update(elements(UPDATE_ELEMENTS, values, displays)))
    # Database order, as in the platform's own exports; it says nothing about dependencies.
    return sorted(found, key=lambda update: update.value("sys_id"))
