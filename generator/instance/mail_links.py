"""The mail chain as the instance sees it: records, secret, outgoing mail, the app's own check.

For `verify --from instance`. Everything is read and nothing changed, but that the app's check asks
Entra for a new token. What nobody could find out is a failed link, never a good one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from generator.errors import Fault, RemoteError
from generator.instance.account import account_differences, account_read, account_row, is_active
from generator.instance.cut_over_mail import REDIRECT, mail_reads, mail_state, outbound_fault
from generator.instance.interface import Found
from generator.instance.mail_check import Explain, check_link
from generator.instance.next_step import call
from generator.instance.package_files import ACCOUNT_TABLE, ENTITY_TABLE, PackageRecord
from generator.instance.read_back import compare, record_reads
from generator.instance.report import Difference
from generator.instance.run import Run
from generator.instance.secret_delivery import secret_read
from generator.mail.interface import Cause, LinkResult, Verdict

PROFILE_TABLES = ("oauth_entity_profile", "oauth_entity_scope", "oauth_entity_profile_scope")

_DECISIVE: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        ACCOUNT_TABLE: frozenset(
            {
                *("type", "authentication", "oauth_profile", "server", "port"),
                *("connection_security", "user_name", "from"),
            }
        ),
        ENTITY_TABLE: frozenset(
            {
                *("active", "type", "client_id", "token_url", "default_grant_type"),
                *("send_client_credentials_as", "use_mutual_auth", "oauth_api_script"),
            }
        ),
        "oauth_entity_profile": frozenset({"grant_type", "oauth_entity", "jwt_provider"}),
        "oauth_entity_scope": frozenset({"oauth_entity", "oauth_entity_scope"}),
        "oauth_entity_profile_scope": frozenset({"oauth_entity_profile", "oauth_entity_scope"}),
    }
)
"""Fields without which no mail leaves, or another's; a difference elsewhere is only said."""


def instance_links(run: Run, *, explain: Explain | None = None) -> tuple[LinkResult, ...]:
    """Ask the instance about the mail chain of an environment.

    Args:
        run: The call; its package says what the records should be.
        explain: What Entra's codes mean (`generator.mail.entra_errors.causes_of`); without it the
            app's own advice stands alone.

    Returns:
        The links `instance-account`, `instance-profile`, `instance-entity`, `instance-secret`,
        `instance-mail` and `instance-check`, always all of them and in this order. They prove that
        the instance gets tokens, not that a message leaves.

    Raises:
        RemoteError: Nothing can be said at all: no instance answers, or it does not know us.
    """
    run.instance.check_awake()
    profile = [r for r in run.package.records if r.table in PROFILE_TABLES and not r.deletes]
    entity = run.package.first(ENTITY_TABLE)
    records = [*profile, *([] if entity is None else [entity])]
    reads = {
        "account": account_read(run.package.account),
        **record_reads(records),
        **mail_reads(),
    }
    if entity is not None:
        reads["secret"] = secret_read(run.package)
    began = run.clock.monotonic()
    found = run.read(reads)
    # One answer holds all: the time stands at the first link.
    account = replace(_account(run, found["account"]), seconds=run.clock.monotonic() - began)
    return (
        account,
        _profile(run, profile, found),
        _entity(run, entity, found),
        _secret(run, entity, found),
        _mail(run, found),
        _check(run, found["account"], explain),
    )


def _account(run: Run, found: Found) -> LinkResult:
    account = run.package.account
    link = LinkResult(
        "instance-account",
        "Email account on the instance",
        Verdict.OK,
        f"{ACCOUNT_TABLE} {account.label} ({account.sys_id}) on {run.instance.url}, against the "
        "package",
    )
    if found.error is not None:
        return _not_read(link, found.error)
    differences = account_differences(account, found)
    if account_row(account, found) is None:
        return _held(run, link, differences)
    active, live = is_active(account, found), run.environment.email_account.live
    link = replace(link, answered=f"as the package says; {'active' if active else 'inactive'}")
    held = _held(run, link, differences)
    if active == live or held.verdict is not Verdict.OK:
        return held
    if active:
        return _judged(
            held,
            Verdict.WARNING,
            "account-live-unsaid",
            Cause(
                "The account is active on the instance, and the environment file says live: false.",
                "Write `email_account: {live: true}` in it, and render again.",
            ),
        )
    return _judged(
        held,
        Verdict.FAILED,
        "account-inactive",
        Cause(
            "The environment file says live: true, and the account is not active on the instance: "
            "nothing is sent through it.",
            f"See who is active: {call(run.environment, 'instance status')}; then "
            f"{call(run.environment, 'activate')}",
        ),
    )


def _profile(run: Run, records: list[PackageRecord], found: Mapping[str, Found]) -> LinkResult:
    link = LinkResult(
        "instance-profile",
        "OAuth profile and scope on the instance",
        Verdict.OK,
        f"{', '.join(PROFILE_TABLES)}, against the package",
        "as the package says",
    )
    return _records(run, link, records, found)


def _entity(run: Run, entity: PackageRecord | None, found: Mapping[str, Found]) -> LinkResult:
    link = LinkResult(
        "instance-entity",
        "Application registry entry on the instance",
        Verdict.OK,
        f"{ENTITY_TABLE}, against the package",
    )
    if entity is None:
        return _judged(link, Verdict.FAILED, "no-entity", _no_entity(run))
    link = replace(
        link,
        checked=f"{ENTITY_TABLE} {entity.label} ({entity.sys_id}), against the package",
        answered=f"client ID {entity.fields.get('client_id')}, token URL "
        f"{entity.fields.get('token_url')}",
    )
    return _records(run, link, [entity], found)


def _secret(run: Run, entity: PackageRecord | None, found: Mapping[str, Found]) -> LinkResult:
    link = LinkResult(
        "instance-secret",
        "Client secret on the instance",
        Verdict.OK,
        "whether a client secret is set; it is never read",
        "set",
    )
    if entity is None:
        return _judged(link, Verdict.SKIPPED, "", answered="not asked: there is no entry for it")
    answer = found["secret"]
    if answer.error is not None:
        return _not_read(link, answer.error)
    if answer.total == 1:
        return link
    return _judged(
        link,
        Verdict.FAILED,
        "secret-not-set",
        Cause(
            f"No client secret is set in {entity.label}: it never comes with an update set.",
            f"Deliver it: {call(run.environment, 'secret deliver')}",
        ),
        answered="not set",
    )


def _mail(run: Run, found: Mapping[str, Found]) -> LinkResult:
    link = LinkResult(
        "instance-mail",
        "Outgoing mail of the instance",
        Verdict.OK,
        f"glide.email.smtp.active, {REDIRECT}, messages that wait",
    )
    if found["mail"].error is not None:
        return _not_read(link, found["mail"].error)
    mail = mail_state(found)
    said = ["on" if mail.is_on else "off" if mail.outbound == "false" else "not clearly on"]
    if mail.redirect:
        said.append(f"all mail goes to {mail.redirect}")
    said.append(
        "waiting messages could not be counted" if mail.waiting is None else f"{mail.waiting} wait"
    )
    link = replace(link, answered="; ".join(said))
    live = run.environment.email_account.live
    if not mail.is_on:
        # Before the cut-over, and on clones, this is as it should be.
        verdict = Verdict.FAILED if live else Verdict.WARNING
        return _judged(link, verdict, "outbound-mail-off", _cause(outbound_fault(mail)))
    if mail.redirect and live and run.environment.instance.production is not False:
        return _judged(
            link,
            Verdict.WARNING,
            "mail-redirected",
            Cause(
                f"All mail of this instance goes to {mail.redirect} instead of its recipients.",
                f"If this is not meant, empty the property {REDIRECT} on the instance.",
            ),
        )
    return link


def _check(run: Run, account: Found, explain: Explain | None) -> LinkResult:
    if account.error is None and account_row(run.package.account, account) is None:
        return LinkResult(
            "instance-check",
            "The app's own check",
            Verdict.SKIPPED,
            "the app's check of the email account",
            "not asked: the account is not on the instance",
        )
    return check_link(run, explain=explain)


def _records(
    run: Run, link: LinkResult, records: list[PackageRecord], found: Mapping[str, Found]
) -> LinkResult:
    tables = {record.table for record in records}
    answers = {
        name: answer
        for name, answer in found.items()
        if name.startswith("record:") and name.split(":")[1] in tables
    }
    for answer in answers.values():
        if answer.error is not None:
            return _not_read(link, answer.error)
    return _held(run, link, compare(records, answers).differences)


def _held(run: Run, link: LinkResult, differences: Iterable[Difference]) -> LinkResult:
    """A link by what reads otherwise than the package says."""
    told = tuple(differences)
    if not told:
        return link
    missing = any(not entry.field for entry in told)
    decisive = missing or any(entry.field in _DECISIVE[entry.table] for entry in told)
    render = call(run.environment, "render", "--again")
    step = (
        f"{call(run.environment, 'import')} brings it"
        if missing
        else f"See what changed it there; {render} and {call(run.environment, 'import')} put the "
        "package's state back. If the change is meant, write it in the environment file."
    )
    return _judged(
        link,
        Verdict.FAILED if decisive else Verdict.WARNING,
        "record-missing" if missing else "record-differs",
        *(Cause(f"The instance says otherwise than the package: {entry}.", step) for entry in told),
        answered="; ".join(str(entry) for entry in told),
    )


def _not_read(link: LinkResult, error: RemoteError) -> LinkResult:
    return _judged(
        link,
        Verdict.FAILED,
        error.faults[0].code,
        *(_cause(fault) for fault in error.faults),
        answered=error.detail or "it cannot be read",
    )


def _cause(fault: Fault) -> Cause:
    return Cause(fault.message, fault.next or "")


def _no_entity(run: Run) -> Cause:
    return Cause(
        "The package holds no application registry entry.",
        f"Render it anew: {call(run.environment, 'render')}",
    )


def _judged(
    link: LinkResult, verdict: Verdict, code: str, *found: Cause, answered: str | None = None
) -> LinkResult:
    return replace(
        link,
        verdict=verdict,
        code=code,
        causes=(*link.causes, *found),
        answered=link.answered if answered is None else answered,
    )
