"""Fields of every record inside a Flow Designer action (`spec/flow-action.md` section 2).

Written down as the specification writes them: each name with a mark that says what it holds.
Unmarked is free text. `-` always empty, `!` never empty, `#` a number, `%` true or false, `&` a
sys_id, `^` a UTC time, `*` free with any attributes, `@` a filled reference, `~` a reference that
may be empty, `=x` always x.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

DEFINITION: Final = "sys_hub_action_type_definition"
SNAPSHOT: Final = "sys_hub_action_type_snapshot"
STEP_TYPE: Final = "106afb6647032200b4fad7527c9a71e7"
SCRIPT: Final = "71aa7f6647032200b4fad7527c9a719b"
MID_APPLICATION: Final = "f5e56d79b3101300176b051a16a8dce4"

CALCULATION: Final = (
    "(function calculatedFieldValue(current) {\n\n\t// Add your code here\n\treturn '';  "
    "// return the calculated value\n\n})(current);"
)

_STAMPS = "sys_created_by! sys_created_on^ sys_id& sys_mod_count# sys_updated_by! sys_updated_on^"
_DOMAIN = "sys_domain=global sys_domain_path=/"
_HEAD = (
    "access=public acls action_status- action_template- annotation"
    " attributes={labelCacheCleanUpExecuted=true} authored_on_release_version#"
    " callable_by_client_api=false category copied_from copied_from_name description flow_priority-"
    f" internal_name! label_cache! name! natlang- outputs- sys_overrides- sys_policy- sys_scope@"
    f" system_level=false type- {_DOMAIN} {_STAMPS}"
)
_VARIABLE = (
    "active=true array=false array_denormalized=false attributes! audit=false calculation!"
    " choice choice_field- column_label- comments- create_roles- default_value defaultsort-"
    " delete_roles- dependent dependent_on_field- display=false dynamic_creation=false"
    " dynamic_creation_script- dynamic_default_value- dynamic_ref_qual- element!"
    " element_reference=false foreign_database- formula- function_definition- function_field=false"
    " help- hint- internal_type@ mandatory% max_length# model@ model_id& name! next_element- order#"
    " primary=false read_only=false read_roles- reference~ reference_cascade_rule-"
    " reference_floats=false reference_key- reference_qual reference_qual_condition*"
    " reference_type- sizeclass- spell_check=false staged=false sys_name- sys_package- sys_policy-"
    " sys_scope@ sys_update_name- table_reference=false text_index=false unique=false"
    " use_dependent_field% use_dynamic_default=false use_reference_qualifier=simple virtual=false"
    f" virtual_type=script widget- write_roles- xml_view=false {_STAMPS}"
)

_LAYOUTS = {
    DEFINITION: f"active% ih_action=false master_snapshot& master_snapshot_digest-"
    f" pre_compiled=false state=published sys_class_name={DEFINITION} sys_name! sys_package@"
    f" sys_update_name! {_HEAD}",
    SNAPSHOT: f"master=true parent_action@ sys_class_name={SNAPSHOT} sys_name- sys_package-"
    f" sys_update_name- {_HEAD}",
    "sys_hub_step_instance": "action@ cid! error_handling_type# extended_inputs- extended_outputs-"
    f" icon- inputs- label! order# outputs- section- step_type@ sys_scope@ {_STAMPS}",
    "sys_variable_value": f"document! document_key& order# sys_class_name=sys_variable_value value"
    f" variable@ {_STAMPS}",
    "sys_element_mapping": f"field! id& table! value {_STAMPS}",
    "sys_hub_step_ext_input": "choice_table- label model_table=sys_hub_step_instance"
    f" sys_class_name=sys_hub_step_ext_input {_VARIABLE}",
    "sys_hub_step_ext_output": "choice_table label! model_table=sys_hub_step_instance"
    f" sys_class_name=sys_hub_step_ext_output {_VARIABLE}",
    "sys_hub_action_input": "choice_table label! model_table!"
    f" sys_class_name=sys_hub_action_input {_VARIABLE}",
    "sys_hub_action_output": "choice_table element_prototype- internal_link- label! model_table!"
    f" sys_class_name=sys_hub_action_output {_VARIABLE}",
    "sys_documentation": "element! help- hint label language=en name! plural-"
    " sys_class_name=sys_documentation sys_name- sys_package@ sys_policy- sys_scope@"
    f" sys_update_name- url- url_target- {_STAMPS}",
    "sys_hub_action_status_metadata": f"action_type_id@ {_STAMPS}",
    "sys_hub_status_condition": "action_status_metadata_id@ condition! dont_treat_as_error=false"
    f" label order# status! {_STAMPS}",
    "sys_hub_action_plan": f"action_id@ plan! snapshot& sys_overrides- sys_scope- {_DOMAIN}"
    f" {_STAMPS}",
    "sys_choice": "dependent_value- element! hint- inactive=false label language=en name! sequence#"
    f" synonyms- value {_DOMAIN} {_STAMPS}",
}

LISTS: Final = frozenset({"outputs", "extended_inputs"})
"""Fields that stand twice where something is mapped (section 2.1)."""

_ATTRIBUTES = {"sys_package": ("display_value", "source"), "reference": ("display_value", "name")}
_FORMS = {
    "#": (re.compile(r"-?[0-9]+"), "a number"),
    "%": (re.compile(r"true|false"), "true or false"),
    "&": (re.compile(r"[0-9a-f]{32}"), "a sys_id"),
    "^": (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"), "a UTC time"),
    "!": (re.compile(r".+", re.DOTALL), "filled"),
    "@": (re.compile(r".+", re.DOTALL), "filled"),
}


@dataclass(frozen=True, slots=True)
class FieldLayout:
    """What one field holds."""

    constant: str | None
    """The value it always has; empty for a field that is always empty."""

    form: re.Pattern[str] | None
    """What its value looks like."""

    expected: str
    """The form in words."""

    attributes: tuple[str, ...] | None
    """Attributes of the filled element; None if any are accepted. An empty one has none."""


def _field(token: str) -> tuple[str, FieldLayout]:
    name, equals, constant = token.partition("=")
    if equals:
        return name, FieldLayout(constant, None, "", ())
    mark = token[-1]
    if mark == "-":
        return token[:-1], FieldLayout("", None, "", ())
    if mark == "*":
        return token[:-1], FieldLayout(None, None, "", None)
    if mark.isalnum():
        return token, FieldLayout(None, None, "", ())
    name = token[:-1]
    form, expected = _FORMS.get(mark, (None, ""))
    attributes = _ATTRIBUTES.get(name, ("display_value",)) if mark in "@~" else ()
    return name, FieldLayout(None, form, expected, attributes)


LAYOUTS: Final[Mapping[str, Mapping[str, FieldLayout]]] = {
    tag: dict(sorted(_field(token) for token in layout.split())) for tag, layout in _LAYOUTS.items()
}
"""Record tag to its fields in their order."""
