"""Preview, commit, back out and publishing, by both routes."""

from __future__ import annotations

import json

import pytest
import requests
from instance_replies import (
    ID,
    LOGGED_IN,
    LOGIN_PAGE,
    NEW_TOKEN,
    OTHER_ID,
    SIGN_ON,
    STALE,
    TOKEN,
    Bench,
    Reply,
    bench,
    error,
    page,
    processor,
    said,
    upload_page,
)

from generator.errors import (
    AuthenticationError,
    GeneratorError,
    InternalError,
    OutcomeUnknown,
    Refused,
    RemoteError,
    ResponseError,
)
from generator.instance.cicd import percent
from generator.instance.interface import (
    Cicd,
    Operation,
    ProgressState,
    Publication,
    Route,
    Stage,
    Work,
)
from generator.instance.xmlhttp import parse_answer

OPEN = (LOGGED_IN, upload_page())
NO_RESOURCE = error(400, "Requested URI does not represent any resource")
COMMIT = "com.glide.update.UpdateSetCommitAjaxProcessor"


def _begun(progress: str = OTHER_ID, **more: str) -> Reply:
    links = {"progress": {"id": progress, "url": "https://evil.example/api/sn_cicd/progress/x"}}
    return said({"result": {"links": links, "status": "0", **more}})


def _progress(**values: object) -> Reply:
    return said({"result": {"status": "1", "percent_complete": 40, **values}})


# CI/CD


@pytest.mark.parametrize(
    ("reply", "cicd"),
    [
        (error(404, "No progress with that id"), Cicd.USABLE),
        (NO_RESOURCE, Cicd.INACTIVE),
        (error(404, "Requested URI does not represent any resource"), Cicd.INACTIVE),
        (error(405, "The functionality is inactive."), Cicd.INACTIVE),
        (error(403, "Forbidden"), Cicd.NO_ROLE),
        (error(400, "?"), Cicd.UNKNOWN),
        (said({"result": {}}), Cicd.UNKNOWN),
    ],
)
def test_the_probe_tells_plugin_from_role(reply: Reply, cicd: Cicd) -> None:
    made = bench(reply)
    assert made.instance.probe_cicd() is cicd
    assert made.replies.paths() == [f"GET /api/sn_cicd/progress/{'0' * 32}"]


@pytest.mark.parametrize("reply", [SIGN_ON, page("<html></html>", 404), error(500, "?")])
def test_a_probe_without_an_answer_says_nothing(reply: Reply) -> None:
    with pytest.raises(RemoteError):
        bench(reply).instance.probe_cicd()


def test_cicd_begins_what_is_asked() -> None:
    made = bench(_begun(), _begun(), _begun())
    preview = made.instance.preview(ID, batch=True, route=Route.CICD)
    commit = made.instance.commit(ID, batch=True, route=Route.CICD)
    back_out = made.instance.back_out(ID, route=Route.CICD)
    assert preview == Operation(Work.PREVIEW, Route.CICD, OTHER_ID)
    assert (commit.work, back_out.work) == (Work.COMMIT, Work.BACK_OUT)
    assert made.replies.paths() == [
        f"POST /api/sn_cicd/update_set/preview/{ID}",
        f"POST /api/sn_cicd/update_set/commit/{ID}",
        "POST /api/sn_cicd/update_set/back_out",
    ]
    assert json.loads(made.replies.sent[1].body) == {"force_commit": "false"}
    assert made.replies.sent[2].query == {"update_set_id": ID, "rollback_installs": "true"}
    for sent in made.replies.sent:
        assert sent.headers["Content-Type"] == sent.headers["Accept"] == "application/json"


@pytest.mark.parametrize("id_", ["", "../../x", "a" * 31, "A" * 32, "g" * 32])
def test_an_id_that_is_none_is_not_followed(id_: str) -> None:
    with pytest.raises(OutcomeUnknown):
        bench(_begun(id_)).instance.commit(ID, batch=False, route=Route.CICD)


def test_work_that_says_it_failed_did_not_begin() -> None:
    made = bench(said({"result": {"status": "3", "error": "not previewed"}}))
    with pytest.raises(ResponseError) as caught:
        made.instance.commit(ID, batch=False, route=Route.CICD)
    assert "not previewed" in str(caught.value)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(409, "Conflict. The requested item isn't unique."), ResponseError),
        (error(403, "Forbidden"), AuthenticationError),
        (Reply(200, b'{"result": {', (("Content-Type", "application/json"),)), OutcomeUnknown),
        (page("<html></html>"), OutcomeUnknown),
        (error(500, "oops"), OutcomeUnknown),
        (said({"result": {}}), OutcomeUnknown),
        (requests.ReadTimeout("too long"), OutcomeUnknown),
    ],
)
def test_a_commit_without_a_clear_answer(reply: Reply | Exception, kind: type[RemoteError]) -> None:
    made = bench(reply)
    with pytest.raises(kind):
        made.instance.commit(ID, batch=False, route=Route.CICD)
    assert made.instance.requests == 1


def test_progress_is_asked_of_the_same_host() -> None:
    made = bench(_begun(), _progress())
    operation = made.instance.preview(ID, batch=False, route=Route.CICD)
    assert made.instance.progress(operation) == ProgressState(Stage.RUNNING, 40, "")
    assert made.replies.sent[1].url == f"https://dev1.example.com/api/sn_cicd/progress/{OTHER_ID}"


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({"status": "0", "percent_complete": 0}, ProgressState(Stage.PENDING, 0, "")),
        (
            {"status": "2", "percent_complete": 100, "status_message": "This operation succeeded"},
            ProgressState(Stage.SUCCESSFUL, 100, "This operation succeeded"),
        ),
        (
            {"status": "3", "status_message": "a", "status_detail": "b", "error": "a"},
            ProgressState(Stage.FAILED, 40, "a; b"),
        ),
        ({"status": "4"}, ProgressState(Stage.CANCELLED, 40, "")),
        ({"status": "5"}, ProgressState(Stage.UNKNOWN, 40, "")),
        ({"status": None, "percent_complete": None}, ProgressState(Stage.UNKNOWN, None, "")),
        (
            {"status": "3", "status_detail": '{"has_preview_problem":true}'},
            ProgressState(Stage.FAILED, 40, '{"has_preview_problem":true}', True),
        ),
    ],
)
def test_progress_has_its_stages(values: dict[str, object], state: ProgressState) -> None:
    made = bench(_progress(**values))
    assert made.instance.progress(Operation(Work.PREVIEW, Route.CICD, ID)) == state


@pytest.mark.parametrize(
    "reply", [said({"result": []}), error(404, "Not found. The requested item wasn't found.")]
)
def test_progress_that_cannot_be_read(reply: Reply) -> None:
    with pytest.raises(ResponseError):
        bench(reply).instance.progress(Operation(Work.COMMIT, Route.CICD, ID))


def test_percent_is_a_number_or_nothing() -> None:
    assert [percent(value) for value in (5, "6", 7.0, "x", None, -1, "9999")] == [
        *(5, 6, 7),
        *(None, None, None, None),
    ]


@pytest.mark.parametrize("route", Route)
def test_no_id_leads_elsewhere(route: Route) -> None:
    made = bench()
    with pytest.raises(InternalError):
        made.instance.commit("../../x", batch=False, route=route)
    with pytest.raises(InternalError):
        made.instance.progress(Operation(Work.COMMIT, route, "../x"))
    with pytest.raises(InternalError):
        made.instance.back_out("a&b=c", route=route)


# xmlhttp


def _forms(made: Bench) -> list[dict[str, str]]:
    return [sent.form for sent in made.replies.sent if sent.path == "/xmlhttp.do"]


@pytest.mark.parametrize(
    ("batch", "name"), [(False, "UpdateSetPreviewAjax"), (True, "HierarchyUpdateSetPreviewAjax")]
)
def test_a_preview_by_the_page(batch: bool, name: str) -> None:
    made = bench(*OPEN, processor(OTHER_ID))
    operation = made.instance.preview(ID, batch=batch, route=Route.XMLHTTP)
    assert operation == Operation(Work.PREVIEW, Route.XMLHTTP, OTHER_ID)
    assert _forms(made) == [
        {
            "sysparm_processor": name,
            "sysparm_scope": "global",
            "sysparm_want_session_messages": "true",
            "sysparm_ajax_processor_function": "preview",
            "sysparm_ajax_processor_sys_id": ID,
            "sysparm_ck": TOKEN,
        }
    ]
    sent = made.replies.sent[-1]
    assert (sent.headers["X-UserToken"], sent.headers["Cookie"]) == (TOKEN, "JSESSIONID=abc")
    assert "Authorization" not in sent.headers


@pytest.mark.parametrize(
    "reply", [processor(None), processor(""), processor("no rights"), STALE, LOGIN_PAGE]
)
def test_a_preview_without_a_tracker_was_refused(reply: Reply) -> None:
    made = bench(*OPEN, reply)
    with pytest.raises(AuthenticationError) as caught:
        made.instance.preview(ID, batch=False, route=Route.XMLHTTP)
    assert caught.value.faults[0].code == "instance-processor-refused"


def test_a_commit_asks_two_questions_first() -> None:
    answer = f"{OTHER_ID},{'c' * 32},true,false"
    asked = (processor(f"{ID};sys_idIN;NONE"), processor("false"))
    made = bench(*OPEN, *asked, processor(answer))
    operation = made.instance.commit(ID, batch=False, route=Route.XMLHTTP)
    assert operation == Operation(Work.COMMIT, Route.XMLHTTP, OTHER_ID)
    page = {
        "sysparm_scope": "global",
        "x_referer": f"sys_remote_update_set.do?sys_id={ID}",
        "ni.nolog.x_referer": "ignore",
        "sysparm_ck": TOKEN,
    }
    assert _forms(made) == [
        {
            **page,
            "sysparm_processor": COMMIT,
            "sysparm_type": "validateCommitRemoteUpdateSet",
            "sysparm_remote_updateset_sys_id": ID,
        },
        {
            **page,
            "sysparm_processor": "UpdateSetCommitAjax",
            "sysparm_type": "shouldShowConfirmAppInstall",
            "sysparm_rus_sys_id": ID,
            "sysparm_in_hierarchy": "false",
        },
        {
            **page,
            "sysparm_processor": COMMIT,
            "sysparm_type": "commitRemoteUpdateSet",
            "sysparm_remote_updateset_sys_id": ID,
            "sysparm_skip_app_installs": "false",
        },
    ]


def test_the_base_of_a_batch_is_committed_by_its_own_processor() -> None:
    made = bench(*OPEN, processor(OTHER_ID))
    made.instance.commit(ID, batch=True, route=Route.XMLHTTP)
    (form,) = _forms(made)
    assert form["sysparm_processor"] == "HierarchyUpdateSetCommitAjax"
    assert form["sysparm_ajax_processor_function"] == "commit"
    assert form["sysparm_ajax_processor_sys_id"] == ID


@pytest.mark.parametrize(
    ("replies", "kind"),
    [
        ((processor(f"{ID};q;cmdb_ci,task"),), Refused),
        ((processor(f"{ID};q;NONE"), processor("true")), Refused),
        ((processor("what"), processor("what")), ResponseError),
        ((processor(f"{ID};q;NONE"), processor("maybe")), ResponseError),
        ((STALE, upload_page(), STALE), AuthenticationError),
        ((page("<html>?</html>"),), ResponseError),
        ((Reply(200, b"<xml", (("Content-Type", "text/xml"),)),), ResponseError),
        ((page("", 500),), ResponseError),
    ],
)
def test_no_commit_is_sent_after_an_unclear_question(
    replies: tuple[Reply, ...], kind: type[GeneratorError]
) -> None:
    made = bench(*OPEN, *replies)
    with pytest.raises(kind) as caught:
        made.instance.commit(ID, batch=False, route=Route.XMLHTTP)
    assert not isinstance(caught.value, OutcomeUnknown)
    assert all(form.get("sysparm_type") != "commitRemoteUpdateSet" for form in _forms(made))


@pytest.mark.parametrize(
    "reply",
    [
        processor(None),
        processor("x,y"),
        page("<html>?</html>"),
        page("", 500),
        requests.ConnectionError("reset"),
        Reply(200, b"<xml", (("Content-Type", "text/xml"),)),
    ],
)
def test_a_commit_by_the_page_is_sent_once(reply: Reply | Exception) -> None:
    asked = (processor(f"{ID};q;NONE"), processor("false"))
    made = bench(*OPEN, *asked, reply)
    with pytest.raises(OutcomeUnknown):
        made.instance.commit(ID, batch=False, route=Route.XMLHTTP)
    assert made.instance.requests == 5


def test_a_question_is_asked_again_with_a_fresh_token() -> None:
    asked = (STALE, upload_page(NEW_TOKEN), processor(f"{ID};q;NONE"), processor("false"))
    made = bench(*OPEN, *asked, processor(f"{OTHER_ID},x,y,z"))
    made.instance.commit(ID, batch=False, route=Route.XMLHTTP)
    assert _forms(made)[-1]["sysparm_ck"] == NEW_TOKEN


def test_a_back_out_by_the_page() -> None:
    made = bench(*OPEN, processor(OTHER_ID))
    assert made.instance.back_out(ID, route=Route.XMLHTTP).work is Work.BACK_OUT
    (form,) = _forms(made)
    assert form["sysparm_processor"] == "AJAXPushBackOutWorker"
    assert (form["sysparm_name"], form["sysparm_push_id"]) == ("start", ID)
    assert form["sysparm_backout_type"] == "update_set"


def _tracker(**values: object) -> Reply:
    return processor(json.dumps(values).replace('"', "&quot;"))


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (
            _tracker(state="1", message="Previewing", percent_complete="12"),
            ProgressState(Stage.RUNNING, 12, "Previewing"),
        ),
        (_tracker(state=2, percent_complete=100), ProgressState(Stage.SUCCESSFUL, 100, "")),
        (
            _tracker(state="3", result={"has_preview_problem": True}, detail_message="x"),
            ProgressState(Stage.FAILED, None, "x", True),
        ),
        (
            _tracker(state="-1", message="Record not found"),
            ProgressState(Stage.UNKNOWN, None, "Record not found"),
        ),
        (
            _tracker(state="1", message="Access denied"),
            ProgressState(Stage.UNKNOWN, None, "Access denied"),
        ),
    ],
)
def test_a_tracker_is_read_by_the_page(reply: Reply, state: ProgressState) -> None:
    made = bench(*OPEN, reply)
    assert made.instance.progress(Operation(Work.PREVIEW, Route.XMLHTTP, ID)) == state
    (form,) = _forms(made)
    assert form["sysparm_processor"] == "AJAXProgressStatusChecker"
    assert (form["sysparm_name"], form["sysparm_execution_id"]) == ("getStatus", ID)


@pytest.mark.parametrize("answer", ["{", "[1]", "x"])
def test_a_tracker_that_is_no_json(answer: str) -> None:
    with pytest.raises(ResponseError):
        bench(*OPEN, processor(answer)).instance.progress(
            Operation(Work.PREVIEW, Route.XMLHTTP, ID)
        )


def test_a_tracker_that_stays_silent() -> None:
    made = bench(*OPEN, processor(None), upload_page(), processor(None))
    with pytest.raises(ResponseError):
        made.instance.progress(Operation(Work.PREVIEW, Route.XMLHTTP, ID))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<xml",
        b'<other answer="x"/>',
        b"\xff\xfe<\x00",
        b'<!DOCTYPE xml [<!ENTITY a "b">]><xml answer="&a;"/>',
        b'<!doctype xml><xml answer="a"/>',
        b'<xml answer="&lol;"/>',
        b"<a>" * 10_000,
        b'<xml answer="' + b"a" * (5 * 1024 * 1024) + b'"/>',
    ],
)
def test_hostile_xml_is_no_answer(body: bytes) -> None:
    assert parse_answer(body) == (False, None)


def test_an_answer_of_a_processor() -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?><xml answer="ä&amp;b" sysparm_max="15"/>'
    assert parse_answer(text.encode()) == (True, "ä&b")


# Publishing


def _published(status: str, *, failed: int = 0, code: int = 200, sys_id: str = ID) -> Reply:
    entry = {"status": status, "sys_id": sys_id, "message": "m", "errorMessage": ""}
    summary = {"total": 1, "succeeded": 1 - failed, "failed": failed}
    return said({"result": {"summary": summary, "results": [entry]}}, code)


@pytest.mark.parametrize(
    ("reply", "publication"),
    [
        (_published("success"), Publication.PUBLISHED),
        (_published("error", failed=1), Publication.REFUSED),
        (_published("success", failed=1, code=207), Publication.REFUSED),
        (_published("error", failed=1, code=422), Publication.REFUSED),
        (_published("success", code=422), Publication.REFUSED),
        (said({"result": {"error": {"message": "all failed"}}}, 422), Publication.REFUSED),
        (NO_RESOURCE, Publication.ABSENT),
        (error(404, "?"), Publication.ABSENT),
    ],
)
def test_publishing_says_what_came_of_it(reply: Reply, publication: Publication) -> None:
    made = bench(reply)
    assert made.instance.publish_action(ID, scope_sys_id="global") is publication
    (sent,) = made.replies.sent
    assert sent.path == "/api/now/wfa_fluent/activate_flows"
    assert sent.query == {"sysparm_transaction_scope": "global"}
    assert json.loads(sent.body) == {
        "flows": [],
        "actions": [{"sys_id": ID, "active": "", "state": ""}],
    }
    assert any(publication.value in line for line in made.log)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (_published("success", sys_id=OTHER_ID), OutcomeUnknown),
        (said({"result": {}}), OutcomeUnknown),
        (Reply(200, b"{", (("Content-Type", "application/json"),)), OutcomeUnknown),
        (error(403, "User Not Authorized"), AuthenticationError),
        (error(400, "Exception while reading request"), ResponseError),
        (page("<html></html>", 404), ResponseError),
    ],
)
def test_publishing_that_is_not_clear(reply: Reply, kind: type[RemoteError]) -> None:
    with pytest.raises(kind):
        bench(reply).instance.publish_action(ID, scope_sys_id=OTHER_ID)
