"""The pages' own way to preview, commit and back out: `POST /xmlhttp.do` on the UI session.

Where the CI/CD API is missing (`spec/instance-http.md` A7, A9, A11, A13).
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from generator.errors import AuthenticationError, Fault, Refused, RemoteError, ResponseError
from generator.instance.calls import Answer, Kind, checked_sys_id, is_hex_id
from generator.instance.cicd import STAGES, has_preview_problem, percent
from generator.instance.interface import Operation, ProgressState, Route, Stage, Work
from generator.instance.rest import text_member
from generator.instance.ui_session import UiSession

_PATH = "/xmlhttp.do"
_COMMIT = "com.glide.update.UpdateSetCommitAjaxProcessor"
_LARGEST = 4 * 1024 * 1024


class XmlHttp:
    """Update set work by the processors behind the buttons."""

    def __init__(self, session: UiSession) -> None:
        """Args: session: Whose buttons they are."""
        self._session = session

    def preview(self, set_sys_id: str, *, batch: bool) -> Operation:
        """Begin a preview (A7).

        Raises:
            AuthenticationError: No tracker came: no rights, or a stale token.
            RemoteError: The answer is not clear.
        """
        form = {
            "sysparm_processor": (
                "HierarchyUpdateSetPreviewAjax" if batch else "UpdateSetPreviewAjax"
            ),
            "sysparm_scope": "global",
            "sysparm_want_session_messages": "true",
            "sysparm_ajax_processor_function": "preview",
            "sysparm_ajax_processor_sys_id": checked_sys_id(set_sys_id, what="set"),
        }
        return self._begin(Work.PREVIEW, form)

    def commit(self, set_sys_id: str, *, batch: bool) -> Operation:
        """Begin a commit as the page script does: two questions, then the commit, once (A9).

        Raises:
            Refused: The platform says that data would be lost, or that applications would be
                installed; nothing was changed.
            OutcomeUnknown: No tracker came; the set's state tells.
            RemoteError: A question was not answered.
        """
        sys_id = checked_sys_id(set_sys_id, what="set")
        page = {
            "sysparm_scope": "global",
            "x_referer": f"sys_remote_update_set.do?sys_id={sys_id}",
            "ni.nolog.x_referer": "ignore",
        }
        if batch:
            form = {
                "sysparm_processor": "HierarchyUpdateSetCommitAjax",
                "sysparm_ajax_processor_function": "commit",
                "sysparm_ajax_processor_sys_id": sys_id,
            }
            return self._begin(Work.COMMIT, {**page, **form})
        self._ask_for_data_loss(sys_id, page=page)
        self._ask_for_installs(sys_id, page=page)
        form = {
            "sysparm_processor": _COMMIT,
            "sysparm_type": "commitRemoteUpdateSet",
            "sysparm_remote_updateset_sys_id": sys_id,
            "sysparm_skip_app_installs": "false",
        }
        return self._begin(Work.COMMIT, {**page, **form})

    def back_out(self, local_set_sys_id: str) -> Operation:
        """Begin to back a local set out (A11).

        Raises:
            OutcomeUnknown: No tracker came.
            RemoteError: The answer is not clear.
        """
        form = {
            "sysparm_processor": "AJAXPushBackOutWorker",
            "sysparm_scope": "global",
            "sysparm_name": "start",
            "sysparm_push_id": checked_sys_id(local_set_sys_id, what="set"),
            "sysparm_progress_name": "Backing out update set",
            "sysparm_backout_type": "update_set",
        }
        return self._begin(Work.BACK_OUT, form)

    def progress(self, operation: Operation) -> ProgressState:
        """One look at a tracker (A13).

        Raises:
            RemoteError: It cannot be read.
        """
        form = {
            "sysparm_processor": "AJAXProgressStatusChecker",
            "sysparm_scope": "global",
            "sysparm_name": "getStatus",
            "sysparm_execution_id": checked_sys_id(operation.id, what="tracker"),
        }
        answer, text = self._ask("read the progress", form)
        try:
            told = json.loads(text) if text else None
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, Mapping):
            raise self._session.messages.unusable(
                answer, code="instance-progress", what="the answer holds no progress"
            )
        message = text_member(told, "message")
        texts = (message, text_member(told, "detail_message"))
        stage = STAGES.get(str(told.get("state")), Stage.UNKNOWN)
        if message == "Access denied":
            stage = Stage.UNKNOWN
        return ProgressState(
            stage,
            percent(told.get("percent_complete")),
            self._session.messages.clean("; ".join(part for part in texts if part)),
            has_preview_problem(text or ""),
        )

    def _ask_for_data_loss(self, sys_id: str, *, page: Mapping[str, str]) -> None:
        form = {
            "sysparm_processor": _COMMIT,
            "sysparm_type": "validateCommitRemoteUpdateSet",
            "sysparm_remote_updateset_sys_id": sys_id,
        }
        answer, text = self._ask("ask what a commit would lose", {**page, **form})
        parts = (text or "").split(";")
        if len(parts) < 3:
            raise self._unclear(answer)
        lost = ";".join(parts[2:]).strip()
        if lost != "NONE":
            raise Refused(
                Fault(
                    "data-loss",
                    "The instance says that this commit would delete tables or columns: "
                    f"{self._session.messages.clean(lost)}. Nothing was committed.",
                    next="take the deletion out of the package",
                )
            )

    def _ask_for_installs(self, sys_id: str, *, page: Mapping[str, str]) -> None:
        form = {
            "sysparm_processor": "UpdateSetCommitAjax",
            "sysparm_type": "shouldShowConfirmAppInstall",
            "sysparm_rus_sys_id": sys_id,
            "sysparm_in_hierarchy": "false",
        }
        answer, text = self._ask("ask what a commit would install", {**page, **form})
        if text == "true":
            raise Refused(
                Fault(
                    "application-installs",
                    "The instance would install applications with this commit. "
                    "Nothing was committed.",
                    next="look at the set on the instance; our packages ask for none",
                )
            )
        if text != "false":
            raise self._unclear(answer)

    def _ask(self, step: str, form: Mapping[str, str]) -> tuple[Answer, str | None]:
        """A question that changes nothing; asked once more with a fresh token."""
        for is_last in (False, True):
            answer = self._session.post_form(_PATH, step=step, form=form, kind=Kind.READ)
            text = None if self._session.is_turned_away(answer) else self._answer(answer)
            if text is not None or is_last:
                break
            self._session.renew()
        if text is None and self._session.is_turned_away(answer):
            raise self._refused(answer)
        return answer, text

    def _begin(self, work: Work, form: Mapping[str, str]) -> Operation:
        """Post what begins work, once; its tracker stands before the first comma."""
        step = work.value.replace("_", " ")
        answer = self._session.post_form(_PATH, step=step, form=form, kind=Kind.WRITE)
        if self._session.is_turned_away(answer):
            raise self._refused(answer)
        tracker = (self._answer(answer) or "").split(",")[0]
        if is_hex_id(tracker):
            return Operation(work, Route.XMLHTTP, tracker)
        if work is Work.PREVIEW:
            raise self._refused(answer)
        raise self._session.messages.unknown(answer, "the answer names no execution tracker")

    def _refused(self, answer: Answer) -> RemoteError:
        return self._session.messages.error(
            AuthenticationError,
            answer,
            "instance-processor-refused",
            "the instance did not begin: the user may not, or the session's token was not accepted",
            "check that the user of the upload may write sys_remote_update_set (admin)",
        )

    def _unclear(self, answer: Answer) -> RemoteError:
        return self._session.messages.error(
            ResponseError,
            answer,
            "instance-processor",
            "the instance did not clearly answer a question before the commit; nothing was "
            "committed",
            "commit by the CI/CD API, or look at the set on the instance",
        )

    def _answer(self, answer: Answer) -> str | None:
        """The attribute `answer`; None where there is none.

        Raises:
            RemoteError: The answer is a page, or no XML of this kind.
        """
        messages = self._session.messages
        if answer.status != 200:
            raise messages.refused(answer)
        if answer.is_html:
            raise messages.not_json(answer)
        is_xml, text = parse_answer(answer.body)
        if is_xml:
            return text
        raise messages.unusable(
            answer, code="instance-xml", what="the answer is not the XML that a processor answers"
        )


def parse_answer(body: bytes) -> tuple[bool, str | None]:
    """Whether a body is a processor's XML, and its attribute `answer`.

    Args:
        body: `<xml answer="..." sysparm_max="15" sysparm_processor="..."/>` (A7).
    """
    from lxml import etree

    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return False, None
    # A document type could declare entities; attributes would expand them.
    if len(body) > _LARGEST or "<!doctype" in text.lower() or "<!entity" in text.lower():
        return False, None
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.LxmlError, ValueError):
        return False, None
    return (True, root.get("answer")) if root.tag == "xml" else (False, None)
