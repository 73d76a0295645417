"""Preview, its problems and its progress (`spec/instance-http.md` A7, A8, A13, A14)."""

from __future__ import annotations

import json
import re

import pytest
from contract_client import Rest, Ui
from contract_scratch import (
    NOTHING,
    PREVIEWS,
    PROBLEMS,
    SETS,
    SYS_ID,
    UPDATES,
    Scratch,
    processed,
)
from contract_sets import SetFile, a_property, batch, dangling, single

MISSING = re.compile(
    r"Could not find a record in oauth_entity (for column oauth_entity )?referenced in this update"
)
NEWER = "Found a local update that is newer than this one"
COUNTERS = "state,inserted,updated,deleted,collisions,summary"


@pytest.fixture
def file(scratch: Scratch) -> SetFile:
    """A set with one property."""
    return single(scratch.target.run, now=scratch.target.clock.now())


@pytest.fixture
def broken(scratch: Scratch) -> SetFile:
    """A set with a property, and a record that references nothing."""
    run, now = scratch.target.run, scratch.target.clock.now()
    return single(run, a_property(run), dangling(run), now=now)


def _problems(rest: Rest, file: SetFile) -> list[dict[str, str]]:
    fields = "sys_id,type,status,description,remote_update,remote_update.name"
    query = (
        f"remote_update_set={file.sys_id}^ORremote_update_set.remote_base_update_set={file.sys_id}"
    )
    return rest.find(PROBLEMS, query, fields=fields)


def test_a_sound_set_previews_without_problems(
    scratch: Scratch, rest: Rest, ui: Ui, file: SetFile, cicd: None
) -> None:
    """A7, A13: the progress ends 2, the set is `previewed`, `summary` counts its updates."""
    scratch.load(ui, file)
    assert scratch.preview(file).state == "2"
    row = rest.row(SETS, file.sys_id, fields=COUNTERS)
    assert row is not None
    assert row["state"] == "previewed"
    assert int(row["summary"]) == 1
    assert int(row["inserted"]) == 1
    assert _problems(rest, file) == []


def test_a_preview_says_what_would_become_of_each_update(
    scratch: Scratch, rest: Rest, ui: Ui, file: SetFile, cicd: None
) -> None:
    """A7.6: one `sys_update_preview_xml` per update [PLAT]."""
    scratch.load(ui, file)
    scratch.preview(file)
    query = f"remote_update.remote_update_set={file.sys_id}"
    fields = "disposition,proposed_action,remote_update.name"
    (row,) = rest.find(PREVIEWS, query, fields=fields)
    assert row["remote_update.name"] == file.records[0].name
    assert row["disposition"].lower().startswith("insert") or row["disposition"].isdigit()
    assert row["proposed_action"] == "commit"


def test_the_reply_of_a_preview_has_its_shape(
    scratch: Scratch, ui: Ui, file: SetFile, cicd: None
) -> None:
    """A12: id and url of the progress, and its scalars as strings but for the percentage [DOC]."""
    scratch.load(ui, file)
    answer = scratch.cicd(f"update_set/preview/{file.sys_id}")
    assert answer.status == 200
    result = answer.result()
    links = result["links"]
    assert isinstance(links, dict)
    progress = links["progress"]
    assert SYS_ID.fullmatch(progress["id"])
    assert progress["url"].endswith(f"/progress/{progress['id']}")
    assert result["status"] in ("0", "1", "2", "3")
    named = {"status_label", "status_message", "status_detail", "error"}
    assert all(isinstance(result[name], str) for name in named)
    assert isinstance(result["percent_complete"], int)
    assert scratch.finish(answer).state == "2"


def test_a_finished_progress_says_that_it_succeeded(
    scratch: Scratch, ui: Ui, file: SetFile, cicd: None
) -> None:
    """A12: status 2, `Successful` [DOC]; the message is an operation's own where it has one."""
    scratch.load(ui, file)
    end = scratch.preview(file)
    assert (end.body["status"], end.body["status_label"]) == ("2", "Successful")
    assert end.body["percent_complete"] == 100


def test_the_tracker_is_the_progress(
    scratch: Scratch, rest: Rest, ui: Ui, file: SetFile, cicd: None
) -> None:
    """A13: `sys_execution_tracker.state` in digits [DOC; MEAS ARK]."""
    scratch.load(ui, file)
    begun = scratch.cicd(f"update_set/preview/{file.sys_id}")
    links = begun.result()["links"]
    assert isinstance(links, dict)
    scratch.finish(begun)
    assert scratch.finish_tracker(links["progress"]["id"]).state == "2"


def test_a_missing_reference_is_a_problem(
    scratch: Scratch, rest: Rest, ui: Ui, broken: SetFile, cicd: None
) -> None:
    """A7.3, A8: a row with type, empty status and the platform's words; the set is `previewed`."""
    scratch.load(ui, broken)
    scratch.preview(broken)
    row = rest.row(SETS, broken.sys_id, fields=COUNTERS)
    assert row is not None
    assert row["state"] == "previewed"
    assert int(row["summary"]) == 2
    (problem,) = _problems(rest, broken)
    assert problem["type"] in ("error", "warning")
    assert problem["status"] == ""
    assert MISSING.search(problem["description"])
    assert problem["remote_update.name"] == broken.records[1].name


def test_a_problem_is_accepted_by_its_status(
    scratch: Scratch, rest: Rest, ui: Ui, broken: SetFile, cicd: None
) -> None:
    """A8: `ignored` = Accept remote update, by a write of the field [TP SNC, PLAT TYP]."""
    scratch.load(ui, broken)
    scratch.preview(broken)
    (problem,) = _problems(rest, broken)
    path = f"/api/now/table/{PROBLEMS}/{problem['sys_id']}"
    answer = rest.send("PATCH", path, body={"status": "ignored"})
    assert answer.status == 200
    assert [row["status"] for row in _problems(rest, broken)] == ["ignored"]


def test_a_newer_local_change_collides(scratch: Scratch, rest: Rest, ui: Ui, cicd: None) -> None:
    """A7.5: the newest local update of the same name is newer, with another payload [DOC; MEAS]."""
    run, now = scratch.target.run, scratch.target.clock.now()
    record = a_property(run)
    file = single(run, record, now=now)
    scratch.target.clock.sleep(2)
    scratch.forget_later("sys_properties", record.sys_id)
    body = {**record.values, "sys_id": record.sys_id, "value": "changed here"}
    made = rest.send("POST", "/api/now/table/sys_properties", body=body)
    assert made.status == 201, made.line()
    # The file's stamps lie before the local change.
    scratch.load(ui, file)
    scratch.preview(file)
    row = rest.row(SETS, file.sys_id, fields=COUNTERS)
    assert row is not None
    assert int(row["collisions"]) == 1
    assert [problem["description"] for problem in _problems(rest, file)] == [NEWER]


def test_a_batch_is_previewed_by_its_base(scratch: Scratch, rest: Rest, ui: Ui) -> None:
    """A7: by the UI's own processor; every member has its `summary` [PLAT SI, DOC]."""
    file = batch(scratch.target.run, now=scratch.target.clock.now())
    scratch.load(ui, file)
    answer = ui.process(
        "HierarchyUpdateSetPreviewAjax",
        sysparm_ajax_processor_function="preview",
        sysparm_ajax_processor_sys_id=file.sys_id,
    )
    tracker = processed(answer)
    assert tracker is not None
    assert SYS_ID.fullmatch(tracker)
    scratch.finish_tracker(tracker)
    fields = "sys_id,state,summary"
    rows = rest.find(SETS, f"remote_base_update_set={file.sys_id}", fields=fields)
    assert {row["sys_id"]: int(row["summary"]) for row in rows} == {
        member.sys_id: 1 for member in file.members
    }
    states = {row["sys_id"]: row["state"] for row in rows}
    assert states[file.sys_id] == "previewed"
    assert set(states.values()) <= {"previewed", "previewed_in_hierarchy"}


def test_the_processor_previews_a_set(scratch: Scratch, rest: Rest, ui: Ui, file: SetFile) -> None:
    """A7: the way without the CI/CD API; the answer is a tracker [PLAT SI; MEAS ARK]."""
    scratch.load(ui, file)
    answer = ui.process(
        "UpdateSetPreviewAjax",
        sysparm_ajax_processor_function="preview",
        sysparm_ajax_processor_sys_id=file.sys_id,
    )
    assert answer.status == 200
    tracker = processed(answer)
    assert tracker is not None
    assert SYS_ID.fullmatch(tracker)
    assert scratch.finish_tracker(tracker).state == "2"
    row = rest.row(SETS, file.sys_id, fields=COUNTERS)
    assert row is not None
    assert (row["state"], int(row["summary"])) == ("previewed", 1)


def test_the_progress_checker_tells_of_a_tracker(scratch: Scratch, ui: Ui, file: SetFile) -> None:
    """A13: JSON text in `answer`, its state in digits [PLAT SI; TP PSS]."""
    scratch.load(ui, file)
    tracker = processed(
        ui.process(
            "UpdateSetPreviewAjax",
            sysparm_ajax_processor_function="preview",
            sysparm_ajax_processor_sys_id=file.sys_id,
        )
    )
    assert tracker is not None
    scratch.finish_tracker(tracker)
    answer = ui.process(
        "AJAXProgressStatusChecker", sysparm_name="getStatus", sysparm_execution_id=tracker
    )
    found = json.loads(processed(answer) or "")
    assert str(found["state"]) == "2"
    assert found["sys_id"] == tracker
    assert {"name", "message", "percent_complete"} <= set(found)


def test_the_progress_checker_knows_what_is_nowhere(ui: Ui) -> None:
    """A13: state -1, `Record not found` [PLAT SI]."""
    answer = ui.process(
        "AJAXProgressStatusChecker", sysparm_name="getStatus", sysparm_execution_id=NOTHING
    )
    found = json.loads(processed(answer) or "")
    assert str(found["state"]) == "-1"
    assert found["message"] == "Record not found"


def test_a_processor_that_is_nowhere_answers_nothing(ui: Ui) -> None:
    """A7: no `answer` is a refusal."""
    answer = ui.process("SnSmtpContractNothing")
    assert answer.status in (200, 404)
    assert processed(answer) is None


def test_orphans_are_not_previewed(scratch: Scratch, rest: Rest, ui: Ui, cicd: None) -> None:
    """A7.7: `summary` counts what belongs to the set: 0 = nothing attached [MEAS BST]."""
    run, now = scratch.target.run, scratch.target.clock.now()
    file = single(run, now=now)
    scratch.will_make(file)
    at = file.content.index(b"<sys_update_xml")
    ui.upload(file.content[:at] + b"</unload>\n", name=file.sys_id)
    assert rest.count(UPDATES, f"remote_update_set={file.sys_id}") == 0
    scratch.preview(file)
    row = rest.row(SETS, file.sys_id, fields=COUNTERS)
    assert row is not None
    assert int(row["summary"] or "0") == 0
