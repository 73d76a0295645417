"""Which retrieved update sets of ours an instance holds, and in what state (A6, A14).

Ours is a set whose description ends with our line and whose name has our form, any version in
it (design decision 3). Anything else is a stranger's and is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from generator.errors import Fault, Refused
from generator.instance.interface import Found, Read, Row
from generator.instance.package_files import Package, Unit
from generator.instance.run import answered

SETS = "sys_remote_update_set"
UPDATES = "sys_update_xml"
LOCAL_SETS = "sys_update_set"

SET_FIELDS = (
    "sys_id",
    "name",
    "description",
    "state",
    "update_set",
    "commit_date",
    "summary",
    "inserted",
    "updated",
    "deleted",
    "collisions",
    "remote_base_update_set",
    "sys_mod_count",
    "sys_updated_on",
)

COMMITTED = "committed"
COMMITTING = "committing"
BUSY = frozenset({"loading", "previewing", COMMITTING})
PREVIEWED = frozenset({"previewed", "previewed_in_hierarchy"})
LOADED = frozenset({"loaded", "in_hierarchy"})
RESTING = PREVIEWED | LOADED
"""States of `sys_remote_update_set` (A14); an unknown one is never ours to touch."""

_MOST_OURS = 500


@dataclass(frozen=True, slots=True)
class Known:
    """One retrieved set on the instance."""

    sys_id: str
    name: str
    state: str
    local_set: str
    """`update_set`: the local set that its commit made."""

    commit_date: str
    base: str
    """`remote_base_update_set`: of a batch, its own sys_id in the base."""

    summary: str
    """Number of updates that the preview counted, as text; empty before."""

    signature: str
    """Last line of its description."""

    mark: tuple[str, ...]
    """What changes whenever somebody works on it."""


class Presence(StrEnum):
    """How the sets of one unit are on the instance, taken together."""

    ABSENT = "absent"
    BUSY = "busy"
    LOADED = "loaded"
    PREVIEWED = "previewed"
    MIXED = "at rest in different states"
    COMMITTED = "committed"


def sets_read(sys_ids: Sequence[str]) -> Read:
    """The sets of these sys_ids."""
    return Read(SETS, f"sys_idIN{','.join(sys_ids)}", SET_FIELDS)


def ours_read(package: Package) -> Read:
    """Every set whose description ends with our line, whatever upload it came from."""
    terms = "^OR".join(f"descriptionENDSWITH{entry.signature}" for entry in package.sets)
    return Read(SETS, terms, SET_FIELDS, limit=_MOST_OURS)


def count_read(set_sys_id: str) -> Read:
    """The number of updates of a retrieved set."""
    return Read(UPDATES, f"remote_update_set={set_sys_id}", count_only=True)


def local_read(sys_ids: Sequence[str]) -> Read:
    """The local sets that commits of these retrieved sets made (A9)."""
    query = f"remote_sys_idIN{','.join(sys_ids)}^state=complete"
    return Read(LOCAL_SETS, query, ("sys_id", "remote_sys_id", "state"))


def local_of(found: Found, sys_ids: Sequence[str]) -> frozenset[str]:
    """Their sys_ids, held against the query's own terms.

    Raises:
        RemoteError: The instance refused the read.
    """
    return frozenset(
        row["sys_id"]
        for row in answered(found).rows
        if row.get("remote_sys_id") in sys_ids and row.get("state") == "complete"
    )


def known_of(found: Found) -> dict[str, Known]:
    """Sets by sys_id.

    Raises:
        RemoteError: The instance refused the read.
    """
    return {row["sys_id"]: _known(row) for row in answered(found).rows if row.get("sys_id")}


def _known(row: Row) -> Known:
    return Known(
        sys_id=row["sys_id"],
        name=row.get("name", ""),
        state=row.get("state", ""),
        local_set=row.get("update_set", ""),
        commit_date=row.get("commit_date", ""),
        base=row.get("remote_base_update_set", ""),
        summary=row.get("summary", ""),
        signature=row.get("description", "").strip().rpartition("\n")[2].strip(),
        mark=tuple(row.get(name, "") for name in ("state", "sys_mod_count", "sys_updated_on")),
    )


def is_ours(known: Known, *, package: Package, app_name: str, environment: str) -> bool:
    """Whether a set is ours: our line in the description, and our form of name."""
    form = re.compile(rf"{re.escape(app_name)} \S.* \({re.escape(environment)}\)")
    signatures = {entry.signature for entry in package.sets}
    return known.signature in signatures and form.fullmatch(known.name) is not None


def presence(unit: Unit, known: Mapping[str, Known]) -> Presence:
    """How the sets of a unit are there, taken together.

    Raises:
        Refused: A set bears one of our sys_ids and is not ours, or is in a state that no import
            of ours leaves behind.
    """
    there = [known[entry.sys_id] for entry in unit.sets if entry.sys_id in known]
    for entry in unit.sets:
        found = known.get(entry.sys_id)
        if found is not None and (found.name, found.signature) != (entry.name, entry.signature):
            raise _stranger(found, entry.signature)
    if not there:
        return Presence.ABSENT
    for found in there:
        require_known_state(found)
    states = {found.state for found in there}
    if states & BUSY:
        return Presence.BUSY
    if len(there) == len(unit.sets):
        if states == {COMMITTED}:
            return Presence.COMMITTED
        if states <= LOADED:
            return Presence.LOADED
        if states <= PREVIEWED:
            return Presence.PREVIEWED
    if COMMITTED in states:
        raise _half_committed(there)
    return Presence.MIXED


def require_known_state(known: Known) -> None:
    """Stop at a state that we do not know, or that only a broken commit leaves.

    Raises:
        Refused: It is such a state.
    """
    if known.state in BUSY | RESTING | {COMMITTED}:
        return
    raise Refused(
        Fault(
            "set-state",
            f"The retrieved update set {known.name} ({known.sys_id}) is in the state "
            f"{known.state!r}, which an import neither expects nor may change.",
            next="open it on the instance (Retrieved Update Sets), finish or remove it by hand, "
            "then import again",
        )
    )


def _stranger(found: Known, signature: str) -> Refused:
    return Refused(
        Fault(
            "set-not-ours",
            f"The instance has a retrieved update set with our sys_id {found.sys_id}, named "
            f"{found.name!r}, that does not say {signature!r}: it is not ours and is left alone.",
            next="look at it on the instance; import again when it is gone",
        )
    )


def _half_committed(there: Sequence[Known]) -> Refused:
    states = ", ".join(f"{found.name} ({found.sys_id}) {found.state}" for found in there)
    return Refused(
        Fault(
            "half-committed",
            f"Only part of what belongs together is committed on the instance: {states}.",
            next="back it out there, or commit the rest by hand; then import again",
        )
    )
