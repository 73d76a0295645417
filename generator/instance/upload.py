"""Sending an update set file through the UI upload processor (`spec/instance-http.md` A6)."""

from __future__ import annotations

from pathlib import Path

from generator.errors import AuthenticationError, RemoteError, ResponseError
from generator.instance import pages
from generator.instance.calls import Answer, Call, checked_sys_id
from generator.instance.multipart import MultipartForm
from generator.instance.pages import Page
from generator.instance.refusals import NOT_FOUND
from generator.instance.rest import Rest
from generator.instance.ui_session import UiSession
from generator.update_set.reader import open_regular

_PATH = "/sys_upload.do"
_TARGET = "sys_remote_update_set"


class Uploader:
    """Uploads files; a success says only that the file was sent (A1.3)."""

    def __init__(self, session: UiSession, *, rest: Rest, host: str) -> None:
        """Args: session: Uploads. rest: Reads whether anything arrived."""
        self._session = session
        self._rest = rest
        self._host = host

    def upload(self, path: Path, *, set_sys_id: str) -> None:
        """Send a file, and once more with a fresh token if it was turned away.

        A read proves first that nothing arrived (A2).

        Raises:
            AuthenticationError: The session or its token was not accepted.
            OutcomeUnknown: The file was sent and no answer came.
            RemoteError: It was refused.
            UnreadableError: The file cannot be opened.
        """
        sys_id = checked_sys_id(set_sys_id, what="set")
        answer = self._send(path, sys_id=sys_id)
        if self._session.is_turned_away(answer) and not self._is_there(sys_id):
            answer = self._send(path, sys_id=sys_id)
        self._check(answer)

    def _send(self, path: Path, *, sys_id: str) -> Answer:
        token = self._session.ready()
        with open_regular(path) as file:
            form = MultipartForm(
                (
                    ("sysparm_ck", token),
                    ("sysparm_upload_prefix", ""),
                    ("sysparm_referring_url", f"{_TARGET}_list.do"),
                    ("sysparm_target", _TARGET),
                ),
                file_field="attachFile",
                file_name=f"{sys_id}.xml",
                file=file,
                media_type="text/xml",
            )
            return self._session.post_file(
                _PATH, step="upload", body=form, media_type=form.content_type
            )

    def _is_there(self, sys_id: str) -> bool:
        """Whether the retrieved set exists; what cannot be read may be there."""
        call = Call(
            "look for the set",
            "GET",
            f"/api/now/table/{_TARGET}/{sys_id}",
            query=(("sysparm_fields", "sys_id"), ("sysparm_exclude_reference_link", "true")),
        )
        answer = self._rest.answer(call)
        if answer.status != 404:
            return True
        return self._rest.unexpected(answer).faults[0].code != NOT_FOUND

    def _check(self, answer: Answer) -> None:
        """200 and a redirect to the list are both only "sent" (A6, A21)."""
        messages = self._session.messages
        if self._session.is_turned_away(answer):
            raise messages.error(
                AuthenticationError,
                answer,
                "instance-upload-turned-away",
                "the instance did not take the session or its token, so nothing was imported",
                "check that the user is an admin of identity type Human, then try again",
            )
        if answer.status == 302:
            if pages.what_page(answer, host=self._host) is Page.SIGN_ON:
                raise messages.not_json(answer)
            return
        if answer.status == 200:
            self._check_page(answer)
            return
        raise self._refused(answer)

    def _check_page(self, answer: Answer) -> None:
        messages = self._session.messages
        if messages.is_hibernating(answer):
            raise messages.not_json(answer)
        if b"is not valid XML" in answer.body[: 256 * 1024]:
            raise messages.error(
                ResponseError,
                answer,
                "instance-not-xml",
                "the instance says that the file is not valid XML",
                "render the package anew",
            )

    def _refused(self, answer: Answer) -> RemoteError:
        if answer.status >= 500:
            return self._session.messages.unknown(answer, "the instance failed")
        return self._session.messages.refused(answer)
