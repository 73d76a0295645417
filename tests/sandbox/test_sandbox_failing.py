"""An error of the sandbox's own is an answer, and tells no value."""

from __future__ import annotations

import pytest
from door_calls import USERS, admin, ask, made

from generator.sandbox.database import Database

CANARY = "can" + "ary-value"


def broken(*_arguments: object, **_options: object) -> int:
    raise RuntimeError(CANARY)


@pytest.mark.parametrize("signs_in", [True, False])
def test_an_unexpected_error_is_a_500_in_json(
    signs_in: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = made()
    ask(sandbox, "GET", USERS)
    where = "count" if signs_in else "query"
    monkeypatch.setattr(Database, where, broken)
    said = ask(sandbox, "GET", USERS, auth=admin(sandbox))
    assert said.status_code == 500
    assert said.json()["status"] == "failure"
    assert said.headers["Server"] == "ServiceNow"
    assert CANARY not in said.text
    told = [line for line in sandbox.log if "bug" in line]
    assert told == ["bug of the sandbox: RuntimeError at GET /api/now/table/sys_user"]
    assert CANARY not in "".join(sandbox.log)


@pytest.mark.parametrize("where", ["count", "query"])
def test_a_client_that_went_away_is_no_bug(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = made()
    ask(sandbox, "GET", USERS)

    def gone(*_arguments: object, **_options: object) -> int:
        raise ConnectionResetError

    monkeypatch.setattr(Database, where, gone)
    with pytest.raises(ConnectionResetError):
        ask(sandbox, "GET", USERS, auth=admin(sandbox))
    assert not [line for line in sandbox.log if "bug" in line]
