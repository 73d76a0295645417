"""Inputs: what can be known before anybody is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from mail_setting import Verify, link

from generator.azure.model import Notice, Severity
from generator.mail.inputs import STOPS, judge_inputs
from generator.mail.interface import LinkResult, Verdict
from generator.mail.settings import MailSettings
from generator.sandbox.mail.stand_in import MailSandbox
from generator.secrets.interface import Secret

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
GOOD = "abc" + "d" * 37


def _judge(
    settings: MailSettings, secret: str = GOOD, *notices: Notice, **changes: object
) -> LinkResult:
    changed = replace(settings, **changes)  # type: ignore[arg-type]
    return judge_inputs(changed, Secret(secret), notices=notices, now=NOW)


@pytest.mark.parametrize(
    ("secret", "code"),
    [
        (GOOD, ""),
        ("9d0c1b2a-3e4f-4567-89ab-cdef01234567", "inputs-secret-id"),
        (" 9D0C1B2A-3E4F-4567-89AB-CDEF01234567 ", "inputs-secret-id"),
        (f" {GOOD}", "inputs-secret-white-space"),
        (f"{GOOD}\t", "inputs-secret-white-space"),
        (GOOD[:10] + "%7E" + GOOD[13:], "inputs-secret-encoded"),
        ("REPLACE_ME", "inputs-secret-placeholder"),
        ("[secret]", "inputs-secret-placeholder"),
        ("<sensitive>", "inputs-secret-placeholder"),
        ("xyz" + "d" * 37, "inputs-secret-hint"),
    ],
)
def test_the_secret_must_look_like_one(settings: MailSettings, secret: str, code: str) -> None:
    judged = _judge(settings, secret, secret_hint="abc")
    assert judged.code == code
    assert (judged.verdict is Verdict.FAILED) == bool(code)
    assert secret.strip() not in repr(judged)


@pytest.mark.parametrize("length", [15, 65])
def test_an_odd_length_is_only_doubtful(settings: MailSettings, length: int) -> None:
    judged = _judge(settings, "a" * length)
    assert (judged.verdict, judged.code) == (Verdict.WARNING, "inputs-secret-length")


@pytest.mark.parametrize(
    ("days", "verdict", "code"),
    [
        (61, Verdict.OK, ""),
        (60, Verdict.WARNING, "inputs-secret-ends"),
        (14, Verdict.WARNING, "inputs-secret-ends"),
        (0, Verdict.FAILED, "inputs-secret-expired"),
        (-1, Verdict.FAILED, "inputs-secret-expired"),
    ],
)
def test_an_ended_secret_is_an_error(
    settings: MailSettings, days: int, verdict: Verdict, code: str
) -> None:
    judged = _judge(settings, secret_expires_on=NOW + timedelta(days=days))
    assert (judged.verdict, judged.code) == (verdict, code)


def _notice(code: str, severity: Severity = Severity.WARNING, **more: str) -> Notice:
    return Notice(code, severity, "something was seen", **more)


@pytest.mark.parametrize("code", sorted(STOPS - {"secret-expired"}))
def test_what_keeps_mail_from_flowing_is_an_error_here(settings: MailSettings, code: str) -> None:
    judged = _judge(settings, GOOD, _notice(code, file="azure.json", path="a.b", next="mend it"))
    assert (judged.verdict, judged.code) == (Verdict.FAILED, f"inputs-{code}")
    assert judged.causes[0].what == "Something was seen (azure.json a.b)."
    assert judged.causes[0].fix.startswith("mend it. If that is done already")


def test_other_warnings_stay_warnings_and_notes_are_not_told(settings: MailSettings) -> None:
    judged = _judge(
        settings,
        GOOD,
        _notice("secret-in-input"),
        _notice("nothing-to-render", Severity.NOTE),
        _notice("secret-expired"),
    )
    assert (judged.verdict, judged.code) == (Verdict.WARNING, "inputs-secret-in-input")
    assert len(judged.causes) == 1
    assert judged.causes[0].fix


def test_errors_stand_before_warnings(settings: MailSettings) -> None:
    judged = _judge(settings, f"{GOOD} ", _notice("secret-in-input"))
    assert judged.code == "inputs-secret-white-space"


def test_a_secret_that_cannot_be_right_is_not_sent(box: MailSandbox, verify: Verify) -> None:
    before = box.requests
    verification = verify(secret="9d0c1b2a-3e4f-4567-89ab-cdef01234567")
    assert box.requests == before
    assert link(verification, "inputs").code == "inputs-secret-id"
    assert link(verification, "token").verdict is Verdict.SKIPPED
    assert link(verification, "smtp-tls").verdict is Verdict.OK
