"""What a test makes on an instance, and how all of it goes away again, also after a failure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from xml.etree import ElementTree

from contract_client import Answer, Rest, Target, Ui, shown
from contract_sets import Record, SetFile, a_name

SETS = "sys_remote_update_set"
UPDATES = "sys_update_xml"
LOCAL_SETS = "sys_update_set"
PREVIEWS = "sys_update_preview_xml"
PROBLEMS = "sys_update_preview_problem"
TRACKERS = "sys_execution_tracker"
PREFERENCES = "sys_user_preference"
PICKER = "/api/now/ui/concoursepicker/updateset"

RUNNING = frozenset({"0", "1", "pending", "running"})
"""Tracker and CI/CD states that are not the end (A13)."""

SYS_ID = re.compile(r"[0-9a-f]{32}")
TRIES = 150
PASSES = 3
NOTHING = "00000000000000000000000000000000"
"""A sys_id that no record has."""


@dataclass(frozen=True, slots=True)
class End:
    """How an operation ended."""

    state: str
    """`2` successful, `3` failed, `4` cancelled (A13)."""

    message: str
    """What the platform said."""

    body: dict[str, object]
    """The last progress, or the last row of the tracker."""

    def line(self) -> str:
        """For a report."""
        return f"ended {self.state}: {shown(self.message) or 'no message'}"


class Scratch:
    """Makes things on an instance and remembers them; `clean` removes them."""

    def __init__(self, target: Target, rest: Rest) -> None:
        self.target = target
        self.rest = rest
        self.ui: Ui | None = None
        self._files: list[SetFile] = []
        self._rows: list[tuple[str, str]] = []

    # Update sets

    def upload(self, ui: Ui, file: SetFile) -> Answer:
        """Send a file; what becomes of it is for the caller to find out."""
        self.ui = ui
        self.will_make(file)
        return ui.upload(file.content, name=file.sys_id)

    def will_make(self, file: SetFile) -> None:
        """Remember a file that is about to be sent."""
        if file not in self._files:
            self._files.append(file)

    def load(self, ui: Ui, file: SetFile) -> None:
        """Send a file, and wait until its sets are there."""
        self.upload(ui, file)
        for _ in self._waits():
            row = self.row(file)
            if row is not None and row["state"] == "loaded":
                break
        else:
            raise AssertionError("the uploaded set did not appear as loaded")
        for member in file.members:
            found = self.rest.count(UPDATES, f"remote_update_set={member.sys_id}")
            assert found == len(member.records)

    def row(self, file: SetFile) -> dict[str, str] | None:
        """The retrieved set."""
        return self.rest.row(SETS, file.sys_id)

    def preview(self, file: SetFile) -> End:
        """Preview over the CI/CD API, to the end."""
        return self.finish(self.cicd(f"update_set/preview/{file.sys_id}"))

    def commit(self, file: SetFile) -> End:
        """Commit over the CI/CD API, never forced, to the end."""
        body = {"force_commit": "false"}
        return self.finish(self.cicd(f"update_set/commit/{file.sys_id}", body=body))

    def back_out(self, local: str) -> End:
        """Back a local set out over the CI/CD API, to the end."""
        params = {"update_set_id": local, "rollback_installs": "true"}
        return self.finish(self.cicd("update_set/back_out", **params))

    def cicd(self, call: str, *, body: object = None, **params: str) -> Answer:
        """A POST of the CI/CD API (A12)."""
        return self.rest.send("POST", f"/api/sn_cicd/{call}", body=body, params=params or None)

    def finish(self, begun: Answer) -> End:
        """Read the progress that a CI/CD call began until it ends."""
        assert begun.status == 200, begun.line()
        progress_id = progress_of(begun)
        for _ in self._waits():
            answer = self.rest.get(f"/api/sn_cicd/progress/{progress_id}")
            assert answer.status == 200, answer.line()
            found = answer.result()
            if str(found["status"]) not in RUNNING:
                break
        else:
            raise AssertionError("the progress came to no end")
        said = str(found.get("error") or found.get("status_message") or "")
        return End(str(found["status"]), said, found)

    def finish_tracker(self, tracker: str) -> End:
        """Read an execution tracker until it ends."""
        fields = "state,message,result,percent_complete"
        for _ in self._waits():
            row = self.rest.row(TRACKERS, tracker, fields=fields)
            assert row is not None, "the execution tracker cannot be read"
            if row["state"] not in RUNNING:
                break
        else:
            raise AssertionError("the execution tracker came to no end")
        return End(row["state"], row["message"], dict(row))

    def _waits(self) -> Iterator[int]:
        """Growing intervals, from 2 to 10 s (A13); the sandbox's clock moves at once."""
        for number in range(TRIES):
            yield number
            self.target.clock.sleep(min(2.0 * (number // 3 + 1), 10.0))

    # Plain rows

    def insert(self, table: str, values: dict[str, str], *, secretly: bool = False) -> str:
        """Make a record over the Table API.

        Args:
            table: Its table.
            values: Its columns.
            secretly: `values` hold a secret: the write takes display values, nothing comes back.
        """
        sent = dict(values)
        params = {"sysparm_input_display_value": "true"} if secretly else None
        path = f"/api/now/table/{table}"
        answer = self.rest.send("POST", path, body=sent, params=params)
        assert answer.status == 201, answer.line()
        sys_id = str(answer.result()["sys_id"])
        self.forget_later(table, sys_id)
        return sys_id

    def forget_later(self, table: str, sys_id: str) -> None:
        """Remember a record that was made some other way."""
        self._rows.append((table, sys_id))

    # Away with it

    def clean(self) -> list[str]:
        """Remove everything; what is still there in spite of it."""
        left: list[str] = []
        for _ in range(PASSES):
            for file in reversed(self._files):
                self._try(partial(self._undo, file))
            for table, sys_id in reversed(self._rows):
                self._try(partial(self._forget, table, sys_id))
            for file in reversed(self._files):
                self._try(partial(self._remove, file))
            left = self._left()
            if not left:
                break
        self._files.clear()
        self._rows.clear()
        return left

    def _try(self, step: Callable[[], None]) -> None:
        """One step that fails does not keep the others from being made; `_left` tells the rest."""
        with suppress(AssertionError):
            step()

    def _left(self) -> list[str]:
        made = [
            *self._rows,
            *((SETS, member.sys_id) for file in self._files for member in file.members),
            *((record.table, record.sys_id) for file in self._files for record in file.records),
        ]
        left = []
        for table, sys_id in made:
            try:
                is_there = self._is_there(table, sys_id)
            except AssertionError:
                is_there = True  # unknown is not gone
            if is_there:
                left.append(f"{table} {sys_id}")
        return left

    def _forget(self, table: str, sys_id: str) -> None:
        if self._is_there(table, sys_id):
            self._delete(table, sys_id)
        self._delete_all(UPDATES, f"name={table}_{sys_id}^remote_update_setISEMPTY")

    def _undo(self, file: SetFile) -> None:
        """Back out what was committed; else delete its records."""
        row = self.row(file)
        local = (row or {}).get("update_set", "")
        if SYS_ID.fullmatch(local) and self._is_there(LOCAL_SETS, local):
            # Whatever comes of it: the records are deleted one by one below.
            self._try(lambda: self._back_out(local))
        for record in file.records:
            if self._has(record):
                self._delete(record.table, record.sys_id)
            self._delete_all(UPDATES, f"name={record.name}^remote_update_setISEMPTY")
        for member in file.members:
            self._delete_all(LOCAL_SETS, f"remote_sys_id={member.sys_id}^name={member.name}")

    def _back_out(self, local: str) -> None:
        begun = self.cicd("update_set/back_out", update_set_id=local, rollback_installs="true")
        if begun.status == 200:
            self.finish(begun)
            return
        ui = self.ui
        tracker = ui and processed(
            ui.process(
                "AJAXPushBackOutWorker",
                sysparm_name="start",
                sysparm_push_id=local,
                sysparm_progress_name="Contract test",
                sysparm_backout_type="update_set",
            )
        )
        if tracker:
            self.finish_tracker(tracker)

    def _remove(self, file: SetFile) -> None:
        """Children first, then the header (A11)."""
        for member in reversed(file.members):
            of_set = f"remote_update_set={member.sys_id}"
            self._delete_all(PROBLEMS, of_set)
            self._delete_all(PREVIEWS, f"remote_update.{of_set}")
            self._delete_all(UPDATES, of_set)
            if self._is_there(SETS, member.sys_id):
                self._delete(SETS, member.sys_id)

    def _delete(self, table: str, sys_id: str) -> None:
        self.rest.send("DELETE", f"/api/now/table/{table}/{sys_id}")

    def _delete_all(self, table: str, query: str) -> None:
        """Only rows that meet the query themselves, should the instance have dropped a part."""
        parts = query.split("^")
        wanted = dict(part.split("=", 1) for part in parts if "=" in part)
        wanted |= {part.removesuffix("ISEMPTY"): "" for part in parts if part.endswith("ISEMPTY")}
        fields = ",".join(["sys_id", *wanted])
        for row in self.rest.find(table, query, fields=fields):
            if all(row.get(name) == value for name, value in wanted.items()):
                self._delete(table, row["sys_id"])

    def _is_there(self, table: str, sys_id: str) -> bool:
        return self.rest.row(table, sys_id, fields="sys_id") is not None

    def _has(self, record: Record) -> bool:
        return self._is_there(record.table, record.sys_id)


def progress_of(answer: Answer) -> str:
    """The progress id of a CI/CD reply; its `url` is not followed (A2)."""
    links = answer.result()["links"]
    assert isinstance(links, dict)
    progress_id = str(links["progress"]["id"])
    assert SYS_ID.fullmatch(progress_id), "the progress has no sys_id"
    return progress_id


def processed(answer: Answer) -> str | None:
    """The `answer` of an `/xmlhttp.do` reply (A7)."""
    if answer.content_type not in ("text/xml", "application/xml"):
        return None
    return ElementTree.fromstring(answer.text).get("answer")  # noqa: S314 - no entities in it


@contextmanager
def collecting(rest: Rest, ui: Ui, *, run: str, user: str) -> Iterator[str]:
    """Make a throw-away update set the current one, so that no other takes what is captured.

    Writes over REST and back-outs leave rows in the caller's current set (A11, A15).

    Yields:
        Its sys_id.
    """
    mine = f"name={LOCAL_SETS}^user={user}"
    before = rest.find(PREFERENCES, mine, fields="sys_id,value,name,user")
    made = rest.send(
        "POST",
        f"/api/now/table/{LOCAL_SETS}",
        body={"name": a_name(run), "application": "global", "state": "in progress"},
    )
    assert made.status == 201, made.line()
    sys_id = str(made.result()["sys_id"])
    try:
        chosen = ui.rest("PUT", PICKER, with_token=True, body={"sysId": sys_id})
        assert chosen.status == 200, f"the current update set cannot be chosen: {chosen.line()}"
        yield sys_id
    finally:
        for row in rest.find(PREFERENCES, mine, fields="sys_id,value,name,user"):
            if row.get("name") != LOCAL_SETS or row.get("user") != user:
                continue
            path = f"/api/now/table/{PREFERENCES}/{row['sys_id']}"
            if before:
                rest.send("PATCH", path, body={"value": before[0]["value"]})
            else:
                rest.send("DELETE", path)
        for row in rest.find(UPDATES, f"update_set={sys_id}", fields="sys_id,update_set"):
            if row.get("update_set") == sys_id:
                rest.send("DELETE", f"/api/now/table/{UPDATES}/{row['sys_id']}")
        rest.send("DELETE", f"/api/now/table/{LOCAL_SETS}/{sys_id}")
