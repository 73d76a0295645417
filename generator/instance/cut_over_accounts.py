"""The SMTP accounts of an instance, and which of them are active.

Only one may be active, and the platform sends through that one (`spec/instance-http.md` A18 [DOC]).
That the platform itself switches the other off is inferred [INF: C18]: nothing here relies on it,
and nothing is upset by it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from generator.errors import Fault, RemoteError, ResponseError, VerificationFailed
from generator.instance.account import ACTIVE
from generator.instance.interface import Found, Read
from generator.instance.package_files import ACCOUNT_TABLE
from generator.instance.polling import Patience
from generator.instance.run import Run, answered
from generator.instance.work import is_lost
from generator.scrubbing import printable

SMTP = "smtp"
SWITCH_LIMIT = 60.0
"""Seconds that switching forwards may take: no mail leaves meanwhile."""

PUT_BACK_LIMIT = 300.0
"""Seconds for which putting back is tried: an instance that is away for a moment comes back."""

_MOST = 500
_TRIES = 3
"""How often one account is written when a read still shows it as it was."""

_SYS_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SmtpAccount:
    """One account that could send the instance's mail."""

    sys_id: str
    name: str
    active: bool

    def __str__(self) -> str:
        """Name and sys_id."""
        return f"{self.name or 'without a name'} ({self.sys_id})"

    def as_json(self) -> dict[str, str]:
        """JSON-ready."""
        return {"sys_id": self.sys_id, "name": self.name}


@dataclass(frozen=True, slots=True)
class Accounts:
    """All SMTP accounts of an instance, as one read saw them."""

    rows: Mapping[str, SmtpAccount]
    """By sys_id."""

    @property
    def active(self) -> frozenset[str]:
        """sys_ids of those that are active."""
        return frozenset(sys_id for sys_id, row in self.rows.items() if row.active)

    def of(self, sys_ids: Collection[str]) -> tuple[SmtpAccount, ...]:
        """Those accounts that are there, by name."""
        found = (row for sys_id, row in self.rows.items() if sys_id in sys_ids)
        return tuple(sorted(found, key=lambda row: (row.name, row.sys_id)))

    def say(self, sys_ids: Collection[str]) -> str:
        """Names and sys_ids for people; one that is not there stands with its sys_id alone."""
        told = [str(row) for row in self.of(sys_ids)]
        told += sorted(sys_id for sys_id in sys_ids if sys_id not in self.rows)
        return " and ".join(told) or "none"


def accounts_read() -> Read:
    """Every SMTP account, active or not."""
    return Read(ACCOUNT_TABLE, f"type={SMTP}", ("sys_id", "name", "type", ACTIVE), limit=_MOST)


def accounts_of(found: Found) -> Accounts:
    """What a read of the accounts says.

    Raises:
        RemoteError: It was refused, or does not clearly say which account is active.
    """
    answer = answered(found)
    rows: dict[str, SmtpAccount] = {}
    for row in answer.rows:
        # Held against the question itself: an unknown part of a query is dropped (A15).
        if row.get("type") != SMTP:
            continue
        sys_id, active = row.get("sys_id", ""), row.get(ACTIVE)
        name = printable(row.get("name", ""), limit=80)
        if not _SYS_ID.fullmatch(sys_id) or active not in ("true", "false"):
            raise _unclear(f"the account {name or 'without a name'} does not say whether it is")
        rows[sys_id] = SmtpAccount(sys_id, name, active == "true")
    if answer.total > _MOST:
        raise _unclear(f"there are more than {_MOST} SMTP accounts")
    return Accounts(rows)


def read_accounts(run: Run) -> Accounts:
    """The accounts as they are now.

    Raises:
        RemoteError: The instance did not clearly answer.
    """
    return accounts_of(run.read({"accounts": accounts_read()})["accounts"])


def bring_to(run: Run, wanted: frozenset[str], *, stubborn: bool = False) -> Accounts:
    """Make exactly these SMTP accounts active, the others first inactive; proven by a read.

    Each write is followed by a read, which alone says whether it stands; what reads otherwise is
    written again a few times. Nothing is written where nothing differs.

    Args:
        run: The call.
        wanted: sys_ids of the accounts that shall be active.
        stubborn: Whether to go on after a refusal or a failed read, to come as near as possible.

    Raises:
        VerificationFailed: An account still reads otherwise, or is not there.
        RemoteError: The instance refused a write, or did not clearly answer.
    """
    patience = run.patience(PUT_BACK_LIMIT if stubborn else SWITCH_LIMIT)
    tries: Counter[tuple[str, str]] = Counter()
    refused: list[RemoteError] = []
    while True:
        there = _look(run, patience, stubborn=stubborn)
        if there.active == wanted:
            return there
        steps = _steps(there, wanted)
        if stubborn:
            # The next account may be written all the same.
            steps = [step for step in steps if tries[step] < _TRIES]
        if not steps or tries[steps[0]] >= _TRIES or patience.is_over:
            raise refused[-1] if refused else _not_so(there, wanted)
        step = steps[0]
        if tries[step]:
            run.sleep(patience)
        tries[step] += 1
        try:
            run.instance.update(ACCOUNT_TABLE, step[0], {ACTIVE: step[1]})
        except RemoteError as error:
            if is_lost(error):
                if stubborn:
                    # It may not have arrived at all: only the time limits how often.
                    tries[step] = 1
            elif stubborn:
                tries[step] = _TRIES
                refused.append(error)
            else:
                raise


def _look(run: Run, patience: Patience, *, stubborn: bool) -> Accounts:
    while True:
        try:
            return read_accounts(run)
        except RemoteError:
            if not stubborn or patience.is_over:
                raise
            run.sleep(patience)


def _steps(there: Accounts, wanted: frozenset[str]) -> list[tuple[str, str]]:
    """What is to be written, in this order: never are two meant to be active at once."""
    off = sorted(there.active - wanted)
    on = sorted(sys_id for sys_id in wanted - there.active if sys_id in there.rows)
    return [*((sys_id, "false") for sys_id in off), *((sys_id, "true") for sys_id in on)]


def _not_so(there: Accounts, wanted: frozenset[str]) -> VerificationFailed:
    gone = sorted(wanted - there.rows.keys())
    missing = f" {' and '.join(gone)} is no SMTP account on the instance." if gone else ""
    return VerificationFailed(
        Fault(
            "account-not-switched",
            f"Active on the instance: {there.say(there.active)}; it should be "
            f"{there.say(wanted)}.{missing}",
            next="look at the accounts on the instance (System Mailboxes, Email Accounts): a "
            "business rule, a clone or another person may hold them as they are",
        )
    )


def _unclear(why: str) -> ResponseError:
    return ResponseError(
        Fault(
            "accounts-unclear",
            f"Which SMTP account is active cannot be told: {why}.",
            next="see that this user may read every column of sys_email_account "
            "(email_account_admin or admin)",
        )
    )
