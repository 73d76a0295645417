"""Switching our account off, on its own instance and on a clone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest
from activating import ACCOUNTS, Stage, stage

from generator.config.environment import Environment
from generator.errors import ExitCode, RemoteError
from generator.instance import cut_over_back, cut_over_journal
from generator.instance.http_instance import HttpInstance
from generator.instance.importer import import_package
from generator.instance.interface import Instance

Make = Callable[..., Environment]
Update = Callable[[str, str, Mapping[str, str]], None]

OURS, OLD = {"Exchange Online SMTP"}, {"ServiceNow SMTP"}


@pytest.fixture
def ready(environment: Make) -> Iterator[Stage]:
    """Imported, not yet active."""
    with stage(environment()) as made:
        yield made


@pytest.fixture
def live(ready: Stage) -> Stage:
    """Active."""
    assert ready.activate().code is ExitCode.OK
    return ready


@pytest.fixture
def clone(live: Stage) -> Stage:
    """As after a clone from production: another's records, mail off, no journal of this place."""
    live.place.forget()
    live.sandbox.database.update(
        ACCOUNTS, live.ours, {"user_name": "servicenow@production.example"}, by="clone"
    )
    for row in live.sandbox.database.query("oauth_entity", "name=Exchange Online SMTP"):
        live.sandbox.database.update(
            "oauth_entity", row["sys_id"], {"client_id": "another"}, by="clone"
        )
    for row in live.sandbox.database.query("sys_ws_operation", ""):
        live.sandbox.database.delete("sys_ws_operation", row["sys_id"])
    live.set_property("glide.email.smtp.active", "false")
    return live


def third(made: Stage, *, active: str = "false") -> str:
    """Another SMTP account."""
    return made.sandbox.database.insert(
        ACCOUNTS,
        {"name": "Third", "type": "smtp", "active": active},
        by="somebody",
    )["sys_id"]


def test_the_account_that_was_noted_sends_again(live: Stage) -> None:
    came = live.deactivate()
    assert (came.code, came.faults, live.active()) == (ExitCode.OK, (), OLD)
    table = f"/api/now/table/{ACCOUNTS}"
    assert live.writes() == [f"PATCH {table}/{live.ours}", f"PATCH {table}/{live.old}"]
    assert live.result.line == "email_account: {live: false}"
    assert live.events()[-2:] == ["begun", "proven"]
    assert any("not proven here" in note for note in came.report.notes)


def test_it_can_be_activated_again_and_again(live: Stage) -> None:
    for _ in range(2):
        assert live.deactivate().code is ExitCode.OK
        assert live.active() == OLD
        assert live.activate().code is ExitCode.OK
        assert live.active() == OURS


def test_another_account_can_be_named(live: Stage) -> None:
    assert live.deactivate(to=third(live)).code is ExitCode.OK
    assert live.active() == {"Third"}


def test_a_dry_run_changes_nothing(live: Stage) -> None:
    came = live.deactivate(dry_run=True)
    assert (came.code, live.writes(), live.active()) == (ExitCode.OK, [], OURS)
    assert "ServiceNow SMTP" in came.report.steps[-1].detail
    assert live.result.line == ""


def test_what_is_not_active_is_not_switched_off(ready: Stage) -> None:
    for dry_run in (True, False):
        came = ready.deactivate(dry_run=dry_run)
        assert (came.code, ready.writes(), ready.active()) == (ExitCode.OK, [], OLD)
    assert ready.result.line == "email_account: {live: false}"


def test_what_is_not_active_switches_nothing_on(live: Stage) -> None:
    live.switch(live.ours, on=False)
    came = live.deactivate()
    assert (came.code, live.writes(), live.active()) == (ExitCode.OK, [], set())


def test_an_account_may_be_switched_on_where_none_is(live: Stage) -> None:
    live.switch(live.ours, on=False)
    assert live.deactivate(to=live.old).code is ExitCode.OK
    assert live.active() == OLD


def test_no_means_no(live: Stage) -> None:
    live.place.answers = lambda question: False
    came = live.deactivate()
    assert (came.code, came.codes, live.active()) == (ExitCode.REFUSED, ["declined"], OURS)


# What is refused


def test_without_a_known_account_it_is_refused_and_lists_them(clone: Stage) -> None:
    other = third(clone)
    came = clone.deactivate()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["no-other-account"])
    for text in (clone.old, other, "ServiceNow SMTP"):
        assert text in came.faults[0].message
    assert "--no-mail" in (came.faults[0].next or "")
    assert (clone.writes(), clone.active()) == ([], OURS)


def test_an_account_that_was_noted_and_is_gone_is_no_account(live: Stage) -> None:
    old = live.old
    live.sandbox.database.delete(ACCOUNTS, old)
    came = live.deactivate()
    assert came.codes == ["no-other-account"]
    assert old in came.faults[0].message


def test_what_is_named_must_be_another_smtp_account(live: Stage) -> None:
    assert live.deactivate(to=live.ours).codes == ["same-account"]
    (pop,) = live.sandbox.database.query(ACCOUNTS, "type=pop3")
    for to in (pop["sys_id"], "f" * 32):
        came = live.deactivate(to=to)
        assert (came.code, came.codes) == (ExitCode.REFUSED, ["account-missing"])
    assert (live.writes(), live.active()) == ([], OURS)


def test_what_an_activation_noted_that_was_undone_is_not_believed(ready: Stage) -> None:
    ready.mail.behaviour.smtp_data = "mailbox_full"
    assert ready.activate().code is ExitCode.VERIFICATION_FAILED
    # Somebody switches by hand afterwards: from which account, the note does not tell.
    ready.switch(ready.old, on=False)
    ready.switch(ready.ours, on=True)
    assert ready.deactivate().codes == ["no-other-account"]
    assert ready.active() == OURS


def test_only_our_account_is_switched_off(ready: Stage) -> None:
    other = third(ready)
    for came in (ready.deactivate(to=other), ready.deactivate(no_mail=True)):
        assert (came.code, came.codes) == (ExitCode.REFUSED, ["another-active"])
        assert (ready.writes(), ready.active()) == ([], OLD)
    assert ready.deactivate(to=ready.old).code is ExitCode.OK


def test_one_that_is_active_beside_ours_goes_on(live: Stage) -> None:
    third(live, active="true")
    assert live.deactivate().code is ExitCode.OK
    assert live.active() == {"Third"}


# On a clone


def test_on_a_clone_it_needs_neither_app_nor_records_nor_mail(clone: Stage) -> None:
    came = clone.deactivate(no_mail=True)
    assert (came.code, came.faults, clone.active()) == (ExitCode.OK, (), set())
    assert clone.result.line == "email_account: {live: false}"
    assert any("no mail leaves" in note for note in came.report.notes)
    assert clone.result.outbound == "false"


def test_on_a_clone_another_account_can_take_over(clone: Stage) -> None:
    assert clone.deactivate(to=clone.old).code is ExitCode.OK
    assert clone.active() == OLD


def test_what_the_page_on_clones_says_leads_back(clone: Stage) -> None:
    date = f"{clone.place.environment.app.scope}.secret_expires_on"
    clone.set_property(date, "2028-01-01 00:00:00")
    clone.place.render_again()
    # Ours is active there, and the package holds its row.
    assert "account-active" in clone.call(import_package).codes
    assert clone.deactivate(no_mail=True).code is ExitCode.OK
    assert clone.call(import_package).codes == ["secret-older"]
    clone.set_property(date, "")
    came = clone.call(import_package)
    assert (came.code, came.faults) == (ExitCode.OK, ())
    assert clone.active() == set()
    assert clone.activate().codes == ["outbound-mail-off"]
    clone.set_property("glide.email.smtp.active", "true")
    assert clone.activate().code is ExitCode.OK
    assert clone.mail.messages[-1].from_address == "servicenow@contoso.example"


# Failures


def refusing(made: Stage, sys_id: str, *, value: str) -> None:
    """An instance that clearly refuses one write."""

    class Refusing:
        def __init__(self, inner: HttpInstance) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

        def update(self, table: str, at: str, values: Mapping[str, str]) -> None:
            if at == sys_id and values["active"] == value:
                error = RemoteError.of("refused", "A business rule said no.")
                assert isinstance(error, RemoteError)
                error.status = 403
                raise error
            self._inner.update(table, at, values)

    def wrap(instance: HttpInstance) -> Instance:
        return Refusing(instance)  # type: ignore[return-value]

    made.place.wrap = wrap


def test_an_account_that_cannot_be_switched_on_puts_ours_back(live: Stage) -> None:
    refusing(live, live.old, value="true")
    came = live.deactivate()
    assert (came.code, came.codes, live.active()) == (
        ExitCode.VERIFICATION_FAILED,
        ["refused"],
        OURS,
    )
    assert live.result.put_back is True
    assert live.result.line == ""
    assert live.events()[-1] == "undone"


def test_what_was_killed_half_way_is_gone_on_with(
    live: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """No code of ours runs after a SIGKILL."""

    append = cut_over_journal.append_line

    def line(path: object, body: Mapping[str, str]) -> None:
        if body["event"] == "proven":
            raise Killed
        append(path, body)  # type: ignore[arg-type]

    to = third(live)
    for no_mail, meant in ((False, {"Third"}), (True, set())):
        with monkeypatch.context() as patch:
            patch.setattr(cut_over_journal, "append_line", line)
            patch.setattr(cut_over_back, "_stands_open", lambda held: False)
            with pytest.raises(Killed):
                live.deactivate(to=None if no_mail else to, no_mail=no_mail)
        assert live.active() == meant
        came = live.deactivate()
        assert (came.code, live.writes(), live.active()) == (ExitCode.OK, [], meant)
        assert live.events()[-1] == "proven"
        assert live.activate().code is ExitCode.OK


@pytest.mark.parametrize("then", ["deactivate", "activate", "fail"])
def test_what_was_killed_between_two_writes_is_gone_on_with(
    live: Stage, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    class Killed(BaseException):
        """No code of ours runs after a SIGKILL."""

    class Dying:
        def __init__(self, inner: HttpInstance) -> None:
            self._inner = inner

        def __getattr__(self, name: str) -> object:
            return getattr(self._inner, name)

        def update(self, *given: object) -> None:
            self._inner.update(*given)  # type: ignore[arg-type]
            raise Killed

    live.place.wrap = Dying  # type: ignore[assignment]
    with monkeypatch.context() as patch:
        patch.setattr(cut_over_back, "_stands_open", lambda held: False)
        with pytest.raises(Killed):
            live.deactivate()
    live.place.wrap = lambda instance: instance
    assert live.active() == set()
    if then == "deactivate":
        assert live.deactivate().code is ExitCode.OK
        assert live.active() == OLD
    elif then == "activate":
        assert live.activate().code is ExitCode.OK
        assert live.active() == OURS
    else:
        # What the deactivation was to make active is what counts as before.
        live.mail.behaviour.smtp_data = "mailbox_full"
        assert live.activate().code is ExitCode.VERIFICATION_FAILED
        assert live.active() == OLD
