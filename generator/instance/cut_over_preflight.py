"""Before accounts are switched: may this be done here, and what is there (design decision 8)?

What a guard refuses ends the call at once. What only speaks against going on (a record that reads
otherwise, outgoing mail off) is kept apart: a cut-over that was killed half-way must be undone even
then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from generator.errors import Fault, Refused
from generator.instance.account import account_differences, account_read
from generator.instance.cut_over_accounts import (
    Accounts,
    accounts_of,
    accounts_read,
    read_accounts,
)
from generator.instance.cut_over_journal import CutOver, CutOverJournal, open_cut_overs
from generator.instance.cut_over_mail import MailState, mail_reads, mail_state, outbound_fault
from generator.instance.cut_over_result import CutOverResult
from generator.instance.guards import guard_reads, judge
from generator.instance.interface import Found
from generator.instance.next_step import call
from generator.instance.package_files import ENTITY_TABLE, PackageRecord
from generator.instance.read_back import compare, record_reads
from generator.instance.run import Faults, Run

CHAIN = (
    ENTITY_TABLE,
    "oauth_entity_profile",
    "oauth_entity_scope",
    "oauth_entity_profile_scope",
)
"""Tables of the mail chain beside the account: whose token it is, and what for."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What preflight found; the guards said yes."""

    accounts: Accounts
    mail: MailState
    journal: CutOverJournal
    unfinished: CutOver | None
    """A cut-over that was killed half-way and left the accounts neither as before nor as meant, or
    not tested yet."""

    against: Faults
    """What speaks against making our account the active one."""

    @property
    def active(self) -> frozenset[str]:
        """sys_ids of the active SMTP accounts."""
        return self.accounts.active


def look(run: Run, result: CutOverResult, *, ours_must_fit: bool) -> Surroundings:
    """Ask everything in one read; nothing is changed.

    Args:
        run: The call.
        result: Is told what is there.
        ours_must_fit: Whether account, profile and entity must read as the package says.

    Raises:
        Refused, ConfigError: A guard said no.
        RemoteError: The instance did not clearly answer.
    """
    run.instance.check_awake()
    chain = [r for r in run.package.records if r.table in CHAIN and not r.deletes]
    reads = {
        **guard_reads(run.options.permission),
        **mail_reads(),
        "accounts": accounts_read(),
    }
    if ours_must_fit:
        reads |= {"account": account_read(run.package.account), **record_reads(chain)}
    found = run.read(reads)
    faults = Faults()
    judge(run, found, faults)
    faults.raise_if_any()
    accounts = accounts_of(found["accounts"])
    mail = mail_state(found)
    journal = open_cut_overs(run.environment.directory, clock=run.clock, instance=run.instance.url)
    _tell(run, result, accounts, mail)
    against = Faults()
    if ours_must_fit:
        _judge_records(run, chain, found, against)
        _judge_mail(found, mail, against)
    unfinished = _half_way(run, journal, accounts.active)
    return Surroundings(accounts, mail, journal, unfinished, against)


def require_unchanged(run: Run, result: CutOverResult, *, seen: Surroundings) -> None:
    """The accounts still read as they were shown: a question may stand for an hour.

    What is noted and put back must be what is there just before the first write, and nobody's
    account is switched off of which the user was not told.

    Raises:
        Refused: Another account is active by now; nothing was changed.
        RemoteError: The instance did not clearly answer.
    """
    now = read_accounts(run)
    if now.active == seen.active:
        return
    result.active = now.of(now.active)
    raise Refused(
        Fault(
            "accounts-changed",
            f"Active was {seen.accounts.say(seen.active)} when this call began, and is "
            f"{now.say(now.active)} by now. Nothing was changed here.",
            next="see who switches accounts there, then run it again",
        )
    )


def _tell(run: Run, result: CutOverResult, accounts: Accounts, mail: MailState) -> None:
    ours = run.package.account.sys_id
    result.account = accounts.rows.get(ours)
    result.before = result.active = accounts.of(accounts.active)
    result.outbound, result.redirected_to = mail.outbound, mail.redirect
    result.waiting = mail.waiting
    run.done("preflight", f"active: {accounts.say(accounts.active)}")
    if mail.redirect:
        run.report.note(
            f"all mail of this instance is redirected to {mail.redirect} (glide.email.test.user): "
            "nothing reaches anybody else"
        )
    if mail.waiting is None:
        run.report.note("how many messages wait to be sent could not be counted")
    elif mail.waiting:
        count = f"{mail.waiting} message{'s wait' if mail.waiting > 1 else ' waits'}"
        run.report.note(f"{count} to be sent at the beginning")


def _judge_records(
    run: Run, chain: list[PackageRecord], found: Mapping[str, Found], against: Faults
) -> None:
    """Account, profile and entity must read as the package says."""
    package = run.package
    differences = []
    if found["account"].error is not None:
        against.take(found["account"].error)
    else:
        differences += account_differences(package.account, found["account"])
    records = {name: answer for name, answer in found.items() if name.startswith("record:")}
    unread = [answer.error for answer in records.values() if answer.error is not None]
    for error in unread:
        against.take(error)
    if not unread:
        back = compare(chain, records)
        differences += back.differences
        for text in back.notes:
            run.report.note(text)
    run.report.differences += differences
    for entry in differences:
        gone = not entry.field
        against.refuse(
            "record-missing" if gone else "record-differs",
            f"The instance says otherwise than the package: {entry}.",
            next=f"{call(run.environment, 'import')} brings it"
            if gone
            else f"see what changed it there; {call(run.environment, 'render', '--again')} and "
            "import put the package's state back",
        )
    if package.first(ENTITY_TABLE) is None:
        against.refuse(
            "no-entity",
            "The package holds no application registry entry.",
            next=f"run {call(run.environment, 'render')}",
        )


def _judge_mail(found: Mapping[str, Found], mail: MailState, against: Faults) -> None:
    if not mail.is_on:
        fault: Fault = outbound_fault(mail)
        against.refuse(fault.code, fault.message, next=fault.next or "")
    if found["waiting"].error is not None:
        # Whoever cannot read the log could not see the test message either.
        against.take(found["waiting"].error)


def _half_way(run: Run, journal: CutOverJournal, active: frozenset[str]) -> CutOver | None:
    """The cut-over that was killed, as long as what it left is still there.

    If the accounts read as before it, it changed nothing that stands. If another account is
    active, somebody decided otherwise meanwhile, and that counts.
    """
    cut = journal.unfinished
    if cut is None or cut.account != run.package.account.sys_id:
        return None
    if active == cut.before or not active <= (cut.before | cut.wanted):
        return None
    return cut
