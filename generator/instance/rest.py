"""REST calls: signed in, no cookies, JSON in and JSON out (`spec/instance-http.md` A2, A15)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from generator.errors import RemoteError
from generator.instance.auth import SignIn
from generator.instance.calls import Answer, Call
from generator.instance.messages import Messages
from generator.instance.retry import Caller
from generator.instance.transport import Wire

JSON_HEADERS: Mapping[str, str] = {
    "Accept": "application/json",
    "Content-Type": "application/json",
}
"""On every REST call: POST, PUT, PATCH and DELETE need both, and a GET the first (A2)."""


class Rest:
    """REST calls of one user."""

    def __init__(self, caller: Caller, *, sign_in: SignIn) -> None:
        """Args: caller: Sends. sign_in: Whose calls they are."""
        self._caller = caller
        self._sign_in = sign_in

    @property
    def messages(self) -> Messages:
        """Makes errors out of answers."""
        return self._caller.messages

    def answer(self, call: Call) -> Answer:
        """The answer to a signed-in call, whatever its status but 401.

        Raises:
            AuthenticationError: 401, also after a renewed token where there are tokens.
            RemoteError: As `Caller.send`.
        """
        answer = self._send(call)
        # A 401 says that nothing was done, so this repeats no change.
        if answer.status == 401 and self._sign_in.renew():
            answer = self._send(call)
        if answer.status == 401:
            raise self.unexpected(answer)
        return answer

    def unexpected(self, answer: Answer) -> RemoteError:
        """The error for a status that was not expected, with this user's advice."""
        return unexpected(answer, messages=self.messages, advice=self._sign_in.advice)

    def _send(self, call: Call) -> Answer:
        headers = {**JSON_HEADERS, **self._sign_in.headers(), **call.headers}
        wire: Wire = self._sign_in.wire
        return self._caller.send(replace(call, headers=headers), wire=wire)


def unexpected(answer: Answer, *, messages: Messages, advice: str = "") -> RemoteError:
    """The error for a status that was not expected."""
    if answer.status >= 400:
        return messages.refused(answer, advice=advice)
    if answer.is_json and answer.status < 300:
        what = f"the status {answer.status} is not the one that is documented for success"
        return messages.unusable(answer, code="instance-status", what=what)
    return messages.not_json(answer)


def read_json(answer: Answer, *, messages: Messages) -> Mapping[str, object]:
    """The JSON object of an answer whose status says success.

    Raises:
        RemoteError: It is a page, cut, nested too deep, no object, or holds an error.
    """
    if not answer.is_json:
        raise messages.not_json(answer)
    document = _parse(answer, messages=messages)
    if "error" in document and document["error"]:
        raise messages.data_and_error(answer, document)
    return document


def _parse(answer: Answer, *, messages: Messages) -> Mapping[str, object]:
    try:
        document = json.loads(answer.body)
    except RecursionError:
        code, what = "instance-json-deep", "the JSON is nested deeper than any that was asked for"
    except ValueError:
        code, what = "instance-json-cut", "the JSON is cut or broken"
    else:
        if isinstance(document, dict):
            return document
        code, what = "instance-json-shape", "the JSON is no object"
    raise messages.unusable(answer, code=code, what=what)


def member(document: object, *names: str) -> object:
    """What stands under nested names; None where one is absent."""
    for name in names:
        if not isinstance(document, Mapping):
            return None
        document = document.get(name)
    return document


def text_member(document: object, *names: str) -> str:
    """`member` as text; "" where it is absent or no text."""
    value = member(document, *names)
    return value if isinstance(value, str) else ""
