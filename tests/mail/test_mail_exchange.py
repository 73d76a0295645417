"""Exports of Exchange's objects: read whatever shell wrote them, and held against the chain."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from mail_setting import APPLICATION, CLIENT, MAILBOX, OTHER, PRINCIPAL, Verify, link

from generator.config.environment import Authorization
from generator.errors import ConfigError
from generator.mail.exchange import fits, judge_exports
from generator.mail.exchange_exports import ACCEPTED, Exports, read_exports
from generator.mail.interface import LinkResult, Verdict
from generator.mail.settings import MailSettings
from generator.sandbox.mail.stand_in import MailSandbox

SID = "S-1-5-21-1-2-3-4"
PRINCIPAL_ROW = {"AppId": CLIENT, "ObjectId": PRINCIPAL, "Sid": SID, "DisplayName": "ServiceNow"}
ACCESS = {"Identity": MAILBOX, "User": SID, "AccessRights": ["FullAccess"], "Deny": False}
SEND_AS = {
    "Identity": OTHER,
    "Trustee": PRINCIPAL,
    "AccessRights": ["SendAs"],
    "AccessControlType": "Allow",
}
OFF = "SmtpClientAuthenticationDisabled"
CAS = {
    "Identity": MAILBOX,
    "PrimarySmtpAddress": MAILBOX,
    OFF: False,
}
TRANSPORT = {"Identity": "Transport Settings", OFF: True}
ROLE = {"RoleName": "Application SMTP.SendAsApp", "InScope": True}

Judge = Callable[..., LinkResult]


@pytest.fixture
def exports(tmp_path: Path) -> Callable[..., Exports]:
    """Exports as files, read again."""

    def make(*documents: object) -> Exports:
        files = []
        for number, document in enumerate(documents):
            path = tmp_path / f"{number}.json"
            path.write_text(json.dumps(document), encoding="utf-8")
            files.append(path)
        return read_exports(files)

    return make


@pytest.fixture
def judge(exports: Callable[..., Exports], settings: MailSettings) -> Judge:
    """The link of some exports."""

    def made(*documents: object, oid: str | None = PRINCIPAL, **changes: object) -> LinkResult:
        changed = replace(settings, **changes)  # type: ignore[arg-type]
        return judge_exports(exports(*documents), changed, object_id=oid)

    return made


def test_the_samples_fit_together(shared: Path, settings: MailSettings) -> None:
    folder = shared / "samples" / "azure"
    files = sorted(folder.glob("powershell_exo_*.json"))
    read = read_exports(files)
    assert read.given == ACCEPTED
    settings = replace(settings, from_address=OTHER)
    judged = judge_exports(read, settings, object_id=PRINCIPAL)
    assert (judged.verdict, judged.answered) == (Verdict.OK, "everything fits")
    assert fits(judged, read, settings)
    rbac = replace(settings, authorization=Authorization.APP_RBAC)
    assert judge_exports(read, rbac, object_id=PRINCIPAL).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("documents", "code"),
    [
        ([[{**PRINCIPAL_ROW, "AppId": APPLICATION}]], "exchange-no-principal"),
        ([{**PRINCIPAL_ROW, "ObjectId": APPLICATION}], "exchange-object-id"),
        ([PRINCIPAL_ROW, ACCESS], ""),
        ([PRINCIPAL_ROW, {**ACCESS, "User": "S-1-5-21-9-9-9-9"}], "exchange-no-permission"),
        ([PRINCIPAL_ROW, {**ACCESS, "AccessRights": ["ReadPermission"]}], "exchange-no-permission"),
        ([PRINCIPAL_ROW, {**ACCESS, "Identity": OTHER}], "exchange-other-mailbox"),
        ([PRINCIPAL_ROW, {**ACCESS, "User": "ServiceNow"}], "exchange-name-only"),
        (
            [{**PRINCIPAL_ROW, "Identity": "ServiceNow"}, {**ACCESS, "User": "ServiceNow"}],
            "exchange-name-only",
        ),
        ([PRINCIPAL_ROW, {**ACCESS, "Identity": "servicenow"}], ""),
        ([PRINCIPAL_ROW, {**ACCESS, "Deny": True}], "exchange-permission-denied"),
        ([PRINCIPAL_ROW, {**ACCESS, "Deny": "True"}], "exchange-permission-denied"),
        ([PRINCIPAL_ROW, {**ACCESS, "Deny": {"IsPresent": True}}], "exchange-permission-denied"),
        ([PRINCIPAL_ROW, {**ACCESS, "Deny": {"IsPresent": False}}], ""),
        ([PRINCIPAL_ROW, {**ACCESS, "AccessRights": "FullAccess, ReadPermission"}], ""),
        ([PRINCIPAL_ROW, {**ACCESS, "User": {"RawIdentity": SID}}], ""),
        ([PRINCIPAL_ROW, {**ACCESS, "User": {"Other": SID}}], "exchange-no-permission"),
        ([ACCESS], "exchange-sid-unknown"),
        ([{**ACCESS, "User": "somebody"}], "exchange-no-permission"),
        ([{**ACCESS, "User": PRINCIPAL}], ""),
        ([CAS], ""),
        ([{**CAS, OFF: True}], "exchange-smtp-auth-mailbox"),
        ([{**CAS, OFF: None}], "exchange-smtp-auth-organisation"),
        (
            [{**CAS, OFF: None}, TRANSPORT],
            "exchange-smtp-auth-organisation",
        ),
        (
            [
                {**CAS, OFF: None},
                {OFF: False},
            ],
            "",
        ),
        ([{**CAS, OFF: None}, {**TRANSPORT, OFF: None}], "exchange-smtp-auth-organisation"),
        ([{"Identity": "servicenow", OFF: True}], "exchange-smtp-auth-mailbox"),
        (
            [[{"Identity": "other", OFF: True}, {"Identity": "servicenow", OFF: False}]],
            "exchange-other-mailbox",
        ),
        ([[{"Identity": "other", OFF: True}, CAS]], ""),
        ([{**CAS, "PrimarySmtpAddress": OTHER}], "exchange-other-mailbox"),
        ([TRANSPORT], "exchange-smtp-auth-unknown"),
        ([{OFF: False}], ""),
    ],
)
def test_each_object_is_judged(judge: Judge, documents: list[object], code: str) -> None:
    judged = judge(*documents)
    assert judged.code == code
    assert (judged.verdict is Verdict.OK) == (not code)
    assert all(cause.what and cause.fix for cause in judged.causes)


@pytest.mark.parametrize(
    ("documents", "code", "verdict"),
    [
        ([ROLE], "", Verdict.OK),
        ([{**ROLE, "InScope": "True"}], "", Verdict.OK),
        ([{**ROLE, "InScope": False}], "exchange-out-of-scope", Verdict.FAILED),
        ([{**ROLE, "InScope": "Not Run"}], "exchange-out-of-scope", Verdict.WARNING),
        (
            [{"RoleName": "Application Mail.Send", "InScope": True}],
            "exchange-no-role",
            Verdict.FAILED,
        ),
        ([PRINCIPAL_ROW], "", Verdict.OK),
    ],
)
def test_app_rbac_wants_a_role_and_no_permission(
    judge: Judge, documents: list[object], code: str, verdict: Verdict
) -> None:
    judged = judge(*documents, authorization=Authorization.APP_RBAC)
    assert (judged.code, judged.verdict) == (code, verdict)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (SEND_AS, ""),
        ({**SEND_AS, "Trustee": MAILBOX}, ""),
        ({**SEND_AS, "Trustee": "somebody"}, "exchange-no-send-as"),
        ({**SEND_AS, "AccessControlType": "Deny"}, "exchange-no-send-as"),
        ({**SEND_AS, "AccessControlType": 1}, "exchange-no-send-as"),
        ({**SEND_AS, "AccessControlType": 0}, ""),
        ({**SEND_AS, "Identity": MAILBOX}, "exchange-other-mailbox"),
    ],
)
def test_another_from_wants_send_as(judge: Judge, row: object, code: str) -> None:
    assert judge(row, from_address=OTHER).code == code
    assert judge(row).code == ""


def test_the_wrong_object_id_is_repaired_by_lines_to_copy(judge: Judge) -> None:
    judged = judge({**PRINCIPAL_ROW, "ObjectId": APPLICATION})
    fix = judged.causes[0].fix
    assert f"Remove-ServicePrincipal -Identity {APPLICATION}" in fix
    assert f"New-ServicePrincipal -AppId {CLIENT} -ObjectId {PRINCIPAL}" in fix
    hostile = judge({**PRINCIPAL_ROW, "ObjectId": "x; Remove-Mailbox all"})
    assert "Remove-Mailbox" not in repr(hostile)


def test_without_a_token_the_settings_say_which_object_id_is_right(judge: Judge) -> None:
    assert judge({**PRINCIPAL_ROW, "ObjectId": APPLICATION}, oid=None).code == "exchange-object-id"
    unknown = judge([PRINCIPAL_ROW], ACCESS, oid=None, service_principal_object_id=None)
    assert unknown.code == ""
    assert "everything fits" not in unknown.answered
    assert "not compared" in unknown.answered
    missing = judge([{**PRINCIPAL_ROW, "AppId": "x"}], oid=None, service_principal_object_id=None)
    assert "az ad sp show" in missing.causes[0].fix


def test_what_was_not_given_is_said(judge: Judge) -> None:
    assert "Get-MailboxPermission" in judge(PRINCIPAL_ROW).answered.partition("not given")[2]
    said = judge(PRINCIPAL_ROW, from_address=OTHER, authorization=Authorization.APP_RBAC).answered
    assert "Test-ServicePrincipalAuthorization" in said
    assert "Get-RecipientPermission" in said


def test_powershells_own_encoding_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sp.json"
    path.write_bytes(json.dumps([PRINCIPAL_ROW]).replace("\n", "\r\n").encode("utf-16"))
    assert read_exports([path]).given == ("Get-ServicePrincipal",)
    path.write_text(json.dumps(CAS), encoding="utf-8-sig")
    assert read_exports([path]).given == ("Get-CASMailbox",)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "exchange-nothing"),
        ("{", "not-json"),
        ('{"appId": "x"}', "exchange-unknown"),
        ("7", "exchange-unknown"),
        ("[]", "exchange-nothing"),
        ('[{"AccessRights": []}]', "exchange-unknown"),
        (None, "file-missing"),
    ],
)
def test_what_is_no_export_is_refused(tmp_path: Path, text: str | None, code: str) -> None:
    path = tmp_path / "x.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_exports([path])
    (fault,) = caught.value.faults
    assert fault.code == code
    assert fault.file == str(path)
    assert "azure.outputs" not in (fault.next or "")


def test_an_export_that_fails_ends_the_chain_before_the_sign_in(
    verify: Verify, tmp_path: Path
) -> None:
    path = tmp_path / "sp.json"
    path.write_text(json.dumps({**PRINCIPAL_ROW, "ObjectId": APPLICATION}), encoding="utf-8")
    verification = verify(exchange=(path,))
    assert link(verification, "exchange").code == "exchange-object-id"
    assert link(verification, "smtp-auth").verdict is Verdict.SKIPPED


def test_exports_that_fit_move_the_time_to_the_front(
    box: MailSandbox, verify: Verify, tmp_path: Path
) -> None:
    box.behaviour.smtp_auth = "rejected"
    files = []
    for name, document in {"sp": PRINCIPAL_ROW, "access": ACCESS}.items():
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(json.dumps(document), encoding="utf-8")
    assert "two hours ago" in link(verify(exchange=tuple(files)), "smtp-auth").causes[0].what
