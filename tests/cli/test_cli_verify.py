"""`sn-smtp verify`: what is said, written and exited with; from this machine and the instance."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli_calls import Call, Conforms, edit
from junitparser import JUnitXml, Skipped, TestCase
from mail_world import APPLICATION, CLIENT, PRINCIPAL, MailWorld, mail_world

from generator.cli.verify_text import conclusion
from generator.clock import SteppedClock
from generator.mail.interface import Proven, Verification

START = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
SOMEBODY = "somebody@acme.example"


@pytest.fixture
def world(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailWorld]:
    """An environment whose secret is in a variable, a tenant and an instance."""
    with mail_world(tmp_path, monkeypatch, source="env", start=SteppedClock(START)) as made:
        (made.root / "common.yaml").write_bytes((root / "common.yaml").read_bytes())
        yield made


@pytest.fixture
def imported(world: MailWorld, sn_smtp: Call) -> MailWorld:
    """The same, and the package is on the instance."""
    assert sn_smtp("render", "dev", "--root", world.root).code == 0
    said = sn_smtp("import", "dev", "--root", world.root, "--yes")
    assert said.code == 0, said.err
    return world


def test_without_a_message_the_last_word_is_authenticated(world: MailWorld, sn_smtp: Call) -> None:
    said = sn_smtp("verify", "dev", "--root", world.root)

    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == "dev: the mail chain from this machine"
    assert lines[-1].startswith("Authenticated:")
    assert "--send-to" in lines[-1]
    assert "works" not in said.out.lower()
    assert len([line for line in lines if line.startswith("  ok")]) == 7
    assert len([line for line in lines if line.startswith("  skipped")]) == 2
    assert world.mail.messages == []


def test_with_a_message_it_works_and_the_marker_finds_it(world: MailWorld, sn_smtp: Call) -> None:
    said = sn_smtp("verify", "dev", "--root", world.root, "--send-to", SOMEBODY, "--two-step")

    assert said.code == 0
    assert said.out.splitlines()[-1].startswith("Works:")
    (message,) = world.mail.messages
    assert message.recipients == (SOMEBODY,)
    assert f"[{message.marker}]" in said.out


def test_a_failed_link_names_causes_and_fixes_and_exits_with_6(
    world: MailWorld, sn_smtp: Call
) -> None:
    world.mail.behaviour.claims = "no_roles"

    said = sn_smtp("verify", "dev", "--root", world.root)

    assert said.code == 6
    assert re.search(r"^  failed +Claims of the token: ", said.out, re.MULTILINE)
    assert re.search(r"^ +1\. The application permission SMTP.SendAsApp", said.out, re.MULTILINE)
    assert re.search(r"^ +fix: ", said.out, re.MULTILINE)
    assert said.out.count("checked: ") == 1
    assert said.out.splitlines()[-1] == "Fails at: Claims of the token."
    assert re.search(r"^ +checked: tid, appid, aud", said.out, re.MULTILINE)
    # What came back is told as such, and a guess at its cause as a guess.
    assert said.err.startswith("error: claims: Claims of the token: aud https://")
    assert "roles none" in said.err
    assert "Likeliest cause: The application permission" in said.err
    assert "next: " in said.err


def test_json_says_the_same(world: MailWorld, sn_smtp: Call, conforms: Conforms) -> None:
    good = conforms(sn_smtp("verify", "dev", "--root", world.root, "--json"), "verify")
    assert good["result"]["proven"] == "authenticated"
    assert good["result"]["sent_to"] is None

    world.mail.behaviour.smtp_auth = "rejected"
    bad = conforms(
        sn_smtp("verify", "dev", "--root", world.root, "--send-to", SOMEBODY, "--json"), "verify"
    )
    assert (bad["ok"], bad["exit_code"]) == (False, 6)
    assert bad["result"]["proven"] == "nothing"
    (error,) = bad["errors"]
    assert (error["code"], error["path"]) == ("smtp-535-5-7-3", "smtp-auth")
    links = {link["name"]: link for link in bad["result"]["links"]}
    assert links["smtp-auth"]["verdict"] == "failed"
    assert links["smtp-auth"]["code"] == "smtp-535-5.7.3"
    assert len(links["smtp-auth"]["causes"]) > 2
    assert links["message"]["verdict"] == "skipped"


def test_junit_is_what_other_tools_read(world: MailWorld, sn_smtp: Call, tmp_path: Path) -> None:
    world.mail.behaviour.entra = "secret_expired"
    path = tmp_path / "verify.xml"

    said = sn_smtp("verify", "dev", "--root", world.root, "--junit", path)

    assert said.code == 6
    suites = JUnitXml.fromfile(str(path))
    assert (suites.tests, suites.failures, suites.errors) == (9, 1, 0)
    cases = {case.name.split()[0]: case for suite in suites for case in suite}
    assert all(isinstance(case, TestCase) for case in cases.values())
    (failure,) = cases["token"].result
    assert failure.type == "aadsts-7000222"
    assert "Fix: " in failure.text
    assert isinstance(cases["claims"].result[0], Skipped)
    assert cases["inputs"].system_out
    assert sorted(tmp_path.glob(".verify.xml.*")) == []


def test_a_report_that_cannot_be_written_is_told(
    world: MailWorld, sn_smtp: Call, tmp_path: Path
) -> None:
    lost = ("--junit", tmp_path / "no" / "x.xml")
    said = sn_smtp("verify", "dev", "--root", world.root, "--send-to", SOMEBODY, *lost)
    assert said.code == 1
    assert "cannot be written" in said.err
    # A message has left: that, and its marker, must not be lost with the report.
    (message,) = world.mail.messages
    assert f"[{message.marker}]" in said.out

    world.mail.behaviour.smtp_auth = "rejected"
    said = sn_smtp("verify", "dev", "--root", world.root, *lost, "--json")
    assert said.code == 6
    codes = [error["code"] for error in said.envelope["errors"]]
    assert codes == ["smtp-535-5-7-3", "cannot-write"]


def test_stand_ins_prove_nothing_of_the_real_ones(world: MailWorld, sn_smtp: Call) -> None:
    said = sn_smtp("verify", "dev", "--root", world.root, "--send-to", SOMEBODY)
    assert "Stand-ins on this machine answered for Microsoft Entra ID and the SMTP" in said.out
    said = sn_smtp("verify", "dev", "--root", world.root, "--json")
    assert said.envelope["result"]["stand_ins"] == ["Microsoft Entra ID", "the SMTP server"]
    real = Verification((), Proven.WORKS)
    assert "Stand-ins" not in conclusion(real, asked="local", stand_ins=())


def test_exports_are_read(world: MailWorld, sn_smtp: Call, tmp_path: Path) -> None:
    path = tmp_path / "sp.json"
    row = {"AppId": CLIENT, "ObjectId": APPLICATION, "Sid": "S-1-5-21-1-2-3-4"}
    path.write_text(json.dumps(row), encoding="utf-8")

    said = sn_smtp("verify", "dev", "--root", world.root, "--exchange", path)

    assert said.code == 6
    assert f"New-ServicePrincipal -AppId {CLIENT} -ObjectId {PRINCIPAL}" in said.out

    path.write_text("{}", encoding="utf-8")
    assert sn_smtp("verify", "dev", "--root", world.root, "--exchange", path).code == 2


def test_what_only_warns_at_render_is_an_error_here(world: MailWorld, sn_smtp: Call) -> None:
    edit(world.root / "dev" / "environment.yaml", "2027-11-20", "2026-11-20")
    assert sn_smtp("render", "dev", "--root", world.root).code == 0

    said = sn_smtp("verify", "dev", "--root", world.root)

    assert said.code == 6
    assert "error: inputs:" in said.err
    assert "ended on 2026-11-20" in said.err


def test_the_hint_of_azures_outputs_is_held_against_the_secret(
    world: MailWorld, sn_smtp: Call
) -> None:
    outputs = {
        "appId": CLIENT,
        "id": APPLICATION,
        "displayName": "ServiceNow",
        "requiredResourceAccess": [],
        "passwordCredentials": [
            {
                "keyId": "9d0c1b2a-3e4f-4567-89ab-cdef01234567",
                "hint": "???",
                "endDateTime": "2027-11-20T00:00:00Z",
                "secretText": None,
            }
        ],
    }
    (world.root / "dev" / "azure.json").write_text(json.dumps(outputs), encoding="utf-8")

    said = sn_smtp("verify", "dev", "--root", world.root, "--json")

    assert [error["code"] for error in said.envelope["errors"]] == ["inputs-secret-hint"]


def test_pauses_are_told(world: MailWorld, sn_smtp: Call) -> None:
    world.mail.behaviour.smtp_transient = "temporary"
    world.mail.behaviour.smtp_transient_times = 1
    said = sn_smtp("verify", "dev", "--root", world.root)
    assert said.code == 0
    assert "says 451: trying again in 1 s" in said.err
    assert "(after 2 attempts)" in said.out


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--from", "instance", "--send-to", SOMEBODY), "usage"),
        (("--from", "instance", "--two-step"), "usage"),
        (("--send-to", "a@b.example, c@d.example"), "test-address"),
        (("--send-to", "x"), "test-address"),
        (("--entra", "https://login.microsoftonline.com"), "mail-override"),
        (("--smtp", "smtp.office365.com:587"), "mail-override"),
    ],
)
def test_a_wrong_call_asks_nobody(
    world: MailWorld, sn_smtp: Call, options: tuple[str, ...], code: str
) -> None:
    before = (world.mail.requests, world.mail.replies)
    said = sn_smtp("verify", "dev", "--root", world.root, *options, "--json")
    assert said.code == 2
    assert said.envelope["errors"][0]["code"] == code
    assert (world.mail.requests, world.mail.replies) == before


def test_without_a_source_of_the_secret_nothing_can_be_asked(root: Path, sn_smtp: Call) -> None:
    said = sn_smtp("verify", "dev", "--root", root, "--json")
    assert said.code == 2
    (error,) = said.envelope["errors"]
    assert error["code"] == "no-secret-source"
    assert "--from instance" in error["next"]


# The instance


def test_the_instance_is_asked_with_what_it_holds(
    imported: MailWorld, sn_smtp: Call, conforms: Conforms
) -> None:
    envelope = conforms(
        sn_smtp("verify", "dev", "--root", imported.root, "--from", "instance", "--json"), "verify"
    )
    assert envelope["ok"], envelope["errors"]
    assert envelope["result"]["proven"] == "granted"
    assert envelope["result"]["stand_ins"] == []
    here = ("--from", "instance", "--instance", "http://127.0.0.1:8080")
    text = sn_smtp("verify", "dev", "--root", imported.root, *here).out
    assert "answered for the instance" in text
    assert "activate" in envelope["result"]["conclusion"]
    assert {link["name"].split("-")[0] for link in envelope["result"]["links"]} == {"instance"}

    text = sn_smtp("verify", "dev", "--root", imported.root, "--from", "instance").out
    assert text.startswith("dev: the mail chain through the instance")


def test_a_package_that_is_not_the_environments_own_is_told(
    imported: MailWorld, sn_smtp: Call
) -> None:
    call = ("verify", "dev", "--root", imported.root, "--from", "instance", "--json")
    (fits, *_) = sn_smtp(*call).envelope["result"]["links"]
    assert (fits["name"], fits["verdict"]) == ("instance-package", "ok")

    edit(imported.root / "dev" / "environment.yaml", "servicenow-dev@", "another-dev@")

    (stale, account, *_) = sn_smtp(*call).envelope["result"]["links"]
    assert (stale["code"], stale["verdict"]) == ("package-stale", "warning")
    assert "sn-smtp render dev" in stale["causes"][0]["fix"]
    assert account["verdict"] == "ok"


def test_what_entra_tells_the_instance_is_explained(imported: MailWorld, sn_smtp: Call) -> None:
    imported.mail.behaviour.entra = "secret_expired"
    said = sn_smtp("verify", "dev", "--root", imported.root, "--from", "instance", "--json")
    assert said.code == 6
    assert "aadsts-7000222" in [error["code"] for error in said.envelope["errors"]]


def test_an_instance_that_is_asleep_is_no_answer(imported: MailWorld, sn_smtp: Call) -> None:
    imported.sandbox.behaviour.set({"hibernating": "on"})
    said = sn_smtp("verify", "dev", "--root", imported.root, "--from", "instance")
    assert said.code == 1


def test_nothing_proven_says_so() -> None:
    assert conclusion(Verification((), Proven.NOTHING), asked="local") == "Nothing is proven."
