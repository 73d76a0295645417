"""The upload: what it takes, what it drops without a word, and what it answers."""

from __future__ import annotations

import re

import pytest
from update_set_desk import Desk, base_of, change, desk, example, hex_id, sandbox, unload

from generator.sandbox.instance import Sandbox

FILE = unload([change("sys_script_include", "One"), change("sys_script_include", "Two")])
SET = base_of(FILE)


def stored(box: Sandbox) -> tuple[int, int]:
    """Number of retrieved sets and of updates."""
    return box.database.count("sys_remote_update_set"), box.database.count("sys_update_xml")


def test_the_page_holds_a_token_for_those_who_are_signed_in() -> None:
    at = desk()
    page = at.client.get("/upload.do")
    assert page.status_code == 200
    assert page.headers["X-Is-Logged-In"] == "true"
    assert re.fullmatch("[0-9a-f]{72}", at.token)
    assert 27_000 < len(page.data) < 30_000


def test_the_page_sends_others_to_the_login() -> None:
    page = Desk(sandbox()).client.get("/upload.do")
    assert page.status_code == 302
    assert page.headers["Location"] == "/login.do"
    assert page.headers["X-Is-Logged-In"] == "false"


def test_a_file_is_stored_as_it_is_and_the_answer_says_nothing() -> None:
    at = desk()
    answer = at.upload(FILE)
    assert (answer.status_code, answer.data) == (200, b"")
    row = at.set(SET)
    assert (row["state"], row["name"], row.get("summary", "")) == ("loaded", "Set", "")
    assert [u["remote_update_set"] for u in at.rows("sys_update_xml")] == [SET, SET]
    assert at.rows("sys_attachment") == []


def test_the_answer_may_be_a_redirect() -> None:
    answer = desk(upload_reply="302").upload(FILE)
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/sys_remote_update_set_list.do"


def test_the_list_that_it_leads_to_is_for_those_who_are_signed_in() -> None:
    page = desk().client.get("/sys_remote_update_set_list.do")
    assert "Retrieved Update Sets" in page.text
    assert Desk(sandbox()).client.get("/sys_remote_update_set_list.do").status_code == 302


def test_a_form_with_too_long_a_field_or_too_many_is_dropped() -> None:
    at = desk()
    for parts in ([("sysparm_ck", "x" * 70_000)], [(f"f{n}", "") for n in range(200)]):
        answer = at.post_form([*parts, ("attachFile", FILE)], header=at.token)
        assert answer.status_code == 200
    other = [("sysparm_ck", at.token), ("sysparm_target", "sys_remote_update_set")]
    at.post_form([*other, ("anotherFile", FILE)], header=at.token)
    assert stored(at.box) == (0, 0)


@pytest.mark.parametrize("name", ["dev", "test", "prod"])
def test_the_examples_arrive_whole(name: str) -> None:
    at = desk()
    for data in example(name):
        at.upload(data)
    files = b"".join(example(name))
    sets = set(re.findall(rb"<sys_remote_update_set .*?<sys_id>([0-9a-f]{32})<", files, re.DOTALL))
    assert {row["sys_id"] for row in at.rows("sys_remote_update_set")} == {s.decode() for s in sets}
    assert len(at.rows("sys_update_xml")) == files.count(b"<sys_update_xml ")
    states = {row["state"] for row in at.rows("sys_remote_update_set")}
    assert states == ({"loaded"} if name == "prod" else {"loaded", "in_hierarchy"})


def test_without_a_session_the_login_page_comes_with_status_200() -> None:
    at = Desk(sandbox())
    answer = at.upload(FILE, token="0" * 72)
    assert answer.status_code == 200
    assert "login.do" in answer.text
    assert stored(at.box) == (0, 0)


@pytest.mark.parametrize("token", ["0" * 72, ""])
def test_a_wrong_token_is_intercepted(token: str) -> None:
    at = desk()
    answer = at.upload(FILE, token=token)
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/security_interceptor.do"
    assert stored(at.box) == (0, 0)


def test_the_header_alone_carries_the_token_too() -> None:
    at = desk()
    at.upload(FILE, token="", header=at.token)
    assert stored(at.box) == (1, 2)


def test_a_file_before_other_fields_is_dropped() -> None:
    at = desk()
    answer = at.upload(FILE, file_first=True)
    assert (answer.status_code, answer.data) == (200, b"")
    assert stored(at.box) == (0, 0)
    assert any("after the file part" in line for line in at.box.log)


@pytest.mark.parametrize(("header", "found"), [("right", (1, 2)), ("wrong", (0, 0))])
def test_leniently_the_header_lets_a_file_come_first(header: str, found: tuple[int, int]) -> None:
    at = desk(upload_order="lenient")
    at.upload(FILE, file_first=True, header=at.token if header == "right" else "0" * 72)
    assert stored(at.box) == found


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + FILE,
        FILE + FILE,
        FILE[:-20],
        FILE.replace(b"<unload ", b'<!DOCTYPE unload [<!ENTITY a "b">]><unload ', 1),
        FILE.replace(b"<name>Set<", b"<name>&unknown;<", 1),
        FILE.replace(b"unload", b"reload"),
        b"",
        b"PK\x03\x04",
    ],
    ids=["bom", "two", "cut", "doctype", "entity", "root", "empty", "no-xml"],
)
def test_a_bad_file_is_answered_like_a_good_one(data: bytes) -> None:
    at = desk()
    answer = at.upload(data)
    assert (answer.status_code, answer.data) == (200, b"")
    assert stored(at.box) == (0, 0)
    assert any("nothing stored" in line for line in at.box.log)


def test_an_expanding_file_is_not_expanded() -> None:
    bomb = b'<!DOCTYPE u [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><unload><x>&b;</x></unload>'
    at = desk()
    assert at.upload(bomb).status_code == 200
    assert stored(at.box) == (0, 0)


def test_another_target_or_no_form_stores_nothing() -> None:
    at = desk()
    at.upload(FILE, target="sys_user")
    at.post_form([("sysparm_ck", at.token)], header=at.token)
    url = "/sys_upload.do"
    for kind in ("text/xml", "multipart/form-data", "multipart/form-data; boundary=xxx"):
        headers = {"X-UserToken": at.token}
        assert at.client.post(url, data=FILE, content_type=kind, headers=headers).status_code == 200
    assert stored(at.box) == (0, 0)


def test_an_upload_again_reopens_the_set_and_appends_its_updates() -> None:
    at = desk()
    at.install(FILE)
    at.upload(FILE)
    row = at.set(SET)
    assert row["state"] == "loaded"
    updates = at.rows("sys_update_xml", f"remote_update_set={SET}")
    assert len(updates) == 4
    assert len({u["sys_id"] for u in updates}) == 4
    at.upload(FILE)
    assert len(at.rows("sys_update_xml", f"remote_update_set={SET}")) == 6


def test_updates_may_be_replaced_instead() -> None:
    at = desk(reupload="upsert")
    at.upload(FILE)
    at.upload(FILE)
    assert stored(at.box) == (1, 2)


def test_updates_of_another_set_are_orphans() -> None:
    at = desk()
    at.upload(
        FILE.replace(f"<remote_update_set>{SET}".encode(), b"<remote_update_set>" + b"9" * 32)
    )
    assert stored(at.box) == (1, 2)
    assert at.preview(SET)["status"] == "2"
    assert at.set(SET)["summary"] == "0"
    assert at.rows("sys_update_preview_xml") == []


def test_elements_that_no_set_has_are_left_out_and_logged() -> None:
    at = desk()
    at.upload(FILE.replace(b"</unload>", b"<sys_user><user_name>x</user_name></sys_user></unload>"))
    assert stored(at.box) == (1, 2)
    assert any("elements that no update set has" in line for line in at.box.log)


def test_a_user_without_admin_stores_nothing_and_sees_no_token() -> None:
    at = desk()
    assert at.box.database.query("sys_user_has_role")
    at.box.behaviour.set({"missing_roles": ["admin"]})
    assert 'name="sysparm_ck"' not in at.client.get("/upload.do").text
    assert at.upload(FILE).status_code == 200
    assert stored(at.box) == (0, 0)


def test_a_file_with_an_odd_sys_id_gets_one() -> None:
    data = unload([change("sys_script_include", "One", sys_id="not-a-sys-id")])
    at = desk()
    at.upload(data)
    (row,) = at.rows("sys_update_xml")
    assert re.fullmatch("[0-9a-f]{32}", row["sys_id"])
    at.upload(unload([], set_id="nonsense"))
    assert [found["sys_id"] for found in at.rows("sys_remote_update_set")] == [hex_id("Set")]
