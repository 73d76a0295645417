"""Sending a file: what is sent, in which order, and what may be concluded."""

from __future__ import annotations

from pathlib import Path

import pytest
import requests
from instance_replies import (
    HIBERNATING,
    ID,
    LOGGED_IN,
    LOGIN_PAGE,
    NEW_TOKEN,
    SIGN_ON,
    STALE,
    TOKEN,
    URL,
    Reply,
    Sent,
    bench,
    error,
    page,
    rows,
    said,
    upload_page,
)
from werkzeug.datastructures import Headers
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from generator.errors import (
    AuthenticationError,
    NetworkError,
    OutcomeUnknown,
    RemoteError,
    ResponseError,
    UnreadableError,
)
from generator.instance.multipart import MultipartForm

NO_RESOURCE = "Requested URI does not represent any resource"
SENT = Reply(200)
OPEN = (LOGGED_IN, upload_page())
ABSENT = error(404, "No Record found")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    path = tmp_path / "set.xml"
    path.write_bytes(b"<unload>" + b"\r\n--x" * 5000 + b"</unload>")
    return path


def _parts(sent: Sent) -> list[tuple[str, Headers, bytes]]:
    _, options = parse_options_header(sent.headers["Content-Type"])
    decoder = MultipartDecoder(options["boundary"].encode())
    decoder.receive_data(sent.body)
    decoder.receive_data(None)
    parts: list[tuple[str, Headers, bytes]] = []
    while not isinstance(event := decoder.next_event(), Epilogue | NeedData):
        if isinstance(event, Field | File):
            parts.append((event.name, event.headers, b""))
        elif isinstance(event, Data):
            name, headers, data = parts[-1]
            parts[-1] = (name, headers, data + event.data)
    return parts


def test_the_file_is_the_last_part(package: Path) -> None:
    made = bench(*OPEN, SENT)
    made.instance.upload(package, set_sys_id=ID)
    sent = made.replies.sent[-1]
    assert (sent.method, sent.path) == ("POST", "/sys_upload.do")
    assert sent.headers["X-UserToken"] == TOKEN
    assert sent.headers["Cookie"] == "JSESSIONID=abc"
    assert sent.headers["Content-Length"] == str(len(sent.body))
    assert "Authorization" not in sent.headers
    parts = _parts(sent)
    assert [(name, data) for name, _, data in parts] == [
        ("sysparm_ck", TOKEN.encode()),
        ("sysparm_upload_prefix", b""),
        ("sysparm_referring_url", b"sys_remote_update_set_list.do"),
        ("sysparm_target", b"sys_remote_update_set"),
        ("attachFile", package.read_bytes()),
    ]
    assert parts[-1][1]["Content-Type"] == "text/xml"
    assert f'filename="{ID}.xml"' in parts[-1][1]["Content-Disposition"]


@pytest.mark.parametrize(
    "reply",
    [
        SENT,
        page("<html>ok</html>"),
        Reply(302, b"", (("Location", "/sys_remote_update_set_list.do"),)),
        Reply(302, b"", (("Location", f"{URL}/some_processor.do"),)),
    ],
)
def test_sent_is_all_that_a_success_says(package: Path, reply: Reply) -> None:
    made = bench(*OPEN, reply)
    made.instance.upload(package, set_sys_id=ID)
    assert made.instance.requests == 3


def test_the_session_of_the_check_is_used(package: Path) -> None:
    made = bench(*OPEN, SENT)
    made.instance.check_upload()
    made.instance.upload(package, set_sys_id=ID)
    assert made.instance.requests == 3


def test_a_second_upload_reads_a_fresh_token(package: Path) -> None:
    made = bench(*OPEN, SENT, upload_page(NEW_TOKEN), SENT)
    made.instance.upload(package, set_sys_id=ID)
    made.instance.upload(package, set_sys_id=ID)
    assert made.replies.sent[-1].headers["X-UserToken"] == NEW_TOKEN


@pytest.mark.parametrize("reply", [STALE, LOGIN_PAGE])
def test_a_stale_token_is_read_anew_once_nothing_is_there(package: Path, reply: Reply) -> None:
    made = bench(*OPEN, reply, ABSENT, upload_page(NEW_TOKEN), SENT)
    made.instance.upload(package, set_sys_id=ID)
    assert made.replies.paths()[2:] == [
        "POST /sys_upload.do",
        f"GET /api/now/table/sys_remote_update_set/{ID}",
        "GET /upload.do",
        "POST /sys_upload.do",
    ]
    assert _parts(made.replies.sent[-1])[0][2] == NEW_TOKEN.encode()


@pytest.mark.parametrize(
    "reply",
    [said({"result": {"sys_id": ID}}), error(403, "No"), error(404, NO_RESOURCE)],
)
def test_nothing_is_sent_twice_that_might_be_there(package: Path, reply: Reply) -> None:
    made = bench(*OPEN, STALE, reply)
    with pytest.raises(AuthenticationError):
        made.instance.upload(package, set_sys_id=ID)
    assert made.replies.paths().count("POST /sys_upload.do") == 1


def test_a_token_that_stays_stale_is_an_error(package: Path) -> None:
    made = bench(*OPEN, STALE, ABSENT, upload_page(NEW_TOKEN), STALE)
    with pytest.raises(AuthenticationError) as caught:
        made.instance.upload(package, set_sys_id=ID)
    assert caught.value.faults[0].code == "instance-upload-turned-away"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (HIBERNATING, NetworkError),
        (SIGN_ON, AuthenticationError),
        (page("<p>The file is not valid XML</p>"), ResponseError),
        (page("", 500), OutcomeUnknown),
        (page("", 502), OutcomeUnknown),
        (page("", 413), ResponseError),
        (requests.ReadTimeout("too long"), OutcomeUnknown),
    ],
)
def test_what_is_no_success_is_an_error(
    package: Path, reply: Reply | Exception, kind: type[RemoteError]
) -> None:
    made = bench(*OPEN, reply)
    with pytest.raises(kind):
        made.instance.upload(package, set_sys_id=ID)
    assert made.replies.paths().count("POST /sys_upload.do") == 1


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError):
        bench(*OPEN).instance.upload(tmp_path / "none.xml", set_sys_id=ID)


def test_a_form_is_as_long_as_it_says(package: Path) -> None:
    for size in (1, 7, 1000, -1):
        with package.open("rb") as file:
            form = MultipartForm(
                (("a", "b"),), file_field="f", file_name="n.xml", file=file, media_type="text/xml"
            )
            pieces = list(iter(lambda size=size, form=form: form.read(size), b""))
            assert len(b"".join(pieces)) == len(form)
            assert form.read() == b""


def test_a_file_that_shrinks_is_an_unknown_outcome(package: Path) -> None:
    def shrink(_sent: Sent) -> Reply:
        raise AssertionError("the whole body came")

    made = bench(*OPEN, shrink)
    original = MultipartForm.__init__

    def cut(form: MultipartForm, *args: object, **options: object) -> None:
        original(form, *args, **options)  # type: ignore[arg-type]
        package.write_bytes(b"short")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MultipartForm, "__init__", cut)
        with pytest.raises(OutcomeUnknown):
            made.instance.upload(package, set_sys_id=ID)


def test_reading_whether_it_is_there_uses_the_other_sign_in(package: Path) -> None:
    made = bench(*OPEN, STALE, rows())
    with pytest.raises(AuthenticationError):
        made.instance.upload(package, set_sys_id=ID)
    assert "Authorization" in made.replies.sent[-1].headers
