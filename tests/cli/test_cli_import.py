"""`sn-smtp import`, `back-out`, `secret deliver` and `instance status` as they are called."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from cli_calls import Call, Conforms, Said

from generator.cli import instance_call
from generator.clock import SteppedClock, read_clock
from generator.instance.http_instance import HttpInstance
from generator.sandbox.instance import Sandbox
from generator.sandbox.switches import PlannedProblem

INSTANCE = """\
instance:
  url: https://acme-{name}.service-now.example
  production: false
  auth: {{method: basic, user: admin, password_from: "env:SN_SMTP_TEST_PASSWORD"}}
email_account: {{user_name: servicenow-{name}@acme.example}}
azure: {{client_secret_from: "env:SN_SMTP_TEST_SECRET"}}
"""

CLIENT = "cl" + "ient-s3cret-of-a-test"


@pytest.fixture
def sandbox(root: Path, sn_smtp: Call, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The environment dev rendered, and an instance for it in this process."""
    text = INSTANCE.format(name="dev")
    (root / "dev" / "environment.yaml").write_text(text, encoding="utf-8")
    assert sn_smtp("render", "dev", "--root", root).code == 0
    clock = SteppedClock(read_clock(os.environ))
    made = Sandbox(name="acme-dev", clock=clock)
    monkeypatch.setattr(instance_call, "make_clock", lambda: clock)
    monkeypatch.setattr(instance_call, "make_adapter", made.adapter)
    monkeypatch.setenv("SN_SMTP_TEST_PASSWORD", made.admin_password)
    monkeypatch.setenv("SN_SMTP_TEST_SECRET", CLIENT)
    monkeypatch.delenv("SN_SMTP_INSTANCE", raising=False)
    yield made
    assert not (root / "dev" / ".import").is_dir() or all(
        CLIENT not in path.read_text(encoding="utf-8")
        for path in (root / "dev" / ".import").glob("*.jsonl")
    )


def _import(sn_smtp: Call, root: Path, *options: str) -> Said:
    return sn_smtp("import", "dev", "--root", root, "--yes", *options)


def test_import_says_what_it_does(sn_smtp: Call, root: Path, sandbox: Sandbox) -> None:
    said = _import(sn_smtp, root, "-v")
    assert said.code == 0, said.err
    # The way there while it happens, what was proven as the result.
    for word in ("preflight", "upload", "preview", "commit", "confirm", "secret"):
        assert word in said.err
    for word in ("confirm", "secret", "committed"):
        assert word in said.out
    assert "preflight" not in said.out
    assert "delivered, not proven" in said.out
    assert "acme-dev" in said.out
    assert "insert" in said.err
    for hidden in (CLIENT, sandbox.admin_password):
        assert hidden not in said.out + said.err


def test_json_is_one_object_of_the_published_shape(
    sn_smtp: Call, root: Path, sandbox: Sandbox, conforms: Conforms
) -> None:
    first = conforms(_import(sn_smtp, root, "--json"), "import")
    assert first["ok"]
    assert first["result"]["requests"] <= 30
    assert len(first["result"]["changes"]) == 36
    second = conforms(_import(sn_smtp, root, "--json", "-q"), "import")
    assert second["result"]["requests"] <= 10
    status = conforms(
        sn_smtp("instance", "status", "dev", "--root", root, "--json"), "instance status"
    )
    assert {entry["state"] for entry in status["result"]["package"]} == {"committed"}
    deliver = conforms(
        sn_smtp("secret", "deliver", "dev", "--root", root, "--json"), "secret deliver"
    )
    assert deliver["result"]["secret"] == "delivered, not proven"
    back = conforms(sn_smtp("back-out", "dev", "--root", root, "--yes", "--json"), "back-out")
    assert any("--again" in note for note in back["result"]["notes"])


def test_a_failure_has_its_result_too(
    sn_smtp: Call, root: Path, sandbox: Sandbox, conforms: Conforms
) -> None:
    sandbox.behaviour.fail_records = ("sys_user_role_*",)
    envelope = conforms(_import(sn_smtp, root, "--json"), "import")
    assert envelope["exit_code"] == 6
    assert [entry["table"] for entry in envelope["result"]["differences"]] == ["sys_user_role"]
    assert envelope["errors"][0]["next"]


def test_status_fits_on_a_screen(sn_smtp: Call, root: Path, sandbox: Sandbox) -> None:
    before = sn_smtp("instance", "status", "dev", "--root", root)
    assert "not there" in before.out
    _import(sn_smtp, root)
    after = sn_smtp("instance", "status", "dev", "--root", root)
    assert (after.code, after.out.count("\n") < 30) == (0, True)
    assert "committed" in after.out
    assert "client secret" in after.out


def test_without_a_terminal_a_question_is_refused(
    sn_smtp: Call, root: Path, sandbox: Sandbox
) -> None:
    for command in ("import", "back-out"):
        said = sn_smtp(command, "dev", "--root", root)
        assert said.code == 2
        assert "--yes" in said.err
    assert not sandbox.log
    assert sn_smtp("import", "dev", "--root", root, "--dry-run").code == 0
    assert sn_smtp("import", "dev", "--root", root, "--preview-only").code == 0


@pytest.mark.parametrize(
    "options",
    [
        ("--accept", "colision:oauth_entity"),
        ("--accept", "collision"),
        ("--skip", "collision:*"),
        ("--skip", "collision:oauth_entity:123"),
        ("--allow-delete", "Sys App"),
        ("--dry-run", "--preview-only"),
        ("--instance", "https://elsewhere.example"),
        ("--instance", "http://acme-dev.service-now.example"),
        ("--change", "CHG1^x"),
    ],
)
def test_a_wrong_call_is_refused(
    sn_smtp: Call, root: Path, sandbox: Sandbox, options: tuple[str, ...]
) -> None:
    if "--change" in options:
        text = (root / "dev" / "environment.yaml").read_text(encoding="utf-8")
        gate = text.replace("production: false", "production: true\n  change_gate: true")
        (root / "dev" / "environment.yaml").write_text(gate, encoding="utf-8")
    said = _import(sn_smtp, root, *options)
    assert said.code == 2, said.err
    assert "next:" in said.err
    assert sandbox.database.count("sys_remote_update_set") == 0


def test_a_rule_and_a_deletion_are_taken(sn_smtp: Call, root: Path, sandbox: Sandbox) -> None:
    said = _import(
        sn_smtp,
        root,
        *("--accept", "collision:oauth_entity", "--skip", f"other:sys_app:{'0' * 32}"),
        *("--allow-delete", "sys_properties"),
    )
    assert said.code == 0, said.err


def test_a_stale_or_faulty_package_stops(sn_smtp: Call, root: Path, sandbox: Sandbox) -> None:
    path = root / "dev" / "environment.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("servicenow-dev@", "other@"), encoding="utf-8")
    said = _import(sn_smtp, root)
    assert said.code == 7
    assert "would be rendered now" in said.err
    path.write_text(text, encoding="utf-8")
    (root / "dev" / "SUMMARY.md").write_text("edited", encoding="utf-8")
    assert _import(sn_smtp, root).code == 7


def test_a_missing_secret_stops_before_anything_is_sent(
    sn_smtp: Call, root: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SN_SMTP_TEST_SECRET")
    said = _import(sn_smtp, root)
    assert said.code == 2
    assert "azure.client_secret_from" in said.err
    assert sandbox.database.count("sys_remote_update_set") == 0


def test_a_question_is_asked_where_there_is_a_terminal(
    sn_smtp: Call, root: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def confirm(question: str, **options: object) -> bool:
        asked.append(question)
        return False

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.confirm", confirm)
    said = sn_smtp("import", "dev", "--root", root)
    assert said.code == 7
    assert "acme-dev" in asked[0]
    assert "removed again" in said.err


def test_a_journal_is_kept_and_resumed(sn_smtp: Call, root: Path, sandbox: Sandbox) -> None:
    _import(sn_smtp, root)
    (journal,) = (root / "dev" / ".import").glob("*.jsonl")
    events = [json.loads(line)["event"] for line in journal.read_text("utf-8").splitlines()]
    assert events[0] == "started"
    assert events[-1] == "delivered"
    assert {"uploading", "loaded", "previewing", "committing", "confirmed"} <= {*events}
    assert _import(sn_smtp, root, "--resume").code == 0


def _stopping(error: BaseException) -> Callable[..., None]:
    def stop(*_: object, **__: object) -> None:
        raise error

    return stop


@pytest.mark.parametrize(
    ("method", "says"),
    [
        ("check_awake", "nothing was changed"),
        ("commit", "a commit that was begun goes on"),
        ("preview", "a preview that was begun goes on"),
        ("upload", "during the step upload"),
    ],
)
def test_an_interruption_says_what_is_under_way(
    sn_smtp: Call,
    root: Path,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    says: str,
) -> None:
    monkeypatch.setattr(HttpInstance, method, _stopping(KeyboardInterrupt()))
    said = _import(sn_smtp, root)
    assert said.code == 130
    assert says in said.err
    again = f"run sn-smtp import dev --root {root} --resume"
    assert (again in said.err) is (method != "check_awake")
    assert "not put in place" not in said.err
    # What was done until then is told as ever.
    assert "requests" in said.out


def test_an_interruption_between_two_steps_is_told(
    sn_smtp: Call, root: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, conforms: Conforms
) -> None:
    monkeypatch.setattr(HttpInstance, "write_secret", _stopping(KeyboardInterrupt()))
    envelope = conforms(_import(sn_smtp, root, "--json"), "import")
    assert (envelope["exit_code"], envelope["ok"]) == (130, False)
    assert "whether the secret was delivered" in envelope["errors"][0]["message"]
    assert envelope["result"]["steps"][-1]["outcome"] == "failed"
    deliver = sn_smtp("secret", "deliver", "dev", "--root", root)
    assert (deliver.code, "run it again" in deliver.err) == (130, True)
    monkeypatch.setattr(HttpInstance, "back_out", _stopping(KeyboardInterrupt()))
    back = sn_smtp("back-out", "dev", "--root", root, "--yes")
    assert (back.code, "a back out that was begun goes on" in back.err) == (130, True)
    assert "instance status" in back.err
    monkeypatch.setattr(HttpInstance, "read", _stopping(KeyboardInterrupt()))
    dry = sn_smtp("import", "dev", "--root", root, "--dry-run")
    assert (dry.code, "nothing was changed" in dry.err) == (130, True)


def test_whoever_breaks_off_at_the_question_has_said_no(
    sn_smtp: Call, root: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.confirm", _stopping(click.Abort()))
    said = sn_smtp("import", "dev", "--root", root)
    assert said.code == 7
    assert "removed again" in said.err
    assert sandbox.database.count("sys_remote_update_set") == 0


def test_a_bug_keeps_the_report(
    sn_smtp: Call, root: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpInstance, "commit", _stopping(ZeroDivisionError("hidden")))
    said = _import(sn_smtp, root)
    assert said.code == 1
    assert "This is a bug: ZeroDivisionError" in said.err
    assert "commit" in said.err
    assert "requests" in said.out
    assert "hidden" not in said.out + said.err
    full = OSError(28, "No space left on device")
    monkeypatch.setattr(HttpInstance, "commit", _stopping(full))
    said = _import(sn_smtp, root)
    assert (said.code, "The operating system said no" in said.err) == (1, True)
    assert "requests" in said.out


def test_many_faults_of_one_kind_are_told_once(
    sn_smtp: Call, root: Path, sandbox: Sandbox, conforms: Conforms
) -> None:
    sandbox.behaviour.fail_records = ("*",)
    said = _import(sn_smtp, root)
    assert said.code == 6
    assert said.out.count("  differs: ") > 20
    assert said.err.count("error:") < 5
    assert said.err.count("did not arrive as the package says") == 1
    envelope = conforms(_import(sn_smtp, root, "--json"), "import")
    assert len(envelope["errors"]) > 20


def test_a_preview_alone_prints_what_it_found(sn_smtp: Call, root: Path, sandbox: Sandbox) -> None:
    said = _import(sn_smtp, root, "--preview-only", "-q")
    assert (said.code, said.err) == (0, "")
    assert said.out.count("  change: insert ") == 36
    told = _import(sn_smtp, root, "--preview-only")
    # On a terminal both are seen; once is enough.
    assert "oauth_entity_" in told.out
    assert "oauth_entity_" not in told.err
    sandbox.behaviour.preview_problems = (
        PlannedProblem("error", "*", "Found a local update that is newer than this one"),
    )
    open_ = _import(sn_smtp, root, "--preview-only", "-q")
    assert open_.code == 4
    assert open_.out.count("  problem: open collision (error)") == 36
    assert "  problems [global + app]: 36 open problems\n" in open_.out


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ("", "instance.auth.password_from"),
        (
            '  upload_auth: {method: basic, user: me, password_from: "env:SN_SMTP_TEST_OTHER"}\n',
            "instance.upload_auth.password_from",
        ),
    ],
)
def test_a_password_that_is_missing_is_told_by_its_key(
    sn_smtp: Call,
    root: Path,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    more: str,
    key: str,
) -> None:
    path = root / "dev" / "environment.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("email_account:", f"{more}email_account:", 1), encoding="utf-8")
    monkeypatch.delenv("SN_SMTP_TEST_OTHER", raising=False)
    if not more:
        monkeypatch.delenv("SN_SMTP_TEST_PASSWORD")
    said = _import(sn_smtp, root)
    assert said.code == 2
    assert key in said.err
