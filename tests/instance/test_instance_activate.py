"""The cut-over against an instance and stand-ins for Entra and Exchange, all in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from activating import ACCOUNTS, Stage, stage

from generator.config.environment import Environment
from generator.errors import ExitCode, InternalError, NetworkError, RemoteError
from generator.instance import cut_over_journal
from generator.instance.cut_over import activate
from generator.instance.cut_over_mail import day_before
from generator.instance.http_instance import HttpInstance
from generator.instance.importer import import_package
from generator.instance.interface import AppAnswer, Found, Instance, Read
from generator.instance.run import Permission, Run
from generator.sandbox.behaviour import parse

Make = Callable[..., Environment]

OURS, OLD = {"Exchange Online SMTP"}, {"ServiceNow SMTP"}


@pytest.fixture
def ready(environment: Make) -> Iterator[Stage]:
    """Imported, not yet active."""
    with stage(environment()) as made:
        yield made


def queued(made: Stage, *, subject: str = "Somebody's mail") -> None:
    """A message that waits to be sent."""
    made.sandbox.database.insert(
        "sys_email",
        {"type": "send-ready", "subject": subject, "recipients": "somebody@contoso.example"},
        by="somebody",
    )


class Between:
    """Something between a cut-over and its client, that meddles with single calls."""

    def __init__(self, inner: HttpInstance, **instead: Callable[..., object]) -> None:
        self._inner = inner
        self._instead = instead

    def __getattr__(self, name: str) -> object:
        found = getattr(self._inner, name)
        if name in self._instead:
            return lambda *args, **more: self._instead[name](found, *args, **more)
        return found


def meddle(made: Stage, **instead: Callable[..., object]) -> None:
    """Put `Between` into every later call."""

    def wrap(instance: HttpInstance) -> Instance:
        return Between(instance, **instead)  # type: ignore[return-value]

    made.place.wrap = wrap


def parse_switch(text: str) -> dict[str, object]:
    """A switch of the instance as the command line takes it."""
    name = text.partition("=")[0]
    return {name: getattr(parse([text]), name)}


# When all is well


def test_our_account_sends_and_a_message_proves_it(ready: Stage) -> None:
    came = ready.activate()
    assert (came.code, came.faults) == (ExitCode.OK, ())
    assert ready.active() == OURS
    (message,) = ready.mail.messages
    assert ready.result.test is not None
    assert message.marker == ready.result.test.marker
    assert message.recipients == ("servicenow@contoso.example",)
    assert ready.result.line == "email_account: {live: true}"
    assert ready.events() == ["begun", "switched", "testing", "proven"]
    assert [entry.name for entry in ready.result.before or ()] == ["ServiceNow SMTP"]
    assert any("live: true" in note for note in came.report.notes)


def test_only_active_is_written_and_the_old_one_first(ready: Stage) -> None:
    came = ready.activate()
    table = f"/api/now/table/{ACCOUNTS}"
    assert ready.writes() == [
        f"PATCH {table}/{ready.old}",
        f"PATCH {table}/{ready.ours}",
        "POST /api/x_acme_mail/smtp_oauth/test",
    ]
    assert came.report.requests <= 25


def test_the_note_is_on_disk_before_the_first_write(ready: Stage) -> None:
    noted: list[list[str]] = []

    def update(inner: Callable[..., None], *args: object, **more: object) -> None:
        noted.append(ready.events())
        inner(*args, **more)

    meddle(ready, update=update)
    ready.activate()
    assert noted[0] == ["begun"]
    (begun, *_) = ready.journal()
    assert begun["before"] == ready.old
    assert begun["before_names"] == f"ServiceNow SMTP ({ready.old})"
    assert begun["glide.email.smtp.active"] == "true"
    assert begun["glide.email.test.user"] == ""


def test_the_message_goes_where_it_is_told(ready: Stage) -> None:
    assert ready.activate(test_to="other@contoso.example").code is ExitCode.OK
    assert ready.mail.messages[0].recipients == ("other@contoso.example",)


@pytest.mark.parametrize("address", ["a@b.example,c@d.example", "nobody", "", "a b@c.example"])
def test_what_is_no_address_is_refused_before_anything_is_asked(ready: Stage, address: str) -> None:
    came = ready.activate(test_to=address)
    assert (came.code, came.codes) == (ExitCode.USAGE, ["test-address"])
    assert came.report.requests == 0


def test_an_active_account_is_only_tested(ready: Stage) -> None:
    ready.activate()
    lines = ready.journal()
    came = ready.activate()
    assert came.code is ExitCode.OK
    assert ready.writes() == ["POST /api/x_acme_mail/smtp_oauth/test"]
    assert len(ready.mail.messages) == 2
    assert ready.journal() == lines
    assert ready.result.live is True


def test_an_active_account_that_fails_its_test_stays(ready: Stage) -> None:
    ready.activate()
    ready.mail.behaviour.smtp_data = "mailbox_full"
    came = ready.activate()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["test-failed"])
    assert "mailbox full" in came.faults[0].message
    assert (ready.active(), ready.result.put_back, ready.result.line) == (OURS, None, "")


def test_a_later_import_leaves_the_live_account_alone(ready: Stage) -> None:
    ready.activate()
    settings = replace(ready.place.environment.email_account, live=True)
    ready.place.environment = replace(ready.place.environment, email_account=settings)
    ready.place.clock.sleep(3600)
    ready.place.render_again()
    came = ready.call(import_package)
    assert (came.code, came.faults, ready.active()) == (ExitCode.OK, (), OURS)
    came = ready.activate()
    assert (came.code, ready.writes()) == (
        ExitCode.OK,
        ["POST /api/x_acme_mail/smtp_oauth/test"],
    )
    assert not any("live: true" in note for note in came.report.notes)


def test_nothing_was_active_before(ready: Stage) -> None:
    ready.switch(ready.old, on=False)
    assert ready.activate().code is ExitCode.OK
    assert ready.active() == OURS


def test_a_dry_run_asks_everything_and_changes_nothing(ready: Stage) -> None:
    came = ready.activate(dry_run=True)
    assert came.code is ExitCode.OK
    assert (ready.writes(), ready.journal(), ready.active()) == ([], [], OLD)
    assert [step.name for step in came.report.steps] == ["preflight", "token", "switch"]
    assert "would be deactivated" in came.report.steps[-1].detail
    assert ready.result.line == ""
    ready.mail.behaviour.entra = "secret_expired"
    assert ready.activate(dry_run=True).codes == ["no-token"]


def test_a_dry_run_of_an_active_account_says_so(ready: Stage) -> None:
    ready.activate()
    came = ready.activate(dry_run=True)
    assert "active already" in came.report.steps[-1].detail
    assert ready.writes() == []


def test_queued_mail_is_counted_and_leaves_through_ours(ready: Stage) -> None:
    queued(ready)
    queued(ready)
    came = ready.activate()
    assert ready.result.waiting == 2
    assert any("2 messages wait" in note for note in came.report.notes)
    assert any("2 waiting now" in line and "through the new" in line for line in came.said)
    assert len(ready.mail.messages) == 3


def test_redirected_mail_is_said(ready: Stage) -> None:
    ready.set_property("glide.email.test.user", "testers@contoso.example")
    came = ready.activate()
    assert came.code is ExitCode.OK
    assert ready.result.redirected_to == "testers@contoso.example"
    assert any("testers@contoso.example" in note for note in came.report.notes)
    assert ready.mail.messages[0].recipients == ("testers@contoso.example",)


def test_a_secret_that_ends_soon_is_said_and_no_obstacle(environment: Make) -> None:
    from datetime import UTC, datetime

    soon = datetime(2026, 12, 5, tzinfo=UTC)
    with stage(environment(azure__secret_expires_on=soon)) as made:
        came = made.activate()
        assert came.code is ExitCode.OK
        assert any("days left" in note for note in came.report.notes)


def test_what_is_queued_meanwhile_is_said_where_nothing_waits(ready: Stage) -> None:
    came = ready.activate()
    assert any("queued meanwhile leaves through the new account" in line for line in came.said)


# Guards


def test_no_means_no(ready: Stage) -> None:
    asked: list[str] = []

    def answers(question: str) -> bool:
        asked.append(question)
        return False

    ready.place.answers = answers
    came = ready.activate()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["declined"])
    assert (ready.writes(), ready.journal(), ready.active()) == ([], [], OLD)
    assert "Exchange Online SMTP" in asked[0]


@pytest.mark.parametrize("value", ["false", "", "maybe", None])
def test_outgoing_mail_that_is_not_clearly_on_is_refused(ready: Stage, value: str | None) -> None:
    ready.set_property("glide.email.smtp.active", value)
    came = ready.activate()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["outbound-mail-off"])
    assert (ready.writes(), ready.active()) == ([], OLD)
    rows = ready.sandbox.database.query("sys_properties", "name=glide.email.smtp.active")
    assert [row["value"] for row in rows] == ([] if value is None else [value])


@pytest.mark.parametrize(
    ("table", "field", "value"),
    [
        (ACCOUNTS, "user_name", "somebody@contoso.example"),
        (ACCOUNTS, "server", "smtp.elsewhere.example"),
        ("oauth_entity", "client_id", "00000000-0000-4000-8000-000000000000"),
        ("oauth_entity_profile", "grant_type", "authorization_code"),
        ("oauth_entity_scope", "oauth_entity_scope", "https://graph.microsoft.com/.default"),
    ],
)
def test_what_reads_otherwise_than_the_package_is_refused(
    ready: Stage, table: str, field: str, value: str
) -> None:
    mine = {ready.ours} if table == ACCOUNTS else None
    for row in ready.sandbox.database.query(table, ""):
        if mine is None or row["sys_id"] in mine:
            ready.sandbox.database.update(table, row["sys_id"], {field: value}, by="somebody")
    came = ready.activate()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["record-differs"])
    assert field in came.faults[0].message
    assert came.report.differences[0].table == table
    assert (ready.writes(), ready.active()) == ([], OLD)


@pytest.mark.parametrize("table", [ACCOUNTS, "oauth_entity", "oauth_entity_profile"])
def test_what_is_not_there_is_refused(ready: Stage, table: str) -> None:
    for row in ready.sandbox.database.query(table, ""):
        if table != ACCOUNTS or row["sys_id"] == ready.ours:
            ready.sandbox.database.delete(table, row["sys_id"])
    came = ready.activate()
    assert (came.code, came.codes[0]) == (ExitCode.REFUSED, "record-missing")
    assert "import" in (came.faults[0].next or "")
    assert ready.active() == OLD


@pytest.mark.parametrize(
    ("production", "codes"),
    [("true", ["production"]), ("missing", ["production-unclear"])],
)
def test_production_is_guarded(ready: Stage, production: str, codes: list[str]) -> None:
    ready.sandbox.behaviour.production = production
    for came in (ready.activate(), ready.deactivate(no_mail=True)):
        assert (came.code, came.codes) == (ExitCode.REFUSED, codes)
        assert (ready.writes(), ready.journal()) == ([], [])


def test_a_name_that_is_confirmed_opens_what_does_not_say(ready: Stage) -> None:
    ready.sandbox.behaviour.production = "missing"
    came = ready.activate(permission=Permission(confirm_instance="acme-dev"))
    assert came.code is ExitCode.OK


@pytest.mark.parametrize("table", ["oauth_entity", "oauth_entity_profile", "sys_email", ACCOUNTS])
def test_what_cannot_be_read_is_no_yes(ready: Stage, table: str) -> None:
    ready.sandbox.behaviour.closed_tables = (table,)
    came = ready.activate()
    assert came.code is ExitCode.FAILED
    assert ready.writes() == []
    ready.sandbox.behaviour.closed_tables = ()
    assert ready.active() == OLD


def test_a_package_without_an_entity_is_refused(ready: Stage) -> None:
    def without(run: Run) -> None:
        run.package = replace(run.package, records=())
        activate(run, result=ready.result)

    came = ready.call(without)
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["no-entity"])


def test_a_column_that_an_older_release_lacks_is_said(ready: Stage) -> None:
    ready.sandbox.behaviour.missing_columns = ("oauth_entity.public_client",)
    came = ready.activate()
    assert came.code is ExitCode.OK
    assert any("not confirmed: oauth_entity.public_client" in n for n in came.report.notes)
    ready.sandbox.behaviour.missing_columns = ("oauth_entity.send_client_credentials_as",)
    came = ready.activate()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["record-differs"])


# The token, before anything is switched


@pytest.mark.parametrize(
    ("entra", "code"), [("secret_expired", "7000222"), ("app_unknown", "700016")]
)
def test_without_a_token_nothing_is_switched(ready: Stage, entra: str, code: str) -> None:
    ready.mail.behaviour.entra = entra
    came = ready.activate()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["no-token"])
    assert code in came.faults[0].message
    assert (ready.writes(), ready.journal(), ready.active()) == ([], [], OLD)
    assert ready.result.put_back is None


def test_an_app_that_is_not_there_cannot_be_asked(ready: Stage) -> None:
    for row in ready.sandbox.database.query("sys_ws_operation", ""):
        ready.sandbox.database.delete("sys_ws_operation", row["sys_id"])
    came = ready.activate()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["app-missing"])
    assert (ready.writes(), ready.active()) == ([], OLD)


# Failures after the first write: everything as it was


@pytest.mark.parametrize(
    ("switches", "code", "said"),
    [
        ({"smtp_data": "mailbox_full"}, "test-failed", "mailbox full"),
        ({"smtp_data": "quota"}, "test-failed", "SubmissionQuotaExceeded"),
        ({"mailbox_permission": False}, "test-waits", "430 4.2.0"),
        ({"smtp_auth": "rejected"}, "test-waits", "535 5.7.3"),
        ({"smtp_auth": "tenant_disabled"}, "test-waits", "disabled for the Tenant"),
        ({"exchange_object_id": "application"}, "test-waits", "535 5.7.3"),
        ({"claims": "no_roles"}, "test-waits", "535 5.7.3"),
        ({"cut": "smtp_auth"}, "test-waits", "no SMTP session"),
        ({"starttls": "missing"}, "test-waits", "no SMTP session"),
    ],
    ids=str,
)
def test_a_message_that_is_not_sent_puts_everything_back(
    ready: Stage, switches: Mapping[str, object], code: str, said: str
) -> None:
    ready.mail.behaviour.set(switches)
    began = ready.place.clock.monotonic()
    came = ready.activate()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, [code])
    assert said in came.faults[0].message
    assert came.faults[0].next
    assert ready.active() == OLD
    assert ready.result.put_back is True
    assert [entry.name for entry in ready.result.active or ()] == ["ServiceNow SMTP"]
    assert ready.result.line == ""
    assert ready.events()[-2:] == ["putting_back", "undone"]
    assert ready.place.clock.monotonic() - began < 330
    (failed,) = [step for step in came.report.steps if step.outcome.value == "failed"]
    assert failed.name == "test"


def test_mail_that_failed_meanwhile_is_listed_without_its_subject(ready: Stage) -> None:
    queued(ready, subject="A private matter")
    ready.sandbox.database.insert(
        "sys_email", {"type": "send-failed", "subject": "Older", "error_string": "old"}, by="x"
    )
    ready.place.clock.sleep(30)
    ready.mail.behaviour.smtp_data = "mailbox_full"
    came = ready.activate()
    assert came.codes == ["test-failed", "mail-failed"]
    (failed,) = ready.result.failed_mail
    assert "mailbox full" in failed.error
    told = repr((came, ready.result, came.report.as_json()))
    assert "private matter" not in told


def test_a_list_of_failed_mail_that_cannot_be_had_is_said(ready: Stage) -> None:
    ready.mail.behaviour.smtp_data = "mailbox_full"

    def read(inner: Callable[..., tuple[Found, ...]], reads: Sequence[Read]) -> tuple[Found, ...]:
        if any("ORDERBYDESC" in entry.query for entry in reads):
            raise NetworkError.of("gone", "The line is dead.")
        return inner(reads)

    meddle(ready, read=read)
    came = ready.activate()
    assert came.code is ExitCode.VERIFICATION_FAILED
    assert any("could not be listed" in note for note in came.report.notes)


def test_a_message_that_nobody_sees_puts_everything_back(ready: Stage) -> None:
    for row in ready.sandbox.database.query("sysevent_email_action", ""):
        values = {"active": "false"}
        ready.sandbox.database.update("sysevent_email_action", row["sys_id"], values, by="x")
    came = ready.activate()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["test-unseen"])
    assert ready.active() == OLD


def test_an_ignored_message_puts_everything_back(ready: Stage) -> None:
    def read(inner: Callable[..., tuple[Found, ...]], reads: Sequence[Read]) -> tuple[Found, ...]:
        for row in ready.sandbox.database.query("sys_email", "type=send-ready"):
            ready.sandbox.database.update(
                "sys_email", row["sys_id"], {"type": "send-ignored"}, by="x"
            )
        return inner(reads)

    meddle(ready, read=read)
    began = ready.place.clock.monotonic()
    came = ready.activate()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["test-ignored"])
    # Nothing more is waited for, while mail is held up.
    assert ready.place.clock.monotonic() - began < 10
    assert ready.active() == OLD


def test_a_test_that_the_app_does_not_queue_puts_everything_back(ready: Stage) -> None:
    def call_app(
        inner: Callable[..., AppAnswer], method: str, *args: object, **more: object
    ) -> AppAnswer:
        if method == "POST":
            ready.mail.behaviour.entra = "secret_invalid"
        return inner(method, *args, **more)

    meddle(ready, call_app=call_app)
    came = ready.activate()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["test-not-queued"])
    assert ready.active() == OLD


def test_somebody_who_switches_meanwhile_ends_it(ready: Stage) -> None:
    def call_app(
        inner: Callable[..., AppAnswer], method: str, *args: object, **more: object
    ) -> AppAnswer:
        found = inner(method, *args, **more)
        if method == "POST":
            ready.switch(ready.ours, on=False)
            ready.switch(ready.old, on=True)
        return found

    meddle(ready, call_app=call_app)
    came = ready.activate()
    assert (came.code, came.codes) == (
        ExitCode.VERIFICATION_FAILED,
        ["account-switched-meanwhile"],
    )
    assert ready.active() == OLD


def test_an_old_account_that_cannot_be_switched_off_changes_nothing(ready: Stage) -> None:
    def update(
        inner: Callable[..., None], table: str, sys_id: str, values: Mapping[str, str]
    ) -> None:
        if sys_id == ready.old:
            raise RemoteError.of("refused", "A business rule said no.")
        inner(table, sys_id, values)

    def refuse(
        inner: Callable[..., None], table: str, sys_id: str, values: Mapping[str, str]
    ) -> None:
        error = RemoteError.of("refused", "A business rule said no.")
        assert isinstance(error, RemoteError)
        error.status = 403
        raise error

    meddle(ready, update=refuse)
    came = ready.activate()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["refused"])
    assert (ready.active(), ready.result.put_back) == (OLD, True)
    # Without a clear answer the read decides, and the write is tried again a few times.
    meddle(ready, update=update)
    came = ready.activate()
    assert (came.code, came.codes) == (
        ExitCode.VERIFICATION_FAILED,
        ["account-not-switched"],
    )
    assert (ready.active(), ready.result.put_back) == (OLD, True)


def test_what_cannot_be_put_back_is_said_first(ready: Stage) -> None:
    ready.mail.behaviour.smtp_data = "mailbox_full"

    def update(
        inner: Callable[..., None], table: str, sys_id: str, values: Mapping[str, str]
    ) -> None:
        if sys_id == ready.old and values["active"] == "true":
            error = RemoteError.of("refused", "A business rule said no.")
            assert isinstance(error, RemoteError)
            error.status = 403
            raise error
        inner(table, sys_id, values)

    meddle(ready, update=update)
    came = ready.activate()
    assert (came.code, came.codes) == (
        ExitCode.FAILED,
        ["not-put-back", "test-failed", "refused"],
    )
    assert ready.old in came.faults[0].message
    assert (ready.result.put_back, ready.active()) == (False, set())
    assert ready.events()[-1] == "putting_back"
    # The next call goes on with it, and says so.
    ready.place.wrap = lambda instance: instance
    again = ready.activate()
    assert (again.code, again.codes[0]) == (
        ExitCode.VERIFICATION_FAILED,
        "activation-failed-before",
    )
    assert (ready.active(), ready.events()[-1]) == (OLD, "undone")
    ready.mail.behaviour.smtp_data = "healthy"
    assert ready.activate().code is ExitCode.OK


def test_the_account_of_before_that_was_deleted_cannot_be_put_back(ready: Stage) -> None:
    ready.mail.behaviour.smtp_data = "mailbox_full"
    old = ready.old

    def call_app(
        inner: Callable[..., AppAnswer], method: str, *args: object, **more: object
    ) -> AppAnswer:
        if method == "POST":
            ready.sandbox.database.delete(ACCOUNTS, old)
        return inner(method, *args, **more)

    meddle(ready, call_app=call_app)
    came = ready.activate()
    assert (came.code, came.codes[0]) == (ExitCode.FAILED, "not-put-back")
    assert any("no SMTP account" in fault.message for fault in came.faults)


def test_putting_back_waits_for_an_instance_that_is_away(ready: Stage) -> None:
    ready.mail.behaviour.smtp_data = "mailbox_full"

    def write(
        inner: Callable[..., None], table: str, sys_id: str, values: Mapping[str, str]
    ) -> None:
        nonlocal is_away
        if sys_id == ready.ours and values["active"] == "false" and not is_away:
            is_away = True
            ready.sandbox.behaviour.outage_502 = 12
        inner(table, sys_id, values)

    is_away = False
    meddle(ready, update=write)
    came = ready.activate()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["test-failed"])
    assert ready.active() == OLD


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_an_interruption_or_a_bug_puts_everything_back(
    ready: Stage, error: type[BaseException]
) -> None:
    def call_app(
        inner: Callable[..., AppAnswer], method: str, *args: object, **more: object
    ) -> AppAnswer:
        if method == "POST":
            raise error
        return inner(method, *args, **more)

    meddle(ready, call_app=call_app)
    with pytest.raises(error):
        ready.activate()
    assert (ready.active(), ready.result.put_back) == (OLD, True)
    assert ready.events()[-1] == "undone"


def test_an_interruption_that_cannot_be_put_back_is_no_mere_interruption(ready: Stage) -> None:
    def call_app(
        inner: Callable[..., AppAnswer], method: str, *args: object, **more: object
    ) -> AppAnswer:
        if method == "POST":
            ready.sandbox.behaviour.no_node = True
            raise KeyboardInterrupt
        return inner(method, *args, **more)

    meddle(ready, call_app=call_app)
    came = ready.activate()
    assert (came.code, came.codes[0]) == (ExitCode.FAILED, "not-put-back")


def test_a_test_that_is_clearly_refused_puts_everything_back(ready: Stage) -> None:
    def call_app(
        inner: Callable[..., AppAnswer], method: str, *args: object, **more: object
    ) -> AppAnswer:
        if method == "POST":
            error = RemoteError.of("refused", "It said no.")
            assert isinstance(error, RemoteError)
            error.status = 401
            raise error
        return inner(method, *args, **more)

    meddle(ready, call_app=call_app)
    came = ready.activate()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["refused"])
    assert ready.active() == OLD


def test_rows_that_were_not_asked_for_do_not_count(ready: Stage) -> None:
    # As an instance does that drops a part of a query (A15).
    def read(inner: Callable[..., tuple[Found, ...]], reads: Sequence[Read]) -> tuple[Found, ...]:
        loose = [
            replace(entry, query="") if entry.query.startswith(("type=", "subjectLIKE")) else entry
            for entry in reads
        ]
        return inner(tuple(loose))

    ready.sandbox.database.insert(
        "sys_email", {"type": "send-failed", "subject": "Older mail"}, by="somebody"
    )
    meddle(ready, read=read)
    came = ready.activate()
    assert (came.code, ready.active()) == (ExitCode.OK, OURS)
    (pop,) = ready.sandbox.database.query(ACCOUNTS, "type=pop3")
    assert pop["active"] == "true"


def test_a_lost_answer_of_the_test_is_read_not_asked_again(ready: Stage) -> None:
    asked: list[str] = []

    def call_app(
        inner: Callable[..., AppAnswer], method: str, *args: object, **more: object
    ) -> AppAnswer:
        found = inner(method, *args, **more)
        if method == "POST":
            asked.append(method)
            raise NetworkError.of("lost", "The answer was lost.")
        return found

    meddle(ready, call_app=call_app)
    assert ready.activate().code is ExitCode.OK
    assert asked == ["POST"]
    assert len(ready.mail.messages) == 1


@pytest.mark.parametrize(("failures", "code"), [(2, ExitCode.OK), (3, ExitCode(6))])
def test_a_few_failed_looks_are_borne(ready: Stage, failures: int, code: ExitCode) -> None:
    left = failures

    def read(inner: Callable[..., tuple[Found, ...]], reads: Sequence[Read]) -> tuple[Found, ...]:
        nonlocal left
        if left and any(entry.query.startswith("subjectLIKE") for entry in reads):
            left -= 1
            raise NetworkError.of("lost", "The answer was lost.")
        return inner(reads)

    meddle(ready, read=read)
    assert ready.activate().code is code
    assert ready.active() == (OURS if code is ExitCode.OK else OLD)


def test_accounts_that_do_not_say_whether_they_are_active_are_no_answer(ready: Stage) -> None:
    ready.sandbox.database.update(ACCOUNTS, ready.old, {"active": "perhaps"}, by="x")
    came = ready.activate()
    assert (came.code, came.codes) == (ExitCode.FAILED, ["accounts-unclear"])
    assert ready.writes() == []


def test_more_accounts_than_one_read_shows_are_no_answer(
    ready: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from generator.instance import cut_over_accounts

    monkeypatch.setattr(cut_over_accounts, "_MOST", 1)
    came = ready.activate()
    assert (came.code, came.codes) == (ExitCode.FAILED, ["accounts-unclear"])


def test_two_that_read_active_become_one(ready: Stage) -> None:
    # As for a moment after somebody activated ours by hand [INF C18].
    ready.switch(ready.ours, on=True)
    came = ready.activate()
    assert (came.code, ready.active()) == (ExitCode.OK, OURS)


@pytest.mark.parametrize(
    ("switch", "code", "first"),
    [
        ("hibernating=on", ExitCode.FAILED, "instance-hibernating"),
        ("no_node=on", ExitCode.FAILED, "instance-no-node"),
        ("proxy_page=on", ExitCode.FAILED, "instance-html"),
        ("cut_bytes=20", ExitCode.FAILED, "instance-connection-lost"),
        ("basic=restricted", ExitCode.FAILED, "instance-not-signed-in"),
        ("missing_roles=admin", ExitCode.FAILED, "instance-name-unread"),
        ("email_oauth_plugin=inactive", ExitCode.REFUSED, "record-differs"),
        ("flaky_502=0.2", ExitCode.OK, ""),
        ("outage_502=3", ExitCode.OK, ""),
        ("rate_limit=100/h", ExitCode.OK, ""),
        ("latency_ms=1", ExitCode.OK, ""),
        ("strict_query=on", ExitCode.OK, ""),
        ("sso_only=on", ExitCode.OK, ""),
        ("machine_user=on", ExitCode.OK, ""),
        ("cicd=inactive", ExitCode.OK, ""),
        ("sender_seconds=5", ExitCode.OK, ""),
        ("sender_seconds=3600", ExitCode.VERIFICATION_FAILED, "test-waits"),
    ],
)
def test_an_instance_that_misbehaves(ready: Stage, switch: str, code: ExitCode, first: str) -> None:
    ready.sandbox.behaviour.set(parse_switch(switch))
    came = ready.activate()
    assert (came.code, (came.codes or [""])[0]) == (code, first)
    assert ready.active() == (OURS if code is ExitCode.OK else OLD)


def test_a_rate_limit_that_is_far_too_low_is_no_silent_half(ready: Stage) -> None:
    ready.sandbox.behaviour.set(parse_switch("rate_limit=5/h"))
    came = ready.activate()
    assert (came.code, came.codes[0]) == (ExitCode.FAILED, "not-put-back")
    ready.sandbox.behaviour.set(parse_switch("rate_limit=100/h"))
    ready.place.clock.sleep(3600)
    again = ready.activate()
    assert again.codes[0] == "activation-failed-before"
    assert ready.active() == OLD


@pytest.mark.parametrize("turn", ["max_execution_time", "cut_json", "result_and_error"])
@pytest.mark.parametrize("which", ["off", "on"])
def test_a_write_whose_answer_says_nothing_is_read(ready: Stage, turn: str, which: str) -> None:
    given: list[str] = []

    def update(
        inner: Callable[..., None], table: str, sys_id: str, values: Mapping[str, str]
    ) -> None:
        given.append(sys_id)
        if (values["active"] == "true") is (which == "on"):
            setattr(ready.sandbox.behaviour, turn, 1)
        inner(table, sys_id, values)

    meddle(ready, update=update)
    came = ready.activate()
    assert (came.code, ready.active()) == (ExitCode.OK, OURS)
    # It stood: nothing was written twice.
    assert given == [ready.old, ready.ours]


@pytest.mark.parametrize("since", ["", "yesterday", "0001-01-01 00:00:00", "2026-13-01 00:00:00"])
def test_a_time_that_is_none_makes_no_term(since: str) -> None:
    assert day_before("sys_created_on", since) == ""


def test_only_what_is_recent_is_searched() -> None:
    term = day_before("sys_created_on", "2026-11-23 12:00:00")
    assert term == "^sys_created_on>=2026-11-22 12:00:00"


# The journal


def test_a_journal_that_cannot_be_kept_stops_before_the_first_write(
    ready: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: object, body: Mapping[str, str]) -> None:
        raise InternalError.of("journal", "No space left.")

    monkeypatch.setattr(cut_over_journal, "append_line", full)
    came = ready.activate()
    assert (came.code, came.codes) == (ExitCode.FAILED, ["journal"])
    assert (ready.writes(), ready.active()) == ([], OLD)


@pytest.mark.parametrize(
    ("event", "code", "active"),
    [
        ("switched", ExitCode.VERIFICATION_FAILED, OLD),
        ("testing", ExitCode.VERIFICATION_FAILED, OLD),
        ("proven", ExitCode.OK, OURS),
    ],
)
def test_a_disk_that_gets_full_later_leaves_no_half(
    ready: Stage,
    monkeypatch: pytest.MonkeyPatch,
    event: str,
    code: ExitCode,
    active: set[str],
) -> None:
    append = cut_over_journal.append_line

    def full(path: object, body: Mapping[str, str]) -> None:
        if body["event"] in (event, "putting_back", "undone"):
            raise InternalError.of("journal", "No space left.")
        append(path, body)  # type: ignore[arg-type]

    monkeypatch.setattr(cut_over_journal, "append_line", full)
    came = ready.activate()
    assert (came.code, ready.active()) == (code, active)


def test_a_directory_that_cannot_be_synced_is_no_obstacle(
    ready: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []

    def sync(directory: Path) -> None:
        synced.append(directory.name)
        raise OSError

    monkeypatch.setattr(cut_over_journal, "sync_directory", sync)
    assert ready.activate().code is ExitCode.OK
    assert synced == [".import"]


def test_lines_that_are_not_ours_mislead_nobody(ready: Stage) -> None:
    directory = ready.place.environment.directory / ".import"
    directory.mkdir(exist_ok=True)
    ours = f'"account": "{ready.ours}"'
    lines = [
        "",
        "[]",
        "{",
        '{"instance": "https://elsewhere.example", "event": "begun", "cut_over": "a"}',
        '{"instance": "https://acme-dev.service-now.com", "event": "unheard", "cut_over": "a"}',
        '{"instance": "https://acme-dev.service-now.com", "event": "proven", "cut_over": "b"}',
        '{"instance": "https://acme-dev.service-now.com", "event": "begun", "cut_over": "c", '
        f'{ours}, "kind": "activate", "before": "../../x", "wanted": ""}}',
        '{"instance": "https://acme-dev.service-now.com", "event": "begun", "cut_over": "d", '
        f'{ours}, "kind": "else", "before": "", "wanted": ""}}',
        '{"instance": "https://acme-dev.service-now.com", "event": "begun", "cut_over": "e", '
        f'{ours}, "kind": "activate"}}',
        '{"instance": "https://acme-dev.service-now.com", "event": "beg',
    ]
    (directory / "activate.jsonl").write_text("\n".join(lines), encoding="utf-8")
    came = ready.activate()
    assert (came.code, came.faults) == (ExitCode.OK, ())
    assert not any("cut off" in note for note in came.report.notes)


# Killed half-way, and called again


def killed(made: Stage, monkeypatch: pytest.MonkeyPatch, *, at: str) -> None:
    """An activation that ends like a killed process at a line of the journal."""

    class Killed(BaseException):
        """No code of ours runs after a SIGKILL."""

    append = cut_over_journal.append_line

    def line(path: object, body: Mapping[str, str]) -> None:
        append(path, body)  # type: ignore[arg-type]
        if body["event"] == at:
            raise Killed

    def update(inner: Callable[..., None], *args: object) -> None:
        if at == "between":
            inner(*args)
            raise Killed
        inner(*args)

    from generator.instance import cut_over_back

    with monkeypatch.context() as patch:
        patch.setattr(cut_over_journal, "append_line", line)
        if at != "putting_back":
            patch.setattr(cut_over_back, "_stands_open", lambda held: False)
        meddle(made, update=update)
        with pytest.raises(Killed):
            made.activate()
    made.place.wrap = lambda instance: instance


@pytest.mark.parametrize(
    ("at", "left"),
    [("begun", OLD), ("between", set()), ("switched", OURS), ("testing", OURS), ("proven", OURS)],
)
def test_the_next_call_finishes_what_was_killed(
    ready: Stage, monkeypatch: pytest.MonkeyPatch, at: str, left: set[str]
) -> None:
    killed(ready, monkeypatch, at=at)
    assert ready.active() == left
    plan = ready.activate(dry_run=True)
    assert plan.code is ExitCode.OK
    half_way = at in ("between", "switched", "testing")
    assert any("cut off" in note for note in plan.report.notes) is half_way
    came = ready.activate()
    assert (came.code, came.faults, ready.active()) == (ExitCode.OK, (), OURS)
    assert ready.events()[-1] == "proven"
    # What was before is known still.
    assert ready.deactivate().code is ExitCode.OK
    assert ready.active() == OLD


@pytest.mark.parametrize("at", ["between", "switched", "testing"])
@pytest.mark.parametrize("how", ["mail", "token", "off", "record"])
def test_the_next_call_undoes_what_it_cannot_finish(
    ready: Stage, monkeypatch: pytest.MonkeyPatch, at: str, how: str
) -> None:
    killed(ready, monkeypatch, at=at)
    if how == "mail":
        ready.mail.behaviour.smtp_data = "mailbox_full"
    elif how == "token":
        ready.mail.behaviour.entra = "secret_expired"
    elif how == "off":
        ready.set_property("glide.email.smtp.active", "false")
    else:
        ready.sandbox.database.update(ACCOUNTS, ready.ours, {"server": "x.example"}, by="x")
    came = ready.activate()
    assert came.code is ExitCode.VERIFICATION_FAILED
    assert (ready.active(), ready.result.put_back) == (OLD, True)
    assert ready.events()[-1] == "undone"


def test_a_message_that_an_earlier_call_asked_for_proves_nothing(
    ready: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It waits over ours, and leaves after somebody switched the old account on again by hand.
    ready.mail.behaviour.smtp_auth = "rejected"
    killed(ready, monkeypatch, at="putting_back")
    path = ready.place.environment.directory / ".import" / "activate.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "putting_back" not in line))
    assert ready.events()[-1] == "testing"
    (waits,) = ready.sandbox.database.query("sys_email", "type=send-ready")
    values = {"type": "sent", "error_string": ""}
    ready.sandbox.database.update("sys_email", waits["sys_id"], values, by="system")
    assert ready.active() == OURS
    came = ready.activate(test_to="other@contoso.example")
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["test-waits"])
    assert (ready.active(), ready.result.put_back) == (OLD, True)


def test_a_killed_putting_back_is_gone_on_with(
    ready: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready.mail.behaviour.smtp_data = "mailbox_full"
    killed(ready, monkeypatch, at="putting_back")
    assert ready.active() == OURS
    came = ready.activate()
    assert (came.code, came.codes[0]) == (
        ExitCode.VERIFICATION_FAILED,
        "activation-failed-before",
    )
    assert ready.active() == OLD


def test_guards_hold_for_what_was_killed_too(ready: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(ready, monkeypatch, at="between")
    ready.sandbox.behaviour.production = "true"
    came = ready.activate()
    assert (came.code, ready.writes()) == (ExitCode.REFUSED, [])


def test_somebody_elses_choice_counts_more_than_the_journal(
    ready: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(ready, monkeypatch, at="between")
    third = ready.sandbox.database.insert(
        ACCOUNTS, {"name": "Third", "type": "smtp", "active": "true"}, by="somebody"
    )
    ready.mail.behaviour.smtp_data = "mailbox_full"
    came = ready.activate()
    assert came.code is ExitCode.VERIFICATION_FAILED
    assert ready.active() == {"Third"}
    assert third


def test_a_note_about_another_instance_says_nothing_of_this_one(
    ready: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(ready, monkeypatch, at="between")
    path = ready.place.environment.directory / ".import" / "activate.jsonl"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("acme-dev.", "acme-other."), encoding="utf-8")
    came = ready.activate(dry_run=True)
    assert not any("cut off" in note for note in came.report.notes)


def test_a_note_of_which_nothing_stands_is_closed(
    ready: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(ready, monkeypatch, at="begun")
    ready.mail.behaviour.entra = "secret_expired"
    assert ready.activate().codes == ["no-token"]
    assert ready.events() == ["begun", "undone"]
    # What somebody does by hand later is no half of it.
    ready.mail.behaviour.entra = "healthy"
    ready.switch(ready.old, on=False)
    ready.switch(ready.ours, on=True)
    ready.mail.behaviour.smtp_data = "mailbox_full"
    assert ready.activate().code is ExitCode.VERIFICATION_FAILED
    assert (ready.active(), ready.result.put_back) == (OURS, None)


def test_without_the_journal_what_is_there_counts(
    ready: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(ready, monkeypatch, at="between")
    ready.place.forget()
    came = ready.activate()
    assert (came.code, ready.active()) == (ExitCode.OK, OURS)
    assert ready.deactivate().codes == ["no-other-account"]
