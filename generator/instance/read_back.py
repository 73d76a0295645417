"""Every record read back and held against its payload: the only proof of a commit (A10).

The first record of each payload is compared field by field. Left out are the stamps, which the
platform writes anew (who, when, how often). A record of a table that recognises its records by
name may have been given another sys_id by the preview (A7, 8): it is then looked up by name, and
neither its sys_id nor the name of its update counts. The action is compared by what makes it run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from generator.instance.interface import Found, Read, Row
from generator.instance.package_files import ACTION_TABLE, STAMPS, PackageRecord
from generator.instance.report import Difference

COALESCED: Mapping[str, str] = {"sys_properties": "name", "sys_user_role": "name"}
"""Table to the column by which the platform recognises its records (A7, 8): those of the
documented list that a package of ours holds."""

_ACTION_FIELDS = ("sys_id", "name", "internal_name", "active", "state")
_SNAPSHOTS = ("master_snapshot", "latest_snapshot")

_TEXTS = frozenset({"sys_documentation", "sys_choice", "sys_translated_text"})
"""Child tables whose records the platform recognises by other columns than sys_id [INF]: their
sys_ids on the target are its own, so they are not counted by ours."""

_AT_ONCE = 40
"""sys_ids in one query, so that its address stays short enough for any proxy."""


@dataclass(slots=True)
class ReadBack:
    """What reading back came to."""

    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    compared: int = 0
    """Records that were there and were compared."""


def record_reads(records: Iterable[PackageRecord]) -> dict[str, Read]:
    """The reads that `compare` wants, each name being `record:<table>:<number>`."""
    by_table: dict[str, list[PackageRecord]] = {}
    for record in records:
        by_table.setdefault(record.table, []).append(record)
    reads: dict[str, Read] = {}
    for table, found in by_table.items():
        for number, start in enumerate(range(0, len(found), _AT_ONCE)):
            chunk = found[start : start + _AT_ONCE]
            reads[f"record:{table}:{number}"] = Read(
                table, _query(table, chunk), _fields(table, chunk), limit=2 * len(chunk) + 10
            )
    return reads


def child_reads(records: Iterable[PackageRecord]) -> dict[str, Read]:
    """Counts of what else the payloads write, each name being `child:<table>:<number>`."""
    return {
        name: Read(table, f"sys_idIN{','.join(ids)}", count_only=True)
        for name, _, table, ids in _child_chunks(records)
    }


def _child_chunks(
    records: Iterable[PackageRecord],
) -> Iterator[tuple[str, PackageRecord, str, Sequence[str]]]:
    """Name of a read, whose rows it counts, their table and sys_ids.

    No read mixes two records, so that one which was left out can be left aside.
    """
    numbers: dict[str, int] = {}
    for record in records:
        for table, found in record.children.items():
            if table in _TEXTS or record.deletes:
                continue
            for start in range(0, len(found), _AT_ONCE):
                number = numbers[table] = numbers.get(table, -1) + 1
                yield f"child:{table}:{number}", record, table, found[start : start + _AT_ONCE]


def compare(
    records: Sequence[PackageRecord], found: Mapping[str, Found], *, without: Iterable[str] = ()
) -> ReadBack:
    """Hold records against what was read.

    Args:
        records: What should be there (or, for a DELETE row, should not).
        found: Answers to `record_reads` and perhaps `child_reads` of the same records, those of
            `without` included.
        without: Names of updates that were skipped, and are not expected.
    """
    skipped = frozenset(without)
    result = ReadBack()
    by_table: dict[str, list[Row]] = {}
    refused: dict[str, str] = {}
    for name, answer in found.items():
        kind, _, rest = name.partition(":")
        if kind != "record":
            continue
        table = rest.partition(":")[0]
        by_table.setdefault(table, []).extend(answer.rows)
        if answer.error is not None:
            refused[table] = f"nothing that can be read ({answer.error.detail or 'refused'})"
    for record in records:
        if record.update_name in skipped:
            continue
        if record.table in refused:
            result.differences.append(_whole(record, "the record", refused[record.table]))
            continue
        _compare_one(record, _row_of(record, by_table.get(record.table, ())), result)
    _compare_children(records, found, skipped, result)
    return result


def differing_fields(record: PackageRecord, row: Row, *, skip: Iterable[str] = ()) -> list[str]:
    """Names of the fields that read otherwise than the payload says, in the payload's order."""
    left_out = STAMPS | frozenset(skip)
    return [
        name
        for name, value in record.fields.items()
        if name not in left_out
        and not _is_absent(value, row.get(name))
        and _differs(value, row, name)
    ]


def absent_columns(record: PackageRecord, row: Row) -> list[str]:
    """Columns that the instance does not have (or show) and whose value would say nothing."""
    return [
        name
        for name, value in record.fields.items()
        if name not in STAMPS and value and _is_absent(value, row.get(name))
    ]


def _differs(value: str, row: Row, name: str) -> bool:
    return _plain(value) != _plain(row.get(name, ""))


def _is_absent(value: str, found: str | None) -> bool:
    """An older release lacks newer columns: what would be off there is off without them."""
    return found is None and value in ("", "false", "0")


def _compare_one(record: PackageRecord, row: Row | None, result: ReadBack) -> None:
    if record.deletes:
        if row is not None:
            result.differences.append(_whole(record, "no record", "the record"))
        return
    if row is None:
        result.differences.append(_whole(record, "the record", "none"))
        return
    result.compared += 1
    if record.table == ACTION_TABLE:
        result.differences += _action_differences(record, row)
        return
    moved = row.get("sys_id") != record.sys_id
    if moved:
        result.notes.append(
            f"{record.table} {record.label} has the sys_id {row.get('sys_id')} here: the instance "
            "knows its records by name"
        )
    names = differing_fields(record, row, skip=("sys_id", "sys_update_name") if moved else ())
    result.differences += [_one(record, name, row) for name in names]
    result.notes += [
        f"not confirmed: {record.table}.{name} is not on this instance"
        for name in absent_columns(record, row)
    ]


def _action_differences(record: PackageRecord, row: Row) -> list[Difference]:
    """An action runs if it is active, published and has its snapshots (A19)."""
    found = [
        _one(record, name, row)
        for name in _ACTION_FIELDS
        if _plain(record.fields.get(name, "")) != _plain(row.get(name, ""))
    ]
    found += [
        Difference(record.table, record.sys_id, record.label, name, "a snapshot", "")
        for name in _SNAPSHOTS
        if not row.get(name)
    ]
    return found


def is_publication(difference: Difference) -> bool:
    """Whether a difference is what publishing the action mends."""
    return difference.table == ACTION_TABLE and difference.field in ("state", *_SNAPSHOTS)


def _compare_children(
    records: Sequence[PackageRecord],
    found: Mapping[str, Found],
    skipped: frozenset[str],
    result: ReadBack,
) -> None:
    expected: dict[str, int] = {}
    counts: dict[str, int] = {}
    unread: set[str] = set()
    for name, record, table, ids in _child_chunks(records):
        answer = found.get(name)
        if answer is None or record.update_name in skipped:
            continue
        expected[table] = expected.get(table, 0) + len(ids)
        counts[table] = counts.get(table, 0) + answer.total
        if answer.error is not None:
            unread.add(table)
    for table in sorted(unread):
        result.notes.append(f"not confirmed: the rows of {table} inside the action cannot be read")
    for table, count in counts.items():
        if table not in unread and count < expected[table]:
            result.differences.append(
                Difference(ACTION_TABLE, "", table, "rows inside", str(expected[table]), str(count))
            )


def _row_of(record: PackageRecord, rows: Iterable[Row]) -> Row | None:
    column = COALESCED.get(record.table)
    named: Row | None = None
    for row in rows:
        if row.get("sys_id") == record.sys_id:
            return row
        if column and row.get(column) == record.fields.get(column):
            named = row
    return named


def _query(table: str, records: Sequence[PackageRecord]) -> str:
    query = f"sys_idIN{','.join(record.sys_id for record in records)}"
    column = COALESCED.get(table)
    if column:
        query += f"^OR{column}IN{','.join(record.fields.get(column, '') for record in records)}"
    return query


def _fields(table: str, records: Sequence[PackageRecord]) -> tuple[str, ...]:
    if table == ACTION_TABLE:
        return (*_ACTION_FIELDS, *_SNAPSHOTS)
    names = {name: None for record in records for name in record.fields if name not in STAMPS}
    return tuple({"sys_id": None, **names})


def _plain(value: str) -> str:
    """A value as it is compared: the platform may store line ends its own way."""
    return value.replace("\r\n", "\n").replace("\r", "\n")


def _one(record: PackageRecord, name: str, row: Row) -> Difference:
    found = row.get(name)
    return Difference(
        table=record.table,
        sys_id=record.sys_id,
        label=record.label,
        field=name,
        expected=record.fields.get(name, ""),
        found="no such column, or not readable" if found is None else found,
    )


def _whole(record: PackageRecord, expected: str, found: str) -> Difference:
    return Difference(record.table, record.sys_id, record.label, "", expected, found)
