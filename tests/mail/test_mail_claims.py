"""Claims: the samples, the object-ID trap, other clouds, hostile values."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mail_setting import APPLICATION, CLIENT, PRINCIPAL, Verify, link

from generator.azure.clouds import ENDPOINTS, Cloud
from generator.config.environment import Authorization
from generator.mail.claims import judge_claims, object_id, read_claims
from generator.mail.clocks import judge_clock
from generator.mail.interface import LinkResult, Verdict
from generator.mail.settings import MailSettings
from generator.mail.token import Token

# Between iat and exp of the samples.
NOW = datetime.fromtimestamp(1795168000, UTC)


def _token(text: str) -> Token:
    return Token(text, expires_on=NOW, answered_at=NOW)


def _jwt(claims: object) -> Token:
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return _token(f"e30.{middle}.c2ln")


@pytest.fixture
def good(settings: MailSettings) -> dict[str, object]:
    """The claims of a right token."""
    return {
        "aud": "https://outlook.office365.com",
        "appid": CLIENT,
        "tid": settings.tenant_id,
        "oid": PRINCIPAL,
        "idtyp": "app",
        "roles": ["SMTP.SendAsApp"],
        "nbf": int(NOW.timestamp()) - 300,
        "exp": int(NOW.timestamp()) + 3600,
    }


def _judge(claims: Mapping[str, object], settings: MailSettings, **changes: object) -> LinkResult:
    return judge_claims(read_claims(_jwt(claims)), replace(settings, **changes), now=NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "model", "code"),
    [
        ("ok_approle", Authorization.APP_ROLE, ""),
        ("ok_apprbac_no_roles", Authorization.APP_RBAC, ""),
        ("ok_apprbac_no_roles", Authorization.APP_ROLE, "claims-no-role"),
        ("ok_approle", Authorization.APP_RBAC, "claims-role-not-wanted"),
        ("bad_aud_graph", Authorization.APP_ROLE, "claims-aud"),
        ("bad_aud_graph", Authorization.APP_RBAC, "claims-aud"),
        ("bad_other_role", Authorization.APP_ROLE, "claims-other-role"),
    ],
)
def test_the_samples_are_judged_by_the_model(
    shared: Path, settings: MailSettings, name: str, model: Authorization, code: str
) -> None:
    path = shared / "samples" / "azure" / f"token_claims_{name}.json"
    judged = _judge(json.loads(path.read_text("utf-8")), settings, authorization=model)
    assert judged.code == code


def test_the_object_id_trap_prints_the_right_line(
    good: dict[str, object], settings: MailSettings
) -> None:
    judged = _judge(good, settings, service_principal_object_id=APPLICATION)

    assert (judged.verdict, judged.code) == (Verdict.FAILED, "claims-oid")
    assert f"Remove-ServicePrincipal -Identity {APPLICATION}" in judged.causes[0].fix
    assert f"New-ServicePrincipal -AppId {CLIENT} -ObjectId {PRINCIPAL} " in judged.causes[0].fix


def test_without_a_known_object_id_the_line_for_exchange_is_told(
    good: dict[str, object], settings: MailSettings
) -> None:
    judged = _judge(good, settings, service_principal_object_id=None)
    assert judged.verdict is Verdict.OK
    assert f"-ObjectId {PRINCIPAL} " in judged.answered


def test_a_chain_with_the_wrong_object_id_ends_at_the_claims(verify: Verify) -> None:
    verification = verify(service_principal_object_id=APPLICATION)
    assert link(verification, "claims").code == "claims-oid"
    assert link(verification, "smtp-auth").verdict is Verdict.SKIPPED


@pytest.mark.parametrize("oid", [None, 7, "", "x; Remove-Mailbox everyone", PRINCIPAL + "\n"])
def test_only_a_guid_gets_into_a_command(
    good: dict[str, object], settings: MailSettings, oid: object
) -> None:
    claims = {**good, "oid": oid}
    assert object_id(claims) is None
    judged = _judge(claims, settings)
    assert (judged.verdict, judged.code) == (Verdict.WARNING, "claims-no-oid")
    assert "Remove-Mailbox" not in repr(judged)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": ["https://outlook.office.com/", "x"]}, ""),
        ({"aud": "00000002-0000-0ff1-ce00-000000000000"}, ""),
        ({"aud": None}, "claims-aud"),
        ({"aud": "https://example.com"}, "claims-aud"),
        ({"aud": "https://outlook.office365.us"}, "claims-aud"),
        ({"aud": "https://ps.outlook.com"}, "claims-aud"),
        ({"appid": None, "azp": CLIENT}, "claims-appid"),
        ({"idtyp": None}, "claims-delegated"),
        ({"scp": "SMTP.Send"}, "claims-delegated"),
        ({"roles": "SMTP.SendAsApp"}, "claims-no-role"),
        ({"exp": None}, "claims-exp"),
        ({"exp": True}, "claims-exp"),
        ({"exp": 10**300}, "claims-exp"),
        ({"exp": int(NOW.timestamp())}, "claims-exp"),
        ({"nbf": int(NOW.timestamp()) + 60}, ""),
        ({"nbf": int(NOW.timestamp()) + 600}, "claims-nbf"),
        ({"tid": "x\x1b[31m"}, "claims-tid"),
    ],
)
def test_each_claim_is_looked_at(
    good: dict[str, object], settings: MailSettings, changes: dict[str, object], code: str
) -> None:
    if changes.get("idtyp", "") is None:
        changes = {"idtyp": "user"}
    judged = _judge({**good, **changes}, settings)
    assert judged.code == code
    assert "\x1b" not in repr(judged)


def test_v2_names_are_accepted(good: dict[str, object], settings: MailSettings) -> None:
    del good["appid"]
    del good["idtyp"]
    judged = _judge({**good, "azp": CLIENT}, settings)
    assert judged.verdict is Verdict.OK
    assert "azp" in judged.checked


def test_several_faults_are_told_and_the_first_names_the_link(
    good: dict[str, object], settings: MailSettings
) -> None:
    judged = _judge({**good, "tid": "other", "roles": [], "exp": 1}, settings)
    assert judged.code == "claims-tid"
    assert len(judged.causes) >= 3


@pytest.mark.parametrize("cloud", Cloud)
def test_each_cloud_accepts_its_own_audience(
    good: dict[str, object], settings: MailSettings, cloud: Cloud
) -> None:
    scope = ENDPOINTS[cloud].scope
    claims = {**good, "aud": scope.removesuffix("/.default")}
    assert _judge(claims, settings, cloud=cloud, scope=scope).verdict is Verdict.OK


@pytest.mark.parametrize("text", ["opaque", "a.b", "a.!!!.c", "a.W10.c", "a.e30.c", "a.%s.c"])
def test_what_is_no_jwt_fails(settings: MailSettings, text: str) -> None:
    token = _token(text)
    assert read_claims(token) == {}
    judged = judge_claims(read_claims(token), settings, now=NOW)
    assert (judged.verdict, judged.code) == (Verdict.FAILED, "claims-opaque")


# Clocks


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, ""),
        (119, ""),
        (-119, ""),
        (600, "10 minutes ahead of"),
        (-600, "10 minutes behind"),
        (7200, "2 hours ahead of"),
    ],
)
def test_clocks_that_differ_are_named(seconds: int, said: str) -> None:
    token = Token(
        "x", expires_on=NOW, answered_at=NOW + timedelta(seconds=seconds), server_date=NOW
    )
    judged = judge_clock(token)
    assert (judged.verdict is Verdict.WARNING) == bool(said)
    assert said in "".join(cause.what for cause in judged.causes)


def test_a_server_without_a_date_says_nothing_of_clocks() -> None:
    assert judge_clock(_token("x")).verdict is Verdict.SKIPPED


def test_an_audience_that_is_only_doubtful_is_the_first_cause_of_a_refusal(
    verify: Verify, box: object
) -> None:
    box.behaviour.claims = "aud_ps_outlook"  # type: ignore[attr-defined]
    verification = verify()
    assert link(verification, "claims").verdict is Verdict.WARNING
    assert "ps.outlook.com" in link(verification, "smtp-auth").causes[0].what


@pytest.mark.parametrize("cloud", Cloud)
def test_consent_is_given_by_what_the_cloud_takes(
    good: dict[str, object], settings: MailSettings, cloud: Cloud
) -> None:
    ends = ENDPOINTS[cloud]
    changes = {
        "cloud": cloud,
        "scope": ends.scope,
        "token_url": f"{ends.login}/t/oauth2/v2.0/token",
    }
    claims = {**good, "aud": ends.scope.removesuffix("/.default"), "roles": []}
    fix = _judge(claims, settings, **changes).causes[0].fix
    # The command "is not yet supported on sovereign clouds" (4.2).
    assert ("az ad app permission admin-consent" in fix) == (cloud is Cloud.PUBLIC)
    assert (f"{ends.login}/{settings.tenant_id}/v2.0/adminconsent" in fix) == (
        cloud is not Cloud.PUBLIC
    )
