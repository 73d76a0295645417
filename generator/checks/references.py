"""References: each resolves in its set, or is named as needed on the target (format section 13)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from lxml import etree

from generator.checks import table_columns
from generator.checks.interface import Context, Hit, Rule, Severity, at, rule, shown
from generator.checks.row import Row
from generator.checks.seen import Seen

V1 = rule(
    "references",
    "V1",
    Severity.NOTE,
    "A reference resolves in its set, in its payload or to a known platform record.",
    "make sure that the target has the record, or preview reports a missing object",
)
V2 = rule(
    "references",
    "V2",
    Severity.NOTE,
    "A reference does not point into another set of the file.",
    "commit the sets as one batch; preview may report a missing object all the same",
)
V3 = rule(
    "references",
    "V3",
    Severity.WARNING,
    "A filled reference carries display_value.",
    "write the target's display value, empty if it has none",
)
V4 = rule(
    "references",
    "V4",
    Severity.NOTE,
    "A file has few enough open references to follow all of them.",
    "check the rest on the target: preview follows every reference",
)

PLATFORM_RECORDS = frozenset(
    {
        "106afb6647032200b4fad7527c9a71e7",
        "71aa7f6647032200b4fad7527c9a719b",
        "f5e56d79b3101300176b051a16a8dce4",
        "cf9d01d3e73003009d6247e603f6a990",
        "c97d83137f4432005f58108c3ffa917a",
    }
)
"""Records that every instance has: the Script step, its two variables, the access rule of a
Scripted REST API (`spec/flow-action.md` section 4), the notification category Uncategorized
(native exports)."""

MOST = 20_000
"""Most open references that are followed, so that memory stays flat."""

_WITH_DISPLAY = etree.XPath("*[@display_value]")
_SYS_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(slots=True)
class _Open:
    """A target that was not met yet, and where it is referred to first."""

    set_sys_id: str
    table: str | None
    display: str
    line: int | None
    update: str
    field: str
    count: int = 1


class References:
    """Rules V1 to V4."""

    rules: ClassVar[tuple[Rule, ...]] = (V1, V2, V3, V4)

    def __init__(self, context: Context) -> None:
        """Args: context: The file before its rows."""
        self._records = Seen()
        self._in_set = Seen()
        self._open: dict[tuple[str, str], _Open] = {}
        self._left = 0

    def sets(self) -> Iterator[Hit]:
        """Nothing stands before the rows for this family."""
        return iter(())

    def row(self, row: Row) -> Iterator[Hit]:
        """Remember one row and what it refers to; deletions are not checked, as in preview."""
        record = row.record
        if record is None:
            return
        set_sys_id = row.update.set_sys_id
        sys_id = record.element.findtext("sys_id")
        if sys_id:
            self._records.add(sys_id)
            self._in_set.add(f"{set_sys_id}/{sys_id}")
        if row.deletes or row.special:
            return
        shown_fields = _WITH_DISPLAY(record.element)
        assert isinstance(shown_fields, list)  # noqa: S101 - what this path gives
        displayed = set()
        for element in shown_fields:
            assert isinstance(element, etree._Element)  # noqa: S101
            displayed.add(element.tag)
            self._follow(row, set_sys_id, element)
        for tag in record.tags:
            if tag in displayed or table_columns.target(row.table, tag) is None:
                continue
            if _SYS_ID.fullmatch(record.element.findtext(tag) or ""):
                yield at(row, V3, f"{tag} refers to a record without display_value.", _in(tag))

    def finish(self) -> Iterator[Hit]:
        """Say which targets the file does not hold."""
        for (set_sys_id, sys_id), found in self._open.items():
            if f"{set_sys_id}/{sys_id}" in self._in_set:
                continue
            what = f"{found.table or 'record'} {shown(found.display)} ({sys_id})"
            times = f", referred to {found.count} times" if found.count > 1 else ""
            if sys_id in self._records:
                rule_, said = V2, f"{what} stands in another set of the file{times}."
            else:
                rule_, said = V1, f"{what} is needed on the target{times}."
            yield Hit(rule_, said, found.line, found.update, found.field)
        if self._left:
            yield Hit(V4, f"{self._left} more references were not followed.")

    def _follow(self, row: Row, set_sys_id: str, element: etree._Element) -> None:
        value = element.text or ""
        if _SYS_ID.fullmatch(value) is None or value in PLATFORM_RECORDS:
            return
        key = (set_sys_id, value)
        known = self._open.get(key)
        if known is not None:
            known.count += 1
        elif f"{set_sys_id}/{value}" in self._in_set or f"<sys_id>{value}</sys_id>" in row.payload:
            return
        elif len(self._open) >= MOST:
            self._left += 1
        else:
            tag = str(element.tag)
            self._open[key] = _Open(
                set_sys_id,
                table_columns.target(row.table, tag),
                element.get("display_value") or "",
                row.update.line,
                row.name,
                _in(tag),
            )


def _in(tag: str) -> str:
    return f"payload/{tag}"
