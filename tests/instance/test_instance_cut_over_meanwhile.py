"""What others do while a cut-over asks or fails, and what is said then of what is active."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

import pytest
from activating import ACCOUNTS, Stage, stage

from generator.config.environment import Environment
from generator.errors import ExitCode, NetworkError, RemoteError
from generator.instance import cut_over_back, cut_over_mail
from generator.instance.cut_over_mail import said
from generator.instance.http_instance import HttpInstance
from generator.instance.interface import AppAnswer, Found, Instance, Read
from generator.instance.run import Run
from generator.instance.status import Status, status

Make = Callable[..., Environment]

OURS, OLD = {"Exchange Online SMTP"}, {"ServiceNow SMTP"}


@pytest.fixture
def ready(environment: Make) -> Iterator[Stage]:
    """Imported, not yet active."""
    with stage(environment()) as made:
        yield made


class Between:
    """Something between a cut-over and its client, that meddles with single calls."""

    def __init__(self, inner: HttpInstance, instead: Mapping[str, Callable[..., object]]) -> None:
        self._inner, self._instead = inner, instead

    def __getattr__(self, name: str) -> object:
        found = getattr(self._inner, name)
        if name in self._instead:
            return lambda *args, **more: self._instead[name](found, *args, **more)
        return found


def meddle(made: Stage, **instead: Callable[..., object]) -> None:
    """Put `Between` into every later call."""

    def wrap(instance: HttpInstance) -> Instance:
        return Between(instance, instead)  # type: ignore[return-value]

    made.place.wrap = wrap


def third(made: Stage) -> str:
    """Another SMTP account."""
    row = {"name": "Third", "type": "smtp", "active": "false"}
    return made.sandbox.database.insert(ACCOUNTS, row, by="somebody")["sys_id"]


def names(made: Stage) -> list[str] | None:
    """What the last call says is active."""
    return None if made.result.active is None else [entry.name for entry in made.result.active]


# While the user is asked


@pytest.mark.parametrize("way", ["activate", "deactivate"])
def test_accounts_that_were_switched_while_it_asked_end_it(ready: Stage, way: str) -> None:
    if way == "deactivate":
        assert ready.activate().code is ExitCode.OK
    other = third(ready)
    lines = ready.journal()

    def answers(question: str) -> bool:
        ready.switch(ready.ours if way == "deactivate" else ready.old, on=False)
        ready.switch(other, on=True)
        return True

    ready.place.answers = answers
    came = ready.activate() if way == "activate" else ready.deactivate()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["accounts-changed"])
    assert (ready.writes(), ready.journal(), ready.active()) == ([], lines, {"Third"})
    assert "Third" in came.faults[0].message
    assert names(ready) == ["Third"]
    assert ready.result.line == ""


def test_mail_that_failed_while_it_asked_did_not_fail_meanwhile(ready: Stage) -> None:
    def answers(question: str) -> bool:
        ready.place.clock.sleep(3600)
        row = {"type": "send-failed", "subject": "Over the old one", "error_string": "old"}
        ready.sandbox.database.insert("sys_email", row, by="x")
        ready.place.clock.sleep(3600)
        return True

    ready.place.answers = answers
    ready.mail.behaviour.smtp_data = "mailbox_full"
    assert ready.activate().codes == ["test-failed"]


# What is said to be active


def test_what_is_active_is_read_again_where_it_could_not_be_put_back(ready: Stage) -> None:
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
    assert ready.activate().codes[0] == "not-put-back"
    assert (names(ready), ready.active()) == ([], set())


def test_what_is_active_is_not_known_where_nobody_says(ready: Stage) -> None:
    ready.mail.behaviour.smtp_data = "mailbox_full"
    is_away = False

    def update(
        inner: Callable[..., None], table: str, sys_id: str, values: Mapping[str, str]
    ) -> None:
        nonlocal is_away
        is_away = sys_id == ready.ours and values["active"] == "false"
        inner(table, sys_id, values)

    def read(inner: Callable[..., tuple[Found, ...]], reads: Sequence[Read]) -> tuple[Found, ...]:
        if is_away:
            raise NetworkError.of("gone", "The line is dead.")
        return inner(reads)

    meddle(ready, update=update, read=read)
    assert ready.activate().codes[0] == "not-put-back"
    assert names(ready) is None


def test_a_deactivation_that_could_not_be_put_back_is_tried_again(ready: Stage) -> None:
    assert ready.activate().code is ExitCode.OK

    def update(
        inner: Callable[..., None], table: str, sys_id: str, values: Mapping[str, str]
    ) -> None:
        if values["active"] == "true":
            error = RemoteError.of("refused", "A business rule said no.")
            assert isinstance(error, RemoteError)
            error.status = 403
            raise error
        inner(table, sys_id, values)

    meddle(ready, update=update)
    came = ready.deactivate()
    assert (came.code, came.codes[0], ready.active()) == (ExitCode.FAILED, "not-put-back", set())
    assert "tries to finish it" in (came.faults[0].next or "")
    ready.place.wrap = lambda instance: instance
    assert (ready.deactivate().code, ready.active()) == (ExitCode.OK, OLD)


def test_who_switched_during_a_mere_test_is_told(ready: Stage) -> None:
    assert ready.activate().code is ExitCode.OK

    def call_app(
        inner: Callable[..., AppAnswer], method: str, *args: object, **more: object
    ) -> AppAnswer:
        found = inner(method, *args, **more)
        if method == "POST":
            ready.switch(ready.ours, on=False)
            ready.switch(ready.old, on=True)
        return found

    meddle(ready, call_app=call_app)
    assert ready.activate().codes == ["account-switched-meanwhile"]
    assert (names(ready), ready.active()) == (["ServiceNow SMTP"], OLD)


def test_a_flag_that_is_kept_from_this_user_is_not_known(ready: Stage) -> None:
    kept = {ACCOUNTS: "active", "oauth_entity": "client_id"}

    def read(inner: Callable[..., tuple[Found, ...]], reads: Sequence[Read]) -> tuple[Found, ...]:
        return tuple(
            replace(
                found,
                rows=tuple(
                    {name: value for name, value in row.items() if name != kept.get(entry.table)}
                    for row in found.rows
                ),
            )
            for entry, found in zip(reads, inner(reads), strict=True)
        )

    seen: list[Status] = []

    def look(run: Run) -> None:
        seen.append(status(run))

    ready.call(look)
    meddle(ready, read=read)
    ready.call(look)
    assert [(one.account_active, one.client_id_agrees) for one in seen] == [
        (False, True),
        (None, None),
    ]


# What was noted


def test_an_older_note_does_not_bring_back_what_was_switched_off(ready: Stage) -> None:
    assert ready.activate().code is ExitCode.OK
    assert ready.deactivate(no_mail=True).code is ExitCode.OK
    assert ready.activate().code is ExitCode.OK
    came = ready.deactivate()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["no-other-account"])
    assert (ready.writes(), ready.active()) == ([], OURS)


def test_a_deactivation_that_was_undone_proves_no_activation(
    ready: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """No code of ours runs after a SIGKILL."""

    def kill(*given: object, **more: object) -> None:
        raise Killed

    meddle(
        ready,
        call_app=lambda inner, method, *args, **more: (
            kill() if method == "POST" else inner(method, *args, **more)
        ),
    )
    with monkeypatch.context() as patch:
        patch.setattr(cut_over_back, "_stands_open", lambda held: False)
        with pytest.raises(Killed):
            ready.activate()
    assert (ready.events()[-1], ready.active()) == ("testing", OURS)

    def update(
        inner: Callable[..., None], table: str, sys_id: str, values: Mapping[str, str]
    ) -> None:
        if sys_id == ready.old:
            raise RemoteError.of("refused", "A business rule said no.")
        inner(table, sys_id, values)

    meddle(ready, update=update)
    assert ready.deactivate().code is ExitCode.VERIFICATION_FAILED
    assert (ready.events()[-1], ready.active()) == ("undone", OURS)
    ready.place.wrap = lambda instance: instance
    ready.mail.behaviour.smtp_data = "mailbox_full"
    assert ready.activate().code is ExitCode.VERIFICATION_FAILED
    assert (ready.active(), ready.result.put_back) == (OLD, True)


# What a server repeats


def test_a_message_that_repeats_the_sign_in_is_shown_without_it(ready: Stage) -> None:
    token = "eyJ" + "hbGciOiJSUzI1" + ".eyJhdWQ." + "c2lnbmF0dXJl"
    sign_in = "dXNlcj1" + "zZXJ2aWNlbm93" * 6

    def read(inner: Callable[..., tuple[Found, ...]], reads: Sequence[Read]) -> tuple[Found, ...]:
        for row in ready.sandbox.database.query("sys_email", "type=send-ready"):
            values = {"type": "send-failed", "error_string": f"535 no: {token} {sign_in} 5.7.3"}
            ready.sandbox.database.update("sys_email", row["sys_id"], values, by="x")
        return inner(reads)

    ready.sandbox.database.insert("sys_email", {"type": "send-ready", "subject": "Other"}, by="x")
    meddle(ready, read=read)
    came = ready.activate()
    assert came.codes == ["test-failed", "mail-failed"]
    told = repr((came, ready.result, came.report.as_json()))
    assert "535 no: [removed] [removed] 5.7.3" in told
    assert token not in told
    assert sign_in not in told


def test_what_exchange_says_of_itself_is_left() -> None:
    text = (
        "535 5.7.3 Authentication unsuccessful [AM0PR03CA0001.eurprd03.prod.outlook.com "
        "2026-11-23T12:05:06.000Z 08DE2A6B1F0C9D3E]"
    )
    assert said(text) == text
    assert said("sent Bearer " + "q" * 20) == "sent Bearer [removed]"


def test_what_a_message_waits_for_is_told_at_once(ready: Stage) -> None:
    ready.mail.behaviour.smtp_auth = "rejected"
    came = ready.activate()
    told = [line for line in came.said if "the message reads send-ready: 535 5.7.3" in line]
    assert came.codes == ["test-waits"]
    assert told
    assert came.said.index(told[0]) < came.said.index(
        next(line for line in came.said if line.startswith("putting back"))
    )


def test_more_failed_mail_than_is_listed_is_not_counted_as_all(
    ready: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (cut_over_mail, cut_over_back):
        monkeypatch.setattr(module, "MOST_FAILED", 2)
    for _ in range(3):
        ready.sandbox.database.insert("sys_email", {"type": "send-ready", "subject": "x"}, by="x")
    ready.mail.behaviour.smtp_data = "mailbox_full"
    came = ready.activate()
    assert came.codes == ["test-failed", "mail-failed"]
    assert came.faults[1].message.startswith("at least ")
