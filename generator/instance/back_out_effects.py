"""What a back out left: which records are gone, which stay, and what it wrote itself (A11).

What an import had made is known from its preview alone: its rows say `insert` or `update`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from generator.errors import Fault, VerificationFailed
from generator.instance.account import account_read, account_row
from generator.instance.interface import Read
from generator.instance.known_sets import RESTING, UPDATES, Known, known_of, sets_read
from generator.instance.next_step import call
from generator.instance.package_files import ACCOUNT_TABLE, DELETE
from generator.instance.preview_step import PREVIEWS
from generator.instance.report import SetFound
from generator.instance.run import Run

_UPDATE_NAME = re.compile(r"([a-z0-9_]+)_([0-9a-f]{32})")
_PREVIEW_FIELDS = (
    "sys_id",
    "remote_update.name",
    "remote_update.remote_update_set",
    "disposition",
    "proposed_action",
)
_AT_ONCE = 25
"""Records in one query, so that its address stays short enough for any proxy."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What one committed update did to the record that it names."""

    table: str
    sys_id: str
    new: bool
    """Whether the import made the record; what was there before may stay."""

    set_sys_id: str = ""
    """The retrieved set that holds the update."""

    @property
    def name(self) -> str:
        """Name of the update."""
        return f"{self.table}_{self.sys_id}"


@dataclass(frozen=True, slots=True)
class Effects:
    """What an import did, as far as its preview still says it."""

    records: tuple[Effect, ...]
    known: bool
    """Whether the preview could be read; if not, nothing counts as new."""


def read_effects(run: Run, set_ids: Sequence[str]) -> Effects:
    """What the import of these retrieved sets did; to be read before it is taken back.

    The email account is left out: it is data, and no back out touches it. So are updates that
    were skipped, and those that deleted.
    """
    ids = ",".join(set_ids)
    sets = {entry.role: entry.sys_id for entry in run.package.sets}
    found = run.read(
        {
            "previews": Read(
                PREVIEWS,
                f"remote_update.remote_update_setIN{ids}",
                _PREVIEW_FIELDS,
                limit=10_000,
            )
        }
    )["previews"]
    records = [
        Effect(
            match[1],
            match[2],
            new=row.get("disposition") == "insert",
            set_sys_id=row.get("remote_update.remote_update_set", ""),
        )
        for row in found.rows
        if row.get("proposed_action") != "skip"
        and not row.get("disposition", "").endswith("delete")
        and (match := _UPDATE_NAME.fullmatch(row.get("remote_update.name", "")))
        and match[1] != ACCOUNT_TABLE
    ]
    if records:
        return Effects(tuple(records), known=True)
    return Effects(
        tuple(
            Effect(record.table, record.sys_id, new=False, set_sys_id=sets.get(record.role, ""))
            for record in run.package.records
            if record.table != ACCOUNT_TABLE and not record.deletes
        ),
        known=False,
    )


def tell_what_stays(run: Run, chosen: Sequence[Known], effects: Effects) -> None:
    """Read what is there after the local sets are gone, and say it.

    Args:
        run: The call; its report gets the sets and the remarks.
        chosen: The retrieved sets whose import was backed out.
        effects: What that import did.

    Raises:
        VerificationFailed: A record that the import had made is there, or cannot be looked for.
        RemoteError: The instance did not answer.
    """
    account = run.package.account
    found = run.read(
        {
            "account": account_read(account),
            "sets": sets_read([entry.sys_id for entry in chosen]),
        }
    )
    _list_sets(run, chosen, known_of(found["sets"]))
    left, unread = _left(run, effects)
    if not effects.known:
        run.report.note(
            "the preview of the import cannot be read any more: which records it had made is not "
            "known, and none of them was looked for"
        )
    stays = [effect for effect in left if not effect.new]
    if stays:
        run.report.note(
            f"{len(stays)} of {len(effects.records)} records are still there (contents not "
            "compared)"
        )
    if found["account"].error is not None:
        run.report.note("whether the email account stays cannot be read")
    elif account_row(account, found["account"]) is not None:
        run.report.note(
            f"the email account {account.label} ({account.sys_id}) stays: it is data, and no back "
            "out touches it"
        )
    _note_deletions(run, effects)
    _note_next(run)
    faults = _faults([effect for effect in left if effect.new], unread)
    if faults:
        raise VerificationFailed(*faults)
    new = sum(effect.new for effect in effects.records)
    gone = f"all {new} records that the import had made are gone" if new else "no record was new"
    run.done("stays", gone if effects.known else f"{len(stays)} records, contents not compared")


def _list_sets(run: Run, chosen: Sequence[Known], sets: dict[str, Known]) -> None:
    for entry in chosen:
        now = sets.get(entry.sys_id)
        run.report.sets.append(
            SetFound(
                role=entry.signature.rpartition(" ")[2],
                name=entry.name,
                sys_id=entry.sys_id,
                state=now.state if now else "",
                local_set=now.local_set if now else "",
                updates=0,
            )
        )
        if now is not None:
            removed = "; the next import removes it" if now.state in RESTING else ""
            run.report.note(
                f"the retrieved update set {now.name} ({now.sys_id}) stays, {now.state}{removed}"
            )


def _left(run: Run, effects: Effects) -> tuple[list[Effect], list[str]]:
    """Records that are there, and tables that cannot be read."""
    by_table: dict[str, list[str]] = {}
    for effect in effects.records:
        by_table.setdefault(effect.table, []).append(effect.sys_id)
    reads = {
        f"{table}:{start}": Read(
            table, f"sys_idIN{','.join(ids[start : start + _AT_ONCE])}", ("sys_id",)
        )
        for table, ids in by_table.items()
        for start in range(0, len(ids), _AT_ONCE)
    }
    if not reads:
        return [], []
    found = run.read(reads)
    there = {
        (name.partition(":")[0], row.get("sys_id"))
        for name, answer in found.items()
        for row in answer.rows
    }
    unread = {name.partition(":")[0] for name, answer in found.items() if answer.error is not None}
    new = {effect.table for effect in effects.records if effect.new}
    left = [effect for effect in effects.records if (effect.table, effect.sys_id) in there]
    return left, sorted(unread & new)


def _note_deletions(run: Run, effects: Effects) -> None:
    """The deletions that the platform writes down in the user's current set (A11)."""
    names = [effect.name for effect in effects.records]
    if not names:
        return
    fields = ("sys_id", "name", "action", "update_set", "update_set.name")
    found = run.read(
        {
            str(start): Read(
                UPDATES,
                f"action={DELETE}^update_setISNOTEMPTY"
                f"^nameIN{','.join(names[start : start + _AT_ONCE])}",
                fields,
            )
            for start in range(0, len(names), _AT_ONCE)
        }
    )
    if any(answer.error is not None for answer in found.values()):
        run.report.note(
            "deletions may be captured in the current update set of the import's user; whether "
            "they are cannot be read; they would make a new preview of the same package collide"
        )
        return
    rows = [
        row
        for answer in found.values()
        for row in answer.rows
        if row.get("action") == DELETE and row.get("name") in names
    ]
    if rows:
        where = sorted({row.get("update_set.name") or row.get("update_set", "") for row in rows})
        run.report.note(
            f"{len(rows)} deletions are captured in local update sets ({', '.join(where)}); they "
            "stay there, and make a new preview of the same package collide"
        )


def _note_next(run: Run) -> None:
    again = call(run.environment, "render", "--again")
    run.report.note(f"to import again: {again}, then {call(run.environment, 'import')}")


def _faults(left: Sequence[Effect], unread: Sequence[str]) -> list[Fault]:
    faults: list[Fault] = []
    if left:
        names = ", ".join(effect.name for effect in left[:5])
        more = f" and {len(left) - 5} more" if len(left) > 5 else ""
        faults.append(
            Fault(
                "record-stays",
                f"The local update sets are gone, and {len(left)} records that the import had "
                f"made are still there: {names}{more}.",
                next="look at them on the instance, and delete by hand what must go",
            )
        )
    if unread:
        faults.append(
            Fault(
                "not-read",
                "The local update sets are gone; whether the records that the import had made are "
                f"gone cannot be read in {', '.join(unread)}.",
                next="give this user a role that reads them, or look on the instance",
            )
        )
    return faults
