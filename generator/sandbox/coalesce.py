"""Tables whose records are known by key, not by sys_id.

[DOC] application-development/system-update-sets/update-set-collisions.md (australia). Their
updates are rewritten to the target's sys_ids when they are previewed (`spec/instance-http.md`
A7.8).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from generator.sandbox.database import Row

if TYPE_CHECKING:
    from generator.sandbox.instance import Sandbox

KEYS: Mapping[str, tuple[str, ...]] = {
    "atf_input_variable": ("name", "element"),
    "atf_output_variable": ("name", "element"),
    "dp_data_pattern": ("source_sys_id",),
    "dynamic_attribute": ("namespaced_name",),
    "dynamic_category": ("namespaced_name",),
    "dynamic_category_member": ("category", "attribute"),
    "dynamic_choice_override": ("choice", "category", "attribute"),
    "dynamic_namespace": ("name",),
    "sys_analytics_bucket": ("sys_scope", "bucket_document_id", "bucket_table_name"),
    "sys_choice_set": ("name", "element"),
    "sys_collection": ("collection", "name", "join_field"),
    "sys_db_object": ("name",),
    "sys_df_data_dictionary": ("name", "element"),
    "sys_dictionary": ("name", "element"),
    "sys_documentation": ("name", "element", "language"),
    "sys_index": ("logical_table_name", "col_name_string"),
    "sys_module": ("path",),
    "sys_notification_category": ("name",),
    "sys_package": ("source",),
    "sys_package_dependency_m2m": ("dependency", "sys_package"),
    "sys_properties": ("name",),
    "sys_report_chart_color": ("name", "element", "value"),
    "sys_scope_script_access": ("source_scope", "target_scope", "script_name"),
    "sys_scope_table_access": ("source_scope", "target_scope", "table_name"),
    "sys_script_validator": ("internal_type", "ui_type"),
    "sys_translated": ("name", "element", "value", "language"),
    "sys_translated_text": ("tablename", "fieldname", "documentkey", "language"),
    "sys_ui_form": ("name", "view", "sys_domain"),
    "sys_ui_list": ("name", "view", "sys_domain", "element", "relationship", "parent"),
    "sys_ui_message": ("key", "language", "code"),
    "sys_ui_related_list": ("name", "view", "related_list", "sys_domain"),
    "sys_ui_section": ("name", "view", "caption", "sys_domain"),
    "sys_ui_view": ("name",),
    "sys_user_group": ("name",),
    "sys_user_role": ("name",),
    "sys_wizard": ("name",),
    "ua_table_licensing_config": ("name",),
}
"""Table to coalescing columns; `sys_attachment` has a matching of its own and is left out."""


def key_of(sandbox: Sandbox, table: str) -> tuple[str, tuple[str, ...]] | None:
    """The coalescing table (itself or the nearest parent) and its columns; None if it has none."""
    for name in (table, *sandbox.database.dictionary.parents(table)):
        if name in KEYS:
            return name, KEYS[name]
    return None


def twin(sandbox: Sandbox, table: str, values: Mapping[str, str]) -> Row | None:
    """The record here that has the same key and another sys_id."""
    found = key_of(sandbox, table)
    if found is None:
        return None
    holder, columns = found
    key = {column: values.get(column, "") for column in columns}
    # Nobody is known by an empty first column, and a caret would end the condition.
    if not key[columns[0]] or any("^" in value for value in key.values()):
        return None
    known = sandbox.database.dictionary.columns(holder)
    if not all(column in known for column in columns):
        return None
    query = "^".join(f"{column}={value}" for column, value in key.items())
    rows = sandbox.database.query(holder, query)
    if any(row["sys_id"] == values.get("sys_id") for row in rows):
        return None
    return rows[0] if rows else None
