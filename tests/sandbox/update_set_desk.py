"""What the tests of the sandbox's update sets share: a signed-in desk, and small files to load."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from xml.sax.saxutils import escape

from werkzeug.test import Client, TestResponse

from generator.clock import SteppedClock
from generator.sandbox.behaviour import Behaviour
from generator.sandbox.database import Row
from generator.sandbox.instance import Sandbox
from generator.sandbox.payloads import write_payload
from generator.update_set.payload_hash import payload_hash

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "update_sets"
START = datetime(2027, 1, 4, 9, 0, 0, tzinfo=UTC)
BEFORE = "2026-11-01 08:00:00"
"""A date of content that is older than the sandbox's clock."""

LATER = "2027-06-01 08:00:00"
"""One that is newer."""

BATCH = "HierarchyUpdateSetPreviewAjax"
SINGLE = "UpdateSetPreviewAjax"
COMMITTER = "com.glide.update.UpdateSetCommitAjaxProcessor"
REST = {"Accept": "application/json"}
BOUNDARY = "----WebKitFormBoundaryAAAA"
Part = tuple[str, str | bytes]

_RECORDED = count()
"""Every update of a test is captured after the one before."""


def hex_id(name: str) -> str:
    """A sys_id that a test can name."""
    return payload_hash(name).encode().hex().rjust(32, "0")[-32:]


def sandbox(**switches: object) -> Sandbox:
    """A sandbox at a fixed moment."""
    behaviour = Behaviour()
    behaviour.set(switches)
    return Sandbox(behaviour=behaviour, clock=SteppedClock(START))


@dataclass
class Desk:
    """A browser that is signed in, and the database behind the page."""

    box: Sandbox
    client: Client = field(init=False)
    token: str = ""

    def __post_init__(self) -> None:
        self.client = Client(self.box.wsgi)

    def sign_in(self, user: str = "", password: str = "") -> Desk:
        given = {
            "sysparm_type": "login",
            "ni.nolog.user_password": "true",
            "user_name": user or self.box.admin_user,
            "user_password": password or self.box.admin_password,
        }
        answer = self.client.post("/angular.do?sysparm_type=view_form.login", data=given)
        assert answer.json == {"status": "success"}
        page = self.client.get("/upload.do")
        self.token = "".join(re.findall(r'value="([0-9a-f]{72})"', page.text))
        return self

    def upload(
        self,
        data: bytes,
        *,
        token: str | None = None,
        header: str | None = None,
        file_first: bool = False,
        target: str = "sys_remote_update_set",
    ) -> TestResponse:
        """The form of the upload page; by default as a careful client sends it."""
        given = self.token if token is None else token
        fields: list[Part] = [
            ("sysparm_ck", given),
            ("sysparm_upload_prefix", ""),
            ("sysparm_referring_url", "sys_remote_update_set_list.do"),
            ("sysparm_target", target),
        ]
        parts = [("attachFile", data), *fields] if file_first else [*fields, ("attachFile", data)]
        return self.post_form(parts, header=given if header is None else header)

    def post_form(self, parts: Sequence[Part], *, header: str) -> TestResponse:
        body = b"".join(_part(name, value) for name, value in parts)
        return self.client.post(
            "/sys_upload.do",
            data=body + f"--{BOUNDARY}--\r\n".encode(),
            content_type=f"multipart/form-data; boundary={BOUNDARY}",
            headers={"X-UserToken": header} if header else {},
        )

    def ask(self, processor: str, **fields: str) -> str | None:
        """The `answer` of a processor; None if there is none."""
        return self.ask_with(self.token, processor, **fields)

    def ask_with(self, token: str, processor: str, **fields: str) -> str | None:
        form = {"sysparm_processor": processor, "sysparm_ck": token, **fields}
        answer = self.client.post("/xmlhttp.do", data=form)
        assert answer.status_code == 200
        assert answer.mimetype == "text/xml"
        found = re.search(' answer="([^"]*)"', answer.text)
        return found[1].replace("&quot;", '"').replace("&amp;", "&") if found else None

    def status(self, tracker: str) -> dict[str, object]:
        """The progress as the page polls it."""
        answer = self.ask(
            "AJAXProgressStatusChecker", sysparm_name="getStatus", sysparm_execution_id=tracker
        )
        assert answer is not None
        found: dict[str, object] = json.loads(answer)
        return found

    def ended(self, tracker: str) -> dict[str, object]:
        """The progress once it has ended."""
        for _ in range(20):
            found = self.status(tracker)
            if found["state"] not in ("0", "1"):
                return found
        raise AssertionError("the progress never ended")

    def call(
        self, method: str, path: str, body: Mapping[str, object] | None = None, **query: str
    ) -> TestResponse:
        """A REST call with the session's token."""
        headers = {**REST, "X-UserToken": self.token}
        return self.client.open(
            path,
            method=method,
            json={} if body is None else body,
            headers=headers,
            query_string=query,
        )

    def cicd(self, path: str, body: Mapping[str, object] | None = None, **query: str) -> Row:
        """A CI/CD call that begins work, and its progress once it has ended."""
        answer = self.call("POST", f"/api/sn_cicd/update_set/{path}", body, **query)
        assert answer.status_code == 200, answer.text
        progress = answer.json["result"]["links"]["progress"]["id"]
        for _ in range(20):
            found = self.call("GET", f"/api/sn_cicd/progress/{progress}").json["result"]
            if found["status"] not in ("0", "1"):
                return found
        raise AssertionError("the progress never ended")

    def preview(self, set_id: str) -> Row:
        return self.cicd(f"preview/{set_id}")

    def commit(self, set_id: str, *, force: str = "false") -> Row:
        return self.cicd(f"commit/{set_id}", {"force_commit": force})

    def install(self, data: bytes) -> str:
        """Upload, preview and commit; the local set."""
        set_id = base_of(data)
        self.upload(data)
        assert self.preview(set_id)["status"] == "2"
        assert self.commit(set_id)["status"] == "2"
        return self.set(set_id)["update_set"]

    def set(self, set_id: str) -> Row:
        found = self.box.database.get("sys_remote_update_set", set_id)
        assert found is not None
        return found

    def rows(self, table: str, query: str = "") -> list[Row]:
        return self.box.database.query(table, query)

    def problems(self) -> list[str]:
        return [row["description"] for row in self.rows("sys_update_preview_problem")]

    def previews(self, set_id: str) -> dict[str, Row]:
        """Preview rows of a set by update name."""
        updates = self.rows("sys_update_xml", f"remote_update_set={set_id}")
        names = {row["sys_id"]: row["name"] for row in updates}
        return {
            names[row["remote_update"]]: row
            for row in self.rows("sys_update_preview_xml")
            if row["remote_update"] in names
        }


def _part(name: str, value: str | bytes) -> bytes:
    is_file = isinstance(value, bytes)
    extra = '; filename="set.xml"\r\nContent-Type: text/xml' if is_file else ""
    data = value if isinstance(value, bytes) else value.encode()
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'
    return head.encode() + data + b"\r\n"


def desk(**switches: object) -> Desk:
    """A desk at a new sandbox, signed in as its admin."""
    return Desk(sandbox(**switches)).sign_in()


def example(name: str) -> list[bytes]:
    """The update set files of an example, a set that others need first."""
    files = [path.read_bytes() for path in (EXAMPLES / name).glob("sys_remote_update_set_*.xml")]
    return sorted(files, key=lambda data: b"<application_scope>global<" not in data)


def base_of(data: bytes) -> str:
    """The sys_id of the first set of a file."""
    found = re.search(rb"<sys_remote_update_set .*?<sys_id>([0-9a-f]{32})<", data, re.DOTALL)
    assert found
    return found[1].decode()


def payload(table: str, name: str, *, updated: str = BEFORE, **values: str) -> str:
    """The payload of a record of the global scope."""
    row = {"name": name, "sys_id": hex_id(name), "sys_updated_on": updated, **values}
    if table not in ("sys_email_account", "sys_app"):
        row = {"sys_scope": "global", "sys_class_name": table, **row}
    return write_payload(table, row)


@dataclass(frozen=True)
class Change:
    """One update of a file."""

    payload: str
    name: str
    action: str = "INSERT_OR_UPDATE"
    application: str = "global"
    sys_id: str = ""


def change(
    table: str,
    name: str,
    *,
    action: str = "INSERT_OR_UPDATE",
    application: str = "global",
    updated: str = BEFORE,
    sys_id: str = "",
    **values: str,
) -> Change:
    """An update that brings a record."""
    text = payload(table, name, updated=updated, **values)
    text = text.replace('action="INSERT_OR_UPDATE"', f'action="{action}"', 1)
    identity = values.get("sys_id", hex_id(name))
    return Change(text, f"{table}_{identity}", action, application, sys_id)


def unload(
    changes: Sequence[Change],
    *,
    name: str = "Set",
    set_id: str = "",
    links: Mapping[str, str] | None = None,
    children: str = "",
) -> bytes:
    """A file with one set, or the base of a batch with `children` below it."""
    body = one_set(changes, name=name, set_id=set_id, links=links)
    text = f'<unload unload_date="2026-11-23 05:57:14">{body}{children}</unload>'
    return f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode()


def one_set(
    changes: Sequence[Change],
    *,
    name: str = "Set",
    set_id: str = "",
    links: Mapping[str, str] | None = None,
) -> str:
    identity = set_id or hex_id(name)
    values = {
        "application": "global",
        "application_name": "Global",
        "application_scope": "global",
        "name": name,
        "state": "loaded",
        "sys_id": identity,
        "remote_sys_id": hex_id(f"{name} on its source"),
        **(links or {}),
    }
    fields = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in values.items())
    rows = "".join(_row(made, set_id=identity, number=n) for n, made in enumerate(changes))
    return (
        f'<sys_remote_update_set action="INSERT_OR_UPDATE">{fields}</sys_remote_update_set>{rows}'
    )


def _row(made: Change, *, set_id: str, number: int) -> str:
    return (
        '<sys_update_xml action="INSERT_OR_UPDATE">'
        f"<action>{made.action}</action><application>{made.application}</application>"
        f"<name>{escape(made.name)}</name><payload>{escape(made.payload)}</payload>"
        f"<payload_hash>{payload_hash(made.payload)}</payload_hash>"
        f"<remote_update_set>{set_id}</remote_update_set>"
        f"<sys_id>{made.sys_id or hex_id(f'row {set_id} {number}')}</sys_id>"
        f"<sys_recorded_at>18c{next(_RECORDED):015x}</sys_recorded_at>"
        "<target_name>x</target_name><type>x</type></sys_update_xml>"
    )
