"""Answers that lie, and steps that go wrong: an import reads, and believes what it reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from importing import Place, place

from generator.config.environment import Environment
from generator.errors import ExitCode, Fault, NetworkError, OutcomeUnknown, ResponseError
from generator.instance.back_out import back_out
from generator.instance.interface import (
    Found,
    Instance,
    Operation,
    ProgressState,
    Publication,
    Read,
    Route,
    Stage,
)
from generator.instance.run import Permission
from generator.instance.status import Status, status

Make = Callable[..., Environment]

LOST = OutcomeUnknown(Fault("lost", "no answer", next="read"))
NO = ResponseError(Fault("no", "refused", next="read"), status=403, detail="User Not Authorized")
CHANGE = {
    "number": "CHG0030001",
    "state": "-1",
    "approval": "approved",
    "on_hold": "false",
    "start_date": "2026-11-23 10:00:00",
    "end_date": "2026-11-23 14:00:00",
}


class Between:
    """Hands everything on, but for what a test replaces."""

    def __init__(self, instance: Instance, **instead: object) -> None:
        self._instance = instance
        self._instead = instead
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> object:
        self.calls.append(name)
        if name in self._instead:
            return self._instead[name]
        return getattr(self._instance, name)


@pytest.fixture
def where(environment: Make) -> Place:
    """A place."""
    return place(environment())


def _put(where: Place, **instead: Callable[[Instance], object]) -> list[Between]:
    """Replace methods of the client; each is made from the client itself."""
    made: list[Between] = []

    def wrap(instance: Instance) -> Instance:
        made.append(Between(instance, **{n: make(instance) for n, make in instead.items()}))
        return made[-1]  # type: ignore[return-value]

    where.wrap = wrap
    return made


def _raise(error: Exception) -> Callable[..., object]:
    def call(*args: object, **options: object) -> object:
        raise error

    return call


def _commits(where: Place) -> int:
    return where.sandbox.database.count("sys_update_set", "remote_sys_idISNOTEMPTY")


# Upload


def test_an_upload_that_leaves_nothing_is_tried_three_times(where: Place) -> None:
    (made,) = [_put(where, upload=lambda instance: lambda path, *, set_sys_id: None)]
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["not-uploaded"])
    assert made[0].calls.count("upload") == 3


def test_an_upload_whose_answer_is_lost_every_time_is_unknown(where: Place) -> None:
    _put(where, upload=lambda instance: _raise(LOST))
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.FAILED, ["lost"])


def test_a_file_that_arrived_twice_is_removed_and_sent_again(where: Place) -> None:
    sent: list[Path] = []

    def twice(instance: Instance) -> Callable[..., None]:
        def upload(path: Path, *, set_sys_id: str) -> None:
            instance.upload(path, set_sys_id=set_sys_id)
            if not sent:
                instance.upload(path, set_sys_id=set_sys_id)
            sent.append(path)

        return upload

    _put(where, upload=twice)
    came = where.call()
    assert (came.code, came.codes, len(sent)) == (ExitCode.OK, [], 2)
    assert where.sandbox.database.count("sys_update_xml", "remote_update_setISNOTEMPTY") == 36


def test_a_file_that_arrives_in_part_is_taken_back(where: Place) -> None:
    def part(instance: Instance) -> Callable[..., None]:
        def upload(path: Path, *, set_sys_id: str) -> None:
            instance.upload(path, set_sys_id=set_sys_id)
            row, *_ = where.sandbox.database.query("sys_update_xml", "remote_update_setISNOTEMPTY")
            where.sandbox.database.delete("sys_update_xml", row["sys_id"])

        return upload

    _put(where, upload=part)
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["upload-incomplete"])
    assert where.sandbox.database.count("sys_remote_update_set") == 0
    assert where.clock.monotonic() >= 300


# Preview


def test_a_preview_whose_start_was_lost_is_found_by_reading(where: Place) -> None:
    def lose(instance: Instance) -> Callable[..., Operation]:
        def preview(set_sys_id: str, *, batch: bool, route: Route) -> Operation:
            instance.preview(set_sys_id, batch=batch, route=route)
            raise LOST

        return preview

    made = _put(where, preview=lose)
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert made[0].calls.count("preview") == 1


def test_a_preview_that_did_not_begin_is_told(where: Place) -> None:
    _put(where, preview=lambda instance: _raise(LOST))
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.FAILED, ["preview-not-begun"])
    assert 20 <= where.clock.monotonic() < 60
    where.wrap = lambda instance: instance
    assert where.call(resume=True).code is ExitCode.OK


@pytest.mark.parametrize("stage", [Stage.FAILED, Stage.CANCELLED, Stage.UNKNOWN])
def test_a_preview_that_fails_says_why(where: Place, stage: Stage) -> None:
    state = ProgressState(stage, 100, "Cancelled update set")
    _put(
        where,
        preview=lambda instance: lambda *args, **more: Operation("preview", Route.CICD, "a" * 32),  # type: ignore[arg-type]
        progress=lambda instance: lambda operation: state,
    )
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.FAILED, ["preview-failed"])
    assert "Cancelled update set" in came.faults[0].message


def test_a_preview_that_looked_at_less_than_all_is_not_committed(where: Place) -> None:
    def less(instance: Instance) -> Callable[[Operation], ProgressState]:
        def progress(operation: Operation) -> ProgressState:
            state = instance.progress(operation)
            for row in where.sandbox.database.query("sys_remote_update_set", "summary=31"):
                where.sandbox.database.update(
                    "sys_remote_update_set", row["sys_id"], {"summary": "30"}, by="x"
                )
            return state

        return progress

    _put(where, progress=less)
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["preview-incomplete"])
    assert _commits(where) == 0


# Problems


def test_a_decision_that_does_not_stand_stops_before_the_commit(where: Place) -> None:
    where.call()
    where.clock.sleep(60)
    where.call(back_out)
    tables = {problem.table for problem in where.call().report.problems}
    from generator.config.instance_settings import ProblemKind, ProblemRule

    rules = tuple(ProblemRule(ProblemKind.COLLISION, table, None, "r") for table in tables)
    _put(where, update=lambda instance: lambda *args, **more: None)
    came = where.call(accept=rules)
    assert (came.code, {*came.codes}) == (ExitCode.PREVIEW_PROBLEMS, {"problem-not-resolved"})
    assert _commits(where) == 0
    _put(where, update=lambda instance: _raise(NO))
    assert where.call(accept=rules).codes == ["no"]


# Commit


def _lose_commit(where: Place, *, starts: bool) -> list[Between]:
    def lose(instance: Instance) -> Callable[..., Operation]:
        def commit(set_sys_id: str, *, batch: bool, route: Route) -> Operation:
            if starts:
                instance.commit(set_sys_id, batch=batch, route=route)
            raise LOST

        return commit

    return _put(where, commit=lose)


def test_a_commit_whose_answer_was_lost_is_never_sent_again(where: Place) -> None:
    made = _lose_commit(where, starts=True)
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert made[0].calls.count("commit") == 1
    assert _commits(where) == 2


def test_a_commit_that_did_not_start_is_told_after_twenty_seconds(where: Place) -> None:
    made = _lose_commit(where, starts=False)
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.FAILED, ["commit-not-started"])
    assert made[0].calls.count("commit") == 1
    assert 20 <= where.clock.monotonic() < 60
    assert _commits(where) == 0
    where.wrap = lambda instance: instance
    assert where.call(resume=True).code is ExitCode.OK
    assert _commits(where) == 2


def test_a_refused_commit_is_told_at_once(where: Place) -> None:
    _put(where, commit=lambda instance: _raise(NO))
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.FAILED, ["no"])
    assert where.clock.monotonic() < 10


def test_a_commit_that_ends_without_committing_is_told(where: Place) -> None:
    state = ProgressState(Stage.FAILED, 100, "Cannot commit")
    _put(
        where,
        commit=lambda instance: lambda *args, **more: Operation("commit", Route.CICD, "a" * 32),  # type: ignore[arg-type]
        progress=lambda instance: (
            lambda operation: state if operation.id == "a" * 32 else instance.progress(operation)
        ),
    )
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.FAILED, ["commit-failed"])
    assert "Cannot commit" in came.faults[0].message


# Account, publication, secret


def test_an_action_that_arrives_unpublished_is_published(where: Place) -> None:
    table = "sys_hub_action_type_definition"

    def draft(instance: Instance) -> Callable[[Operation], ProgressState]:
        def progress(operation: Operation) -> ProgressState:
            for row in where.sandbox.database.query(table, "state=published"):
                where.sandbox.database.update(
                    table, row["sys_id"], {"state": "draft", "latest_snapshot": ""}, by="x"
                )
            return instance.progress(operation)

        return progress

    made = _put(where, progress=draft)
    came = where.call()
    # The rows are drafts when the progress is looked at last, before they are read back.
    assert came.code is ExitCode.OK
    (action,) = where.sandbox.database.query(table, "name=Check SMTP OAuth Email Account")
    assert action["state"] == "published"
    assert made[0].calls.count("publish_action") == 1
    assert "published Check" in " ".join(came.said)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Publication.ABSENT, "ServiceNow IDE"),
        (Publication.REFUSED, "refused"),
        (Publication.PUBLISHED, "does not read as published"),
    ],
)
def test_an_action_that_cannot_be_published_is_for_a_person(
    where: Place, outcome: Publication, words: str
) -> None:
    where.call()
    table = "sys_hub_action_type_definition"
    (action,) = where.sandbox.database.query(table, "name=Check SMTP OAuth Email Account")
    where.sandbox.database.update(table, action["sys_id"], {"state": "draft"}, by="x")
    _put(where, publish_action=lambda instance: lambda *args, **more: outcome)
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["not-published"])
    assert words in came.faults[0].message
    assert "publish by hand in Workflow Studio" in (came.faults[0].next or "")
    _put(where, publish_action=lambda instance: _raise(LOST))
    assert where.call().codes == ["not-published"]
    where.wrap = lambda instance: instance
    assert where.call().code is ExitCode.OK


def test_an_account_that_cannot_be_written_is_named(where: Place) -> None:
    where.sandbox.behaviour.data_rows = "ignored"
    _put(where, insert=lambda instance: _raise(LOST))
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["account-differs"])
    where.wrap = lambda instance: instance
    assert where.call().code is ExitCode.OK


def test_a_secret_whose_answer_was_lost_is_not_called_delivered(where: Place) -> None:
    where.client_secret = "s" + "3cret-value"
    _put(where, write_secret=lambda instance: _raise(LOST))
    came = where.call()
    assert (came.code, came.codes, came.report.secret) == (ExitCode.FAILED, ["secret-unknown"], "")
    _put(where, write_secret=lambda instance: lambda *args, **more: None)
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["secret-not-set"])
    where.wrap = lambda instance: instance
    assert where.call().report.secret == "delivered, not proven"


def test_a_secret_that_a_commit_emptied_is_missed(where: Place) -> None:
    where.client_secret = "s" + "3cret-value"
    where.call()
    (entity,) = where.sandbox.database.query("oauth_entity", "name=Exchange Online SMTP")

    def emptied(instance: Instance) -> Callable[..., Operation]:
        def commit(set_sys_id: str, *, batch: bool, route: Route) -> Operation:
            found = instance.commit(set_sys_id, batch=batch, route=route)
            where.sandbox.database.update(
                "oauth_entity", entity["sys_id"], {"client_secret": ""}, by="x"
            )
            return found

        return commit

    for secret, code in ((None, ExitCode.VERIFICATION_FAILED), (where.client_secret, ExitCode.OK)):
        where.client_secret = "s" + "3cret-value"
        where.wrap = lambda instance: instance
        where.call(
            lambda run: __import__(
                "generator.instance.deliver_only", fromlist=["x"]
            ).deliver_secret(run)
        )
        where.clock.sleep(3600)
        where.render_again()
        where.client_secret = secret
        made = _put(where, commit=emptied)
        came = where.call()
        assert made[0].calls.count("commit") == 1
        assert came.code is code, came.faults
        assert secret or "secret-gone" in came.codes


# Guards


def test_production_opens_for_an_approved_change(where: Place) -> None:
    where.environment = replace(
        where.environment,
        instance=replace(where.environment.instance, production=True, change_gate=True),
    )
    where.sandbox.behaviour.production = "true"
    where.sandbox.behaviour.change_requests = [CHANGE]  # type: ignore[assignment]
    assert where.call().codes == ["change-missing"]
    other = where.call(permission=Permission(change="CHG0030002"))
    assert (other.code, other.codes) == (ExitCode.REFUSED, ["change-not-found"])
    came = where.call(permission=Permission(change="CHG0030001"))
    assert (came.code, came.codes) == (ExitCode.OK, [])
    where.clock.sleep(6 * 3600)
    late = where.call(back_out, permission=Permission(change="CHG0030001"))
    assert (late.code, late.codes) == (ExitCode.REFUSED, ["change-closed"])


def test_an_older_date_than_the_instances_is_refused(where: Place) -> None:
    where.client_secret = "s" + "3cret-value"
    where.call()
    name = f"{where.environment.app.scope}.secret_expires_on"
    (row,) = where.sandbox.database.query("sys_properties", f"name={name}")
    where.sandbox.database.update(
        "sys_properties", row["sys_id"], {"value": "2029-01-01 00:00:00"}, by="x"
    )
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["secret-older"])
    from generator.instance.deliver_only import deliver_secret

    assert where.call(deliver_secret).codes == ["secret-older"]


def test_clocks_that_differ_are_noticed(where: Place) -> None:
    from datetime import timedelta

    def late(seconds: int) -> Callable[[Instance], object]:
        return lambda instance: lambda: where.clock.now() + timedelta(seconds=seconds)

    _put(where, server_time=late(400))
    assert where.call().codes == ["clock-skew"]
    _put(where, server_time=late(90))
    assert any("differ by 90 s" in note for note in where.call(dry_run=True).report.notes)
    _put(where, server_time=lambda instance: lambda: None)
    assert any("no date" in note for note in where.call(dry_run=True).report.notes)


# Back out and status


def test_a_back_out_whose_answer_was_lost_is_read(where: Place) -> None:
    where.call()
    _put(where, back_out=lambda instance: _raise(LOST))
    came = where.call(back_out)
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["not-backed-out"])
    _put(where, back_out=lambda instance: _raise(NO))
    assert where.call(back_out).codes == ["no"]

    def lose(instance: Instance) -> Callable[..., Operation]:
        def begin(local: str, *, route: Route) -> Operation:
            instance.back_out(local, route=route)
            raise LOST

        return begin

    _put(where, back_out=lose)
    assert where.call(back_out).code is ExitCode.OK
    where.wrap = lambda instance: instance
    assert where.call(back_out).codes == ["nothing-committed"]


def test_back_out_asks_and_tells_what_it_would_do(where: Place) -> None:
    where.call()
    dry = where.call(back_out, dry_run=True)
    assert dry.code is ExitCode.OK
    assert "would back out" in " ".join(dry.said)
    where.answers = lambda question: False
    assert where.call(back_out).codes == ["declined"]
    assert _commits(where) == 2


def test_back_out_finds_the_last_import_of_an_older_package(where: Place) -> None:
    where.call()
    where.clock.sleep(3600)
    where.render_again()
    came = where.call(back_out)
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert _commits(where) == 0


def test_status_tells_what_cannot_be_read(where: Place) -> None:
    where.call()

    def closed(instance: Instance) -> Callable[[Sequence[Read]], tuple[Found, ...]]:
        return lambda reads: tuple(Found(error=NO) for _ in reads)

    _put(where, read=closed)
    found: list[Status] = []
    where.call(lambda run: found.append(status(run)))
    shown: Mapping[str, object] = found[0].as_json()
    assert (shown["entity"], shown["secret_set"], shown["account"]) == (None, None, None)
    assert len(found[0].unread) == 5


def test_an_instance_that_is_away_is_one_fault(where: Place) -> None:
    _put(where, check_awake=lambda instance: _raise(NetworkError(Fault("away", "x", next="y"))))
    for work in (back_out,):
        assert where.call(work).codes == ["away"]
    where.package_faults = [Fault("stale", "old", next="render")]
    came = where.call()
    assert (came.code, came.codes) == (ExitCode.FAILED, ["stale", "away"])
