"""A package all the way into the sandbox, again, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from importing import Place, place
from packages import LATER, START, render

from generator.config.environment import Environment, Layout
from generator.config.instance_settings import ImportSettings, ProblemKind, ProblemRule
from generator.errors import ExitCode, Fault
from generator.instance.back_out import back_out
from generator.instance.deliver_only import deliver_secret
from generator.instance.package_files import load_package
from generator.instance.report import StepOutcome
from generator.instance.run import Deletion, Permission
from generator.instance.status import Status, status
from generator.instance.upload_step import upload
from generator.update_set.package_state import require_whole

Make = Callable[..., Environment]

ACCOUNT = "sys_email_account"


@pytest.fixture(params=[Layout.BATCH, Layout.SEPARATE])
def there(environment: Make, request: pytest.FixtureRequest) -> Place:
    """A place in either layout."""
    return place(environment(layout=request.param))


@pytest.fixture
def batch(environment: Make) -> Place:
    """A place with the usual layout."""
    return place(environment())


def _looked(where: Place) -> Status:
    found: list[Status] = []
    where.call(lambda run: found.append(status(run)), dry_run=True)
    return found[0]


def _row(where: Place, table: str) -> dict[str, str]:
    """The first record of ours of a table, as it is on the instance."""
    directory = where.environment.directory
    package = load_package(directory, require_whole(directory))
    record = package.account if table == ACCOUNT else package.first(table)
    assert record is not None
    return dict(where.sandbox.database.get(table, record.sys_id) or {})


def _change(where: Place, table: str, **values: str) -> None:
    """Somebody changes a record of ours by hand, uncaptured."""
    where.sandbox.database.update(table, _row(where, table)["sys_id"], values, by="someone")


def _commits(where: Place) -> int:
    return len(where.sandbox.database.query("sys_update_set", "remote_sys_idISNOTEMPTY"))


# The way of a good package


def test_a_first_import_arrives_whole(there: Place) -> None:
    came = there.call()
    assert (came.code, came.faults) == (ExitCode.OK, ())
    assert {entry.state for entry in came.report.sets} == {"committed"}
    assert _row(there, "oauth_entity")["name"] == "Exchange Online SMTP"
    assert _row(there, ACCOUNT)["active"] == "false"
    assert _row(there, "sys_hub_action_type_definition")["state"] == "published"
    assert came.report.secret == "no source configured"
    assert "enter it there" in " ".join(came.report.notes)
    assert len(came.report.changes) == 36


def test_it_costs_few_requests(batch: Place) -> None:
    batch.client_secret = "s" + "3cret-value"
    first, second = batch.call(), batch.call()
    assert first.code is second.code is ExitCode.OK
    assert first.report.requests <= 30
    assert second.report.requests <= 10


def test_a_second_import_has_nothing_to_do(there: Place) -> None:
    there.call()
    before = _commits(there)
    came = there.call()
    assert (came.code, came.report.differences) == (ExitCode.OK, [])
    assert _commits(there) == before
    assert {s.outcome for s in came.report.steps if s.name in ("upload", "account", "secret")} == {
        StepOutcome.NOTHING_TO_DO
    }


def test_the_secret_arrives_and_is_said_to_be_unproven(there: Place) -> None:
    there.client_secret = "s" + "3cret-value"
    came = there.call()
    assert (came.code, came.report.secret) == (ExitCode.OK, "delivered, not proven")
    assert _row(there, "oauth_entity")["client_secret"]
    again = there.call()
    assert again.report.secret.startswith("delivered by an earlier import")
    there.forget()
    assert there.call().report.secret == "delivered, not proven"
    everything = "\n".join([*came.said, *there.sandbox.log, str(came.report.as_json())])
    assert there.client_secret not in everything


def test_the_secret_alone(batch: Place) -> None:
    batch.client_secret = "s" + "3cret-value"
    early = batch.call(deliver_secret)
    assert (early.code, early.codes) == (ExitCode.REFUSED, ["entity-missing"])
    batch.client_secret = None
    batch.call()
    none = batch.call(deliver_secret)
    assert (none.code, none.codes) == (ExitCode.USAGE, ["no-secret-source"])
    batch.client_secret = "s" + "3cret-value"
    came = batch.call(deliver_secret)
    assert (came.code, came.report.secret) == (ExitCode.OK, "delivered, not proven")
    _change(batch, "oauth_entity", token_url="https://elsewhere.example")
    other = batch.call(deliver_secret)
    assert (other.code, other.codes) == (ExitCode.REFUSED, ["entity-differs"])


def test_a_delivered_secret_does_not_stand_in_the_way_of_the_next_package(there: Place) -> None:
    there.client_secret = "s" + "3cret-value"
    there.call()
    there.clock.sleep(3600)
    # Rendered with a clock that is behind the local change that the delivery left.
    changed = replace(there.environment, version="1.0.1")
    render(changed, START + timedelta(minutes=2))
    there.environment = changed
    came = there.call()
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert _row(there, "oauth_entity")["client_secret"]


def test_a_collision_is_skipped_only_where_the_record_reads_as_it_should(batch: Place) -> None:
    batch.client_secret = "s" + "3cret-value"
    batch.call()
    changed = replace(
        batch.environment, oauth=replace(batch.environment.oauth, comments="New words")
    )
    batch.clock.sleep(3600)
    batch.call(deliver_secret)
    render(changed, START + timedelta(minutes=2))
    batch.environment = changed
    came = batch.call()
    assert came.code is ExitCode.PREVIEW_PROBLEMS
    assert {p.kind for p in came.report.problems} == {"collision"}
    entity = _row(batch, "oauth_entity")["sys_id"]
    assert f"--accept collision:oauth_entity:{entity}" in (came.faults[0].next or "")
    assert _row(batch, "oauth_entity")["comments"] == ""
    rule = ProblemRule(ProblemKind.COLLISION, "oauth_entity", entity, "agreed")
    after = batch.call(accept=(rule,))
    assert (after.code, after.codes) == (ExitCode.OK, [])
    assert _row(batch, "oauth_entity")["comments"] == "New words"


def test_back_out_and_render_again_and_import(there: Place) -> None:
    there.call()
    there.clock.sleep(60)
    came = there.call(back_out)
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert _row(there, "oauth_entity") == {}
    assert _row(there, ACCOUNT)["active"] == "false"
    notes = " ".join(came.report.notes)
    assert "--again" in notes
    assert "the email account" in notes
    collides = there.call()
    assert collides.code is ExitCode.PREVIEW_PROBLEMS
    there.clock.sleep(3600)
    there.render_again()
    again = there.call()
    assert (again.code, again.codes) == (ExitCode.OK, [])
    assert _row(there, "oauth_entity")["name"]


def test_back_out_is_refused_while_our_account_is_active(there: Place) -> None:
    there.call()
    _change(there, ACCOUNT, active="true")
    came = there.call(back_out)
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["account-active"])
    assert _row(there, "oauth_entity")


def test_back_out_without_an_import_is_refused(batch: Place) -> None:
    came = batch.call(back_out)
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["nothing-committed"])


def test_status_says_what_is_there(there: Place) -> None:
    before = _looked(there)
    assert {entry.state for entry in before.package} == {""}
    assert (before.instance_name, before.production) == ("acme-dev", "false")
    assert (before.entity, before.account, before.secret_set) == ("", "", False)
    there.client_secret = "s" + "3cret-value"
    there.call()
    after = _looked(there)
    assert {entry.state for entry in after.package} == {"committed"}
    assert (after.client_id_agrees, after.secret_set, after.account_active) == (True, True, False)
    assert (after.action_state, after.account_differs, after.unread) == ("published", (), ())
    assert after.secret_expires_on == "2027-11-20 09:15:00"


# What else a call may be


def test_a_dry_run_changes_nothing(there: Place) -> None:
    came = there.call(dry_run=True)
    assert (came.code, came.report.requests < 10) == (ExitCode.OK, True)
    assert there.sandbox.database.count("sys_remote_update_set") == 0
    assert {entry.state for entry in came.report.sets} == {""}
    there.call()
    assert there.call(dry_run=True).code is ExitCode.OK


def test_a_preview_alone_leaves_nothing(there: Place) -> None:
    came = there.call(preview_only=True)
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert len(came.report.changes) == 36
    for table in ("sys_remote_update_set", "sys_update_preview_xml", "oauth_entity"):
        assert there.sandbox.database.count(table, "nameSTARTSWITHMail OAuth") == 0
    assert there.sandbox.database.count("sys_update_preview_xml") == 0
    assert there.sandbox.database.count("sys_update_xml", "remote_update_setISNOTEMPTY") == 0


def test_a_no_takes_the_upload_back(there: Place) -> None:
    asked: list[str] = []
    there.answers = lambda question: bool(asked.append(question))
    came = there.call()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["declined"])
    assert "acme-dev" in asked[0]
    assert there.sandbox.database.count("sys_remote_update_set") == 0


# What is there already


def test_an_earlier_upload_is_watched_and_removed(there: Place) -> None:
    there.call(lambda run: upload(run, run.package.units[0]))
    there.forget()
    before = there.clock.monotonic()
    came = there.call()
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert there.clock.monotonic() - before > 60
    assert any("watching" in line for line in came.said)


def test_a_resumed_import_goes_on_at_once(there: Place) -> None:
    there.call(lambda run: upload(run, run.package.units[0]))
    before = there.clock.monotonic()
    came = there.call(resume=True)
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert there.clock.monotonic() - before < 30
    uploads = [line for line in came.said if line.startswith("upload (") and ".xml" in line]
    # The first file is there already.
    assert len(uploads) == (there.environment.layout is Layout.SEPARATE)


def test_another_ones_set_is_left_alone(batch: Place) -> None:
    batch.call(lambda run: upload(run, run.package.units[0]))
    (base, *_) = batch.sandbox.database.query("sys_remote_update_set", "state=loaded")
    batch.sandbox.database.update(
        "sys_remote_update_set", base["sys_id"], {"name": "Mine"}, by="someone"
    )
    came = batch.call()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["set-not-ours"])
    assert batch.sandbox.database.get("sys_remote_update_set", base["sys_id"])


def test_a_set_at_work_is_waited_for_and_then_refused(batch: Place) -> None:
    batch.call(lambda run: upload(run, run.package.units[0]))
    (base, *_) = batch.sandbox.database.query("sys_remote_update_set", "state=loaded")
    table = "sys_remote_update_set"
    batch.sandbox.database.update(table, base["sys_id"], {"state": "previewing"}, by="someone")
    before = batch.clock.monotonic()
    came = batch.call()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["set-busy"])
    assert 600 <= batch.clock.monotonic() - before < 660


def test_drift_is_listed_and_left_alone(there: Place) -> None:
    there.call()
    _change(there, "oauth_entity", token_url="https://elsewhere.example")
    came = there.call()
    assert came.code is ExitCode.DIFFERS
    (difference,) = came.report.differences
    assert (difference.field, difference.found) == ("token_url", "https://elsewhere.example")
    assert "--again" in (came.faults[0].next or "")
    assert _row(there, "oauth_entity")["token_url"] == "https://elsewhere.example"


def test_an_account_that_differs_is_completed_and_stays_as_active_as_it_was(there: Place) -> None:
    there.call()
    _change(there, ACCOUNT, port="25", active="true")
    came = there.call()
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert (_row(there, ACCOUNT)["port"], _row(there, ACCOUNT)["active"]) == ("587", "true")
    assert "live: true" in " ".join(came.report.notes)


def test_a_set_that_carries_an_active_account_is_refused(there: Place) -> None:
    there.call()
    _change(there, ACCOUNT, active="true")
    there.clock.sleep(3600)
    there.render_again()
    came = there.call()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["account-active"])
    assert _row(there, ACCOUNT)["active"] == "true"


def test_a_live_package_leaves_the_active_account_active(environment: Make) -> None:
    where = place(environment())
    where.call()
    _change(where, ACCOUNT, active="true")
    where.clock.sleep(3 * 86_400)
    live = replace(
        where.environment, email_account=replace(where.environment.email_account, live=True)
    )
    render(live, LATER)
    where.environment = live
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert _row(where, ACCOUNT)["active"] == "true"


def test_a_live_account_that_is_absent_is_inserted_inactive(environment: Make) -> None:
    where = place(environment(email_account__live=True))
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert _row(where, ACCOUNT)["active"] == "false"
    assert "makes it send" in " ".join(came.report.notes)


# What goes wrong


def test_data_rows_that_a_commit_ignores_are_written_over_the_table_api(environment: Make) -> None:
    where = place(environment(), data_rows="ignored")
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert _row(where, ACCOUNT)["oauth_profile"]
    assert "inserted" in next(s.detail for s in came.report.steps if s.name == "account")


@pytest.mark.parametrize("table", ["oauth_entity_scope", "sys_script_include"])
def test_a_record_that_was_not_written_is_named(there: Place, table: str) -> None:
    directory = there.environment.directory
    record = load_package(directory, require_whole(directory)).first(table)
    assert record is not None
    there.sandbox.behaviour.fail_records = [record.update_name]  # type: ignore[assignment]
    came = there.call()
    assert came.code is ExitCode.VERIFICATION_FAILED
    assert any(record.sys_id in fault.message for fault in came.faults)
    if table == "sys_script_include" and there.environment.layout is Layout.SEPARATE:
        assert "committed and stays" in " ".join(came.report.notes)


def test_everything_that_speaks_against_an_import_is_told_at_once(batch: Place) -> None:
    batch.sandbox.behaviour.upgrading = True
    batch.sandbox.behaviour.mutex_held = True
    batch.sandbox.behaviour.production = "missing"
    batch.sandbox.behaviour.email_oauth_plugin = "inactive"
    came = batch.call()
    assert came.code is ExitCode.REFUSED
    assert {"busy-upgrade", "busy-mutex", "production-unclear", "plugin-missing"} <= {*came.codes}
    assert batch.sandbox.database.count("sys_remote_update_set") == 0
    allowed = batch.call(permission=Permission(confirm_instance="acme-dev"))
    assert "production-unclear" not in allowed.codes


def test_rules_of_the_environment_file_count_too(batch: Place) -> None:
    batch.call()
    batch.clock.sleep(60)
    batch.call(back_out)
    came = batch.call()
    assert came.code is ExitCode.PREVIEW_PROBLEMS
    tables = {problem.table for problem in came.report.problems}
    rules = tuple(ProblemRule(ProblemKind.COLLISION, table, None, "back-out") for table in tables)
    batch.environment = replace(batch.environment, imports=ImportSettings(accept=rules))
    after = batch.call()
    assert (after.code, after.codes) == (ExitCode.OK, [])
    assert _row(batch, "oauth_entity")


def test_a_skipped_record_is_not_written_and_not_expected(batch: Place) -> None:
    batch.call()
    batch.clock.sleep(60)
    batch.call(back_out)
    rules = tuple(
        ProblemRule(ProblemKind.COLLISION, table, None, "back-out")
        for table in {p.table for p in batch.call().report.problems} - {"sysevent_email_action"}
    )
    skip = (ProblemRule(ProblemKind.COLLISION, "sysevent_email_action", None, "not wanted"),)
    came = batch.call(accept=rules, skip=skip)
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert _row(batch, "sysevent_email_action") == {}
    assert "left out" in " ".join(came.report.notes)


def test_a_stale_package_is_refused_before_anything_is_sent(batch: Place) -> None:
    batch.package_faults = [Fault("stale", "old")]
    came = batch.call()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["stale"])
    assert batch.sandbox.database.count("sys_remote_update_set") == 0


def test_a_deletion_needs_a_word_for_each(environment: Make) -> None:
    where = place(environment(deletions=True))
    where.call()
    gone = _row(where, "sys_scope_privilege")
    where.clock.sleep(3 * 86_400)
    privilege = load_package(
        where.environment.directory, require_whole(where.environment.directory)
    ).first("sys_scope_privilege")
    assert privilege is not None
    history = require_whole(where.environment.directory).history.records
    logical = history[privilege.update_name].logical_name
    moved = replace(where.environment, sys_ids={logical: "0123456789abcdef" * 2})
    render(moved, LATER)
    where.environment = moved
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["deletes"])
    other = where.call(allow_delete=(Deletion("sys_scope_privilege", "f" * 32),))
    assert (other.code, other.codes) == (ExitCode.REFUSED, ["deletes"])
    allowed = where.call(allow_delete=(Deletion("sys_scope_privilege", gone["sys_id"]),))
    assert (allowed.code, allowed.codes) == (ExitCode.OK, [])
    assert where.sandbox.database.get("sys_scope_privilege", gone["sys_id"]) is None
    assert where.sandbox.database.get("sys_scope_privilege", "0123456789abcdef" * 2)
