"""`sys_ids`: which records may be adopted, each by a sys_id of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final, cast

from generator.config.structure import secret_key_fault
from generator.config.substitution import Plain
from generator.config.tree import Entry, Section, dotted, echoable
from generator.config.values import did_you_mean
from generator.errors import Fault
from generator.secrets.shapes import names_a_secret

SYS_IDS: Final = ("sys_ids",)


def sys_id_faults(
    tree: Section, values: Mapping[str, Plain], *, logical_names: Collection[str]
) -> Iterator[Fault]:
    """What is wrong with the mapping as a whole; single values have their own rule.

    Args:
        tree: The merged files.
        values: Their plain values.
        logical_names: The names that records of this project have.
    """
    adopted = tree.entries.get(SYS_IDS[0])
    if adopted is None or not isinstance(adopted.value, Section):
        return
    entries = adopted.value.entries
    for key, entry in entries.items():
        if key not in logical_names:
            yield _unknown(key, entry, logical_names)
    yield from _equal(entries, cast("dict[str, Plain]", values[SYS_IDS[0]]))


def _unknown(key: str, entry: Entry, logical_names: Collection[str]) -> Fault:
    if names_a_secret(key):
        return secret_key_fault(key, entry, SYS_IDS)
    return Fault(
        "unknown-record",
        f"{echoable(key)} is the logical name of no record.{did_you_mean(key, logical_names)}",
        file=entry.place.file,
        line=entry.place.line,
        path=dotted((*SYS_IDS, key)),
        next="take the name from the list in docs/environment-file.md",
    )


def _equal(entries: Mapping[str, Entry], values: Mapping[str, Plain]) -> Iterator[Fault]:
    first: dict[str, str] = {}
    for key, value in values.items():
        if not isinstance(value, str):
            continue
        other = first.setdefault(str(value), key)
        if other != key:
            place = entries[key].place
            yield Fault(
                "equal-sys-ids",
                f"is the same sys_id as that of {echoable(other)} on line "
                f"{entries[other].place.line} of {entries[other].place.file}; two records cannot "
                "share one.",
                file=place.file,
                line=place.line,
                path=dotted((*SYS_IDS, key)),
                next="look both up on the instance",
            )
