"""Which committed sets on an instance are the last import: what a back out takes back (A11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from generator.errors import Fault, Refused
from generator.instance.interface import Read
from generator.instance.known_sets import COMMITTED, LOCAL_SETS, Known
from generator.instance.next_step import call
from generator.instance.run import Run, answered


def last_import(run: Run, known: Mapping[str, Known]) -> tuple[Known, ...]:
    """The sets of the last import, in the order in which to back them out.

    The app comes before the global set, as it was committed after it; the base of a batch before
    its children, which go with it. Where the package in place is committed, it must be the last.

    Args:
        run: The call.
        known: Every set of ours on the instance.

    Raises:
        Refused: Nothing of ours is committed, or something was committed after the package.
        RemoteError: The instance refused to say which local sets are there.
    """
    committed = _still_there(run, known)
    own = {entry.sys_id for entry in run.package.sets}
    mine = [entry for entry in committed if entry.sys_id in own]
    if mine:
        last = max(entry.commit_date for entry in mine)
        later = [e for e in committed if e.sys_id not in own and e.commit_date > last]
        if later:
            raise _not_the_last(later)
    roles = [entry.signature for entry in run.package.sets]
    chosen = mine or _newest(committed, roles)
    if not chosen:
        raise Refused(
            Fault(
                "nothing-committed",
                "No update set of this environment is committed on the instance.",
                next=f"see {call(run.environment, 'instance status')}",
            )
        )

    def order(entry: Known) -> tuple[bool, int]:
        # Rendered in the order of import; taken back in the opposite one.
        return entry.base not in ("", entry.sys_id), -roles.index(entry.signature)

    return tuple(sorted(chosen, key=order))


def _still_there(run: Run, known: Mapping[str, Known]) -> list[Known]:
    """Committed sets with their local set: a back out may leave its name behind (C10)."""
    committed = [entry for entry in known.values() if entry.state == COMMITTED and entry.local_set]
    if not committed:
        return []
    ids = ",".join(entry.local_set for entry in committed)
    found = run.read({"local": Read(LOCAL_SETS, f"sys_idIN{ids}", ("sys_id", "state"))})
    there = {row.get("sys_id") for row in answered(found["local"]).rows}
    return [entry for entry in committed if entry.local_set in there]


def _newest(committed: Sequence[Known], roles: Sequence[str]) -> list[Known]:
    """The import that was committed last: a batch, or the sets that were sent one by one.

    Of the latter an import commits each role once, in the roles' order: going back in time, a
    set that is not of an earlier role than the one before it is another import's.
    """
    if not committed:
        return []
    latest = sorted(
        committed, key=lambda entry: (entry.commit_date, roles.index(entry.signature)), reverse=True
    )
    if latest[0].base:
        return [entry for entry in committed if entry.base == latest[0].base]
    chosen: list[Known] = []
    for entry in latest:
        role = roles.index(entry.signature)
        if entry.base or (chosen and role >= roles.index(chosen[-1].signature)):
            break
        chosen.append(entry)
    return chosen


def _not_the_last(later: Sequence[Known]) -> Refused:
    names = ", ".join(
        f"{entry.name} ({entry.sys_id}, committed {entry.commit_date})"
        for entry in sorted(later, key=lambda entry: entry.commit_date)
    )
    return Refused(
        Fault(
            "later-import",
            "The package in place is committed on the instance, and not the last that was: "
            f"{names} came after it, and would be left standing on what is taken away.",
            next="put the package of the last import in place (check its files out) and back "
            "that out first",
        )
    )
