"""The CI/CD update set API: preview, commit, back out, progress (`spec/instance-http.md` A12)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from generator.errors import RemoteError, ResponseError
from generator.instance.calls import Answer, Call, Kind, checked_sys_id, is_hex_id
from generator.instance.interface import Cicd, Operation, ProgressState, Route, Stage, Work
from generator.instance.refusals import NO_RESOURCE
from generator.instance.rest import Rest, member, read_json, text_member

_BASE = "/api/sn_cicd"
_NO_ID = "0" * 32

STAGES: Mapping[str, Stage] = {
    "0": Stage.PENDING,
    "1": Stage.RUNNING,
    "2": Stage.SUCCESSFUL,
    "3": Stage.FAILED,
    "4": Stage.CANCELLED,
}
"""`status` of CI/CD and `state` of `sys_execution_tracker` (A13)."""


class CicdApi:
    """Update set work over the CI/CD API."""

    def __init__(self, rest: Rest) -> None:
        """Args: rest: Whose calls they are."""
        self._rest = rest

    def probe(self) -> Cicd:
        """Whether the calls can be used: the progress of no id tells plugin from role (A5).

        [INF from TP]: an error that names no resource = plugin inactive, 403 = role missing,
        another 404 = usable; 405 is documented for an inactive functionality (A12).

        Raises:
            RemoteError: Nothing can be said: network, credentials, an outage, a page.
        """
        call = Call("look for the CI/CD API", "GET", f"{_BASE}/progress/{_NO_ID}")
        answer = self._rest.answer(call)
        if answer.status in (200, 400, 403, 404, 405) and answer.is_json:
            if answer.status == 200:
                return Cicd.UNKNOWN
            code = self._rest.unexpected(answer).faults[0].code
            if code == NO_RESOURCE or answer.status == 405:
                return Cicd.INACTIVE
            if answer.status == 403:
                return Cicd.NO_ROLE
            return Cicd.USABLE if answer.status == 404 else Cicd.UNKNOWN
        raise self._rest.unexpected(answer)

    def preview(self, set_sys_id: str) -> Operation:
        """Begin a preview; of a batch, by its base's id [INF].

        Raises:
            OutcomeUnknown: The answer names no progress.
            RemoteError: It was refused.
        """
        path = f"{_BASE}/update_set/preview/{checked_sys_id(set_sys_id, what='set')}"
        return self._begin(Work.PREVIEW, Call("preview", "POST", path, body=b"", kind=Kind.WRITE))

    def commit(self, set_sys_id: str) -> Operation:
        """Begin a commit, never forced: that would commit what was not previewed (A9).

        Raises:
            OutcomeUnknown: The answer names no progress; the set's state tells.
            RemoteError: It was refused.
        """
        path = f"{_BASE}/update_set/commit/{checked_sys_id(set_sys_id, what='set')}"
        body = json.dumps({"force_commit": "false"}).encode()
        return self._begin(Work.COMMIT, Call("commit", "POST", path, body=body, kind=Kind.WRITE))

    def back_out(self, local_set_sys_id: str) -> Operation:
        """Begin to back out a local set (A11).

        Raises:
            OutcomeUnknown: The answer names no progress.
            RemoteError: It was refused.
        """
        call = Call(
            "back out",
            "POST",
            f"{_BASE}/update_set/back_out",
            query=(
                ("update_set_id", checked_sys_id(local_set_sys_id, what="set")),
                ("rollback_installs", "true"),
            ),
            body=b"",
            kind=Kind.WRITE,
        )
        return self._begin(Work.BACK_OUT, call)

    def progress(self, operation: Operation) -> ProgressState:
        """One look; the address is built from the id, never taken from the answer (A2).

        Raises:
            RemoteError: It cannot be read.
        """
        path = f"{_BASE}/progress/{checked_sys_id(operation.id, what='progress')}"
        answer = self._rest.answer(Call("read the progress", "GET", path))
        if answer.status != 200:
            raise self._rest.unexpected(answer)
        result = member(read_json(answer, messages=self._rest.messages), "result")
        if not isinstance(result, Mapping):
            raise self._rest.messages.unusable(
                answer, code="instance-progress", what="the answer holds no progress"
            )
        texts = [text_member(result, name) for name in ("status_message", "status_detail", "error")]
        return ProgressState(
            STAGES.get(str(result.get("status")), Stage.UNKNOWN),
            percent(result.get("percent_complete")),
            self._rest.messages.clean("; ".join(dict.fromkeys(text for text in texts if text))),
            has_preview_problem(answer.text),
        )

    def _begin(self, work: Work, call: Call) -> Operation:
        answer = self._rest.answer(call)
        if answer.status != 200:
            raise self._rest.unexpected(answer)
        result = member(read_json(answer, messages=self._rest.messages), "result")
        progress = member(result, "links", "progress", "id")
        if isinstance(progress, str) and is_hex_id(progress):
            return Operation(work, Route.CICD, progress)
        raise self._nothing_begun(answer, result)

    def _nothing_begun(self, answer: Answer, result: object) -> RemoteError:
        """No progress to follow: a plain failure if it says so, else unknown."""
        said = text_member(result, "error") or text_member(result, "status_message")
        if text_member(result, "status") == "3" and said:
            what = f"the instance did not begin: {self._rest.messages.clean(said)}"
            return self._rest.messages.error(
                ResponseError, answer, "instance-not-begun", what, "correct what it says"
            )
        return self._rest.messages.unknown(answer, "the answer names no progress")


def percent(value: object) -> int | None:
    """`percent_complete`, 0 to 100; None if it is none."""
    text = str(value) if isinstance(value, int | float | str) else ""
    text = text.removesuffix(".0")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else None


def has_preview_problem(text: str) -> bool:
    """Whether a tracker's `result` says that a preview found problems (A13), quoted or not."""
    bare = text.replace("\\", "").replace("&quot;", '"').replace(" ", "")
    return '"has_preview_problem":true' in bare
