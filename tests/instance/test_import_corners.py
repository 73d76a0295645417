"""Corners of an import that no healthy instance leads to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from importing import Place, place
from packages import START, render

from generator.config.environment import Environment, Layout
from generator.config.instance_settings import AuthMethod, AuthSettings, ProblemKind, ProblemRule
from generator.errors import ExitCode, Fault, ResponseError
from generator.instance.back_out import back_out
from generator.instance.deliver_only import deliver_secret
from generator.instance.interface import Found, Instance, Operation, ProgressState, Read, Stage
from generator.instance.run import Run
from generator.instance.upload_step import upload

Make = Callable[..., Environment]

SETS = "sys_remote_update_set"
SECRET = "s" + "3cret-value"


class Between:
    """A client with some methods replaced."""

    def __init__(self, instance: Instance, **instead: object) -> None:
        self._instance = instance
        self._instead = instead

    def __getattr__(self, name: str) -> object:
        return self._instead.get(name) or getattr(self._instance, name)


@pytest.fixture
def where(environment: Make) -> Place:
    """A place."""
    return place(environment())


def _put(where: Place, **instead: Callable[[Instance], object]) -> None:
    where.wrap = lambda instance: Between(  # type: ignore[assignment,return-value]
        instance, **{name: make(instance) for name, make in instead.items()}
    )


def _rows(where: Place, table: str, query: str = "") -> list[dict[str, str]]:
    return where.sandbox.database.query(table, query)


def _set(where: Place, table: str, sys_id: str, **values: str) -> None:
    where.sandbox.database.update(table, sys_id, values, by="someone")


def _upload(run: Run) -> None:
    upload(run, run.package.units[0])


# Confirming what was committed before


def test_a_local_set_that_is_gone_is_a_difference(where: Place) -> None:
    where.call()
    (first, second) = _rows(where, "sys_update_set", "remote_sys_idISNOTEMPTY")
    where.sandbox.database.delete("sys_update_set", first["sys_id"])
    _set(where, "sys_update_set", second["sys_id"], state="in progress")
    came = where.call()
    assert came.code is ExitCode.DIFFERS
    fields = {entry.field for entry in came.report.differences}
    assert fields == {"update_set", "update_set.state"}


def test_a_count_that_differs_is_a_difference(where: Place) -> None:
    where.call()
    row, *_ = _rows(where, "sys_update_xml", "update_set.remote_sys_idISNOTEMPTY")
    where.sandbox.database.delete("sys_update_xml", row["sys_id"])
    came = where.call()
    assert came.code is ExitCode.DIFFERS
    (difference,) = came.report.differences
    assert difference.field == "updates of the local set"


def test_what_the_instance_logged_is_passed_on(where: Place) -> None:
    where.call()
    local, *_ = _rows(where, "sys_update_set", "remote_sys_idISNOTEMPTY")
    where.sandbox.database.insert(
        "sys_update_set_log",
        {"update_set": local["sys_id"], "status": "error", "log": "permission denied"},
        by="system",
    )
    assert any("permission denied" in note for note in where.call().report.notes)


def test_a_set_that_reads_otherwise_after_its_commit_is_missed(where: Place) -> None:
    states: list[str] = []

    def lying(instance: Instance) -> Callable[[Sequence[Read]], tuple[Found, ...]]:
        def read(reads: Sequence[Read]) -> tuple[Found, ...]:
            found = instance.read(reads)
            if any(entry.table == "sys_update_set_log" for entry in reads):
                states.append("confirm")
                rows = tuple({**row, "state": "partial"} for row in found[0].rows)
                return (Found(rows, len(rows)), *found[1:])
            return found

        return read

    _put(where, read=lying)
    came = where.call()
    assert (came.code, states) == (ExitCode.VERIFICATION_FAILED, ["confirm"])
    assert {entry.field for entry in came.report.differences} == {"state"}


# Commits that end badly


@pytest.mark.parametrize(
    ("state", "code"), [("previewed", "commit-half-way"), ("committing", "commit-unfinished")]
)
def test_half_a_commit_is_told(where: Place, state: str, code: str) -> None:
    def half(instance: Instance) -> Callable[[Operation], ProgressState]:
        def progress(operation: Operation) -> ProgressState:
            found = instance.progress(operation)
            for row in _rows(where, SETS, "state=committed^parentISNOTEMPTY"):
                _set(where, SETS, row["sys_id"], state=state)
            return found

        return progress

    _put(where, progress=half)
    came = where.call()
    assert code in came.codes
    assert came.report.secret == ""


def test_a_progress_that_cannot_be_read_is_no_reason_to_stop(where: Place) -> None:
    def closed(instance: Instance) -> Callable[[Operation], ProgressState]:
        def progress(operation: Operation) -> ProgressState:
            instance.progress(operation)
            raise ResponseError(Fault("no", "no", next="x"), status=404)

        return progress

    _put(where, progress=closed)
    assert where.call().code is ExitCode.OK


# What is in the way


def test_a_set_that_is_touched_while_watched_is_somebody_elses(where: Place) -> None:
    where.call(_upload)
    where.forget()
    (base,) = _rows(where, SETS, "state=loaded")

    class Busy:
        def __init__(self) -> None:
            self.inner = where.clock

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        def sleep(self, seconds: float) -> None:
            self.inner.sleep(seconds)
            if seconds == 60:
                _set(where, SETS, base["sys_id"], state="previewing")

    where.clock = Busy()  # type: ignore[assignment]
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["set-in-use"])
    assert _rows(where, SETS, "state=previewing")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"state": "committed"}, "half-committed"),
        ({"state": "previewing"}, "set-in-use"),
        ({"state": "partial"}, "set-state"),
        ({"name": "Somebody's"}, "set-not-ours"),
    ],
)
def test_a_set_is_looked_at_again_before_it_is_removed(
    where: Place, change: dict[str, str], code: str
) -> None:
    def answers(question: str) -> bool:
        (base,) = _rows(where, SETS, "parentISEMPTY")
        _set(where, SETS, base["sys_id"], **change)
        return False

    where.answers = answers
    assert code in where.call().codes
    assert _rows(where, SETS, "parentISEMPTY")


def test_what_cannot_be_removed_is_told(where: Place) -> None:
    _put(where, delete=lambda instance: lambda table, sys_id: None)
    where.answers = lambda question: False
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["not-removed"])


def test_children_that_may_not_be_deleted_go_with_their_header(where: Place) -> None:
    def some(instance: Instance) -> Callable[[str, str], None]:
        def delete(table: str, sys_id: str) -> None:
            if table != SETS:
                raise ResponseError(Fault("no", "no", next="x"), status=403)
            instance.delete(table, sys_id)

        return delete

    _put(where, delete=some)
    assert where.call(preview_only=True).code is ExitCode.OK
    assert where.sandbox.database.count("sys_update_xml", "remote_update_setISNOTEMPTY") == 0


def test_orphans_of_an_earlier_removal_are_not_counted_twice(where: Place) -> None:
    where.sandbox.behaviour.cascade = False
    where.call(_upload)
    for row in _rows(where, SETS):
        where.sandbox.database.delete(SETS, row["sys_id"])
    assert where.sandbox.database.count("sys_update_xml", "remote_update_setISNOTEMPTY") == 36
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.OK, [])


def test_a_resumed_import_that_finds_something_else_stops_or_begins_anew(where: Place) -> None:
    where.call(_upload)
    row, *_ = _rows(where, "sys_update_xml", "remote_update_setISNOTEMPTY")
    where.sandbox.database.delete("sys_update_xml", row["sys_id"])
    came = where.call(resume=True)
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["set-in-use"])
    assert where.call().code is ExitCode.OK


def test_a_resumed_import_goes_on_with_a_fresh_preview_only(where: Place) -> None:
    from generator.instance.preview_step import preview

    def previewed(run: Run) -> None:
        _upload(run)
        preview(run, run.package.units[0])

    where.call(previewed)
    came = where.call(resume=True)
    assert (came.code, any("upload (" in line for line in came.said)) == (ExitCode.OK, False)
    other = place(where.environment)
    other.call(previewed)
    other.clock.sleep(2 * 3600)
    came = other.call(resume=True)
    assert came.code is ExitCode.OK
    assert any(line.startswith("upload (") for line in came.said)


def test_a_problem_that_a_person_resolved_stays_resolved(where: Place) -> None:
    from generator.instance.preview_step import preview

    where.call()
    where.clock.sleep(60)
    where.call(back_out)

    def previewed(run: Run) -> None:
        for entry in _rows(where, SETS):
            where.sandbox.database.delete(SETS, entry["sys_id"])
        for entry in _rows(where, "sys_update_xml", "remote_update_setISNOTEMPTY"):
            where.sandbox.database.delete("sys_update_xml", entry["sys_id"])
        _upload(run)
        preview(run, run.package.units[0])

    where.call(previewed)
    problems = _rows(where, "sys_update_preview_problem")
    for problem in problems[1:]:
        _set(where, "sys_update_preview_problem", problem["sys_id"], status="ignored")
    _set(where, "sys_update_preview_problem", problems[0]["sys_id"], status="skipped")
    came = where.call(resume=True)
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert {p.outcome for p in came.report.problems} == {"accepted", "skipped"}
    assert any("left out" in note for note in came.report.notes)


def test_a_preview_alone_lists_what_rules_would_decide(where: Place) -> None:
    where.call()
    where.clock.sleep(60)
    where.call(back_out)
    tables = {p.table for p in where.call(preview_only=True).report.problems}
    rules = tuple(ProblemRule(ProblemKind.COLLISION, table, None, "r") for table in tables)
    came = where.call(preview_only=True, accept=rules)
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert {p.outcome for p in came.report.problems} == {"accepted"}


def test_data_loss_is_refused_whatever_rules_say(where: Place) -> None:
    def losing(instance: Instance) -> Callable[[Sequence[Read]], tuple[Found, ...]]:
        def read(reads: Sequence[Read]) -> tuple[Found, ...]:
            row = {"sys_id": "1", "action": "DELETE", "name": "sys_dictionary_a_b"}
            return tuple(
                Found((row,), 1) if entry.query.startswith("action=DELETE") else found
                for entry, found in zip(reads, instance.read(reads), strict=True)
            )

        return read

    _put(where, read=losing)
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["data-loss"])
    assert where.sandbox.database.count(SETS) == 0


def test_a_preview_alone_is_taken_back_where_it_fails(where: Place) -> None:
    def incomplete(instance: Instance) -> Callable[[Sequence[Read]], tuple[Found, ...]]:
        def read(reads: Sequence[Read]) -> tuple[Found, ...]:
            found = instance.read(reads)
            if any(entry.query.startswith("action=DELETE") for entry in reads):
                rows = tuple({**row, "summary": "1"} for row in found[0].rows)
                return (Found(rows, len(rows)), *found[1:])
            return found

        return read

    _put(where, read=incomplete)
    came = where.call(preview_only=True)
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["preview-incomplete"])
    assert where.sandbox.database.count(SETS) == 0
    _put(where, read=incomplete, delete=lambda instance: lambda table, sys_id: None)
    came = where.call(preview_only=True)
    assert came.codes == ["preview-incomplete"]
    assert any("could not be removed" in note for note in came.report.notes)


def test_open_problems_leave_the_upload_to_be_looked_at(where: Place) -> None:
    where.call()
    where.clock.sleep(60)
    where.call(back_out)
    came = where.call()
    assert came.code is ExitCode.PREVIEW_PROBLEMS
    assert any("stays on the instance" in note for note in came.report.notes)
    assert {row["state"] for row in _rows(where, SETS)} == {"previewed", "previewed_in_hierarchy"}


def test_problems_that_are_alike_are_told_once_with_every_update(where: Place) -> None:
    where.call()
    where.clock.sleep(60)
    where.call(back_out)
    came = where.call()
    (fault,) = came.faults
    assert f"{len(came.report.problems)} updates" in fault.message
    assert all(problem.update in fault.message for problem in came.report.problems)
    root = where.environment.directory.parent
    again = f"sn-smtp render {where.environment.name} --root {root} --again"
    assert f"{again}, then import" in (fault.next or "")
    assert not any("Found a local update" in line for line in came.said)


# Secret and its date


def test_the_date_is_written_where_it_differs_and_the_line_is_named(where: Place) -> None:
    where.client_secret = SECRET
    where.call()
    name = f"{where.environment.app.scope}.secret_expires_on"
    where.environment = replace(
        where.environment,
        azure=replace(where.environment.azure, secret_expires_on=datetime(2028, 5, 1, tzinfo=UTC)),
    )
    came = where.call(deliver_secret)
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert any("azure.secret_expires_on" in note for note in came.report.notes)
    (row,) = _rows(where, "sys_properties", f"name={name}")
    assert row["value"] == "2028-05-01 00:00:00"
    # The package is older than the rotation now.
    assert where.call().codes == ["secret-older"]


def test_a_date_that_cannot_be_written_is_told(where: Place) -> None:
    where.client_secret = SECRET
    where.call()
    where.environment = replace(
        where.environment,
        azure=replace(where.environment.azure, secret_expires_on=datetime(2028, 5, 1, tzinfo=UTC)),
    )
    _put(where, update=lambda instance: lambda *args, **more: None)
    came = where.call(deliver_secret)
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["expiry-not-written"])


def test_an_environment_that_is_behind_the_instance_delivers_nothing(where: Place) -> None:
    where.client_secret = SECRET
    where.call()
    where.environment = replace(
        where.environment,
        azure=replace(where.environment.azure, secret_expires_on=datetime(2026, 12, 1, tzinfo=UTC)),
    )
    came = where.call(deliver_secret)
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["secret-older"])


def test_a_dry_run_of_a_delivery_sends_no_secret(where: Place) -> None:
    where.call()
    where.client_secret = SECRET
    came = where.call(deliver_secret, dry_run=True)
    assert (came.code, came.report.secret) == (ExitCode.OK, "")
    (entity,) = _rows(where, "oauth_entity", "name=Exchange Online SMTP")
    assert not entity.get("client_secret")


# Roles, accounts, back out


def test_roles_decide_who_may_import(where: Place) -> None:
    def without(instance: Instance, *roles: str) -> Callable[[Sequence[Read]], tuple[Found, ...]]:
        def read(reads: Sequence[Read]) -> tuple[Found, ...]:
            return tuple(
                Found(
                    tuple({"user": entry.query[5:37], "role.name": role} for role in roles),
                    len(roles),
                )
                if entry.table == "sys_user_has_role"
                else found
                for entry, found in zip(reads, instance.read(reads), strict=True)
            )

        return read

    _put(where, read=lambda instance: without(instance, "itil"))
    assert where.call(dry_run=True).codes == ["role-missing"]
    _put(where, read=lambda instance: without(instance, "sn_cicd.sys_ci_automation"))
    assert where.call(dry_run=True).codes == ["role-missing"]
    auth = AuthSettings(AuthMethod.BASIC, user="admin", password_from="env:IT")
    where.environment = replace(
        where.environment, instance=replace(where.environment.instance, upload_auth=auth)
    )
    assert where.call(dry_run=True).codes == []


def test_a_back_out_that_ends_with_the_set_there_is_told(where: Place) -> None:
    where.call()
    state = ProgressState(Stage.SUCCESSFUL, 100, "This operation succeeded")
    _put(
        where,
        back_out=lambda instance: lambda *args, **more: Operation("back_out", "cicd", "a" * 32),  # type: ignore[arg-type]
        progress=lambda instance: lambda operation: state,
    )
    came = where.call(back_out)
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["not-backed-out"])
    assert "This operation succeeded" in came.faults[0].message


def test_a_back_out_without_the_cicd_api_works_too(environment: Make) -> None:
    where = place(environment(layout=Layout.SEPARATE), cicd="inactive")
    where.call()
    where.clock.sleep(60)
    render(where.environment, START, again=("*",))
    came = where.call(back_out)
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert _rows(where, "oauth_entity", "name=Exchange Online SMTP") == []
    assert [entry.role for entry in came.report.sets] == ["app", "global"]
