"""Every failure, switched on in turn: the report names that cause first, and the page lists it."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from pathlib import Path

import pytest
from mail_setting import CASES, Case, Verify, first_failed, link

from generator.config.environment import Authorization
from generator.mail import chain
from generator.mail.entra_errors import KNOWN
from generator.mail.interface import Cause, Verdict
from generator.mail.network import ConnectTimeout, Network
from generator.mail.settings import MailSettings
from generator.mail.smtp_rows import ROWS
from generator.mail.smtp_session import smtp_place
from generator.mail.token import entra_place
from generator.mail.trouble import explain
from generator.sandbox.mail.mail_switches import MAIL_SWITCHES
from generator.sandbox.mail.stand_in import MailSandbox

PAGE = Path(__file__).resolve().parents[2] / "docs" / "verify.md"
ROW = re.compile(
    r"^\| (?P<failure>[^|]+) \| `(?P<code>[a-z0-9.-]+)`[^|]* \| (?P<said>[^|]+) \| (?P<fix>.+) \|$",
    re.MULTILINE,
)

NUMBERS = {"new_secret_after", "token_padding", "smtp_transient_times", "slow_ms"}
NUMBERS |= {"token_seconds"}
OTHERS = {"graph", "clock_skew_seconds", "smtp_transient_at", "xoauth2_challenge"}
"""Not of this chain, tried elsewhere, or of use with another switch only."""

HARMLESS = {"healthy", "off", "offered", "valid", "granted", "service_principal", "v2", "graph"}
HARMLESS |= {"all"}
"""Values that are no failure of this chain, or that of two at once."""


def _play(box: MailSandbox, case: Case) -> None:
    for name, value in case.switches.items():
        setattr(box.behaviour, name, value)
    if case.changes.get("authorization") is Authorization.APP_RBAC:
        box.authorization = "app_rbac"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_report_names_the_cause_first(box: MailSandbox, verify: Verify, case: Case) -> None:
    _play(box, case)

    verification = verify(limits=case.limits, **case.changes)

    failed = first_failed(verification)
    assert (failed.name, failed.code) == (case.link, case.code)
    assert case.said in failed.causes[0].what
    assert not verification.ok
    assert all(cause.what and cause.fix for cause in failed.causes)
    assert _is_listed(case.code, failed.causes[0])


def _is_listed(code: str, cause: Cause) -> bool:
    """Whether the page has a row of this code with these words and this fix."""
    return any(
        row["code"] == code and _says(row["said"], cause.what) and _says(row["fix"], cause.fix)
        for row in ROW.finditer(PAGE.read_text(encoding="utf-8"))
    )


def _says(cell: str, text: str) -> bool:
    # An ellipsis stands for a value of the user's.
    parts = cell.strip().replace("\\|", "|").split("…")
    return re.fullmatch(".*".join(map(re.escape, parts)), text) is not None


def test_every_switch_of_the_stand_ins_is_tried() -> None:
    tried = {(name, str(value)) for case in CASES for name, value in case.switches.items()}
    for name, switch in MAIL_SWITCHES.items():
        if name in NUMBERS | OTHERS:
            continue
        values = set(switch.accepts.split("|")) - HARMLESS
        if switch.accepts in ("on|off", "inherit|on|off"):
            assert (name, "False") in tried or (name, "off") in tried, name
        else:
            assert {(name, value) for value in values} <= tried, name


def test_every_code_of_the_tables_is_on_the_page() -> None:
    listed = {row["code"] for row in ROW.finditer(PAGE.read_text(encoding="utf-8"))}
    assert {f"aadsts-{one.number}" for one in KNOWN} <= listed
    assert {row.name for row in ROWS} <= listed


def test_the_healthy_chain_works_and_says_so(box: MailSandbox, verify: Verify) -> None:
    verification = verify()

    assert verification.proven == "works"
    assert verification.ok
    assert [one.name for one in verification.links] == [
        *("inputs", "dns", "token", "clock", "claims", "exchange"),
        *("smtp-tls", "smtp-auth", "message"),
    ]
    (message,) = box.messages
    assert message.marker in link(verification, "message").answered


def test_without_a_message_it_says_authenticated_and_nothing_is_sent(
    box: MailSandbox, verify: Verify
) -> None:
    verification = verify(send_to=None)

    assert verification.proven == "authenticated"
    assert verification.ok
    assert link(verification, "message").verdict is Verdict.SKIPPED
    assert box.messages == []


def test_links_after_a_failure_are_skipped_and_those_beside_it_are_not(
    box: MailSandbox, verify: Verify
) -> None:
    box.behaviour.entra = "secret_expired"

    verdicts = {one.name: one.verdict.value for one in verify().links}

    assert verdicts["token"] == "failed"
    assert verdicts["smtp-tls"] == "ok"
    skipped = ("clock", "claims", "exchange", "smtp-auth", "message")
    assert {verdicts[name] for name in skipped} == {"skipped"}


def test_a_clock_ten_minutes_off_is_named_as_such(box: MailSandbox, verify: Verify) -> None:
    box.behaviour.clock_skew_seconds = 600

    clock = link(verify(), "clock")

    assert clock.code == "clock-skew"
    assert "10 minutes behind" in clock.causes[0].what
    assert _is_listed("clock-skew", clock.causes[0])


@pytest.mark.parametrize("claims", ["v2", "healthy"])
def test_claims_of_both_versions_are_right(box: MailSandbox, verify: Verify, claims: str) -> None:
    box.behaviour.claims = claims
    assert verify().ok


def test_rbac_works_without_roles_and_warns_of_them(box: MailSandbox, verify: Verify) -> None:
    box.authorization = "app_rbac"
    assert verify(authorization=Authorization.APP_RBAC).ok

    box.authorization = "app_role"
    claims = link(verify(authorization=Authorization.APP_RBAC), "claims")
    assert (claims.verdict, claims.code) == (Verdict.WARNING, "claims-role-not-wanted")


def test_the_two_step_sign_in_and_a_challenge_are_understood(
    box: MailSandbox, verify: Verify
) -> None:
    box.behaviour.xoauth2_challenge = True
    box.behaviour.smtp_auth = "rejected"

    failed = first_failed(verify())

    assert failed.code == "smtp-535-5.7.3"
    assert '"status":"400"' in failed.answered


def test_it_costs_seven_answers(box: MailSandbox, verify: Verify) -> None:
    before = (box.requests, box.replies)
    assert verify(send_to=None).ok
    # Greeting, EHLO, STARTTLS, EHLO, AUTH, QUIT.
    assert (box.requests - before[0], box.replies - before[1]) == (1, 6)


def test_the_smtp_server_is_reached_while_entra_is_asked(
    verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = threading.Event()
    ask, reach = chain.request_token, chain.Submission.open

    def asked(*arguments: object, **more: object) -> object:
        # One after the other this would never come.
        assert reached.wait(20)
        return ask(*arguments, **more)  # type: ignore[arg-type]

    def opened(self: chain.Submission) -> object:
        link = reach(self)
        reached.set()
        return link

    monkeypatch.setattr(chain, "request_token", asked)
    monkeypatch.setattr(chain.Submission, "open", opened)
    assert verify().ok


def test_an_interruption_waits_for_nobody(verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, done = threading.Event(), threading.Event()
    reach = chain.Submission.open

    def opened(self: chain.Submission) -> object:
        go_on.wait(20)
        link = reach(self)
        self.close()
        done.set()
        return link

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(chain.Submission, "open", opened)
    monkeypatch.setattr(chain, "request_token", interrupted)
    with pytest.raises(KeyboardInterrupt):
        verify()
    # The stand-ins must not end while somebody talks to them.
    go_on.set()
    assert done.wait(20)


def _certificate_error(number: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError("refused")
    error.verify_code = number
    return error


WIRE: dict[str, BaseException] = {
    "dns": socket.gaierror("no such name"),
    "unreachable": ConnectTimeout(),
    "refused": ConnectionRefusedError(),
    "silent": TimeoutError(),
    "cut": ConnectionResetError(),
    "tls": ssl.SSLError("no common version"),
    **{
        f"tls-{kind}": _certificate_error(number)
        for kind, number in (("name", 62), ("date", 10), ("authority", 19), ("certificate", 26))
    },
}


@pytest.mark.parametrize("server", ["entra", "smtp"])
@pytest.mark.parametrize("kind", WIRE)
def test_every_way_to_get_no_answer_is_on_the_page(
    settings: MailSettings, network: Network, server: str, kind: str
) -> None:
    place = smtp_place(settings) if server == "smtp" else entra_place(settings, network=network)

    trouble = explain(WIRE[kind], place=place, too_slow=False, seconds=1)

    assert trouble.code == f"{server}-{kind}"
    assert _is_listed(trouble.code, trouble.causes[0])
    said = " ".join(cause.what + cause.fix for cause in trouble.causes)
    assert (server == "smtp") == ("587" in said) or kind not in ("refused", "tls")


def test_every_code_of_the_room_is_on_the_page() -> None:
    room = Path(chain.__file__).parent
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(room.glob("*.py")))
    codes = set(re.findall(r'"((?:claims|clock|exchange|inputs|message)-[a-z-]+)"', text))
    codes -= {"exchange-nothing", "exchange-unknown"}  # errors of files: no link
    assert len(codes) > 30
    page = PAGE.read_text(encoding="utf-8")
    assert {code for code in codes if f"`{code}`" not in page} == set()
