"""A root on disk that tests fill with files and load from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from generator.config.environment import Environment
from generator.config.load import Loader, load_environment
from generator.errors import ConfigError, Fault

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
NAMES = (
    "oauth_entity",
    "oauth_entity_scope",
    "sys_email_account",
    "sys_scope_privilege.execute.GlideOAuthToken.getAccessToken",
)

COMMON = """\
release: xanadu
version: 1.0.0
app:
  name: Mail OAuth
  scope: x_acme_mail
  version: 1.0.0
email_account:
  name: Exchange Online SMTP
"""

OWN = """\
instance:
  url: https://acme-dev.service-now.com
email_account:
  user_name: servicenow@contoso.example
azure:
  tenant_id: 7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b
  client_id: 2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f
"""


class Root:
    """A root directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.write("common.yaml", COMMON)
        self.write("dev/environment.yaml", OWN)

    def write(self, name: str, content: str | bytes | Mapping[str, object]) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Mapping):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def common(self, content: str | bytes) -> Root:
        self.write("common.yaml", content)
        return self

    def own(self, content: str | bytes, name: str = "dev") -> Root:
        self.write(f"{name}/environment.yaml", content)
        return self

    def put(self, path: str, value: str) -> Root:
        """Add one `section.key: value` line to `environment.yaml`."""
        section, _, key = path.rpartition(".")
        if not section:
            return self.own(f"{OWN}{key}: {value}\n")
        head = f"{section}:\n"
        if head in OWN:
            lines = OWN.splitlines()
            kept = [line for line in lines if not line.startswith(f"  {key}:")]
            text = "\n".join(kept) + "\n"
            return self.own(text.replace(head, f"{head}  {key}: {value}\n"))
        return self.own(f"{OWN}{head}  {key}: {value}\n")

    def load(self, name: str = "dev", variables: Mapping[str, str] | None = None) -> Environment:
        return load_environment(
            self.path, name, variables=variables or {}, now=NOW, logical_names=NAMES
        )

    def loader(self, variables: Mapping[str, str] | None = None) -> Loader:
        return Loader(self.path, variables=variables or {}, now=NOW, logical_names=NAMES)

    def faults(
        self, name: str = "dev", variables: Mapping[str, str] | None = None
    ) -> tuple[Fault, ...]:
        with pytest.raises(ConfigError) as caught:
            self.load(name, variables)
        return caught.value.faults

    def fault(self, name: str = "dev", variables: Mapping[str, str] | None = None) -> Fault:
        (fault,) = self.faults(name, variables)
        return fault
