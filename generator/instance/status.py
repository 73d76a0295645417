"""What is on an instance now of one environment: one read, one screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from generator.errors import RemoteError
from generator.instance.account import account_differences, account_read, account_row
from generator.instance.cut_over_accounts import SmtpAccount, accounts_of, accounts_read
from generator.instance.cut_over_journal import open_cut_overs
from generator.instance.cut_over_mail import mail_read, mail_switches
from generator.instance.guards import identity_of, identity_read
from generator.instance.interface import Found, Read
from generator.instance.known_sets import Known, known_of, ours_read, sets_read
from generator.instance.package_files import ACTION_TABLE, ENTITY_TABLE, PackageSet
from generator.instance.release import family
from generator.instance.report import SetFound
from generator.instance.run import Run
from generator.instance.secret_delivery import expiry_name, expiry_read, secret_read
from generator.instance.settle import ours_only

_YES_NO = {"true": True, "false": False}
"""What else a column says, or one that is kept from this user, is not known."""


@dataclass(frozen=True, slots=True)
class Status:
    """What is there; an empty text means that it is not, None that it cannot be read.

    What belongs to a record that is not there is None, too.
    """

    instance_name: str
    release: str
    production: str | None
    """`glide.installation.production` as it stands, or `missing`."""

    package: tuple[SetFound, ...]
    """The sets of the package in place, as the instance knows them."""

    others: tuple[SetFound, ...]
    """Sets of ours from other renders, the newest last."""

    entity: str | None
    """Name of the application registry entry."""

    client_id_agrees: bool | None
    secret_set: bool | None
    secret_expires_on: str | None
    account: str | None
    account_active: bool | None
    account_differs: tuple[str, ...]
    """Columns of the account that read otherwise than the package says."""

    smtp_active: tuple[SmtpAccount, ...] | None
    """Every SMTP account that is active: the instance's mail leaves over it."""

    outbound_mail: str | None
    """`glide.email.smtp.active` as it stands."""

    redirected_to: str | None
    """`glide.email.test.user`; empty if mail goes where it should."""

    cut_over: str
    """`activate` or `deactivate`, where one that was begun here has not ended."""

    action_state: str | None
    unread: tuple[str, ...]
    """Tables that could not be read, with the instance's own words."""

    def as_json(self) -> dict[str, object]:
        """JSON-ready; `docs/json/instance-status.schema.json`."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        for name in ("package", "others"):
            plain[name] = [
                {key: getattr(entry, key) for key in entry.__slots__} for entry in plain[name]
            ]
        sending = self.smtp_active
        plain["smtp_active"] = None if sending is None else [entry.as_json() for entry in sending]
        return {**plain, "account_differs": list(self.account_differs), "unread": list(self.unread)}


def status(run: Run) -> Status:
    """Read what is there; changes nothing.

    Raises:
        NetworkError, AuthenticationError, ResponseError: The instance did not answer.
    """
    package, name = run.package, expiry_name(run)
    entity, action = package.first(ENTITY_TABLE), package.first(ACTION_TABLE)
    run.instance.check_awake()
    reads = {
        "identity": identity_read(),
        "mine": sets_read([entry.sys_id for entry in package.sets]),
        "ours": ours_read(package),
        "account": account_read(package.account),
        "accounts": accounts_read(),
        "mail": mail_read(),
        "expiry": expiry_read(name),
        "secret": secret_read(package),
    }
    if entity is not None:
        reads["entity"] = Read(
            ENTITY_TABLE, f"sys_id={entity.sys_id}", ("sys_id", "name", "client_id"), limit=2
        )
    if action is not None:
        reads["action"] = Read(
            ACTION_TABLE, f"sys_id={action.sys_id}", ("sys_id", "state", "active"), limit=2
        )
    found = run.read(reads)
    identity = identity_of(found["identity"])
    unread = _unread(found)
    known = _known(found)
    account_found = found["account"]
    account = None if account_found.error else account_row(package.account, account_found)
    entity_row = _first(found.get("entity", Found()))
    return Status(
        instance_name=identity.name or "",
        release=family(identity.war or "") or "",
        production=None if "identity" in unread else (identity.production or "missing"),
        package=tuple(
            _set(
                entry,
                known.get(entry.sys_id),
                absent=None if "mine" in unread else "",
            )
            for entry in package.sets
        ),
        others=_others(run, known),
        entity=None if "entity" in unread else (entity_row or {}).get("name", ""),
        client_id_agrees=(
            None
            if entity is None or "client_id" not in (entity_row or {})
            else (entity_row or {})["client_id"] == entity.fields.get("client_id")
        ),
        secret_set=None if found["secret"].error else found["secret"].total > 0,
        secret_expires_on=(
            None if found["expiry"].error else (_first(found["expiry"]) or {}).get("value", "")
        ),
        account=None if account_found.error else (account or {}).get("name", ""),
        account_active=_YES_NO.get((account or {}).get("active", "")),
        account_differs=tuple(
            entry.field
            for entry in (
                [] if not account else account_differences(package.account, account_found)
            )
        ),
        smtp_active=_sending(found["accounts"]),
        outbound_mail=mail_switches(found["mail"])[0],
        redirected_to=None if "mail" in unread else mail_switches(found["mail"])[1],
        cut_over=_cut_over(run),
        action_state=(
            None
            if "action" in unread
            else (_first(found.get("action", Found())) or {}).get("state", "")
        ),
        unread=tuple(
            dict.fromkeys(
                f"{reads[key].table}: {answer.error.detail or answer.error.faults[0].message}"
                for key, answer in found.items()
                if answer.error is not None
            )
        ),
    )


def _sending(found: Found) -> tuple[SmtpAccount, ...] | None:
    try:
        accounts = accounts_of(found)
    except RemoteError:
        return None
    return accounts.of(accounts.active)


def _cut_over(run: Run) -> str:
    journal = open_cut_overs(run.environment.directory, clock=run.clock, instance=run.instance.url)
    return "" if journal.unfinished is None else journal.unfinished.kind.value


def _known(found: Mapping[str, Found]) -> dict[str, Known]:
    known: dict[str, Known] = {}
    for name in ("ours", "mine"):
        if found[name].error is None:
            known |= known_of(found[name])
    return known


def _others(run: Run, known: Mapping[str, Known]) -> tuple[SetFound, ...]:
    own = {entry.sys_id for entry in run.package.sets}
    others = [entry for entry in ours_only(run, known).values() if entry.sys_id not in own]
    return tuple(
        SetFound(
            role=entry.signature.rpartition(" ")[2],
            name=entry.name,
            sys_id=entry.sys_id,
            state=entry.state,
            local_set=entry.local_set,
            updates=0,
        )
        for entry in sorted(others, key=_when)
    )


def _when(entry: Known) -> tuple[str, str]:
    # What was never committed has only the time of its last change, the last part of its mark.
    return entry.commit_date or entry.mark[-1], entry.sys_id


def _set(entry: PackageSet, known: Known | None, *, absent: str | None) -> SetFound:
    return SetFound(
        role=entry.role,
        name=entry.name,
        sys_id=entry.sys_id,
        state=known.state if known else absent,
        local_set=known.local_set if known else "",
        updates=entry.updates,
    )


def _first(found: Found) -> Mapping[str, str] | None:
    return next(iter(found.rows), None)


def _unread(found: Mapping[str, Found]) -> set[str]:
    return {key for key, answer in found.items() if answer.error is not None}
