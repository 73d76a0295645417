"""The UI's processors: the way without the CI/CD API."""

from __future__ import annotations

import pytest
from update_set_desk import (
    BATCH,
    COMMITTER,
    SINGLE,
    Desk,
    base_of,
    change,
    desk,
    example,
    hex_id,
    sandbox,
    unload,
)

SET = hex_id("Set")
ONE = change("sys_script_include", "One")
DANGLING = change("oauth_entity_profile", "P", oauth_entity="f" * 32)


def preview(
    at: Desk, set_id: str, *, processor: str = SINGLE, function: str = "preview"
) -> str | None:
    return at.ask(
        processor,
        sysparm_ajax_processor_function=function,
        sysparm_ajax_processor_sys_id=set_id,
        sysparm_scope="global",
    )


def commit(at: Desk, set_id: str, *, kind: str = "commitRemoteUpdateSet") -> str | None:
    return at.ask(
        COMMITTER,
        sysparm_type=kind,
        sysparm_remote_updateset_sys_id=set_id,
        sysparm_skip_app_installs="false",
    )


def back_out(at: Desk, local: str, **changes: str) -> str | None:
    fields = {
        "sysparm_name": "start",
        "sysparm_push_id": local,
        "sysparm_progress_name": "Backing out",
        "sysparm_backout_type": "update_set",
        **changes,
    }
    return at.ask("AJAXPushBackOutWorker", **fields)


def previewed(*changes: object, **switches: object) -> Desk:
    at = desk(**switches)
    at.upload(unload(changes or [ONE]))  # type: ignore[arg-type]
    tracker = preview(at, SET)
    assert tracker is not None
    at.ended(tracker)
    return at


def test_the_whole_way_of_a_batch() -> None:
    at = desk()
    (data,) = example("dev")
    base = base_of(data)
    at.upload(data)
    assert preview(at, base) is None
    tracker = preview(at, base, processor=BATCH)
    assert tracker is not None
    assert len(tracker) == 32
    found = at.ended(tracker)
    assert (found["state"], found["result"]) == ("2", {"has_preview_problem": False})
    assert commit(at, base) is None
    tracker = at.ask(
        "HierarchyUpdateSetCommitAjax",
        sysparm_ajax_processor_function="commit",
        sysparm_ajax_processor_sys_id=base,
    )
    assert tracker is not None
    assert at.ended(tracker)["message"] == "This operation succeeded"
    assert at.set(base)["state"] == "committed"
    tracker = back_out(at, at.set(base)["update_set"])
    assert tracker is not None
    assert at.ended(tracker)["state"] == "2"
    assert at.rows("oauth_entity") == []


def test_the_whole_way_of_a_single_set() -> None:
    at = previewed()
    assert preview(at, SET, processor=BATCH) is None
    valid = commit(at, SET, kind="validateCommitRemoteUpdateSet")
    assert valid is not None
    sys_id, query, lost = valid.split(";")
    assert (sys_id, lost) == (SET, "NONE")
    assert query.startswith(f"action=DELETE^remote_update_set={SET}^OR")
    asks = at.ask(
        "UpdateSetCommitAjax",
        sysparm_type="shouldShowConfirmAppInstall",
        sysparm_rus_sys_id=SET,
        sysparm_in_hierarchy="false",
    )
    assert asks == "false"
    answer = commit(at, SET)
    assert answer is not None
    tracker, local, navigator, applications = answer.split(",")
    assert (navigator, applications) == ("false", "false")
    assert at.set(SET)["state"] == "committing"
    at.ended(tracker)
    assert (at.set(SET)["state"], at.set(SET)["update_set"]) == ("committed", local)


def test_a_preview_again_and_its_problems() -> None:
    at = previewed(DANGLING)
    tracker = preview(at, SET, function="previewAgain")
    assert tracker is not None
    found = at.ended(tracker)
    assert (found["state"], found["result"]) == ("3", {"has_preview_problem": True})
    assert len(at.problems()) == 1


def test_the_data_that_a_commit_would_lose_is_named() -> None:
    gone = [
        change("sys_dictionary", "Column", action="DELETE"),
        change("sys_dictionary_override", "Kept", action="DELETE"),
        change("sys_script_include", "Script", action="DELETE"),
        ONE,
    ]
    at = previewed(*gone)
    answer = commit(at, SET, kind="validateCommitRemoteUpdateSet")
    assert answer is not None
    assert answer.split(";")[2] == f"sys_dictionary_{hex_id('Column')}"


def test_the_processor_has_no_gate_unless_it_is_switched_on() -> None:
    assert commit(previewed(DANGLING), SET) is not None
    assert commit(previewed(DANGLING, processor_gate=True), SET) is None
    assert commit(previewed(processor_gate=True), SET) is not None
    at = desk()
    at.upload(unload([ONE]))
    assert commit(at, SET) is not None


def test_a_second_commit_ends_failed() -> None:
    at = previewed()
    commit(at, SET)
    assert commit(at, SET) is None
    at.box.behaviour.set({"slow_polls": 0})
    at.status("0" * 32)
    for tracker in at.rows("sys_execution_tracker", "nameSTARTSWITHCommitting"):
        at.ended(tracker["sys_id"])
    again = commit(at, SET)
    assert again is not None
    tracker_id, local, *_ = again.split(",")
    assert local == at.set(SET)["update_set"]
    assert at.ended(tracker_id)["state"] == "3"
    assert preview(at, SET) is None


def test_a_preview_can_be_cancelled() -> None:
    at = desk(slow_polls=5)
    at.upload(unload([ONE]))
    tracker = preview(at, SET)
    assert tracker is not None
    fields = {"sysparm_ajax_processor_tracker_id": tracker}
    cancel = {"sysparm_ajax_processor_function": "cancelPreview", **fields}
    assert at.ask(SINGLE, **cancel) == "true"
    assert at.status(tracker)["state"] == "4"
    assert at.set(SET)["state"] == "loaded"
    assert at.ask(SINGLE, **cancel) is None
    assert at.ask(SINGLE, **{**cancel, "sysparm_ajax_processor_tracker_id": "0" * 32}) is None


@pytest.mark.parametrize(
    "fields",
    [
        {"sysparm_ajax_processor_sys_id": "0" * 32},
        {"sysparm_ajax_processor_function": "explode"},
        {"sysparm_ajax_processor_sys_id": "x^y"},
    ],
)
def test_what_the_preview_processor_does_not_answer(fields: dict[str, str]) -> None:
    at = desk()
    at.upload(unload([ONE]))
    given = {
        "sysparm_ajax_processor_function": "preview",
        "sysparm_ajax_processor_sys_id": SET,
        **fields,
    }
    assert at.ask(SINGLE, **given) is None


def test_what_the_others_do_not_answer() -> None:
    at = previewed()
    assert commit(at, "0" * 32) is None
    assert commit(at, SET, kind="explode") is None
    assert at.ask("UpdateSetCommitAjax", sysparm_type="commitRemoteUpdateSet") is None
    batch = {"sysparm_ajax_processor_function": "commit", "sysparm_ajax_processor_sys_id": SET}
    assert at.ask("HierarchyUpdateSetCommitAjax", **batch) is None
    assert at.ask("AJAXProgressStatusChecker", sysparm_name="stop") is None
    assert back_out(at, "0" * 32) is None
    at.call("GET", "/api/now/ui/concoursepicker/updateset")
    (local,) = at.rows("sys_update_set", "is_default=true")
    assert back_out(at, local["sys_id"], sysparm_backout_type="other") is None


def test_an_unknown_processor_is_not_answered_but_noted() -> None:
    at = desk()
    assert at.ask('Strange"<Ajax>') is None
    assert at.box.unsupported == ["xmlhttp.do processor that is no name: none is near"]
    assert at.ask("StrangeAjax") is None
    assert any("'StrangeAjax'" in line for line in at.box.unsupported)
    assert at.ask("UpdateSetPreviewAjaxx") is None
    assert any("nearest is UpdateSetPreviewAjax" in line for line in at.box.log)


def test_an_unknown_function_of_a_processor_is_noted() -> None:
    at = desk()
    assert at.ask("UpdateSetPreviewAjax", sysparm_ajax_processor_function="previews") is None
    assert at.ask("AJAXPushBackOutWorker") is None
    assert at.box.unsupported == [
        "xmlhttp.do UpdateSetPreviewAjax sysparm_ajax_processor_function 'previews': "
        "nearest is preview",
        "xmlhttp.do AJAXPushBackOutWorker sysparm_name is missing",
    ]


def test_an_unknown_progress_says_so() -> None:
    at = desk()
    assert at.status("0" * 32) == {"state": "-1", "message": "Record not found"}
    assert at.status("x")["state"] == "-1"


def test_without_the_right_token_nothing_happens() -> None:
    at = desk()
    at.upload(unload([ONE]))
    given = {"sysparm_ajax_processor_function": "preview", "sysparm_ajax_processor_sys_id": SET}
    assert at.ask_with("0" * 72, SINGLE, **given) is None
    assert at.ask_with("", SINGLE, **given) is None
    assert at.set(SET)["state"] == "loaded"


def test_without_a_session_or_without_the_role_nothing_happens() -> None:
    assert Desk(sandbox()).ask(SINGLE) is None
    at = desk()
    at.upload(unload([ONE]))
    at.box.behaviour.set({"missing_roles": ["admin"]})
    assert preview(at, SET) is None
    assert at.set(SET)["state"] == "loaded"


def test_a_progress_is_not_readable_without_the_role() -> None:
    at = desk()
    at.upload(unload([ONE]))
    tracker = preview(at, SET)
    assert tracker is not None
    at.box.behaviour.set({"missing_roles": ["admin"]})
    assert at.status(tracker) == {"state": "1", "message": "Access denied"}


def test_the_preview_of_a_batch_is_not_cancelled() -> None:
    at = desk(slow_polls=5)
    (data,) = example("dev")
    at.upload(data)
    tracker = preview(at, base_of(data), processor=BATCH)
    assert tracker is not None
    for given in (tracker, "x^y"):
        fields = {"sysparm_ajax_processor_tracker_id": given}
        assert at.ask(SINGLE, sysparm_ajax_processor_function="cancelPreview", **fields) is None
    assert at.set(base_of(data))["state"] == "previewing"


def test_get_is_served_too() -> None:
    at = desk()
    at.upload(unload([ONE]))
    query = {
        "sysparm_processor": SINGLE,
        "sysparm_ajax_processor_function": "preview",
        "sysparm_ajax_processor_sys_id": SET,
    }
    answer = at.client.get("/xmlhttp.do", query_string=query, headers={"X-UserToken": at.token})
    assert 'sysparm_max="15" sysparm_processor="UpdateSetPreviewAjax"/>' in answer.text
    assert ' answer="' in answer.text
