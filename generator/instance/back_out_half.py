"""What stays where the first of two sets is backed out and the second is not (A11)."""

from __future__ import annotations

from collections.abc import Sequence

from generator.errors import RemoteError
from generator.instance.back_out_effects import Effect, Effects
from generator.instance.interface import Read
from generator.instance.known_sets import LOCAL_SETS, Known
from generator.instance.next_step import call
from generator.instance.report import SetFound
from generator.instance.run import Run, answered

_LISTED = 40
"""Records named one by one; the package holds some thirty."""


def tell_half(run: Run, *, gone: Sequence[Known], rest: Sequence[Known], effects: Effects) -> None:
    """Say what is backed out and what stays; reads once, and asks nothing of the answer.

    Args:
        run: The call; its report gets the sets and the remarks.
        gone: Sets whose local set is gone.
        rest: Sets that were to follow, children of a batch included.
        effects: What the import did.
    """
    there = _local_sets(run, rest)
    for entry in gone:
        _list_set(run, entry, state="", local_set="")
        run.report.note(f"backed out: {entry.name} ({entry.local_set})")
    for entry in rest:
        known = there is not None
        if there is not None and entry.local_set not in there:
            run.report.note(f"the local set of {entry.name} ({entry.local_set}) is gone")
            continue
        _list_set(run, entry, state=entry.state, local_set=entry.local_set)
        how = "stays committed" if known else "may stay committed (it cannot be read)"
        names = _names([e for e in effects.records if e.set_sys_id == entry.sys_id])
        run.report.note(f"{entry.name} {how}, local set {entry.local_set}{names}")
    run.report.note(
        f"run {call(run.environment, 'back-out')} again when the cause is gone: it takes what is "
        "still committed"
    )


def _local_sets(run: Run, rest: Sequence[Known]) -> frozenset[str] | None:
    """Those that are there; None where it cannot be read."""
    ids = ",".join(entry.local_set for entry in rest)
    read = Read(LOCAL_SETS, f"sys_idIN{ids}", ("sys_id", "state"))
    try:
        return frozenset(row["sys_id"] for row in answered(run.read({"local": read})["local"]).rows)
    except RemoteError:
        return None


def _names(effects: Sequence[Effect]) -> str:
    if not effects:
        return ""
    names = ", ".join(effect.name for effect in effects[:_LISTED])
    more = f" and {len(effects) - _LISTED} more" if len(effects) > _LISTED else ""
    return f", with its {len(effects)} records: {names}{more}"


def _list_set(run: Run, entry: Known, *, state: str, local_set: str) -> None:
    run.report.sets.append(
        SetFound(
            role=entry.signature.rpartition(" ")[2],
            name=entry.name,
            sys_id=entry.sys_id,
            state=state,
            local_set=local_set,
            updates=0,
        )
    )
