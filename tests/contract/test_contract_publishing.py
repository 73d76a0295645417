"""Publishing an action, attachments, and scans (`spec/instance-http.md` A6, A19, A20)."""

from __future__ import annotations

import pytest
from contract_client import Answer, Rest
from contract_scratch import NOTHING, SETS, Scratch
from contract_sets import single

PUBLISH = "/api/now/wfa_fluent/activate_flows"
NO_RESOURCE = "Requested URI does not represent any resource"


def _publish(rest: Rest, sys_id: str) -> Answer:
    body = {"flows": [], "actions": [{"sys_id": sys_id, "active": "", "state": ""}]}
    params = {"sysparm_transaction_scope": "global"}
    answer = rest.send("POST", PUBLISH, body=body, params=params)
    if answer.error()[0] == NO_RESOURCE or answer.status == 404:
        pytest.skip("the ServiceNow IDE app is not installed here")
    return answer


def test_an_action_that_is_nowhere_is_not_published(rest: Rest, may_write: None) -> None:
    """A19: 422 = all failed, with the shape of a success [PLAT SDK]."""
    answer = _publish(rest, NOTHING)
    assert answer.status == 422
    result = answer.result()
    assert result["summary"] == {"total": 1, "succeeded": 0, "failed": 1}
    results = result["results"]
    assert isinstance(results, list)
    assert results[0]["sys_id"] == NOTHING
    assert results[0]["status"] != "success"
    assert results[0]["errorMessage"]


def test_an_attached_set_is_stored_and_nothing_more(rest: Rest, scratch: Scratch) -> None:
    """A6: the attachment API stores files, it never imports [DOC]."""
    run, now = scratch.target.run, scratch.target.clock.now()
    file = single(run, now=now)
    scratch.will_make(file)
    holder = scratch.insert(
        "sys_properties", {"name": file.records[0].values["name"] + ".holder", "value": "1"}
    )
    answer = rest.call(
        "POST",
        "/api/now/attachment/file",
        auth=rest.target.basic(),
        headers={"Accept": "application/json", "Content-Type": "text/xml"},
        params={
            "table_name": "sys_properties",
            "table_sys_id": holder,
            "file_name": f"{file.sys_id}.xml",
        },
        data=file.content,
    )
    assert answer.status == 201
    scratch.forget_later("sys_attachment", str(answer.result()["sys_id"]))
    found = rest.find("sys_attachment", f"table_sys_id={holder}", fields="file_name")
    assert found == [{"file_name": f"{file.sys_id}.xml"}]
    assert rest.row(SETS, file.sys_id) is None


def test_a_scan_of_a_suite_that_is_nowhere_is_not_a_success(
    rest: Rest, scratch: Scratch, cicd: None
) -> None:
    """A20: an error, or a progress that ends failed; never 2 [DOC for the codes]."""
    path = f"/api/sn_cicd/instance_scan/suite_scan/{NOTHING}/update_sets"
    answer = rest.send("POST", path, body={"update_set_sys_ids": [NOTHING]})
    if answer.status == 200:
        assert scratch.finish(answer).state != "2"
    else:
        assert answer.status in (400, 401, 403, 404, 500)
