"""Records that a former render had and this one lacks: named always, deleted only on request.

With `deletions: true` a record of the app becomes a DELETE row with its whole last state, in
every render until the key is taken out. Records of the mail chain, and those of an app whose
scope was changed, are only named: no set of the package may delete them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256

from generator.config.environment import Environment
from generator.integration.integration import Integration, SetContents
from generator.update_set.build import DELETE, INSERT_OR_UPDATE, Row
from generator.update_set.history import Retired
from generator.update_set.manifest import Manifest
from generator.update_set.model import Update
from generator.update_set.payload import Unstamped
from generator.update_set.records import GLOBAL

LastRows = Callable[[Manifest], Mapping[str, Update]]
"""Gives the rows of the package in place, whose manifest it is handed, by update name; called only
if records disappeared."""


def retired_records(
    environment: Environment,
    integration: Integration,
    previous: Manifest | None,
    last_rows: LastRows,
) -> tuple[Retired, ...]:
    """Find the records that a former render had and this one lacks.

    Args:
        environment: The understood inputs.
        integration: What is rendered now.
        previous: The manifest in place, None for a first render.
        last_rows: The rows in place, for the last state of what has just disappeared.

    Returns:
        The records in the order of their update names; a payload only where the app's set may
        delete them.
    """
    if previous is None:
        return ()
    present = {record.update_name for record in integration.records()}
    app = integration.sets[-1].application.sys_id
    # Only the app's own records may be deleted by a set, and only by the app's set: what a
    # former scope left behind keeps its name here, and no payload.
    kept = {
        name: entry if entry.application == app else replace(entry, payload="")
        for name, entry in previous.history.retired.items()
        if name not in present and (environment.deletions or not entry.acknowledged)
    }
    gone = [name for name in previous.history.records if name not in present]
    rows = last_rows(previous) if gone else {}
    for name in gone:
        row = rows.get(name)
        # The account, once live, stands in no set.
        application = GLOBAL.sys_id if row is None else row.value("application")
        kept[name] = Retired(
            name=name,
            logical_name=previous.history.records[name].logical_name,
            label="" if row is None else row.value("target_name"),
            type="" if row is None else row.value("type"),
            row_table="" if row is None else row.value("table"),
            application=application,
            payload=row.payload if row is not None and application == app else "",
            acknowledged=False,
        )
    return tuple(
        replace(entry, acknowledged=environment.deletions) for _, entry in sorted(kept.items())
    )


def is_deleted(environment: Environment, entry: Retired) -> bool:
    """Whether this package holds a DELETE row for a record that is gone."""
    return environment.deletions and bool(entry.payload)


def deletion(entry: Retired, contents: SetContents) -> Row:
    """The DELETE row of a record that is gone, for the set of its application.

    The payload keeps the record's whole last state and only its action differs
    (`spec/update-set-format.md` section 12).
    """
    text = entry.payload.replace(f' action="{INSERT_OR_UPDATE}"', f' action="{DELETE}"', 1)
    return Row(
        name=entry.name,
        action=DELETE,
        type=entry.type,
        target_name=entry.label,
        table=entry.row_table,
        application=contents.application.sys_id,
        application_name=contents.application.name,
        unstamped=Unstamped(text, sha256(text.encode()).hexdigest()),
    )
