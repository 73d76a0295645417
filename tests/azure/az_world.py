"""A machine with a stand-in for az on it, and the tenant behind: for tests that run the script."""

from __future__ import annotations

import json
import re
import secrets
import string
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from azure_script_world import NOW

from generator.azure.clouds import GRAPH, Cloud
from generator.azure.model import AzureOutputs
from generator.azure.read import read_azure_outputs

TENANT = "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"
EXCHANGE = {
    "id": "1a2b3c4d-5e6f-4708-9a1b-2c3d4e5f6071",
    "appId": "00000002-0000-0ff1-ce00-000000000000",
    "appRoles": [
        {"id": "5e5addcd-3e8d-4e90-baf5-964efab2b20a", "value": "IMAP.AccessAsApp"},
        {"id": "7146a1f0-8703-45b3-9eae-527a64c00995", "value": "SMTP.SendAsApp"},
    ],
}
OLD = {
    "keyId": "11111111-2222-4333-8444-555555555555",
    "displayName": "servicenow-other-2026-01",
    "hint": "old",
    "startDateTime": "2026-01-01T00:00:00Z",
    "endDateTime": "2027-01-01T00:00:00Z",
}


def _canary() -> str:
    """A secret as Entra makes them, never written down anywhere."""
    letters = string.ascii_letters + string.digits + "~._-"
    return "Ca" + "n8" + "Q" + "~" + "".join(secrets.choice(letters) for _ in range(34))


@dataclass
class World:
    """A machine with az on it, and the tenant behind."""

    home: Path
    canary: str = field(default_factory=_canary)

    @property
    def out(self) -> Path:
        """Where the script is run."""
        return self.home / "out"

    @property
    def state(self) -> dict[str, object]:
        """The tenant."""
        return json.loads((self.home / "state.json").read_text(encoding="utf-8"))

    def change(self, **values: object) -> None:
        """Change the tenant."""
        text = json.dumps({**self.state, **values})
        (self.home / "state.json").write_text(text, encoding="utf-8")

    @property
    def calls(self) -> list[list[str]]:
        """Every call of az so far."""
        log = self.home / "log"
        if not log.exists():
            return []
        return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]

    def writes(self) -> list[str]:
        """The calls that change the tenant or the vault, by their words."""
        changing = re.compile(
            r"^(rest --method POST|ad (app|sp) (create|update|delete)|ad app permission add|"
            r"ad app credential (reset|delete)|keyvault secret set|cloud set|login)"
        )
        found = (changing.match(" ".join(call)) for call in self.calls)
        return [match[0] for match in found if match]

    def forget(self) -> None:
        """Forget the calls."""
        (self.home / "log").unlink(missing_ok=True)

    def run(
        self, script: str, *options: str, answer: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        path = self.home / "azure.sh"
        path.write_text(script, encoding="utf-8")
        environment = {
            "PATH": f"{self.home / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.home / "me"),
            "LC_ALL": "C.UTF-8",
            "FAKE_AZ_STATE": str(self.home / "state.json"),
            "FAKE_AZ_LOG": str(self.home / "log"),
            "FAKE_AZ_SECRET": self.canary,
            "SN_SMTP_PAUSE": "0",
            **variables,
        }
        done = subprocess.run(
            ["bash", str(path), *options],
            cwd=self.out,
            env=environment,
            input=answer,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert self.canary not in done.stdout + done.stderr
        assert self.canary not in (self.home / "log").read_text("utf-8") if self.calls else True
        return done

    def ok(self, script: str, *options: str, **variables: str) -> str:
        """Run it without questions; what it said."""
        done = self.run(script, *(options or ("--yes",)), **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""
        return done.stdout

    def stopped(self, script: str, *options: str, **variables: str) -> str:
        """Run it to where it stops; why."""
        done = self.run(script, *(options or ("--yes",)), **variables)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "stopped while: " in done.stderr
        return done.stderr

    def outputs(self) -> AzureOutputs:
        """What `sn-smtp azure read` makes of the file."""
        return read_azure_outputs([self.out / "azure-dev.json"], now=NOW)


def make_world(directory: Path) -> World:
    """A tenant with Exchange and no application of ours."""
    (directory / "bin").mkdir()
    (directory / "out").mkdir()
    (directory / "me").mkdir()
    az = directory / "bin" / "az"
    source = Path(__file__).with_name("fake_az.py").read_text(encoding="utf-8")
    az.write_text(f"#!{sys.executable} -IS\n{source}", encoding="utf-8")
    az.chmod(0o755)
    state = {
        "cloud": "AzureCloud",
        "graph": GRAPH[Cloud.PUBLIC],
        "tenant": TENANT,
        "signed_in": True,
        "apps": [],
        "sps": [EXCHANGE],
        "grants": [],
    }
    (directory / "state.json").write_text(json.dumps(state), encoding="utf-8")
    return World(directory)
