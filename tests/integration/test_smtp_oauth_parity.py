"""The sandbox's imitation of the check against the script itself: one world, one answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dukpy
import pytest
from script_world import ACCOUNT, GUID, JWT, NOW, PROFILE, SCOPE, STUBS, script, world

from generator.clock import SteppedClock
from generator.sandbox import app_health
from generator.sandbox.instance import Sandbox
from generator.sandbox.oauth_client import Answer

RUN = "JSON.stringify(new SmtpOAuthHealth().run(world.inputs))"
GRANTED = Answer(status=200, token=JWT, expires=NOW + timedelta(seconds=3599))
REFUSAL = f"AADSTS7000215: Invalid client secret provided. Trace ID: {GUID}"
REFUSED = Answer(status=401, error=f"invalid_client: {REFUSAL}")


@pytest.fixture
def box() -> Iterator[Sandbox]:
    made = Sandbox(name="acme-dev", clock=SteppedClock(NOW))
    yield made
    made.close()


def _script(tables: dict[str, Any], properties: dict[str, str], answer: Answer) -> dict[str, Any]:
    given = {
        **world(),
        "tables": tables,
        "properties": properties,
        "response": {
            "error": answer.said,
            "code": str(answer.status or ""),
            "body": json.dumps({"error": "invalid_client", "error_description": REFUSAL})
            if answer.error
            else "",
            "token": JWT if answer.granted else None,
            "expiresIn": 3599,
        },
    }
    told: dict[str, Any] = json.loads(dukpy.evaljs([STUBS, script(), RUN], world=given))
    return told


@pytest.mark.parametrize(
    "answer",
    [
        GRANTED,
        REFUSED,
        Answer(status=503),
        Answer(said="java.net.UnknownHostException: nowhere"),
        Answer(status=400, said="Bearer " + "Ab3-" * 20),
    ],
    ids=["granted", "refused", "busy", "unreached", "leaking"],
)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"active": "false"},
        {"type": "imap"},
        {"authentication": "password"},
        {"oauth_profile": ""},
        {"oauth_profile": "c" * 32},
        None,
    ],
    ids=["active", "inactive", "imap", "password", "no profile", "other profile", "no account"],
)
@pytest.mark.parametrize(
    ("ends", "warn_days"),
    [
        ("", "30"),
        ("2027-11-23 12:00:00", "30"),
        ("2026-12-01 12:00:00", "30"),
        ("2026-12-01 12:00:00", "5"),
        ("2026-12-01 11:59:59", "many"),
        ("2026-11-20 12:00:00", ""),
        ("soon", "30"),
    ],
)
def test_the_sandbox_answers_as_the_script(
    box: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, str] | None,
    ends: str,
    warn_days: str,
    answer: Answer,
) -> None:
    monkeypatch.setattr(app_health, "request_token", lambda *_: answer)
    tables = world()["tables"]
    if changes is None:
        tables["sys_email_account"] = {}
    else:
        account = {**tables["sys_email_account"][ACCOUNT], "active": "true", **changes}
        tables["sys_email_account"][ACCOUNT] = account
        box.database.insert("sys_email_account", account, by="x", sys_id=ACCOUNT)
    box.database.insert("oauth_entity_profile", {"name": "p"}, by="x", sys_id=PROFILE)
    properties = {f"{SCOPE}.secret_expires_on": ends, f"{SCOPE}.warn_days": warn_days}
    for name, value in properties.items():
        box.database.insert("sys_properties", {"name": name, "value": value}, by="x")
    theirs = app_health.check(box, scope=SCOPE, account=ACCOUNT).to_json()
    assert theirs == _script(tables, properties, answer)


def test_both_live_in_the_same_time(box: Sandbox) -> None:
    assert box.clock.now() == NOW == datetime(2026, 11, 23, 12, tzinfo=UTC)
