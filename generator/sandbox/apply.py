"""Writes what a payload holds: raw, as a commit does (`spec/instance-http.md` A9, B3.12).

No business rules, no defaults, no stamps: only the columns that the payload brings change.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from generator.sandbox.coalesce import twin
from generator.sandbox.dictionary import SecretKind
from generator.sandbox.passwords import is_ciphertext, seal
from generator.sandbox.payloads import DELETE, DELETE_MULTIPLE, UPSERT, Entry, Payload
from generator.sandbox.retrieved_sets import is_sys_id

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

REFUSED_TABLES = frozenset({"sys_user_has_role"})
"""Tables whose records a commit does not write though the preview was clean. [MEAS ARK]"""


def apply_payload(sandbox: Sandbox, payload: Payload) -> None:
    """Write, or delete, every record of a payload."""
    brought = {(e.table, e.sys_id) for e in payload.entries if e.action == UPSERT}
    for entry in payload.entries:
        if entry.action == DELETE_MULTIPLE:
            _delete_multiple(sandbox, entry, brought=brought)
        elif entry.action == DELETE:
            delete_records(sandbox, (entry,))
        else:
            _upsert(sandbox, entry)


def delete_records(sandbox: Sandbox, entries: Iterable[Entry]) -> None:
    """Delete the records that entries name."""
    for entry in entries:
        if entry.sys_id and sandbox.database.dictionary.exists(entry.table):
            sandbox.database.delete(entry.table, entry.sys_id)


def _upsert(sandbox: Sandbox, entry: Entry) -> None:
    database = sandbox.database
    if entry.table == "sys_properties" and entry.values.get("is_private") == "true":
        return  # [DOC] t_AddAPropertyUsingSysPropsList.md
    parent = "sys_metadata" if "sys_scope" in entry.values else None
    database.dictionary.ensure_table(entry.table, extends=parent, columns=entry.values)
    # A release that lacks a column ignores the element [INF].
    known = database.dictionary.columns(entry.table)
    values = {name: value for name, value in entry.values.items() if name in known}
    for name, value in values.items():
        if known[name].secret is not SecretKind.NONE and not is_ciphertext(value):
            # A plaintext in a payload: no read yields it, and it is of no use [INF] (C12).
            values[name] = seal(sandbox, value)
    here = twin(sandbox, entry.table, values)
    if here is not None:
        # Not previewed here: the platform matches by key all the same. [DOC]
        values["sys_id"] = here["sys_id"]
    if not is_sys_id(values.get("sys_id", "")):
        values["sys_id"] = database.new_id()
    database.put(entry.table, {**(database.get(entry.table, values["sys_id"]) or {}), **values})


def _delete_multiple(
    sandbox: Sandbox, entry: Entry, *, brought: Collection[tuple[str, str]]
) -> None:
    """Delete what a query finds, but for what the payload brings itself.

    Native payloads of actions order some deletions after the records that match them [INF].
    """
    database = sandbox.database
    if not entry.query or not database.dictionary.exists(entry.table):
        return
    if database.compile(entry.table, entry.query).dropped:
        return  # A dropped condition would delete what nobody named.
    for row in database.query(entry.table, entry.query):
        if (entry.table, row["sys_id"]) not in brought:
            database.delete(entry.table, row["sys_id"])
