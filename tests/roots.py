"""What the tests of the whole chain share: a root as a user writes it, and the command on it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from generator.cli.main import run
from generator.errors import ExitCode

REPOSITORY = Path(__file__).resolve().parent.parent
EPOCH = 1795435200
"""2026-11-23 12:00:00 UTC."""

DAY = 86_400

COMMON = """\
release: xanadu
version: 1.0.0
app: {name: Mail OAuth, scope: x_acme_mail, version: 1.0.0, vendor: Acme}
email_account: {name: Exchange Online SMTP, user_name: servicenow@contoso.example}
azure:
  tenant_id: 7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b
  client_id: 2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f
  secret_expires_on: 2027-11-20
"""


def write_root(root: Path, environments: Mapping[str, str], *, common: str = COMMON) -> Path:
    """A root with these environment files; `instance` is added where it is not written."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "common.yaml").write_text(common, encoding="utf-8")
    for name, text in environments.items():
        write_environment(root, name, text)
    return root


def write_environment(root: Path, name: str, text: str) -> None:
    """One environment file."""
    (root / name).mkdir(exist_ok=True)
    if "instance" not in text:
        text = f"instance: {{url: https://acme-{name.lower()}.example.com}}\n{text}"
    (root / name / "environment.yaml").write_text(text, encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command came to."""

    code: ExitCode
    out: str
    err: str

    @property
    def said(self) -> str:
        """Everything."""
        return self.out + self.err


class Command:
    """`sn-smtp` in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._patch = patch

    def __call__(self, *arguments: str | Path, epoch: int = EPOCH) -> Answer:
        self._patch.setenv("SOURCE_DATE_EPOCH", str(epoch))
        self._capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = self._capsys.readouterr()
        return Answer(code, captured.out, captured.err)


def child(
    *arguments: str, before: str = "", variables: Mapping[str, str] | None = None, **options: object
) -> subprocess.CompletedProcess[bytes]:
    """`sn-smtp` in a process of its own, after some lines of Python."""
    program = f"{before}\nfrom generator.cli import main\nmain()\n"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "SOURCE_DATE_EPOCH": str(EPOCH), **(variables or {})},
        capture_output=True,
        check=False,
        timeout=120,
        cwd=REPOSITORY,
        **options,  # type: ignore[call-overload]
    )
