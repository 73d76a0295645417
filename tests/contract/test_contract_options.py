"""The suite against an instance by URL: it reads only, and tells no secret."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

pytest.importorskip("werkzeug", reason="the sandbox needs the extra `sandbox`")

from generator.sandbox.instance import Sandbox

READS = {"GET"}
SIGNS_IN = {
    "/angular.do",
    "/login.do",
    "/oauth_token.do",
    "/xmlhttp.do",
    "/api/now/v1/batch",
}
"""What is posted without changing anything."""


INFERRED = (
    "upload_order=lenient",
    "reupload=upsert",
    "upload_reply=302",
    "cicd_gate=allow",
    "data_rows=ignored",
    "cascade=off",
    "progress_extra_ids=off",
    "basic_opens_ui=on",
    "plugin_tables=open",
    "slow_polls=3",
)
"""Where sources disagree or nobody knows: each switch the other way."""


@pytest.fixture
def sandbox(target: object, request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Another sandbox, that is asked like an instance."""
    if request.config.getoption("--instance", default=None):
        pytest.skip("a suite that asks an instance does not start another one")
    with Sandbox() as made:
        yield made


def _suite(
    sandbox: Sandbox, repository: Path, *options: str, url: str = "", password: str | None = None
) -> subprocess.CompletedProcess[str]:
    given = sandbox.admin_password if password is None else password
    variables = {"SN_SMTP_USER": sandbox.admin_user, "SN_SMTP_PASSWORD": given}
    return _run(repository, f"--instance={url or sandbox.url}", *options, variables=variables)


def _run(
    repository: Path, *options: str, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly"),
            *("tests/contract", *options),
            *("--deselect", "tests/contract/test_contract_options.py"),
        ],
        cwd=repository,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_write_nothing_changes(sandbox: Sandbox, repository: Path, tmp_path: Path) -> None:
    before = {table: sandbox.database.count(table) for table in ("sys_update_xml", "sys_metadata")}
    report = tmp_path / "answers.md"

    done = _suite(sandbox, repository, f"--report={report}", "-rs", "--showlocals")

    assert done.returncode == 0, done.stdout
    assert "changes something on the instance: needs --write" in done.stdout
    sent = {(seen.method, seen.path) for seen in sandbox.wire.seen}
    assert {path for method, path in sent if method not in READS} <= SIGNS_IN
    assert {table: sandbox.database.count(table) for table in before} == before
    page = report.read_text(encoding="utf-8")
    assert "| C2 |" in page
    assert "| not asked: changes something on the instance: needs --write |" in page
    for text in (done.stdout, done.stderr, page):
        is_told = sandbox.admin_password in text
        assert not is_told


def test_a_wrong_password_is_not_told_either(sandbox: Sandbox, repository: Path) -> None:
    planted = "wr" + "ong-" + os.urandom(8).hex()
    done = _suite(sandbox, repository, "--showlocals", "-x", password=planted)
    assert done.returncode != 0
    is_told = planted in done.stdout + done.stderr
    assert not is_told


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://dev1.example", "--instance wants https://HOST"),
        ("https://dev1.example/path", "without user, path and query"),
    ],
)
def test_another_address_is_refused(
    sandbox: Sandbox, repository: Path, url: str, said: str
) -> None:
    done = _suite(sandbox, repository, url=url)
    assert done.returncode != 0
    assert said in done.stdout + done.stderr


def test_a_sandbox_that_calls_itself_production_is_not_written(
    sandbox: Sandbox, repository: Path
) -> None:
    sandbox.behaviour.production = "true"
    done = _suite(sandbox, repository, "--write", "-rs")
    assert done.returncode == 0, done.stdout
    assert "does not read `false`: nothing is written here" in done.stdout
    sent = {(seen.method, seen.path) for seen in sandbox.wire.seen}
    assert {path for method, path in sent if method not in READS} <= SIGNS_IN


@pytest.mark.slow
def test_nothing_is_asserted_that_is_only_inferred(
    request: pytest.FixtureRequest, repository: Path
) -> None:
    """With every inference of ours turned round the suite still holds; only answers differ."""
    if request.config.getoption("--instance", default=None):
        pytest.skip("a suite that asks an instance does not start a sandbox")
    done = _run(repository, *(f"--switch={switch}" for switch in INFERRED), variables={})
    assert done.returncode == 0, done.stdout
    assert "the set is there, loaded, 1 update(s)\nC6" in done.stdout.replace("     ", ""), "C5"
