"""Form of the payloads (format sections 6, 7 and 12)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

from lxml import etree

from generator.checks.interface import Context, Hit, Rule, Severity, at, listed, rule, shown
from generator.checks.row import PayloadRecord, Row, field
from generator.checks.rows import milliseconds, recorded_ms
from generator.checks.table_columns import is_application_file
from generator.update_set.payload import DECLARATION

_ANEW = "render the set anew; let no tool rewrite or pretty-print payloads"

P2 = rule(
    "payload",
    "P2",
    Severity.ERROR,
    "A payload is a declaration and a record_update, well-formed, and writes back to itself.",
    _ANEW,
)
P2B = rule(
    "payload",
    "P2b",
    Severity.WARNING,
    "A payload has no white space between its elements.",
    _ANEW,
)
P3 = rule(
    "payload",
    "P3",
    Severity.ERROR,
    "The first record's tag is the payload's table, its action the row's.",
    "write the table and the action in both places",
)
P4 = rule(
    "payload",
    "P4",
    Severity.ERROR,
    "The fields of the record stand in alphabetical order.",
    "sort the fields by name, system fields among them",
)
P4B = rule(
    "payload",
    "P4b",
    Severity.WARNING,
    "A field stands once, but for the variable lists inputs and outputs.",
    "remove the second one",
)
P5 = rule(
    "payload",
    "P5",
    Severity.ERROR,
    "record_update has sys_domain exactly if the record has the field.",
    'write sys_domain="global" before table, or leave the field out',
)
P6 = rule(
    "payload",
    "P6",
    Severity.ERROR,
    "The row's name is the record's sys_update_name, where that is filled.",
    "write the canonical update name in both",
)
P7 = rule(
    "payload",
    "P7",
    Severity.ERROR,
    "The row's name is <table>_<sys_id of the record>, or its table's special form.",
    "use the canonical name: preview finds records of the same set by it",
)
P8 = rule(
    "payload",
    "P8",
    Severity.WARNING,
    "sys_scope carries display_value alone, sys_package display_value and source.",
    "write the attributes as the platform does",
)
P9 = rule(
    "payload",
    "P9",
    Severity.WARNING,
    "The record's sys_updated_on is not later than the row's sys_recorded_at.",
    "write both in UTC; the record is saved before its change is recorded",
)
P11 = rule(
    "payload",
    "P11",
    Severity.WARNING,
    "A record has the six system fields of every table; one of an application file all twelve.",
    "render or export the record again; a partial record loads with gaps",
)
P12 = rule(
    "payload",
    "P12",
    Severity.WARNING,
    "A deletion carries the record's whole last state, not just its key.",
    "keep the record's last payload and change its action to DELETE",
)

SYSTEM_FIELDS = (
    "sys_class_name",
    "sys_created_by",
    "sys_created_on",
    "sys_id",
    "sys_mod_count",
    "sys_name",
    "sys_package",
    "sys_policy",
    "sys_scope",
    "sys_update_name",
    "sys_updated_by",
    "sys_updated_on",
)
"""System fields of an application file (format section 6)."""

COMMON_FIELDS = (
    "sys_created_by",
    "sys_created_on",
    "sys_id",
    "sys_mod_count",
    "sys_updated_by",
    "sys_updated_on",
)
"""System fields of every table (`spec/records.md` section 7.4)."""

_VARIABLE_LISTS = frozenset({"inputs", "outputs", "extended_inputs", "extended_outputs"})
_NAME = re.compile(r"(?P<table>\w+)_(?P<sys_id>[0-9a-f]{32})")
_BETWEEN = re.compile(r">\s+<")
_TEXT_BETWEEN = etree.XPath("boolean(/*/text() | /*/*/text()[../*])")
_OTHER_ID = frozenset({"wf_workflow"})
"""Tables whose rows are named by another record's sys_id: the workflow's, not its version's."""


class PayloadForm:
    """Rules P2 to P9, P11 and P12."""

    rules: ClassVar[tuple[Rule, ...]] = (P2, P2B, P3, P4, P4B, P5, P6, P7, P8, P9, P11, P12)

    def __init__(self, context: Context) -> None:
        """Args: context: Unused; every family is made alike."""

    def sets(self) -> Iterator[Hit]:
        """Nothing stands before the rows for this family."""
        return iter(())

    def row(self, row: Row) -> Iterator[Hit]:
        """Judge one row."""
        if row.root is None:
            said = f"is not well-formed XML: {row.fault}" if row.fault else "is empty"
            yield at(row, P2, f"The payload {said}.", "payload")
            return
        yield from self._text(row, row.root)
        record = row.record
        if record is None:
            yield at(row, P3, "The payload holds no record.", "payload")
            return
        if row.special:
            yield from self._special(row, record)
        else:
            yield from self._plain(row, row.root, record)

    def finish(self) -> Iterator[Hit]:
        """Nothing is left for the end."""
        return iter(())

    def _text(self, row: Row, root: etree._Element) -> Iterator[Hit]:
        if root.tag != "record_update":
            yield at(row, P2, f"The payload's root is <{root.tag!s}>.", "payload")
        if not row.payload.startswith(DECLARATION):
            yield at(row, P2, f"The payload does not begin with {DECLARATION}.", "payload")
        elif DECLARATION + etree.tostring(root, encoding="unicode") != row.payload:
            yield at(
                row,
                P2,
                "The payload does not write back to itself: entities, comments, empty elements or"
                " attributes are not in the platform's form, or something follows the root.",
                "payload",
            )
        if _BETWEEN.search(row.payload) and _TEXT_BETWEEN(root):
            yield at(row, P2B, "White space stands between the payload's elements.", "payload")

    def _plain(self, row: Row, root: etree._Element, record: PayloadRecord) -> Iterator[Hit]:
        element, tags = record
        if element.tag != row.table:
            yield at(row, P3, f"The first record is <{element.tag!s}>, not {row.table}.", "payload")
        if element.get("action") != row.value("action"):
            yield at(
                row,
                P3,
                f"The record's action is {shown(element.get('action') or '')}, the row's "
                f"{shown(row.value('action'))}.",
                "action",
            )
        if list(tags) != sorted(tags):
            early = next(tag for before, tag in zip(tags, tags[1:], strict=False) if tag < before)
            yield at(row, P4, f"{early} stands too late in the record.", f"payload/{early}")
        if len(set(tags)) != len(tags):
            twice = [
                tag
                for tag, count in Counter(tags).items()
                if count > 1 and tag not in _VARIABLE_LISTS
            ]
            if twice:
                yield at(row, P4B, f"More than once: {listed(twice)}.", f"payload/{twice[0]}")
        if (root.get("sys_domain") is not None) != ("sys_domain" in tags):
            has = "has" if "sys_domain" in tags else "lacks"
            yield at(row, P5, f"The record {has} the field sys_domain, the root not so.", "payload")
        yield from self._names(row, element)
        yield from self._system(row, record)
        recorded = recorded_ms(row.value("sys_recorded_at"))
        updated = milliseconds(field(element, "sys_updated_on"))
        if recorded is not None and updated is not None and updated > recorded:
            yield at(
                row,
                P9,
                "sys_updated_on of the record is later than sys_recorded_at.",
                "payload/sys_updated_on",
            )

    def _names(self, row: Row, element: etree._Element) -> Iterator[Hit]:
        update_name = element.findtext("sys_update_name")
        if update_name and update_name != row.name:
            yield at(
                row,
                P6,
                f"sys_update_name is {shown(update_name)}.",
                "payload/sys_update_name",
            )
        found = _NAME.fullmatch(row.name)
        if found is None or found["table"] != row.table:
            yield at(row, P7, f"name is not {row.table}_<sys_id>.", "name")
        elif found["sys_id"] != element.findtext("sys_id") and row.table not in _OTHER_ID:
            yield at(row, P7, "name does not end in the record's sys_id.", "name")

    def _system(self, row: Row, record: PayloadRecord) -> Iterator[Hit]:
        element, tags = record
        package, scope = element.find("sys_package"), element.find("sys_scope")
        if (
            package is not None
            and package.text
            and set(package.attrib)
            != {
                "display_value",
                "source",
            }
        ):
            yield at(row, P8, "sys_package lacks display_value or source.", "payload/sys_package")
        if scope is not None and scope.text and list(scope.attrib) != ["display_value"]:
            yield at(row, P8, "sys_scope does not carry display_value alone.", "payload/sys_scope")
        expected = SYSTEM_FIELDS if is_application_file(row.table) else COMMON_FIELDS
        missing = [name for name in expected if name not in tags]
        if not missing:
            return
        if row.deletes and len(missing) > len(expected) // 2:
            yield at(row, P12, "The deletion carries only the record's key.", "payload")
        else:
            yield at(row, P11, f"System fields are missing: {listed(missing)}.", "payload")

    def _special(self, row: Row, record: PayloadRecord) -> Iterator[Hit]:
        """Names of the records that special handlers write (format section 7)."""
        element = record.element
        table, name = row.table, row.name
        attributes = element.attrib
        expected: str | None = None
        if table == "sys_dictionary" and "table" in attributes:
            expected = f"{attributes['table']}_{attributes.get('element') or 'null'}"
        elif table == "sys_choice" and "table" in attributes:
            expected = f"{attributes['table']}_{attributes.get('field') or ''}"
        if expected is not None and name != f"{table}_{expected}":
            yield at(row, P7, f"name is not {table}_{expected}.", "name")
        elif not name.startswith(f"{table}_"):
            yield at(row, P7, f"name does not begin with {table}_.", "name")
