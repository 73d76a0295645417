"""What an import decides, apart from any instance: problems, records, presence, the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from importer_packages import package, record, rendered, sys_id

from generator.clock import SteppedClock
from generator.config.environment import Environment, Layout
from generator.config.instance_settings import ProblemKind, ProblemRule
from generator.errors import Fault, InternalError, Refused, ResponseError
from generator.instance.interface import Found
from generator.instance.journal import Event, import_lock, open_journal
from generator.instance.known_sets import (
    Known,
    Presence,
    is_ours,
    known_of,
    ours_read,
    presence,
)
from generator.instance.package_files import load_package
from generator.instance.polling import Patience
from generator.instance.problems import Decision, Problem, decide, kind_of, problem_of
from generator.instance.read_back import (
    child_reads,
    compare,
    is_publication,
    record_reads,
)
from generator.update_set.package_state import require_whole

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
Make = Callable[..., Environment]


# The package


def test_a_package_is_taken_apart(environment: Make) -> None:
    found = rendered(environment())
    (unit,) = found.units
    assert (unit.batch, unit.base.role, unit.name) == (True, "global", "global + app")
    assert [entry.updates for entry in found.sets] == [5, 31]
    assert len(found.records) == 36
    assert found.account in found.records
    assert found.account.fields["active"] == "false"
    entity = found.first("oauth_entity")
    assert entity is not None
    assert entity.fields["client_id"] == str(environment().azure.client_id)
    assert "client_secret" not in entity.fields
    action = found.first("sys_hub_action_type_definition")
    assert action is not None
    assert len(action.children["sys_variable_value"]) == 14
    assert found.sets[1].signature == "sn-smtp x_acme_mail dev app"


def test_a_live_account_is_read_from_its_own_file(environment: Make) -> None:
    found = rendered(environment(email_account__live=True))
    assert found.account not in found.records
    assert (found.account.role, found.live) == ("", True)
    assert "active" not in found.account.fields
    assert found.account.fields["type"] == "smtp"


def test_separate_files_are_two_units_global_first(environment: Make) -> None:
    found = rendered(environment(layout=Layout.SEPARATE))
    assert [unit.name for unit in found.units] == ["global", "app"]
    assert {r.role for r in found.of(found.units[1])} == {"app"}


def test_a_file_that_contradicts_its_manifest_is_refused(environment: Make) -> None:
    made = environment()
    rendered(made)
    manifest = require_whole(made.directory)
    first = replace(manifest.sets[0], updates=4)
    with pytest.raises(Refused, match="4 updates"):
        load_package(made.directory, replace(manifest, sets=(first, *manifest.sets[1:])))


# Preview problems


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (
            "Could not find a record in sys_user for column user referenced in this update",
            ProblemKind.MISSING_OBJECT,
        ),
        ("Could not find a record in sys_user referenced in this update", "missing_object"),
        ("Could not find a table field (a.b) referenced in this update", "missing_object"),
        (
            "Could not find a table field (a.b) referenced in this update, but did find it in "
            "another uncommitted update set",
            "uncommitted",
        ),
        ("Found a local update that is newer than this one", "collision"),
        ("Found a row in the table that is going to be deleted", "table_has_data"),
        (
            "This update has conflicts within the update set with the same name. Resolve the "
            "issue on the source system and re-preview or choose a specific update to use.",
            "conflict",
        ),
        (
            "Cannot commit Update Set 'x' because: Update scope id 'a' is different than update "
            "set scope id 'b'. Resolve the problem before committing.",
            "scope",
        ),
        ("Something new", "other"),
        ("", "other"),
    ],
)
def test_a_problem_is_known_by_the_platforms_text(text: str, kind: str) -> None:
    assert kind_of(text) == kind


def _problem(kind: ProblemKind = ProblemKind.COLLISION) -> Problem:
    row = {
        "sys_id": sys_id(50),
        "type": "error",
        "status": "",
        "description": "Found a local update that is newer than this one",
        "remote_update": sys_id(101),
        "remote_update.name": f"oauth_entity_{sys_id(1)}",
    }
    return replace(problem_of(row, (record(),)), kind=kind)


def test_a_problem_finds_its_record() -> None:
    found = _problem()
    assert (found.table, found.record) == ("oauth_entity", sys_id(1))
    stranger = problem_of({"sys_id": "1", "remote_update": "else"}, (record(),))
    assert (stranger.table, stranger.record, stranger.kind) == ("", "", ProblemKind.OTHER)


def _rule(kind: ProblemKind = ProblemKind.COLLISION, **changes: str) -> ProblemRule:
    return ProblemRule(kind, **{"table": "oauth_entity", "reason": "agreed", **changes})


def test_no_rule_leaves_a_problem_open() -> None:
    assert decide(_problem(), accept=(), skip=()).decision is Decision.OPEN


@pytest.mark.parametrize(
    "rule",
    [
        _rule(ProblemKind.MISSING_OBJECT),
        _rule(table="oauth_entity_scope"),
        _rule(sys_id=sys_id(2)),
        _rule(table=""),
    ],
)
def test_a_rule_decides_nothing_but_what_it_names(rule: ProblemRule) -> None:
    for accept, skip in (((rule,), ()), ((), (rule,))):
        assert decide(_problem(), accept=accept, skip=skip).decision is Decision.OPEN


def test_a_problem_without_a_record_is_decided_by_no_rule() -> None:
    lost = replace(_problem(), table="", record="")
    assert decide(lost, accept=(_rule(table=""),), skip=()).decision is Decision.OPEN


def test_the_rule_that_names_the_record_goes_first() -> None:
    verdict = decide(_problem(), accept=(_rule(),), skip=(_rule(sys_id=sys_id(1)),))
    assert (verdict.decision, verdict.reason) == (Decision.SKIPPED, "agreed")


def test_rules_that_contradict_decide_nothing() -> None:
    verdict = decide(_problem(), accept=(_rule(),), skip=(_rule(),))
    assert (verdict.decision, "another" in verdict.reason) == (Decision.OPEN, True)


# Reading back


def _answers(*rows: dict[str, str], table: str = "oauth_entity") -> dict[str, Found]:
    return {f"record:{table}:0": Found(rows, len(rows))}


def test_a_record_that_reads_as_it_should_differs_in_nothing() -> None:
    one = record(name="A", script="a\nb", sys_updated_on="2026-01-01 00:00:00", user="")
    row = {"sys_id": one.sys_id, "name": "A", "script": "a\r\nb", "sys_updated_on": "other"}
    result = compare([one], _answers(row))
    assert (result.differences, result.compared) == ([], 1)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"name": "B"}, "name"),
        ({"name": ""}, "name"),
        ({}, "name"),
        ({"name": "a"}, "name"),
        ({"name": "A "}, "name"),
    ],
)
def test_any_other_value_differs(row: dict[str, str], field: str) -> None:
    one = record(name="A")
    (difference,) = compare([one], _answers({"sys_id": one.sys_id, **row})).differences
    assert difference.field == field
    assert "A" in str(difference)


def test_a_record_that_is_not_there_is_missed() -> None:
    (difference,) = compare([record(name="A")], _answers()).differences
    assert (difference.field, difference.found) == ("", "none")


def test_a_record_under_another_sys_id_is_missed_unless_its_table_knows_names() -> None:
    row = {"sys_id": sys_id(9), "name": "A", "sys_update_name": "else"}
    entity = record(name="A")
    assert compare([entity], _answers(row)).differences
    prop = record("sys_properties", name="A", sys_update_name="ours")
    result = compare([prop], _answers(row, table="sys_properties"))
    assert result.differences == []
    assert sys_id(9) in result.notes[0]


def test_a_deleted_record_must_be_gone() -> None:
    gone = record(action="DELETE", name="A")
    assert compare([gone], _answers()).differences == []
    (difference,) = compare([gone], _answers({"sys_id": gone.sys_id})).differences
    assert difference.expected == "no record"


def test_what_cannot_be_read_is_not_there() -> None:
    error = ResponseError(Fault("forbidden", "x"), status=403, detail="User Not Authorized")
    (difference,) = compare(
        [record(name="A")], {"record:oauth_entity:0": Found(error=error)}
    ).differences
    assert "User Not Authorized" in difference.found


def test_what_was_left_out_is_not_expected() -> None:
    one = record(name="A")
    assert compare([one], _answers(), without=[one.update_name]).differences == []


def _action(**row: str) -> tuple[list[str], bool]:
    action = record("sys_hub_action_type_definition", active="true", state="published", name="A")
    full = {
        "sys_id": action.sys_id,
        "name": "A",
        "active": "true",
        "state": "published",
        "master_snapshot": "m",
        "latest_snapshot": "l",
    }
    found = _answers({**full, **row}, table=action.table)
    differences = compare([action], found).differences
    return [entry.field for entry in differences], all(map(is_publication, differences))


def test_an_action_is_compared_by_what_makes_it_run() -> None:
    assert _action() == ([], True)
    assert _action(state="draft") == (["state"], True)
    assert _action(latest_snapshot="") == (["latest_snapshot"], True)
    assert _action(active="false") == (["active"], False)


def test_the_rows_inside_an_action_are_counted() -> None:
    children = {"sys_variable_value": ("a", "b"), "sys_documentation": ("c",)}
    one = record("sys_hub_action_type_definition", children=children)
    reads = child_reads([one])
    assert list(reads) == ["child:sys_variable_value:0"]
    rows = _answers(
        {"sys_id": one.sys_id, "master_snapshot": "m", "latest_snapshot": "l"}, table=one.table
    )
    assert compare([one], {**rows, "child:sys_variable_value:0": Found(total=2)}).differences == []
    missing = {**rows, "child:sys_variable_value:0": Found(total=1)}
    (difference,) = compare([one], missing).differences
    assert (difference.expected, difference.found) == ("2", "1")


def test_many_records_are_asked_for_in_pieces() -> None:
    reads = record_reads(record(number=n, name="A") for n in range(90))
    assert list(reads) == [f"record:oauth_entity:{n}" for n in range(3)]
    assert reads["record:oauth_entity:2"].query.count(",") == 9
    prop = record_reads([record("sys_properties", name="a.b")])["record:sys_properties:0"]
    assert prop.query.endswith("^ORnameINa.b")


# Sets on the instance


def _known(number: int, state: str, *, role: str, name: str = "Mail OAuth 1.0.0 (dev)") -> Known:
    row = {
        "sys_id": sys_id(number),
        "name": name,
        "description": f"Text\nsn-smtp x_acme_mail dev {role}\n",
        "state": state,
    }
    return known_of(Found((row,), 1))[sys_id(number)]


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (("", ""), Presence.ABSENT),
        (("loaded", "in_hierarchy"), Presence.LOADED),
        (("previewed", "previewed_in_hierarchy"), Presence.PREVIEWED),
        (("committed", "committed"), Presence.COMMITTED),
        (("committing", "committed"), Presence.BUSY),
        (("previewing", "in_hierarchy"), Presence.BUSY),
        (("loaded", ""), Presence.MIXED),
        (("previewed", "in_hierarchy"), Presence.MIXED),
    ],
)
def test_how_a_batch_is_there(states: tuple[str, str], expected: Presence) -> None:
    known = {
        sys_id(200 + n): _known(200 + n, state, role=role)
        for n, (state, role) in enumerate(zip(states, ("global", "app"), strict=True))
        if state
    }
    assert presence(package().units[0], known) is expected


@pytest.mark.parametrize("state", ["partial", "error", "commit_failed", "conflict_review", ""])
def test_a_state_that_no_import_leaves_stops(state: str) -> None:
    known = {sys_id(200): _known(200, state, role="global")}
    with pytest.raises(Refused, match="state"):
        presence(package().units[0], known)


@pytest.mark.parametrize("state", ["previewed", "loaded"])
def test_half_a_commit_stops(state: str) -> None:
    known = {
        sys_id(200): _known(200, "committed", role="global"),
        sys_id(201): _known(201, state, role="app"),
    }
    with pytest.raises(Refused, match="part"):
        presence(package().units[0], known)


def test_a_stranger_under_our_sys_id_stops() -> None:
    for wrong in (
        _known(200, "loaded", role="app"),
        _known(200, "loaded", role="global", name="Mail OAuth 2.0.0 (dev)"),
    ):
        with pytest.raises(Refused, match="not ours"):
            presence(package().units[0], {sys_id(200): wrong})


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("Mail OAuth 1.0.0 (dev)", True),
        ("Mail OAuth 0.9 beta (dev)", True),
        ("Mail OAuth 1.0.0 (prod)", False),
        ("Mail OAuth (dev)", False),
        ("My Mail OAuth 1.0.0 (dev)", False),
    ],
)
def test_ours_is_told_by_name_and_last_line(name: str, ours: bool) -> None:
    known = _known(1, "loaded", role="global", name=name)
    mine = {"package": package(), "app_name": "Mail OAuth", "environment": "dev"}
    assert is_ours(known, **mine) is ours
    assert not is_ours(replace(known, signature="sn-smtp x_other dev global"), **mine)


def test_ours_are_asked_for_by_their_last_line() -> None:
    assert ours_read(package()).query == (
        "descriptionENDSWITHsn-smtp x_acme_mail dev global"
        "^ORdescriptionENDSWITHsn-smtp x_acme_mail dev app"
    )


# Journal, lock, patience


def _journal(tmp_path: Path, instance: str = "https://a"):  # type: ignore[no-untyped-def]
    return open_journal(tmp_path, digest="d", clock=SteppedClock(NOW), instance=instance)


def test_a_journal_remembers(tmp_path: Path) -> None:
    journal = _journal(tmp_path)
    journal.write(Event.UPLOADING, unit="a")
    journal.write(Event.COMMITTING, unit="a", had_secret="true")
    journal.write(Event.DELIVERED)
    again = _journal(tmp_path)
    last = again.last("a")
    assert last is not None
    assert (last.event, last.at) == (Event.COMMITTING, NOW)
    assert again.had_secret()
    assert again.delivered()
    assert again.last("b") is None
    assert not _journal(tmp_path, "https://b").entries


@pytest.mark.parametrize("event", [Event.BACKED_OUT, Event.EMPTIED])
def test_a_delivery_ends_with_what_takes_it_away(tmp_path: Path, event: Event) -> None:
    journal = _journal(tmp_path)
    journal.write(Event.DELIVERED)
    journal.write(event)
    assert not journal.delivered()


def test_a_line_that_a_crash_cut_is_left_out(tmp_path: Path) -> None:
    journal = _journal(tmp_path)
    journal.write(Event.UPLOADING, unit="a")
    with journal.path.open("ab") as stream:
        stream.write(b'{"at": "2026')
    again = _journal(tmp_path)
    again.write(Event.LOADED, unit="a")
    assert [entry.event for entry in _journal(tmp_path).entries] == [Event.UPLOADING, Event.LOADED]


def test_a_journal_that_cannot_be_kept_stops(tmp_path: Path) -> None:
    (tmp_path / ".import").write_text("in the way", encoding="utf-8")
    with pytest.raises(InternalError):
        _journal(tmp_path)
    (tmp_path / ".import").unlink()
    journal = _journal(tmp_path)
    (tmp_path / ".import").write_text("in the way", encoding="utf-8")
    with pytest.raises(InternalError):
        journal.write(Event.STARTED)
    with pytest.raises(InternalError), import_lock(tmp_path):
        pass


def test_two_imports_of_one_environment_are_kept_apart(tmp_path: Path) -> None:
    with import_lock(tmp_path), pytest.raises(Refused, match="Another"), import_lock(tmp_path):
        pass
    with import_lock(tmp_path):
        pass


def test_waits_grow_and_end() -> None:
    clock = SteppedClock(NOW)
    patience = Patience(clock, 60.0, stall=20.0)
    seen = []
    while not patience.is_over:
        before = clock.monotonic()
        patience.sleep()
        seen.append(clock.monotonic() - before)
    assert seen[0] == pytest.approx(0.2)
    assert seen == sorted(seen)
    assert max(seen) == pytest.approx(10.0)
    assert patience.waited == pytest.approx(sum(seen))


def test_work_that_stands_still_is_noticed() -> None:
    clock = SteppedClock(NOW)
    patience = Patience(clock, 600.0, stall=20.0)
    for percent in range(5):
        clock.sleep(15)
        patience.saw(percent)
        assert not patience.stalled
    clock.sleep(20)
    patience.saw(4)
    assert patience.stalled
