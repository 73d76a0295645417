"""Preview one unit, and list what would change and what stands in the way (A7, A8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from generator.errors import Fault, PreviewProblems, Refused, RemoteError, VerificationFailed
from generator.instance.account import account_differences, account_read, refuse_active
from generator.instance.interface import Found, Operation, Read, Row
from generator.instance.journal import Event
from generator.instance.known_sets import PREVIEWED, UPDATES, known_of, sets_read
from generator.instance.package_files import Unit
from generator.instance.polling import PREVIEW_LIMIT, PREVIEW_STALL
from generator.instance.problems import Decision, Problem, problem_of
from generator.instance.report import Change
from generator.instance.run import Run, answered
from generator.instance.work import failed, is_lost, look, mark, out_of_patience, tell_progress

PROBLEMS = "sys_update_preview_problem"
PREVIEWS = "sys_update_preview_xml"

_NOT_BEGUN = 20.0
"""Seconds after which a preview whose start was not answered counts as not begun."""

_PROBLEM_FIELDS = (
    "sys_id",
    "type",
    "status",
    "description",
    "missing_item",
    "missing_item_table",
    "remote_update",
    "remote_update.name",
    "remote_update.target_name",
)
_PREVIEW_FIELDS = (
    "sys_id",
    "disposition",
    "proposed_action",
    "remote_update",
    "remote_update.name",
    "remote_update.target_name",
    "remote_update.type",
    "remote_update.remote_update_set",
)

_DEFINITIONS = (
    "sys_dictionary",
    "sys_db_object",
    "var_dictionary",
    "svc_extension_variable",
    "wf_activity_variable",
    "atf_input_variable",
    "atf_output_variable",
    "sys_atf_variable",
    "sys_atf_remembered_values",
)
"""Tables whose deletion loses the data of a table or column (A8, Data loss)."""

_NO_DEFINITION = "sys_dictionary_override"
_SKIP = "skip"
"""`proposed_action` of an update that a commit leaves out (A7, 6)."""


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """What the preview says of one update."""

    sys_id: str
    row_sys_id: str
    """sys_id of the update."""

    update_name: str
    proposed_action: str
    disposition: str
    set_sys_id: str


@dataclass(frozen=True, slots=True)
class Previewed:
    """Everything that a preview came to."""

    problems: tuple[Problem, ...]
    rows: tuple[PreviewRow, ...]


def preview(run: Run, unit: Unit) -> None:
    """Preview one unit and see it previewed, every update of it.

    Raises:
        VerificationFailed: The preview ended without having looked at every update.
        RemoteError: It failed, was not begun, or did not end in time.
    """
    run.journal.write(Event.PREVIEWING, unit=unit.base.sys_id)
    operation = _begin(run, unit)
    patience = run.patience(PREVIEW_LIMIT, stall=PREVIEW_STALL)
    while True:
        run.sleep(patience)
        found = look(run, unit, operation)
        over = found.progress is None or found.progress.ended
        if over and set(found.states(unit)) <= PREVIEWED:
            return
        # A preview that found problems ends as failed, with the sets previewed (A13).
        if failed(found.progress) and not set(found.states(unit)) & {"previewing"}:
            raise _failed(run, unit, found.progress.message if found.progress else "")
        if operation is None and patience.passed >= _NOT_BEGUN:
            if "previewing" not in found.states(unit):
                raise _not_begun(unit)
        patience.saw(mark(found))
        tell_progress(run, f"preview ({unit.name})", found)
        why = out_of_patience(patience)
        if why is not None:
            raise RemoteError(
                Fault(
                    "preview-unfinished",
                    f"The preview of the {unit.name} set did not end: {why}; it is "
                    f"{', '.join(found.states(unit))}.",
                    next="look at it on the instance (Retrieved Update Sets); then run the import "
                    "again with --resume",
                )
            )


def _begin(run: Run, unit: Unit) -> Operation | None:
    """Begin the preview; None where no answer came and the sets must say whether it began."""
    try:
        return run.instance.preview(unit.base.sys_id, batch=unit.batch, route=run.route)
    except RemoteError as error:
        if not is_lost(error):
            raise
        run.tell("preview: no answer came; reading whether it began")
        return None


def results(run: Run, unit: Unit) -> Previewed:
    """Read what the preview came to, and refuse what no rule may allow.

    Raises:
        VerificationFailed: The preview did not look at every update: its updates hang in the air.
        Refused: Data would be lost, or a live account be switched off.
        RemoteError: The instance did not answer.
    """
    ids = ",".join(entry.sys_id for entry in unit.sets)
    found = run.read(
        {
            "sets": sets_read([entry.sys_id for entry in unit.sets]),
            "problems": Read(PROBLEMS, f"remote_update_setIN{ids}", _PROBLEM_FIELDS, limit=10_000),
            "previews": Read(
                PREVIEWS, f"remote_update.remote_update_setIN{ids}", _PREVIEW_FIELDS, limit=10_000
            ),
            "loss": _loss_read(ids),
            "account": account_read(run.package.account),
        }
    )
    _check_summary(run, unit, found["sets"])
    _refuse_loss(found["loss"])
    refuse_active(run.package, unit, found["account"])
    mine = {entry.sys_id for entry in unit.sets}
    rows = tuple(
        entry
        for entry in map(_preview_row, answered(found["previews"]).rows)
        if entry.set_sys_id in mine
    )
    updates = sum(entry.updates for entry in unit.sets)
    if len(rows) != updates:
        raise _not_all(unit.name, len(rows), updates)
    _tell_changes(run, unit, answered(found["previews"]).rows)
    for difference in account_differences(run.package.account, found["account"]):
        absent = "not there yet; it comes with the commit or is written after it"
        run.tell(f"  account: {difference if difference.field else absent}")
    records = run.package.of(unit)
    problems = tuple(problem_of(row, records) for row in answered(found["problems"]).rows)
    return Previewed(problems, rows)


def _loss_read(ids: str) -> Read:
    names = "^OR".join(f"nameSTARTSWITH{table}" for table in _DEFINITIONS)
    return Read(
        UPDATES,
        f"action=DELETE^remote_update_setIN{ids}^nameDOES NOT CONTAIN{_NO_DEFINITION}^{names}",
        ("sys_id", "name", "action", "target_name", "remote_update_set"),
    )


def _refuse_loss(found: Found) -> None:
    # The answer is held against the question: an unknown part of a query is dropped (A15).
    lost = [
        row.get("name", "")
        for row in answered(found).rows
        if row.get("action") == "DELETE"
        and row.get("name", "").startswith(_DEFINITIONS)
        and not row.get("name", "").startswith(_NO_DEFINITION)
    ]
    if lost:
        raise Refused(
            Fault(
                "data-loss",
                f"The set would delete tables or columns with their data: {', '.join(lost[:5])}.",
                next="take the deletion out of the package; delete by hand what really must go",
            )
        )


def _check_summary(run: Run, unit: Unit, found: Found) -> None:
    known = known_of(found)
    for entry in unit.sets:
        there = known.get(entry.sys_id)
        if there is None or there.state not in PREVIEWED:
            state = "not there" if there is None else there.state
            raise VerificationFailed(
                Fault(
                    "not-previewed",
                    f"The {entry.role} set ({entry.sys_id}) is {state} after its preview.",
                    next="look at it on the instance (Retrieved Update Sets); then import again",
                )
            )
        if there.summary != str(entry.updates):
            raise _not_all(entry.role, _counted(there.summary), entry.updates)
    run.journal.write(Event.PREVIEWED, unit=unit.base.sys_id)


def _counted(summary: str) -> int:
    """What is no number says of no update that it was looked at."""
    return int(summary) if summary.isascii() and summary.isdigit() else 0


def _preview_row(row: Row) -> PreviewRow:
    return PreviewRow(
        sys_id=row.get("sys_id", ""),
        row_sys_id=row.get("remote_update", ""),
        update_name=row.get("remote_update.name", ""),
        proposed_action=row.get("proposed_action", ""),
        disposition=row.get("disposition", ""),
        set_sys_id=row.get("remote_update.remote_update_set", ""),
    )


def _tell_changes(run: Run, unit: Unit, rows: Sequence[Row]) -> None:
    changes = [
        Change(
            disposition=row.get("disposition", ""),
            proposed_action=row.get("proposed_action", ""),
            type=row.get("remote_update.type", ""),
            target=row.get("remote_update.target_name", ""),
            update=row.get("remote_update.name", ""),
        )
        for row in rows
    ]
    run.report.changes += changes
    counts: dict[str, int] = {}
    for change in changes:
        counts[_said(change)] = counts.get(_said(change), 0) + 1
    said = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
    run.done("preview", said or "nothing would change", unit=unit)
    for change in changes:
        run.tell(f"  {_said(change):<10} {change.type}: {change.target} ({change.update})")


def _said(change: Change) -> str:
    """What a commit would do: nothing to what it skips, whatever else the preview says of it."""
    return _SKIP if change.proposed_action == _SKIP else change.disposition


def refuse_unexplained(run: Run, unit: Unit, previewed: Previewed) -> None:
    """An update that a commit would skip without anybody having decided so stops here.

    Raises:
        PreviewProblems: There is one.
    """
    decided = {p.update for p in run.report.problems if p.outcome == Decision.SKIPPED.value}
    skipped = [
        row.update_name
        for row in previewed.rows
        if row.proposed_action == _SKIP and row.update_name not in decided
    ]
    if skipped:
        raise PreviewProblems(
            Fault(
                "skipped-by-preview",
                f"A commit of the {unit.name} set would leave out {', '.join(skipped)}: the "
                "preview proposes to skip it, and no decision about a problem explains that.",
                next="look at the update's preview on the instance (Retrieved Update Sets); take "
                "it out of the package or import again",
            )
        )


def _not_all(what: str, count: int, updates: int) -> VerificationFailed:
    return VerificationFailed(
        Fault(
            "preview-incomplete",
            f"The preview of the {what} set looked at {count} updates of {updates}; the others do "
            "not belong to it on the instance, so nothing was committed.",
            next="remove the retrieved update set there, then import again",
        )
    )


def _failed(run: Run, unit: Unit, message: str) -> RemoteError:
    return RemoteError(
        Fault(
            "preview-failed",
            f"The preview of the {unit.name} set ({unit.base.sys_id}) failed on "
            f"{run.instance.url}: {message or 'the instance does not say why'}.",
            next="look at it on the instance (Retrieved Update Sets); then import again",
        ),
        detail=message,
    )


def _not_begun(unit: Unit) -> RemoteError:
    return RemoteError(
        Fault(
            "preview-not-begun",
            f"The request to preview the {unit.name} set was not answered, and after "
            f"{_NOT_BEGUN:.0f} s nothing shows that it began.",
            next="run the import again with --resume",
        )
    )
