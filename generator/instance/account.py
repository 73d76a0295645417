"""The email account: plain data, confirmed and completed over the Table API (decision 6; A18).

An insert is always inactive and an update never touches `active`: only one SMTP account may be
active on an instance, and to switch it is a step of its own.
"""

from __future__ import annotations

from generator.errors import Fault, GeneratorError, Refused, RemoteError, VerificationFailed
from generator.instance.interface import Found, Read, Row
from generator.instance.next_step import call
from generator.instance.package_files import (
    ACCOUNT_TABLE,
    STAMPS,
    Package,
    PackageRecord,
    Unit,
)
from generator.instance.read_back import differing_fields
from generator.instance.report import Difference
from generator.instance.run import Run, answered
from generator.instance.work import is_lost

ACTIVE = "active"
_LEFT_OUT = STAMPS | {ACTIVE}


def account_read(account: PackageRecord) -> Read:
    """The account as it is."""
    fields = dict.fromkeys(("sys_id", ACTIVE, *account.fields))
    return Read(ACCOUNT_TABLE, f"sys_id={account.sys_id}", tuple(fields), limit=2)


def account_row(account: PackageRecord, found: Found) -> Row | None:
    """Its row; None if it is not there.

    Raises:
        RemoteError: The instance refused the read.
    """
    for row in answered(found).rows:
        if row.get("sys_id") == account.sys_id:
            return row
    return None


def account_differences(account: PackageRecord, found: Found) -> list[Difference]:
    """What reads otherwise than the package says, `active` left aside."""
    row = account_row(account, found)
    if row is None:
        return [Difference(ACCOUNT_TABLE, account.sys_id, account.label, "", "the record", "none")]
    return [
        Difference(
            table=ACCOUNT_TABLE,
            sys_id=account.sys_id,
            label=account.label,
            field=name,
            expected=account.fields[name],
            found=row.get(name, "no such column, or not readable"),
        )
        for name in differing_fields(account, row, skip=(ACTIVE,))
    ]


def is_active(account: PackageRecord, found: Found) -> bool:
    """Whether the account is active on the instance."""
    row = account_row(account, found)
    return row is not None and row.get(ACTIVE) != "false"


def refuse_active(package: Package, unit: Unit, found: Found) -> None:
    """A set that carries the row of an account that is active on the target stops here.

    Raises:
        Refused: It would switch the instance's mail off.
        RemoteError: Whether it is active cannot be told.
    """
    carries = any(record.table == ACCOUNT_TABLE for record in package.of(unit))
    if carries and is_active(package.account, found):
        raise Refused(active_fault(package.account))


def active_fault(account: PackageRecord) -> Fault:
    """Why such a set is refused."""
    return Fault(
        "account-active",
        f"The email account {account.label} ({account.sys_id}) is active on the instance, and the "
        "set holds its row with active false: a commit would switch the instance's mail off.",
        next="write `email_account: {live: true}` in the environment file and render again; then "
        "no set holds the account",
    )


def complete_account(run: Run, found: Found) -> None:
    """Write the account where it is absent or differs, and prove it.

    Args:
        run: The call.
        found: What came of `account_read`, after the commit.

    Raises:
        VerificationFailed: The instance refused the write, or it still reads otherwise.
        RemoteError: The instance did not answer.
    """
    account = run.package.account
    differing = account_differences(account, found)
    if not differing:
        run.idle("account", "the email account reads as the package says")
        _name_activation(run, found)
        return
    absent = not differing[0].field
    try:
        if absent:
            run.instance.insert(ACCOUNT_TABLE, _inserted(account))
        else:
            changed = {entry.field: account.fields[entry.field] for entry in differing}
            run.instance.update(ACCOUNT_TABLE, account.sys_id, changed)
    except RemoteError as error:
        if not is_lost(error):
            raise _refused(account, error) from None
        # Read before judging: a write whose answer was lost may stand.
    after = run.read({"account": account_read(account)})["account"]
    left = account_differences(account, after)
    if left:
        raise VerificationFailed(
            *(
                Fault(
                    "account-differs",
                    f"The email account was written, and still differs: {entry}.",
                    next="check that com.glide.email.oauth is active and that the user may write "
                    "sys_email_account (email_account_admin or admin); or import "
                    "email_account.xml by hand",
                )
                for entry in left
            )
        )
    if absent:
        run.done("account", f"inserted {account.label}, inactive, over the Table API")
    else:
        names = ", ".join(entry.field for entry in differing)
        run.done("account", f"wrote {names} of {account.label} over the Table API")
    _name_activation(run, after)


def _refused(account: PackageRecord, error: RemoteError) -> GeneratorError:
    """A clear no to the write; after the commit that is one thing that did not arrive."""
    if error.status is None:
        return error
    said = error.detail or error.faults[0].message
    return VerificationFailed(
        Fault(
            "account-refused",
            f"The instance refused to write the email account {account.label} "
            f"({account.sys_id}), status {error.status}: {said}",
            next="check that the user may write sys_email_account (email_account_admin or admin) "
            "and import again; or import email_account.xml by hand",
        )
    )


def _inserted(account: PackageRecord) -> dict[str, str]:
    values = {name: value for name, value in account.fields.items() if name not in _LEFT_OUT}
    return {**values, "sys_id": account.sys_id, ACTIVE: "false"}


def _name_activation(run: Run, found: Found) -> None:
    active = is_active(run.package.account, found)
    live = run.environment.email_account.live
    if active and not live:
        run.report.note(
            "the email account is active on the instance and the environment file says live: "
            "false; write live: true and render again"
        )
    elif live and not active:
        run.report.note(
            "the environment file says live: true, but the email account is not active on the "
            f"instance; {call(run.environment, 'activate')} makes it send"
        )
