"""The upload of a file, and what its answer proves: nothing (`spec/instance-http.md` A6, A8)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from contract_client import Answer, Rest, Ui
from contract_scratch import SETS, UPDATES, Scratch
from contract_sets import SetFile, a_property, batch, new_id, single

from generator.secrets.interface import Secret


@pytest.fixture
def file(scratch: Scratch) -> SetFile:
    """A set with one property."""
    return single(scratch.target.run, now=scratch.target.clock.now())


def _is_sent(answer: Answer) -> bool:
    """200 with nothing, or the way to the list (A6): either means `sent`."""
    if answer.status == 302:
        return answer.headers["Location"].endswith("sys_remote_update_set_list.do")
    return answer.status == 200


def test_a_file_becomes_a_set_under_its_own_sys_id(
    scratch: Scratch, rest: Rest, ui: Ui, file: SetFile
) -> None:
    """A6: the header's sys_id is kept; state and counters are the file's [MEAS ARK, BST]."""
    scratch.load(ui, file)
    row = scratch.row(file)
    assert row is not None
    assert row["name"] == file.name
    assert row["state"] == "loaded"
    assert (row["summary"], row["inserted"], row["collisions"]) == ("", "", "")


def test_updates_belong_to_the_set(scratch: Scratch, rest: Rest, ui: Ui, file: SetFile) -> None:
    """A6: by `remote_update_set`; names are canonical, payloads are kept."""
    scratch.load(ui, file)
    fields = "name,action,payload,update_set,application"
    (row,) = rest.find(UPDATES, f"remote_update_set={file.sys_id}", fields=fields)
    (record,) = file.records
    assert row["name"] == record.name
    assert row["payload"] in file.content.decode()
    assert row["update_set"] == ""


def test_the_answer_says_nothing(scratch: Scratch, ui: Ui, file: SetFile) -> None:
    """A6: 200 and empty [MEAS ARK], or 302 to the list [TP GV]; never a sys_id."""
    answer = scratch.upload(ui, file)
    assert _is_sent(answer)
    tells_id = file.sys_id in answer.text
    assert not tells_id


def test_a_file_without_a_token_in_the_header_is_taken(
    scratch: Scratch, ui: Ui, file: SetFile
) -> None:
    """A4: the form field alone suffices when the file stands last [MEAS BST]."""
    scratch.will_make(file)
    assert _is_sent(ui.upload(file.content, name=file.sys_id, in_header=False))
    assert scratch.row(file) is not None


def test_no_attachment_stays(scratch: Scratch, rest: Rest, ui: Ui, file: SetFile) -> None:
    """A6: [MEAS BST]."""
    scratch.load(ui, file)
    assert rest.count("sys_attachment", f"file_name={file.sys_id}.xml") == 0


def test_records_are_not_written_by_an_upload(
    scratch: Scratch, rest: Rest, ui: Ui, file: SetFile
) -> None:
    """A6: an uploaded set waits: neither previewed nor committed by itself [DOC; MEAS]."""
    scratch.load(ui, file)
    assert rest.row("sys_properties", file.records[0].sys_id) is None
    assert (
        rest.count("sys_update_preview_xml", f"remote_update.remote_update_set={file.sys_id}") == 0
    )


def test_a_batch_is_base_and_children(scratch: Scratch, rest: Rest, ui: Ui) -> None:
    """A6: the base `loaded`, children `in_hierarchy`, all linked to the base [TP GV; DOC]."""
    file = batch(scratch.target.run, now=scratch.target.clock.now())
    scratch.load(ui, file)
    base, child = file.members
    fields = "sys_id,state,parent,remote_base_update_set"
    rows = rest.find(SETS, f"remote_base_update_set={base.sys_id}", fields=fields)
    found = {row["sys_id"]: row for row in rows}
    assert set(found) == {base.sys_id, child.sys_id}
    assert found[base.sys_id]["state"] == "loaded"
    assert found[child.sys_id]["state"] == "in_hierarchy"
    assert found[child.sys_id]["parent"] == base.sys_id


def _bad_xml(file: SetFile) -> bytes:
    return file.content.replace(b"</unload>", b"")


def _no_xml(file: SetFile) -> bytes:
    return b"no XML at all"


@pytest.mark.parametrize("spoil", [_bad_xml, _no_xml])
def test_a_bad_file_is_answered_like_a_good_one(
    scratch: Scratch, rest: Rest, ui: Ui, file: SetFile, spoil: Callable[[SetFile], bytes]
) -> None:
    """A1.3: a bad file also ends in 200 or 302, and nothing is there [MEAS BST, ARK]."""
    scratch.will_make(file)
    answer = ui.upload(spoil(file), name=file.sys_id)
    assert answer.status in (200, 302)
    assert scratch.row(file) is None
    assert rest.count(UPDATES, f"remote_update_set={file.sys_id}") == 0


def test_a_stale_token_stores_nothing(scratch: Scratch, ui: Ui, file: SetFile) -> None:
    """A4: another token ends in a redirection or a page, and nothing is there [DOC, MEAS]."""
    scratch.will_make(file)
    stale = Secret(new_id() + new_id() + new_id()[:8])
    answer = ui.upload(file.content, name=file.sys_id, token=stale)
    assert answer.status in (200, 302)
    assert scratch.row(file) is None


def test_without_a_session_nothing_is_stored(
    scratch: Scratch, new_ui: Callable[[], Ui], file: SetFile
) -> None:
    """A1.3: the login page answers 200, too [MEAS BST, ARK]."""
    scratch.will_make(file)
    token = Secret(new_id() + new_id() + new_id()[:8])
    answer = new_ui().upload(file.content, name=file.sys_id, token=token)
    assert answer.status in (200, 302, 401)
    assert scratch.row(file) is None


def test_an_update_of_no_set_belongs_to_none(scratch: Scratch, rest: Rest, ui: Ui) -> None:
    """A6: a wrong link orphans the update [MEAS ARK]."""
    run, now = scratch.target.run, scratch.target.clock.now()
    good = single(run, a_property(run), now=now)
    elsewhere = new_id()
    member = good.sys_id.encode()
    at = good.content.index(b"<sys_update_xml")
    rows = good.content[at:].replace(member, elsewhere.encode())
    scratch.will_make(good)
    ui.upload(good.content[:at] + rows, name=good.sys_id)
    assert scratch.row(good) is not None
    assert rest.count(UPDATES, f"remote_update_set={good.sys_id}") == 0
    for row in rest.find(UPDATES, f"name={good.records[0].name}", fields="sys_id,name"):
        scratch.forget_later(UPDATES, row["sys_id"])


def test_a_second_upload_reopens_the_set(
    scratch: Scratch, rest: Rest, ui: Ui, file: SetFile, cicd: None
) -> None:
    """A6: the record is reopened as the file has it [MEAS ARK]; its children are C5."""
    scratch.load(ui, file)
    scratch.preview(file)
    assert (scratch.row(file) or {})["state"] == "previewed"
    scratch.upload(ui, file)
    row = scratch.row(file)
    assert row is not None
    assert row["state"] == "loaded"
    assert rest.count(UPDATES, f"remote_update_set={file.sys_id}") >= 1


def test_an_update_does_not_move_between_sets(
    scratch: Scratch, rest: Rest, ui: Ui, file: SetFile
) -> None:
    """A6, A16: 403, aborted by a business rule, which names file and rule [MEAS NF]."""
    scratch.load(ui, file)
    other = single(scratch.target.run, now=scratch.target.clock.now())
    scratch.load(ui, other)
    (row,) = rest.find(UPDATES, f"remote_update_set={file.sys_id}", fields="sys_id")
    path = f"/api/now/table/{UPDATES}/{row['sys_id']}"
    answer = rest.send("PATCH", path, body={"remote_update_set": other.sys_id})
    assert rest.count(UPDATES, f"remote_update_set={file.sys_id}") == 1
    assert answer.status == 403
    message, detail = answer.error()
    assert message == "Operation Failed"
    assert detail.startswith(f"Operation against file '{UPDATES}' was aborted by Business Rule '")


def test_a_written_state_changes_nothing(
    scratch: Scratch, rest: Rest, ui: Ui, file: SetFile
) -> None:
    """A1.5: 200, and silently reverted [MEAS ARK, BST]."""
    scratch.load(ui, file)
    path = f"/api/now/table/{SETS}/{file.sys_id}"
    answer = rest.send("PATCH", path, body={"state": "committed"})
    assert answer.status == 200
    assert (scratch.row(file) or {})["state"] == "loaded"


def test_a_retrieved_set_can_be_removed(
    scratch: Scratch, rest: Rest, ui: Ui, file: SetFile
) -> None:
    """A11: 204; afterwards 404 [MEAS ARK, TP]. Whether its children go along is C13."""
    scratch.load(ui, file)
    for row in rest.find(UPDATES, f"remote_update_set={file.sys_id}", fields="sys_id"):
        rest.send("DELETE", f"/api/now/table/{UPDATES}/{row['sys_id']}")
    answer = rest.send("DELETE", f"/api/now/table/{SETS}/{file.sys_id}")
    assert answer.status == 204
    assert scratch.row(file) is None
