"""What the tests share: where reference material lies, and an environment to render."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from roots import Command

from generator.azure.clouds import ENDPOINTS, Cloud, token_endpoint
from generator.azure.model import ClientId, TenantId
from generator.config.environment import (
    App,
    Authorization,
    AzureSettings,
    ConnectionSecurity,
    EmailAccountSettings,
    Environment,
    Layout,
    OAuthSettings,
    Release,
)

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = REPOSITORY.parent / "shared"

TENANT = TenantId("7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b")
CLIENT = ClientId("2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f")


@pytest.fixture(autouse=True)
def _quiet_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on who runs it, where and when."""
    for name in ("SN_SMTP_ROOT", "SN_SMTP_TEMPLATES", "SOURCE_DATE_EPOCH", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """Reference material beside the checkout: real exports, real inputs, checkers."""
    if not SHARED.is_dir():
        pytest.skip("the reference material (../shared) is not beside this checkout")
    return SHARED


@pytest.fixture
def now() -> datetime:
    """A fixed moment."""
    return datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def environment(tmp_path: Path) -> Callable[..., Environment]:
    """Build an understood environment; `section__field=` replaces a nested value."""

    def make(name: str = "dev", **changes: object) -> Environment:
        directory = tmp_path / name
        directory.mkdir(exist_ok=True)
        endpoints = ENDPOINTS[Cloud.PUBLIC]
        made = Environment(
            name=name,
            directory=directory,
            release=Release.XANADU,
            version="1.0.0",
            integration="smtp",
            deletions=False,
            layout=Layout.BATCH,
            author="admin",
            app=App(name="Mail OAuth", scope="x_acme_mail", version="1.0.0", vendor=""),
            instance_url="https://acme-dev.service-now.com",
            azure=AzureSettings(
                tenant_id=TENANT,
                client_id=CLIENT,
                service_principal_object_id=None,
                cloud=Cloud.PUBLIC,
                login=endpoints.login,
                scope=endpoints.scope,
                smtp=endpoints.smtp,
                token_url=token_endpoint(endpoints.login, TENANT),
                authorization=Authorization.APP_ROLE,
                secret_expires_on=datetime(2027, 11, 20, 9, 15, tzinfo=UTC),
                client_secret_from=None,
            ),
            oauth=OAuthSettings(name="Exchange Online SMTP", comments=""),
            email_account=EmailAccountSettings(
                name="Exchange Online SMTP",
                user_name="servicenow@contoso.example",
                from_address="",
                label="",
                server=endpoints.smtp,
                port=587,
                connection_security=ConnectionSecurity.STARTTLS,
                live=False,
                enable_debug_output=False,
            ),
            sys_ids={},
            notices=(),
        )
        nested: dict[str, dict[str, object]] = {}
        plain: dict[str, object] = {}
        for key, value in changes.items():
            section, _, field = key.partition("__")
            if field:
                nested.setdefault(section, {})[field] = value
            else:
                plain[key] = value
        for section, values in nested.items():
            plain[section] = dataclasses.replace(getattr(made, section), **values)
        return dataclasses.replace(made, **plain)

    return make


def pytest_configure() -> None:
    """Child processes started by tests take part in the measurement of coverage."""
    os.environ.setdefault("COVERAGE_PROCESS_START", str(REPOSITORY / "pyproject.toml"))


@pytest.fixture
def sn_smtp(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, run in this process at a fixed moment."""
    return Command(capsys, monkeypatch)
