"""Trackers: they move when somebody looks, stall, and end once."""

from __future__ import annotations

from pathlib import Path

import pytest
from update_set_desk import START, Desk, base_of, change, desk, example, hex_id, unload

from generator.clock import SteppedClock
from generator.sandbox.instance import Sandbox
from generator.sandbox.progress import begin, failure, looked, under_way

SET = hex_id("Set")
FILE = unload([change("sys_script_include", "One")])


@pytest.mark.parametrize("polls", [0, 1, 4])
def test_work_ends_after_as_many_looks_as_the_switch_says(polls: int) -> None:
    at = desk(slow_polls=polls)
    at.upload(FILE)
    body = at.call("POST", f"/api/sn_cicd/update_set/preview/{SET}").json
    tracker = body["result"]["links"]["progress"]["id"]
    assert at.rows("sys_execution_tracker")[0]["state"] == "0"
    states = [at.status(tracker)["state"] for _ in range(polls + 2)]
    assert states == ["1"] * polls + ["2", "2"]


def test_a_stalled_progress_does_not_change_at_all() -> None:
    at = desk(stall_at=40, slow_polls=0)
    at.upload(FILE)
    body = at.call("POST", f"/api/sn_cicd/update_set/preview/{SET}").json
    tracker = body["result"]["links"]["progress"]["id"]
    seen = [at.status(tracker) for _ in range(5)]
    assert seen[0]["state"] == "1"
    assert seen[0] == seen[1] == seen[4]
    row = at.box.database.get("sys_execution_tracker", tracker)
    assert row is not None
    assert at.box.database.get("sys_execution_tracker", tracker) == row
    assert at.set(SET)["state"] == "previewing"
    at.box.behaviour.set({"stall_at": 0})
    assert at.status(tracker)["state"] == "2"


@pytest.mark.parametrize("work", ["preview", "commit"])
def test_a_restart_undoes_what_was_under_way(work: str, tmp_path: Path) -> None:
    (data,) = example("dev")
    base = base_of(data)
    first = Sandbox(data=tmp_path, clock=SteppedClock(START))
    at = Desk(first).sign_in()
    at.upload(data)
    if work == "commit":
        at.preview(base)
    at.call("POST", f"/api/sn_cicd/update_set/{work}/{base}")
    assert at.set(base)["state"] == f"{work}ing".replace("commiting", "committing")
    first.close()
    second = Sandbox(data=tmp_path, clock=SteppedClock(START))
    at = Desk(second).sign_in()
    looked(second, "sys_remote_update_set")
    child = at.rows("sys_remote_update_set", "parentISNOTEMPTY")[0]
    states = (at.set(base)["state"], child["state"])
    previewed = ("previewed", "previewed_in_hierarchy")
    assert states == (previewed if work == "commit" else ("loaded", "in_hierarchy"))
    assert at.rows("sys_update_set", "is_default!=true") == []
    assert at.rows("sys_execution_tracker", "stateIN0,1") == []
    at.preview(base)
    assert at.commit(base)["status"] == "2"
    second.close()


def test_only_watched_tables_move_work_on() -> None:
    at = desk(slow_polls=0)
    begun = begin(at.box, "Work", finish=lambda: failure("no"), by="admin", source=SET)
    looked(at.box, "sys_user")
    assert under_way(at.box, SET) is not None
    looked(at.box, "sys_progress_worker")
    assert under_way(at.box, SET) is None
    (worker,) = at.rows("sys_progress_worker")
    assert (worker["state"], worker["state_code"]) == ("error", "error")
    assert worker["error_message"] == "no"
    assert at.status(begun.id)["state"] == "3"
