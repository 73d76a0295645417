"""Before anything is uploaded: what is there of ours comes to rest, and what is old goes (A11).

A set of ours that is being worked on is waited for. One that lies there uncommitted is removed,
since an upload on top of it would append its updates a second time (A6), but only after it lay
still for a minute: somebody else's import may be at work between two of its steps. What this
import itself began, by its journal, need not be watched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from generator.errors import Fault, Refused, RemoteError, VerificationFailed
from generator.instance.interface import Read
from generator.instance.journal import Event
from generator.instance.known_sets import (
    BUSY,
    COMMITTED,
    COMMITTING,
    RESTING,
    SETS,
    UPDATES,
    Known,
    Presence,
    count_read,
    is_ours,
    known_of,
    local_of,
    local_read,
    ours_read,
    presence,
    require_known_state,
    sets_read,
)
from generator.instance.next_step import call
from generator.instance.package_files import Unit
from generator.instance.polling import COMMIT_LIMIT, LOAD_LIMIT, PREVIEW_LIMIT
from generator.instance.run import Run, answered

REST = 60.0
"""Seconds that an uncommitted set must lie unchanged before it counts as left behind."""

_LIMITS = {"loading": LOAD_LIMIT, "previewing": PREVIEW_LIMIT, COMMITTING: COMMIT_LIMIT}
_PROBLEMS = "sys_update_preview_problem"
_PREVIEWS = "sys_update_preview_xml"
_BEGUN = frozenset({Event.UPLOADING, Event.LOADED, Event.PREVIEWING})
_FRESH = 3600.0
"""Seconds for which a preview that this import began may still be committed: later, what is on
the instance may be another."""


class Way(StrEnum):
    """Where the import of one unit begins."""

    UPLOAD = "upload"
    PREVIEW = "preview"
    PROBLEMS = "problems"
    CONFIRM = "confirm"


def ours_on(run: Run) -> dict[str, Known]:
    """Every set of ours on the instance, and whatever bears one of our sys_ids, by sys_id."""
    ids = [entry.sys_id for entry in run.package.sets]
    found = run.read({"mine": sets_read(ids), "ours": ours_read(run.package)})
    return known_of(found["ours"]) | known_of(found["mine"])


def ours_only(run: Run, known: Mapping[str, Known]) -> dict[str, Known]:
    """Those that are ours."""
    app, environment = run.environment.app.name, run.environment.name
    return {
        sys_id: found
        for sys_id, found in known.items()
        if is_ours(found, package=run.package, app_name=app, environment=environment)
    }


def settle(run: Run, unit: Unit, known: Mapping[str, Known]) -> Way:
    """Bring what is there of a unit, and older uploads of ours, to where the unit can begin.

    Args:
        run: The call.
        unit: What is about to be imported.
        known: What `ours_on` found.

    Raises:
        Refused: A set is not ours, in an unknown state, or still at work when its limit passed.
        RemoteError: The instance did not answer.
        VerificationFailed: What had to be removed is still there.
    """
    known = _wait_for_rest(run, unit, known)
    way = _way(run, unit, known)
    stale = _stale(run, unit, known, way)
    if stale:
        _refuse_reopened(run, unit, stale)
        _watch(run, unit, stale)
        for found in stale:
            remove(run, found)
        run.done("clear", f"removed {len(stale)} uncommitted sets of an earlier upload", unit=unit)
    if way is Way.UPLOAD:
        _remove_orphans(run, unit)
    return way


def _way(run: Run, unit: Unit, known: Mapping[str, Known]) -> Way:
    there = presence(unit, known)
    if there is Presence.COMMITTED:
        return Way.CONFIRM
    last = run.journal.last(unit.base.sys_id) if run.options.resume else None
    if last is None:
        return Way.UPLOAD
    if there is Presence.LOADED and last.event in (Event.LOADED, Event.PREVIEWING):
        return Way.PREVIEW
    age = (run.clock.now() - last.at).total_seconds()
    if there is Presence.PREVIEWED and last.event is Event.PREVIEWING and 0 <= age < _FRESH:
        return Way.PROBLEMS
    return Way.UPLOAD


def _stale(run: Run, unit: Unit, known: Mapping[str, Known], way: Way) -> list[Known]:
    """What must go before an upload: our sets at rest, those of this unit included.

    The sets of the package's other unit are judged when their turn comes.
    """
    if way is not Way.UPLOAD:
        return []
    own = {entry.sys_id for entry in unit.sets}
    others = {entry.sys_id for entry in run.package.sets} - own
    roles = {entry.signature for entry in unit.sets}
    found = [
        entry
        for entry in ours_only(run, known).values()
        if entry.sys_id not in others
        and entry.state in RESTING
        and (entry.sys_id in own or entry.signature in roles)
    ]
    # The children of a batch before their base.
    return sorted(found, key=lambda entry: (entry.base == entry.sys_id, entry.sys_id))


def _wait_for_rest(run: Run, unit: Unit, known: Mapping[str, Known]) -> Mapping[str, Known]:
    busy = _busy(run, unit, known)
    if not busy:
        return known
    limit = max(_LIMITS[entry.state] for entry in busy)
    run.tell(f"waiting for {busy[0].name}, which is {busy[0].state}")
    patience = run.patience(limit)
    while busy:
        if patience.is_over:
            raise _still_busy(busy[0], limit)
        run.sleep(patience)
        known = ours_on(run)
        busy = _busy(run, unit, known)
    return known


def _busy(run: Run, unit: Unit, known: Mapping[str, Known]) -> list[Known]:
    own = {entry.sys_id for entry in unit.sets}
    ours = ours_only(run, known)
    return [
        entry
        for entry in known.values()
        if entry.state in BUSY and (entry.sys_id in own or entry.sys_id in ours)
    ]


def _watch(run: Run, unit: Unit, stale: Iterable[Known]) -> None:
    """See that nobody works on these sets, unless this import's own journal names them."""
    last = run.journal.last(unit.base.sys_id) if run.options.resume else None
    own = {entry.sys_id for entry in unit.sets} if last and last.event in _BEGUN else set()
    watched = {entry.sys_id: entry.mark for entry in stale if entry.sys_id not in own}
    if not watched:
        return
    run.tell(f"watching {len(watched)} uncommitted sets of ours for {REST:.0f} s before removing")
    run.clock.sleep(REST)
    run.report.waited += REST
    after = known_of(run.read({"sets": sets_read(tuple(watched))})["sets"])
    moved = [found for found in after.values() if found.mark != watched.get(found.sys_id)]
    if moved:
        raise Refused(
            Fault(
                "set-in-use",
                f"Somebody is at work on {moved[0].name} ({moved[0].sys_id}): it is "
                f"{moved[0].state} and changed within {REST:.0f} s.",
                next="wait for the other import to end, then import again",
            )
        )


def remove(run: Run, known: Known) -> None:
    """Remove one retrieved set of ours that is not committed, and prove it (A11).

    Its children go first: whether deleting the header takes them along is not proven (C13), and
    children without a header would be counted to the next upload of the same set.

    Raises:
        Refused: It has been committed, or is at work.
        VerificationFailed: It, or part of it, is still there.
        RemoteError: The instance did not answer.
    """
    found = run.read(
        {
            "set": sets_read([known.sys_id]),
            "problems": _of(_PROBLEMS, f"remote_update_set={known.sys_id}"),
            "previews": _of(_PREVIEWS, f"remote_update.remote_update_set={known.sys_id}"),
            "updates": _of(UPDATES, f"remote_update_set={known.sys_id}"),
        }
    )
    now = known_of(found["set"]).get(known.sys_id)
    if now is not None and (now.name, now.signature) != (known.name, known.signature):
        raise _no_longer_ours(now)
    if now is not None and now.state not in RESTING:
        raise _no_longer_ours_to_remove(now)
    for name in ("problems", "previews", "updates"):
        table = {"problems": _PROBLEMS, "previews": _PREVIEWS, "updates": UPDATES}[name]
        for row in found[name].rows:
            _delete_if_allowed(run, table, row["sys_id"])
    run.instance.delete(SETS, known.sys_id)
    after = run.read({"set": sets_read([known.sys_id]), "updates": count_read(known.sys_id)})
    left = answered(after["updates"]).total
    if known_of(after["set"]) or left:
        raise VerificationFailed(
            Fault(
                "not-removed",
                f"The retrieved update set {known.name} ({known.sys_id}) could not be removed: "
                f"{'it' if known_of(after['set']) else f'{left} of its updates'} still there.",
                next="delete it on the instance (Retrieved Update Sets), then import again",
            )
        )
    run.journal.write(Event.REMOVED, unit=known.sys_id)


def _of(table: str, query: str) -> Read:
    return Read(table, query, ("sys_id",), limit=10_000)


def _delete_if_allowed(run: Run, table: str, sys_id: str) -> None:
    """Delete a child; where an access rule forbids it, the header may still take it along."""
    try:
        run.instance.delete(table, sys_id)
    except RemoteError as error:
        if error.status not in (403, 404):
            raise


def _refuse_reopened(run: Run, unit: Unit, stale: Iterable[Known]) -> None:
    """Stop where a set of this package was committed and then uploaded a second time.

    To remove and upload it anew would commit it twice.

    Raises:
        Refused: It is so.
    """
    own = [entry.sys_id for entry in unit.sets]
    there = [found.sys_id for found in stale if found.sys_id in own]
    if there and local_of(run.read({"local": local_read(there)})["local"], there):
        raise reopened(run, unit)


def reopened(run: Run, unit: Unit) -> Refused:
    """A set that an upload opened again after another import had committed it."""
    return Refused(
        Fault(
            "set-reopened",
            f"The {unit.name} set ({unit.base.sys_id}) was committed, and then uploaded a second "
            "time while two imports of it ran: it is open again on the instance and must not be "
            "committed twice. What the commit brought is there.",
            next=f"{call(run.environment, 'render', '--again')} and import; the open set can be "
            "deleted on the instance (Retrieved Update Sets)",
        )
    )


def _came_meanwhile(known: Known) -> Refused:
    return Refused(
        Fault(
            "set-in-use",
            f"{known.name} ({known.sys_id}) came onto the instance while this import prepared its "
            f"upload; it is {known.state}. Another import of the package is at work.",
            next="wait for the other import to end, then import again",
        )
    )


def _remove_orphans(run: Run, unit: Unit) -> None:
    """Remove updates that a removal without its header's children left behind.

    Only where no header is there: they would count as updates of the upload to come. This is the
    last look before the upload, so whatever came since the first is another import's.

    Raises:
        Refused: A set came onto the instance meanwhile.
    """
    reads = {entry.sys_id: _of(UPDATES, f"remote_update_set={entry.sys_id}") for entry in unit.sets}
    ids = list(reads)
    found = run.read({"sets": sets_read(ids), "local": local_read(ids), **reads})
    came = known_of(found["sets"])
    if came:
        raise _came_meanwhile(next(iter(came.values())))
    run.local_sets = local_of(found["local"], ids)
    for sys_id in reads:
        for row in answered(found[sys_id]).rows:
            run.instance.delete(UPDATES, row["sys_id"])


def _still_busy(known: Known, limit: float) -> Refused:
    return Refused(
        Fault(
            "set-busy",
            f"The retrieved update set {known.name} ({known.sys_id}) is still {known.state} after "
            f"{limit:.0f} s; this import did not begin that.",
            next="look at it on the instance; import again when it is at rest",
        )
    )


def _no_longer_ours(known: Known) -> Refused:
    return Refused(
        Fault(
            "set-not-ours",
            f"The retrieved update set {known.sys_id} was renamed to {known.name!r} meanwhile; it "
            "is not ours any more and is left alone.",
            next="look at it on the instance; import again when it is gone",
        )
    )


def _no_longer_ours_to_remove(known: Known) -> Refused:
    require_known_state(known)
    what = "was committed" if known.state == COMMITTED else f"is {known.state}"
    return Refused(
        Fault(
            "set-in-use",
            f"The retrieved update set {known.name} ({known.sys_id}) {what} meanwhile; it is not "
            "removed.",
            next="import again: it begins with what is there then",
        )
    )
