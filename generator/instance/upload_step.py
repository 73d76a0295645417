"""Upload a file, and prove by reading that it is there, whole, once (A6).

The answer of the upload proves nothing: a bad file, a stale token and a login page also end in
200 or 302. A file that arrived twice has its updates twice, because an upload appends to a set
that is there.
"""

from __future__ import annotations

from collections.abc import Mapping

from generator.errors import (
    AuthenticationError,
    Fault,
    Refused,
    RemoteError,
    UsageError,
    VerificationFailed,
)
from generator.instance.interface import Found
from generator.instance.journal import Event
from generator.instance.known_sets import (
    LOADED,
    RESTING,
    Known,
    count_read,
    known_of,
    local_of,
    local_read,
    presence,
    sets_read,
)
from generator.instance.package_files import Unit
from generator.instance.polling import LOAD_LIMIT
from generator.instance.run import Run, answered
from generator.instance.settle import remove, reopened

TRIES = 3
BETWEEN_TRIES = 10.0
"""Seconds after which an upload of which nothing is to be seen counts as not arrived (A21, 7)."""


def upload(run: Run, unit: Unit) -> None:
    """Upload one file and see it loaded.

    Raises:
        AuthenticationError: No UI session could be opened.
        VerificationFailed: It did not arrive, or not whole.
        Refused: Another import committed it meanwhile.
        RemoteError: The instance did not answer.
    """
    run.journal.write(Event.UPLOADING, unit=unit.base.sys_id)
    lost: RemoteError | None = None
    for number in range(1, TRIES + 1):
        run.tell(f"upload ({unit.name}): {unit.path.name}{f', try {number}' * (number > 1)}")
        try:
            lost = None
            run.instance.upload(unit.path, set_sys_id=unit.base.sys_id)
        except AuthenticationError:
            raise
        except UsageError:
            raise
        except RemoteError as error:
            lost = error
        if _arrived(run, unit):
            run.journal.write(Event.LOADED, unit=unit.base.sys_id)
            total = sum(entry.updates for entry in unit.sets)
            run.done("upload", f"{len(unit.sets)} sets with {total} updates are loaded", unit=unit)
            return
    if lost is not None:
        raise lost
    raise VerificationFailed(
        Fault(
            "not-uploaded",
            f"{unit.path.name} was sent {TRIES} times and nothing of it is on the instance.",
            file=str(unit.path),
            next="see what an upload by hand says there (Retrieved Update Sets, Import Update Set "
            "from XML); lint the package; check that the user is an admin of type Human",
        )
    )


def _arrived(run: Run, unit: Unit) -> bool:
    """Whether the file is loaded; False where it is proven that nothing came.

    What came in part, or twice, is removed.
    """
    patience = run.patience(LOAD_LIMIT)
    while True:
        known, counts, local = _look(run, unit)
        if local - run.local_sets:
            raise _committed_by_another(run, unit, known)
        fault = _fault(unit, known, counts)
        if fault is None:
            return True
        nothing = not known and not any(counts.values())
        if nothing and patience.passed >= BETWEEN_TRIES:
            return False
        if any(counts[entry.sys_id] > entry.updates for entry in unit.sets):
            _remove_all(run, unit, known)
            return False
        if patience.is_over:
            _remove_all(run, unit, known)
            raise VerificationFailed(
                Fault(
                    "upload-incomplete",
                    f"{unit.path.name} did not arrive whole within {LOAD_LIMIT:.0f} s: {fault}. "
                    "It was removed again.",
                    file=str(unit.path),
                    next="see the instance's log (syslog) for what it says of the upload, then "
                    "import again",
                )
            )
        run.sleep(patience)


def _committed_by_another(run: Run, unit: Unit, known: Mapping[str, Known]) -> Refused:
    """Another import was faster: its commit stands, or this upload opened its set again."""
    if any(found.state in RESTING for found in known.values()):
        return reopened(run, unit)
    return Refused(
        Fault(
            "set-in-use",
            f"Another import committed the {unit.name} set ({unit.base.sys_id}) meanwhile.",
            next="wait for it to end, then import again: what is there is read back",
        )
    )


def require_loaded(run: Run, unit: Unit) -> bool:
    """Whether the sets of a unit are loaded, whole and once."""
    known, counts, _ = _look(run, unit)
    return _fault(unit, known, counts) is None


def _look(run: Run, unit: Unit) -> tuple[Mapping[str, Known], Mapping[str, int], frozenset[str]]:
    """The sets, the numbers of their updates, and the local sets that commits of them made."""
    ids = [entry.sys_id for entry in unit.sets]
    counts = {sys_id: count_read(sys_id) for sys_id in ids}
    found = run.read({"sets": sets_read(ids), "local": local_read(ids), **counts})
    local = local_of(found["local"], ids)
    return known_of(found["sets"]), {sys_id: _count(found[sys_id]) for sys_id in ids}, local


def _count(found: Found) -> int:
    return answered(found).total


def _fault(unit: Unit, known: Mapping[str, Known], counts: Mapping[str, int]) -> str | None:
    """What is not as the file says; None if all is."""
    for entry in unit.sets:
        found = known.get(entry.sys_id)
        if found is None:
            return f"the {entry.role} set is not there"
        if found.state not in LOADED:
            return f"the {entry.role} set is {found.state}"
        if counts[entry.sys_id] != entry.updates:
            return (
                f"the {entry.role} set has {counts[entry.sys_id]} updates, the file {entry.updates}"
            )
        # A child that does not know its base would be previewed and committed never.
        if unit.batch and found.base != unit.base.sys_id:
            return f"the {entry.role} set does not belong to the batch"
    return None


def _remove_all(run: Run, unit: Unit, known: Mapping[str, Known]) -> None:
    presence(unit, known)
    for entry in reversed(unit.sets):
        if entry.sys_id in known:
            remove(run, known[entry.sys_id])
