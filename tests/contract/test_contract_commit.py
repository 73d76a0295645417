"""Commit, what it makes, and how it is taken back (`spec/instance-http.md` A9 to A12)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from contract_client import Rest, Ui
from contract_scratch import (
    LOCAL_SETS,
    NOTHING,
    PICKER,
    SETS,
    SYS_ID,
    UPDATES,
    Scratch,
    processed,
)
from contract_sets import SetFile, a_name, a_property, batch, single

COMMIT = "com.glide.update.UpdateSetCommitAjaxProcessor"


@pytest.fixture
def file(scratch: Scratch, ui: Ui) -> SetFile:
    """A loaded set with one property."""
    file = single(scratch.target.run, now=scratch.target.clock.now())
    scratch.load(ui, file)
    return file


@pytest.fixture
def committed(scratch: Scratch, file: SetFile, cicd: None) -> SetFile:
    """A set that was committed."""
    assert scratch.preview(file).state == "2"
    assert scratch.commit(file).state == "2"
    return file


def _local(rest: Rest, file: SetFile) -> str:
    row = rest.row(SETS, file.sys_id, fields="state,update_set,commit_date")
    assert row is not None
    assert row["state"] == "committed"
    assert row["commit_date"]
    assert SYS_ID.fullmatch(row["update_set"])
    return row["update_set"]


# Commit


def test_a_commit_writes_the_records(rest: Rest, committed: SetFile) -> None:
    """A10.3: read back under the sys_id of the payload, value by value."""
    record = committed.records[0]
    row = rest.row(record.table, record.sys_id, fields=",".join(record.values))
    assert row == dict(record.values)


def test_a_commit_makes_a_local_set(rest: Rest, committed: SetFile) -> None:
    """A9: complete, linked by `remote_sys_id`, with a copy of each update [PLAT; MEAS]."""
    local = _local(rest, committed)
    row = rest.row(LOCAL_SETS, local, fields="name,state,remote_sys_id,install_date")
    assert row is not None
    assert (row["name"], row["state"]) == (committed.name, "complete")
    assert row["remote_sys_id"] == committed.sys_id
    assert row["install_date"]
    copies = rest.find(UPDATES, f"update_set={local}", fields="name,action,payload")
    assert [copy["name"] for copy in copies] == [committed.records[0].name]


def test_a_commit_leaves_the_updates_of_the_retrieved_set(rest: Rest, committed: SetFile) -> None:
    """A9: copies, not moves [PLAT]."""
    assert rest.count(UPDATES, f"remote_update_set={committed.sys_id}") == 1


def test_a_commit_leaves_a_version(rest: Rest, committed: SetFile) -> None:
    """A9: the newest `sys_update_version` is `current` [PLAT; MEAS]."""
    query = f"name={committed.records[0].name}^state=current"
    assert len(rest.find("sys_update_version", query, fields="name,state")) == 1


def test_a_committed_set_is_not_committed_again(
    rest: Rest, scratch: Scratch, committed: SetFile
) -> None:
    """A9: the importer reads the state and never posts again; nothing is doubled in any case."""
    local = _local(rest, committed)
    answer = scratch.cicd(f"update_set/commit/{committed.sys_id}", body={"force_commit": "false"})
    if answer.status == 200:
        scratch.finish(answer)
    assert _local(rest, committed) == local
    assert rest.count(LOCAL_SETS, f"remote_sys_id={committed.sys_id}") == 1


def test_a_later_set_updates_the_record(
    rest: Rest, scratch: Scratch, ui: Ui, committed: SetFile
) -> None:
    """A7: a record that is there is no insert."""
    first = committed.records[0]
    run, now = scratch.target.run, scratch.target.clock.now() + timedelta(minutes=2)
    name = first.values["name"]
    later = single(run, a_property(run, value="2", sys_id=first.sys_id, name=name), now=now)
    scratch.load(ui, later)
    scratch.preview(later)
    row = rest.row(SETS, later.sys_id, fields="inserted,updated,collisions,summary")
    assert row is not None
    assert (int(row["inserted"]), int(row["summary"])) == (0, 1)
    assert int(row["updated"]) + int(row["collisions"]) == 1


def test_the_processors_commit_in_three_steps(
    rest: Rest, scratch: Scratch, ui: Ui, file: SetFile
) -> None:
    """A9: the way without the CI/CD API [PLAT; MEAS ARK; TP PSS]."""
    previewed = processed(
        ui.process(
            "UpdateSetPreviewAjax",
            sysparm_ajax_processor_function="preview",
            sysparm_ajax_processor_sys_id=file.sys_id,
        )
    )
    assert previewed is not None
    assert scratch.finish_tracker(previewed).state == "2"
    common = {
        "x_referer": f"sys_remote_update_set.do?sys_id={file.sys_id}",
        "ni.nolog.x_referer": "ignore",
    }
    set_id = {"sysparm_remote_updateset_sys_id": file.sys_id}
    loss = processed(
        ui.process(COMMIT, sysparm_type="validateCommitRemoteUpdateSet", **set_id, **common)
    )
    assert loss is not None
    assert loss.split(";")[0] == file.sys_id
    assert loss.split(";")[-1] == "NONE"
    asks = processed(
        ui.process(
            "UpdateSetCommitAjax",
            sysparm_type="shouldShowConfirmAppInstall",
            sysparm_rus_sys_id=file.sys_id,
            sysparm_in_hierarchy="false",
            **common,
        )
    )
    assert asks != "true"
    begun = processed(
        ui.process(
            COMMIT,
            sysparm_type="commitRemoteUpdateSet",
            sysparm_skip_app_installs="false",
            **set_id,
            **common,
        )
    )
    assert begun is not None
    tracker, local = begun.split(",")[:2]
    assert SYS_ID.fullmatch(tracker)
    assert scratch.finish_tracker(tracker).state == "2"
    assert _local(rest, file) == local


def test_a_batch_is_committed_by_its_base(rest: Rest, scratch: Scratch, ui: Ui) -> None:
    """A9 3b: children, too [PLAT SI HierarchyUpdateSetCommitAjax; TP PSS]."""
    file = batch(scratch.target.run, now=scratch.target.clock.now())
    scratch.load(ui, file)
    for processor, function in (
        ("HierarchyUpdateSetPreviewAjax", "preview"),
        ("HierarchyUpdateSetCommitAjax", "commit"),
    ):
        tracker = processed(
            ui.process(
                processor,
                sysparm_ajax_processor_function=function,
                sysparm_ajax_processor_sys_id=file.sys_id,
            )
        )
        assert tracker is not None
        assert scratch.finish_tracker(tracker).state == "2"
    rows = rest.find(SETS, f"remote_base_update_set={file.sys_id}", fields="state,update_set")
    assert [row["state"] for row in rows] == ["committed", "committed"]
    assert len({row["update_set"] for row in rows}) == 2
    assert all(rest.row(r.table, r.sys_id, fields="sys_id") for r in file.records)


# Back out


def test_a_back_out_takes_the_records_away(
    rest: Rest, scratch: Scratch, committed: SetFile
) -> None:
    """A11: records go, and so do the local set and its updates [DOC]."""
    local = _local(rest, committed)
    assert scratch.back_out(local).state == "2"
    record = committed.records[0]
    assert rest.row(record.table, record.sys_id, fields="sys_id") is None
    assert rest.row(LOCAL_SETS, local, fields="sys_id") is None
    assert rest.count(UPDATES, f"update_set={local}") == 0


def test_a_back_out_leaves_a_deletion_in_the_current_set(
    rest: Rest, scratch: Scratch, committed: SetFile
) -> None:
    """A11: so a later commit of the same set collides [DOC t_BackOutUpdateSet.md]."""
    scratch.back_out(_local(rest, committed))
    query = f"name={committed.records[0].name}^remote_update_setISEMPTY"
    rows = rest.find(UPDATES, query, fields="action,update_set.name")
    assert [row["action"] for row in rows] == ["DELETE"]
    assert rows[0]["update_set.name"].startswith("sn_smtp_contract.")


# The rest of the CI/CD API


def test_a_local_set_is_created(rest: Rest, scratch: Scratch, cicd: None) -> None:
    """A12: 201 with the platform's sentence and the id [DOC]."""
    name = a_name(scratch.target.run)
    answer = scratch.cicd("update_set/create", update_set_name=name, scope="global")
    assert answer.status == 201
    result = answer.result()
    sys_id = str(result["update_set_id"])
    scratch.forget_later(LOCAL_SETS, sys_id)
    assert result["status"] == "2"
    assert result["status_message"] == f"Successfully created update set: {name}"
    row = rest.row(LOCAL_SETS, sys_id, fields="name,application,state")
    assert row == {"name": name, "application": "global", "state": "in progress"}


@pytest.mark.parametrize("version", ["", "/v1"])
@pytest.mark.parametrize("call", ["preview", "commit"])
def test_a_set_that_is_nowhere_is_refused(
    rest: Rest, may_write: None, cicd: None, version: str, call: str
) -> None:
    """A12: 404 is documented for what was not found; a progress that fails is taken, too."""
    path = f"/api/sn_cicd{version}/update_set/{call}/{NOTHING}"
    answer = rest.send("POST", path, body={"force_commit": "false"})
    assert answer.status in (400, 404)
    assert answer.error()[0]


def test_the_current_set_can_be_chosen(rest: Rest, scratch: Scratch, ui: Ui) -> None:
    """A11: by the picker, with `X-UserToken` [TP]; what is captured goes there."""
    made = scratch.insert(
        LOCAL_SETS,
        {"name": a_name(scratch.target.run), "application": "global", "state": "in progress"},
    )
    answer = ui.rest("PUT", PICKER, with_token=True, body={"sysId": made})
    assert answer.status == 200
    name = a_name(scratch.target.run)
    values = {"name": name, "type": "string", "value": "1"}
    sys_id = scratch.insert("sys_properties", values)
    query = f"name=sys_properties_{sys_id}^remote_update_setISEMPTY"
    rows = rest.find(UPDATES, query, fields="update_set")
    assert rows == [{"update_set": made}]
