"""The picker of the current update set: believed only where it clearly says yes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from generator.errors import GeneratorError
from generator.instance.calls import Answer, Call, Kind, Scrubber
from generator.instance.concourse import choose_update_set
from generator.instance.messages import Messages

SET = "0123456789abcdef" * 2


class _Session:
    """Answers what it is told to."""

    def __init__(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.messages = Messages(host="acme-dev.service-now.com", scrubber=Scrubber())
        self._answer = (status, body, kind)
        self.sent: list[tuple[str, str, bytes]] = []

    def send(
        self, method: str, path: str, *, step: str, body: bytes, headers: Mapping[str, str]
    ) -> Answer:
        self.sent.append((method, path, body))
        status, answer, kind = self._answer
        call = Call(step, method, path, kind=Kind.WRITE)
        return Answer(call, status, {"content-type": kind}, answer)


def test_the_choice_is_put() -> None:
    session = _Session(200, b'{"result":{"sysId":"x"}}')
    choose_update_set(session, SET)  # type: ignore[arg-type]
    assert session.sent == [
        ("PUT", "/api/now/ui/concoursepicker/updateset", b'{"sysId": "%s"}' % SET.encode())
    ]


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, b'{"error":{"message":"User Not Authenticated"}}', "application/json"),
        (404, b'{"error":{"message":"No Record found"}}', "application/json"),
        (302, b"", "text/html"),
        (200, b"<html>login</html>", "text/html"),
        (200, b'{"result":', "application/json"),
        (200, b"[" * 9000, "application/json"),
        (200, b"[]", "application/json"),
        (200, b'{"result":{},"error":{"message":"no"}}', "application/json"),
    ],
)
def test_anything_else_is_no_choice(status: int, body: bytes, kind: str) -> None:
    with pytest.raises(GeneratorError):
        choose_update_set(_Session(status, body, kind), SET)  # type: ignore[arg-type]


def test_no_path_gets_into_the_body() -> None:
    with pytest.raises(GeneratorError):
        choose_update_set(_Session(200, b"{}"), "../x")  # type: ignore[arg-type]
