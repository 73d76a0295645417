"""The instance is believed and no memory of it; everything that differs is told, and counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from importing import Came, Place, place
from packages import render

from generator.config.environment import Environment, Layout
from generator.config.instance_settings import ProblemKind, ProblemRule
from generator.errors import AuthenticationError, ConfigError, ExitCode, Fault, ResponseError
from generator.instance.importer import import_package
from generator.instance.interface import Found, Instance, Operation, Read
from generator.instance.journal import Event
from generator.instance.next_step import call
from generator.instance.run import Run
from generator.sandbox.behaviour import Behaviour
from generator.sandbox.instance import Sandbox
from generator.sandbox.switches import PlannedProblem
from generator.secrets.interface import Secret

Make = Callable[..., Environment]

COLLIDES = "Found a local update that is newer than this one"
LACKS = "Could not find a record in x for column y referenced in this update"
API = "sys_ws_definition"
ACTION = "sys_hub_action_type_definition"
ACCOUNT = "sys_email_account"
SKIP_API = ProblemRule(ProblemKind.COLLISION, API, None, "ours stays")
DENIED = AuthenticationError(Fault("acl", "an access rule refused it", next="x"), status=403)


class Between:
    """Hands everything on, but for what a test replaces."""

    def __init__(self, instance: Instance, **instead: object) -> None:
        self._instance = instance
        self._instead = instead

    def __getattr__(self, name: str) -> object:
        return self._instead.get(name) or getattr(self._instance, name)


@pytest.fixture
def where(environment: Make) -> Place:
    """A place whose secret has a source."""
    made = place(environment())
    made.client_secret = "canary" + "value"
    return made


def _put(where: Place, **instead: Callable[[Instance], object]) -> None:
    def wrap(instance: Instance) -> Instance:
        made = {name: make(instance) for name, make in instead.items()}
        return Between(instance, **made)  # type: ignore[return-value]

    where.wrap = wrap


def _rows(where: Place, table: str, query: str = "") -> list[dict[str, str]]:
    return where.sandbox.database.query(table, query)


def _entity(where: Place) -> dict[str, str]:
    (row,) = _rows(where, "oauth_entity", f"client_id={where.environment.azure.client_id}")
    return row


def _change(where: Place, table: str, sys_id: str, **values: str) -> None:
    assert where.sandbox.database.update(table, sys_id, values, by="someone")


def _api(where: Place) -> str:
    (row,) = _rows(where, API, "namespaceSTARTSWITHx_acme")
    return row["sys_id"]


def _action(where: Place) -> str:
    (row,) = _rows(where, ACTION)
    return row["sys_id"]


def _account(where: Place) -> str:
    (row,) = _rows(where, ACCOUNT, "user_name=servicenow@contoso.example")
    return row["sys_id"]


def _detail(came: Came, step: str) -> list[str]:
    return [entry.detail for entry in came.report.steps if entry.name == step]


def _raising(error: Exception) -> Callable[[Instance], object]:
    def call(*args: object, **more: object) -> object:
        raise error

    return lambda instance: call


def _next_package(where: Place, comments: str = "v2") -> None:
    where.clock.sleep(100)
    where.environment = replace(
        where.environment, oauth=replace(where.environment.oauth, comments=comments)
    )
    render(where.environment, where.clock.now())


# The secret


def test_a_secret_that_somebody_emptied_is_delivered_again(where: Place) -> None:
    where.call()
    _change(where, "oauth_entity", _entity(where)["sys_id"], client_secret="")
    came = where.call()
    assert (came.code, came.report.secret) == (ExitCode.OK, "delivered, not proven")
    assert _entity(where)["client_secret"]
    assert any("gone from the instance" in note for note in came.report.notes)


def test_an_instance_that_was_reset_gets_the_secret_again(where: Place) -> None:
    where.call()
    where.sandbox = Sandbox(name="acme-dev", behaviour=Behaviour(), clock=where.clock)
    came = where.call()
    assert (came.code, came.report.secret) == (ExitCode.OK, "delivered, not proven")
    assert _entity(where)["client_secret"]


def test_a_secret_that_is_needed_again_is_fetched_before_anything_is_sent(where: Place) -> None:
    def absent(run: Run) -> None:
        def fetch() -> Secret:
            raise ConfigError(Fault("secret-missing", "x", next="y"))

        run.fetch_secret = fetch
        import_package(run)

    where.call()
    assert where.call(absent).code is ExitCode.OK
    where.sandbox = Sandbox(name="acme-dev", behaviour=Behaviour(), clock=where.clock)
    assert where.call(absent).codes == ["secret-missing"]
    assert _rows(where, "sys_remote_update_set") == []


def test_a_lost_secret_is_told_beside_a_record_that_is_missing(where: Place) -> None:
    where.call()
    entity = _entity(where)["sys_id"]
    _next_package(where)

    def emptied(instance: Instance) -> object:
        def commit(*args: object, **more: object) -> Operation:
            found = instance.commit(*args, **more)  # type: ignore[arg-type]
            _change(where, "oauth_entity", entity, client_secret="")
            return found

        return commit

    where.sandbox.behaviour.fail_records = (f"{API}_*",)
    _change(where, API, _api(where), short_description="old")
    _put(where, commit=emptied)
    came = where.call()
    assert came.code is ExitCode.VERIFICATION_FAILED
    assert came.codes == ["not-arrived", "secret-gone"]
    assert came.faults[1].next == f"run {call(where.environment, 'secret deliver')}"
    # The next run finds the set committed: it differs, and the secret is still not there.
    where.wrap = lambda instance: instance
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.DIFFERS, ["differs", "secret-gone"])


# What was left out


def test_what_the_built_in_rule_left_out_is_compared_ever_after(where: Place) -> None:
    where.call()
    where.environment = replace(where.environment, version="1.0.1")
    where.clock.sleep(60)
    render(where.environment, where.clock.now())
    assert [p.outcome for p in where.call().report.problems] == ["skipped"]
    assert where.call().code is ExitCode.OK
    entity = _entity(where)["sys_id"]
    _change(where, "oauth_entity", entity, token_url="https://evil.example/t")
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.DIFFERS, ["differs"])
    assert f"skipped oauth_entity_{entity}" in came.faults[0].message


@pytest.mark.parametrize("forgotten", [False, True])
@pytest.mark.parametrize("ruled", [False, True])
def test_a_decision_of_the_users_lasts_by_journal_or_rule(
    environment: Make, forgotten: bool, ruled: bool
) -> None:
    where = place(environment(), preview_problems=(PlannedProblem("error", f"{API}_*", COLLIDES),))
    came = where.call(skip=(SKIP_API,))
    assert came.code is ExitCode.OK
    assert _detail(came, "confirm") == [
        "35 of 36 read as the package says, 1 left out by a rule",
    ]
    assert any("records read back (the email account apart)" in line for line in came.said)
    if forgotten:
        where.forget()
    came = where.call(skip=(SKIP_API,) if ruled else ())
    if forgotten and not ruled:
        assert (came.code, came.codes) == (ExitCode.DIFFERS, ["differs"])
        assert f"skipped {API}_" in came.faults[0].message
    else:
        assert (came.code, came.codes) == (ExitCode.OK, [])
        assert "1 left out by a rule" in _detail(came, "confirm")[0]


def test_the_journal_keeps_decisions_until_a_back_out(where: Place) -> None:
    where.call()
    kept: list[dict[str, str]] = []

    def ask(run: Run) -> None:
        unit = run.package.units[0].base.sys_id
        for text in ('{"a": "b"}', "[]", "{"):
            run.journal.write(Event.COMMITTING, unit=unit, left_out=text)
            kept.append(dict(run.journal.left_out(unit)))
        kept.append(dict(run.journal.left_out("f" * 32)))
        run.journal.write(Event.COMMITTING, unit=unit, left_out='{"a": "b"}')
        run.journal.write(Event.BACKED_OUT)
        kept.append(dict(run.journal.left_out(unit)))

    where.call(ask)
    assert kept == [{"a": "b"}, {}, {}, {}, {}]


def test_an_action_that_was_left_out_is_not_looked_for(environment: Make) -> None:
    where = place(environment(), preview_problems=(PlannedProblem("error", f"{ACTION}_*", LACKS),))
    rule = ProblemRule(ProblemKind.MISSING_OBJECT, ACTION, None, "r")
    came = where.call(skip=(rule,))
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert "was left out" in _detail(came, "publish")[0]


def test_an_action_that_is_not_there_is_not_called_published(environment: Make) -> None:
    where = place(environment(), fail_records=(f"{ACTION}_*",))
    came = where.call()
    assert came.code is ExitCode.VERIFICATION_FAILED
    assert "is not there" in _detail(came, "publish")[0]
    assert [entry.name for entry in came.report.steps if entry.name == "confirm"] == []


def test_a_skip_that_nobody_decided_stops_before_the_commit(where: Place) -> None:
    def read(instance: Instance) -> object:
        def ask(reads: Sequence[Read]) -> tuple[Found, ...]:
            for row in _rows(
                where, "sys_update_preview_xml", "remote_update.nameSTARTSWITHsys_user_role"
            )[:1]:
                _change(where, "sys_update_preview_xml", row["sys_id"], proposed_action="skip")
            return instance.read(reads)

        return ask

    _put(where, read=read)
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.PREVIEW_PROBLEMS, ["skipped-by-preview"])
    assert "sys_user_role_" in came.faults[0].message
    assert any(line.startswith("  skip ") for line in came.said)
    assert "1 skip" in _detail(came, "preview")[0]
    assert _rows(where, "sys_update_set", "remote_sys_idISNOTEMPTY") == []


# What differs


def test_a_local_set_of_another_retrieved_set_differs(where: Place) -> None:
    where.call()
    for row in _rows(where, "sys_update_set", "remote_sys_idISNOTEMPTY"):
        _change(where, "sys_update_set", row["sys_id"], remote_sys_id="f" * 32)
    came = where.call()
    assert came.code is ExitCode.DIFFERS
    assert {entry.field for entry in came.report.differences} == {"update_set.remote_sys_id"}


def test_everything_that_differs_is_listed_at_once(environment: Make) -> None:
    where = place(environment(layout=Layout.SEPARATE))
    where.call()
    _change(where, API, _api(where), short_description="old")
    came = where.call()
    assert came.code is ExitCode.DIFFERS
    assert any("committed and stays; this one differs" in note for note in came.report.notes)
    _change(where, "oauth_entity", _entity(where)["sys_id"], name="zz")
    _change(where, ACCOUNT, _account(where), port="25")
    _change(where, ACTION, _action(where), state="draft")
    came = where.call()
    assert came.code is ExitCode.DIFFERS
    assert {entry.table for entry in came.report.differences} == {
        API,
        "oauth_entity",
        ACCOUNT,
        ACTION,
    }
    assert len(came.faults) == len(came.report.differences) == 4
    # Nothing was written over any of it.
    assert _rows(where, ACCOUNT, f"sys_id={_account(where)}")[0]["port"] == "25"


def test_an_account_that_cannot_be_read_hides_no_difference(where: Place) -> None:
    where.call()
    _change(where, API, _api(where), short_description="old")

    def read(instance: Instance) -> object:
        def ask(reads: Sequence[Read]) -> tuple[Found, ...]:
            found = instance.read(reads)
            if not any(entry.table == API for entry in reads):
                return found
            return tuple(
                Found(error=DENIED) if entry.table == ACCOUNT else answer
                for entry, answer in zip(reads, found, strict=True)
            )

        return ask

    _put(where, read=read)
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.DIFFERS, ["differs"])
    assert "not confirmed: the email account cannot be read" in came.report.notes


def test_a_dry_run_reads_what_is_committed(where: Place) -> None:
    where.call()
    came = where.call(dry_run=True)
    assert came.code is ExitCode.OK
    assert _detail(came, "known") == [
        "is committed; every one of 36 records reads as the package says"
    ]
    assert len(came.report.sets) == 2
    _change(where, API, _api(where), short_description="old")
    came = where.call(dry_run=True)
    assert (came.code, came.codes) == (ExitCode.DIFFERS, ["differs"])
    assert _detail(came, "known") == ["is committed; 1 difference"]
    assert call(where.environment, "render", "--again") in (came.faults[0].next or "")


def test_a_dry_run_names_what_an_import_would_complete(where: Place) -> None:
    where.call()
    _change(where, ACCOUNT, _account(where), port="25")
    _change(where, ACTION, _action(where), state="draft")
    came = where.call(dry_run=True)
    assert (came.code, len(came.faults)) == (ExitCode.DIFFERS, 2)
    completes = f"{call(where.environment, 'import')} completes it"
    assert {fault.next for fault in came.faults} == {completes}
    assert _rows(where, ACTION)[0]["state"] == "draft"


def test_a_set_that_cannot_be_read_hides_no_difference_of_another(environment: Make) -> None:
    where = place(environment(layout=Layout.SEPARATE))
    where.call()
    _change(where, "oauth_entity", _entity(where)["sys_id"], name="zz")

    def read(instance: Instance) -> object:
        def ask(reads: Sequence[Read]) -> tuple[Found, ...]:
            if any(entry.table == API for entry in reads):
                raise DENIED
            return instance.read(reads)

        return ask

    _put(where, read=read)
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.DIFFERS, ["differs"])
    assert any("the other sets could not be read" in note for note in came.report.notes)


# Refusals after a commit


def test_a_refused_account_is_told_with_what_else_is_missing(environment: Make) -> None:
    where = place(environment(), data_rows="ignored", fail_records=(f"{API}_*",))
    _put(where, insert=_raising(DENIED))
    came = where.call()
    assert came.code is ExitCode.VERIFICATION_FAILED
    assert came.codes == ["not-arrived", "account-refused"]
    assert "an access rule refused it" in came.faults[1].message


@pytest.mark.parametrize("status", [400, 403])
def test_a_refused_publication_says_why(where: Place, status: int) -> None:
    where.call()
    _change(where, ACTION, _action(where), state="draft")
    _put(
        where, publish_action=_raising(ResponseError(Fault("x", "No way", next="n"), status=status))
    )
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["not-published"])
    assert f"status {status}: No way" in came.faults[0].message


def test_an_unclear_answer_is_told_beside_what_is_missing(environment: Make) -> None:
    unclear = AuthenticationError(Fault("unclear", "who are you", next="n"))
    where = place(environment(), data_rows="ignored", fail_records=(f"{API}_*",))
    _put(where, insert=_raising(unclear))
    came = where.call()
    assert came.code is ExitCode.VERIFICATION_FAILED
    assert came.codes == ["not-arrived", "unclear"]
    # Alone it is what it is: unknown.
    where = place(environment(), data_rows="ignored")
    _put(where, insert=_raising(unclear))
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.FAILED, ["unclear"])


# Smaller things


def test_a_committed_deletion_asks_for_no_word_again(where: Place) -> None:
    def deleting(run: Run) -> None:
        records = tuple(
            replace(r, action="DELETE") if r.table == "sys_user_role" else r
            for r in run.package.records
        )
        run.package = replace(run.package, records=records)
        import_package(run)

    assert set(where.call(deleting).codes) == {"deletes"}
    where.call()
    for row in _rows(where, "sys_user_role", "nameSTARTSWITHx_acme"):
        where.sandbox.database.delete("sys_user_role", row["sys_id"])
    assert where.call(deleting).code is ExitCode.OK


def test_a_summary_that_is_no_number_counts_nothing(where: Place) -> None:
    def read(instance: Instance) -> object:
        def ask(reads: Sequence[Read]) -> tuple[Found, ...]:
            return tuple(
                replace(answer, rows=tuple({**row, "summary": "abc"} for row in answer.rows))
                if entry.table == "sys_remote_update_set"
                else answer
                for entry, answer in zip(reads, instance.read(reads), strict=True)
            )

        return ask

    _put(where, read=read)
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["preview-incomplete"])


def test_a_preview_alone_says_of_nothing_that_it_is_committed(environment: Make) -> None:
    where = place(
        environment(layout=Layout.SEPARATE),
        preview_problems=(PlannedProblem("error", f"{API}_*", COLLIDES),),
    )
    came = where.call(preview_only=True)
    assert came.code is ExitCode.PREVIEW_PROBLEMS
    assert not any("committed and stays" in note for note in came.report.notes)
    came = where.call()
    assert any("committed and stays; this one stopped" in note for note in came.report.notes)


def test_a_secret_that_the_first_commit_emptied_is_named_when_the_second_stops(
    environment: Make,
) -> None:
    where = place(environment(layout=Layout.SEPARATE))
    where.client_secret = "canary" + "value"
    where.call()
    entity = _entity(where)["sys_id"]
    _next_package(where)
    where.sandbox.behaviour.preview_problems = (PlannedProblem("error", f"{API}_*", LACKS),)

    def emptied(instance: Instance) -> object:
        def commit(*args: object, **more: object) -> Operation:
            found = instance.commit(*args, **more)  # type: ignore[arg-type]
            _change(where, "oauth_entity", entity, client_secret="")
            return found

        return commit

    _put(where, commit=emptied)
    came = where.call()
    assert came.code is ExitCode.PREVIEW_PROBLEMS
    assert any("sn-smtp secret deliver dev" in note for note in came.report.notes)


@pytest.mark.parametrize(("status", "notes"), [("success", 0), ("error", 11), ("warning", 11)])
def test_the_log_tells_what_is_bad_and_not_all_of_it(where: Place, status: str, notes: int) -> None:
    where.call()
    local = _rows(where, "sys_update_set", "remote_sys_idISNOTEMPTY")[0]["sys_id"]
    for number in range(13):
        where.sandbox.database.insert(
            "sys_update_set_log",
            {"update_set": local, "status": status, "log": f"entry {number}"},
            by="system",
        )
    said = [note for note in where.call().report.notes if note.startswith("update set log")]
    assert len(said) == notes
    assert not notes or said[-1].endswith("3 further entries")


def test_an_account_before_the_first_commit_is_no_error(where: Place) -> None:
    came = where.call()
    assert "  account: not there yet; it comes with the commit or is written after it" in came.said
