"""Loads an update set file into the retrieved sets (`spec/instance-http.md` A6, B3.3 to 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO

from generator.errors import UnreadableError
from generator.sandbox.retrieved_sets import SETS, UPDATES, is_sys_id
from generator.update_set.model import Update, UpdateSet
from generator.update_set.reader import Export

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

_BOM = b"\xef\xbb\xbf"


def load_unload(sandbox: Sandbox, stream: BinaryIO) -> str:
    """Store the sets and updates of a file, all or nothing.

    Args:
        sandbox: Where.
        stream: The file, at its start; it can be rewound.

    Returns:
        Why nothing was stored, for the sandbox's log; empty if it was. The client is not told.
    """
    if stream.read(len(_BOM)) == _BOM:
        return "the file begins with a byte order mark"
    stream.seek(0)
    try:
        with sandbox.database.transaction():
            return _load(sandbox, Export(stream, "attachFile"))
    except UnreadableError as error:
        return error.faults[0].message


def _load(sandbox: Sandbox, export: Export) -> str:
    loaded = 0
    for update in export.updates():
        _put_update(sandbox, update)
        loaded += 1
    # The base of a batch stands twice; sets are upserted, so that is no matter.
    for found in export.sets:
        _put_set(sandbox, found)
    if export.strangers:
        path, line = export.strangers[0]
        sandbox.say(f"upload: elements that no update set has are left out: {path}, line {line}")
    return "" if export.sets or loaded else "the file holds no update set"


def _put_set(sandbox: Sandbox, found: UpdateSet) -> None:
    """Upsert by sys_id, state and counters as in the file: an older upload is reopened [MEAS]."""
    if not is_sys_id(found.sys_id):
        return
    values = {element.name: element.text for element in found.elements}
    before = sandbox.database.get(SETS, found.sys_id) or {}
    sandbox.database.put(SETS, {**before, **_known(sandbox, SETS, values)})


def _put_update(sandbox: Sandbox, update: Update) -> None:
    """Children are appended, also those that are there already [MEAS ARK] (C5)."""
    database = sandbox.database
    values = _known(sandbox, UPDATES, {e.name: e.text for e in update.elements})
    given = values.get("sys_id", "")
    taken = not is_sys_id(given) or database.get(UPDATES, given) is not None
    if taken and not (sandbox.behaviour.reupload == "upsert" and is_sys_id(given)):
        values["sys_id"] = database.new_id()
    database.put(UPDATES, values)


def _known(sandbox: Sandbox, table: str, values: Mapping[str, str]) -> dict[str, str]:
    columns = sandbox.database.dictionary.columns(table)
    return {name: value for name, value in values.items() if name in columns}
