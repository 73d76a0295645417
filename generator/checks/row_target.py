"""What a row says of its record: type, table and target_name (format sections 4 and 7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

from lxml import etree

from generator.checks.interface import Context, Hit, Rule, Severity, at, rule, shown
from generator.checks.row import Row, field
from generator.update_set.labels import ROW_TYPES

R10 = rule(
    "rows",
    "R10",
    Severity.ERROR,
    "type is the label of the payload's table.",
    "write the table's label exactly: some labels select special checks at preview",
)
R12 = rule(
    "rows",
    "R12",
    Severity.WARNING,
    "table names another table that the record hangs on, never the record's own.",
    "leave table empty",
)
R12B = rule(
    "rows",
    "R12b",
    Severity.WARNING,
    "table is the text of the field that names what the record hangs on, and empty where its"
    " table has no such field.",
    "write the field's text (collection of a notification, table of a UI action), or leave table"
    " empty",
    foreign=Severity.NOTE,
)
R13 = rule(
    "rows",
    "R13",
    Severity.WARNING,
    "target_name is filled.",
    "write the record's display value",
    foreign=Severity.NOTE,
)
R13B = rule(
    "rows",
    "R13b",
    Severity.WARNING,
    "target_name is the record's sys_name, or its name where it has no sys_name.",
    "write the record's sys_name: it is what people read in the list of updates",
    foreign=Severity.NOTE,
)

HANGS_BY: Mapping[str, str] = MappingProxyType(
    {
        "fn_config": "table",
        "fn_normalize_config": "table",
        "fn_transform_config": "table",
        "sn_cmdb_ws_ms_class_metadata": "table",
        "sys_app_module": "name",
        "sys_db_object": "name",
        "sys_report": "table",
        "sys_script": "collection",
        "sys_script_client": "table",
        "sys_security_acl": "name",
        "sys_security_acl_role": "sys_security_acl",
        "sys_ui_action": "table",
        "sys_ui_formatter": "table",
        "sys_ui_module": "table",
        "sys_ui_policy": "table",
        "sys_ui_policy_action": "table",
        "sysevent_email_action": "collection",
        "sysevent_email_template": "collection",
        "sysevent_register": "table",
        "sysevent_script_action": "event_name",
    }
)
"""Table of a record to the field that the row's `table` repeats; measured without an exception over
the stored native exports. A reference is repeated by its display value, or by its value where the
target is gone."""


class RowTarget:
    """Rules R10, R12 and R13."""

    rules: ClassVar[tuple[Rule, ...]] = (R10, R12, R12B, R13, R13B)

    def __init__(self, context: Context) -> None:
        """Args: context: The file before its rows."""

    def sets(self) -> Iterator[Hit]:
        """Nothing stands before the rows for this family."""
        return iter(())

    def row(self, row: Row) -> Iterator[Hit]:
        """Judge one row."""
        label = ROW_TYPES.get(row.table)
        if label is not None and row.value("type") != label:
            message = f"type is {shown(row.value('type'))}, the label of {row.table} is {label!r}."
            yield at(row, R10, message, "type")
        if not row.value("target_name"):
            yield at(row, R13, "target_name is empty.", "target_name")
        # Rows of special handlers hang on what their first child's attributes say.
        if row.record is not None and not row.special:
            yield from _table(row, row.record.element)
            yield from _target_name(row, row.record.element)

    def finish(self) -> Iterator[Hit]:
        """Nothing is left for the end."""
        return iter(())


def _table(row: Row, record: etree._Element) -> Iterator[Hit]:
    table = row.value("table")
    if table and table == row.table:
        yield at(row, R12, f"table is the record's own, {row.table}.", "table")
        return
    name = HANGS_BY.get(row.table)
    if name is None:
        # What records of a table hang by that no native export showed is unknown.
        if table and row.table in ROW_TYPES:
            message = f"table is {shown(table)}, expected empty for {row.table}."
            yield at(row, R12B, message, "table")
        return
    source = record.find(name)
    if source is None:
        return
    value = source.text or ""
    if table not in (value, source.get("display_value", value)):
        yield at(row, R12B, f"table is {shown(table)}, {name} is {shown(value)}.", "table")


def _target_name(row: Row, record: etree._Element) -> Iterator[Hit]:
    found = row.value("target_name")
    expected = field(record, "sys_name") or field(record, "name")
    if found and expected and found != expected:
        message = f"target_name is {shown(found)}, the record is named {shown(expected)}."
        yield at(row, R13B, message, "target_name")
