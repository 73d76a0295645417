"""What Azure's outputs say and what the file says become one, or an error that names both."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from config_root import COMMON, NOW, Root

from generator.azure.clouds import Cloud
from generator.azure.model import (
    AzureOutputs,
    ClientId,
    Consent,
    Notice,
    ServicePrincipalObjectId,
    Severity,
    Sourced,
    TenantId,
)
from generator.config import load
from generator.config.tree import NO_ENTRIES, Place, Section

TENANT = "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"
CLIENT = "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"
OBJECT = "5e7a1c9d-0b2f-4d6e-8a13-9f8e7d6c5b4a"
OTHER = "00000000-1111-4222-8333-444455556666"
BARE = (
    "instance: {url: https://acme-dev.service-now.com}\nemail_account: {user_name: a@b.example}\n"
)
NOTHING = Section(NO_ENTRIES, Place("environment.yaml", 1))
END = datetime(2027, 11, 20, 9, 15, tzinfo=UTC)


def outputs(**changes: object) -> AzureOutputs:
    told = AzureOutputs(
        tenant_id=Sourced(TenantId(TENANT), "azure.json", "tenant"),
        client_id=Sourced(ClientId(CLIENT), "azure.json", "appId"),
    )
    return replace(told, **changes)  # type: ignore[arg-type]


@pytest.fixture
def say(root: Root, monkeypatch: pytest.MonkeyPatch) -> object:
    """Replace what the outputs say; the file is there but not read."""
    root.write("dev/azure.json", "{}")
    calls: list[tuple[tuple[Path, ...], datetime, str | None]] = []

    def set_outputs(told: AzureOutputs) -> list[tuple[tuple[Path, ...], datetime, str | None]]:
        def read(
            files: tuple[Path, ...], *, now: datetime, expected_client_id: str | None
        ) -> AzureOutputs:
            calls.append((files, now, expected_client_id))
            return told

        monkeypatch.setattr(load, "read_azure_outputs", read)
        return calls

    return set_outputs


def test_outputs_are_read_from_the_default_file(root: Root) -> None:
    root.own(BARE)
    root.write("dev/azure.json", {"appId": CLIENT.upper(), "tenant": TENANT})
    loaded = root.load()
    assert (loaded.azure.tenant_id, loaded.azure.client_id) == (TENANT, CLIENT)
    assert loaded.azure.token_url == f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
    assert loaded.azure.secret_expires_on is None
    assert loaded.azure.service_principal_object_id is None


def test_a_real_output_of_terraform(root: Root, shared: Path) -> None:
    root.own(BARE)
    sample = json.loads((shared / "samples/azure/graph_application.json").read_text())
    principal = json.loads((shared / "samples/azure/graph_service_principal.json").read_text())
    root.own(f"{BARE}azure: {{outputs: [../app.json, sp.json], tenant_id: {TENANT}}}\n")
    root.write("app.json", sample)
    root.write("dev/sp.json", principal)
    loaded = root.load()
    assert loaded.azure.client_id == CLIENT
    assert loaded.azure.service_principal_object_id == OBJECT


def test_the_reader_is_told_the_client_and_the_clock(root: Root, say: object) -> None:
    calls = say(outputs())  # type: ignore[operator]
    root.put("azure.outputs", "[azure.json]").load()
    assert calls == [((root.path / "dev/azure.json",), NOW, CLIENT)]


def test_an_empty_list_reads_nothing(root: Root) -> None:
    root.write("dev/azure.json", "not json")
    assert root.put("azure.outputs", "[]").load().azure.client_id == CLIENT


@pytest.mark.parametrize("name", ["a" * 300, "../loop/azure.json"])
def test_a_name_that_cannot_be_looked_at_is_named_with_its_line(root: Root, name: str) -> None:
    (root.path / "loop").symlink_to("loop")
    fault = root.put("azure.outputs", f"[{name}]").fault()
    assert (fault.code, fault.line, fault.path) == ("missing-outputs", 6, "azure.outputs[0]")
    assert fault.next


def test_a_name_that_the_system_cannot_encode(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where file names are Latin-1 and the name is not."""

    def stat(path: Path, **_: object) -> None:
        raise UnicodeEncodeError("latin-1", path.name, 0, 1, "ordinal not in range")

    root.put("azure.outputs", "[файл.json]")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "stat", stat)
        _, (fault,) = load._output_files(("файл.json",), NOTHING, root.path)
    assert "no file system can name" in fault.message


def test_a_default_file_that_leads_nowhere_is_not_passed_over(root: Root) -> None:
    (root.path / "dev/azure.json").symlink_to("nowhere.json")
    assert root.fault().code == "file-missing"


def test_missing_files_are_named_with_their_line(root: Root) -> None:
    root.own(f"{BARE}azure:\n  outputs:\n    - a.json\n    - b.json\n")
    first, second = root.faults()
    assert (first.code, first.line, first.path) == ("missing-outputs", 5, "azure.outputs[0]")
    assert second.line == 6
    assert str(root.path / "dev") in first.message


def test_faults_of_outputs_and_file_come_together(root: Root) -> None:
    root.write("dev/azure.json", "not json")
    faults = root.put("azure.cloud", "mars").faults()
    assert [fault.file for fault in faults] == [
        str(root.path / "dev/environment.yaml"),
        str(root.path / "dev/azure.json"),
    ]


@pytest.mark.parametrize(
    ("key", "inline", "told"),
    [
        ("tenant_id", OTHER, {}),
        ("client_id", OTHER, {}),
        (
            "service_principal_object_id",
            OTHER,
            {
                "service_principal_object_id": Sourced(
                    ServicePrincipalObjectId(OBJECT), "azure.json", "id"
                )
            },
        ),
        ("cloud", "china", {"cloud": Sourced(Cloud.PUBLIC, "azure.json", "environmentName")}),
        ("secret_expires_on", "2027-11-21", {"secret_expires_on": Sourced(END, "azure.json", "x")}),
        (
            "secret_expires_on",
            "2027-11-20T09:15:02Z",
            {"secret_expires_on": Sourced(END, "azure.json", "x")},
        ),
    ],
)
def test_a_disagreement_names_both_places(
    root: Root, say: object, key: str, inline: str, told: dict[str, object]
) -> None:
    say(outputs(**told))  # type: ignore[operator]
    fault = root.put(f"azure.{key}", inline).fault()
    assert (fault.code, fault.path, fault.line) == ("azure-disagrees", f"azure.{key}", 6)
    assert fault.file == str(root.path / "dev/environment.yaml")
    assert "azure.json at " in fault.message


LOGIN = "https://login.microsoftonline.com"


@pytest.mark.parametrize(
    ("key", "inline", "told"),
    [
        ("login", "https://login.microsoftonline.us", {"login": LOGIN}),
        ("login", "https://login.private.example", {"login": LOGIN}),
        ("login", LOGIN, {"login": "https://login.private.example"}),
        ("login", "https://login.chinacloudapi.cn", {"login": LOGIN}),
    ],
)
def test_a_login_that_is_not_the_outputs_names_both_places(
    root: Root, say: object, key: str, inline: str, told: dict[str, str]
) -> None:
    told_ = {name: Sourced(value, "azure.json", "token_url") for name, value in told.items()}
    say(outputs(cloud=Sourced(Cloud.PUBLIC, "azure.json", "token_url"), **told_))  # type: ignore[operator]
    fault = root.put("azure.endpoints", f"{{{key}: {inline}}}").fault()
    assert (fault.code, fault.path) == ("azure-disagrees", f"azure.endpoints.{key}")
    assert (fault.file, fault.line) == (str(root.path / "dev/environment.yaml"), 6)
    assert "azure.json at token_url" in fault.message


def test_two_login_hosts_of_one_cloud_agree(root: Root, say: object) -> None:
    login = "https://login.chinacloudapi.cn"
    say(  # type: ignore[operator]
        outputs(
            cloud=Sourced(Cloud.CHINA, "azure.json", "x"), login=Sourced(login, "azure.json", "x")
        )
    )
    other = "https://login.partner.microsoftonline.cn"
    assert root.put("azure.endpoints", f"{{login: {other}}}").load().azure.login == other


@pytest.mark.parametrize("cloud", ["public", "china"])
def test_a_cloud_that_the_outputs_cannot_mean(root: Root, cloud: str) -> None:
    """The US government's login host tells two clouds, and neither is this one."""
    url = f"https://login.microsoftonline.us/{TENANT}/oauth2/v2.0/token"
    root.write("dev/azure.json", {"token_url": url, "client_id": CLIENT})
    fault = root.put("azure.cloud", cloud).fault()
    assert (fault.code, fault.path) == ("azure-disagrees", "azure.cloud")
    assert "azure.json at token_url" in fault.message
    assert root.put("azure.cloud", "dod").load().azure.cloud is Cloud.DOD


@pytest.mark.parametrize(
    "inline", ["2027-11-20", "2027-11-20T09:15:00.5Z", "2027-11-20T10:15+01:00"]
)
def test_an_agreeing_end_takes_the_outputs_moment(root: Root, say: object, inline: str) -> None:
    say(outputs(secret_expires_on=Sourced(END, "azure.json", "x")))  # type: ignore[operator]
    assert root.put("azure.secret_expires_on", inline).load().azure.secret_expires_on == END


def test_agreeing_values(root: Root, say: object) -> None:
    say(outputs(cloud=Sourced(Cloud.CHINA, "azure.json", "x")))  # type: ignore[operator]
    loaded = root.put("azure.cloud", "china").load()
    assert loaded.azure.login == "https://login.partner.microsoftonline.cn"
    assert loaded.email_account.server == "smtp.partner.outlook.cn"


def test_the_cloud_of_the_outputs(root: Root, say: object) -> None:
    say(outputs(cloud=Sourced(Cloud.GCC_HIGH, "azure.json", "x")))  # type: ignore[operator]
    assert root.load().azure.cloud is Cloud.GCC_HIGH
    root.put("azure.endpoints", "{smtp: mail.example.us}")
    loaded = root.load()
    assert loaded.azure.smtp == loaded.email_account.server == "mail.example.us"
    assert loaded.azure.login == "https://login.microsoftonline.us"


def test_nothing_says_who(root: Root) -> None:
    tenant, client = root.own(BARE).faults()
    assert (tenant.path, client.path) == ("azure.tenant_id", "azure.client_id")
    assert tenant.line is None
    assert "azure.json" in str(client.next)


def notice(concerns: str | None, severity: Severity = Severity.ERROR) -> Notice:
    return Notice("told", severity, "something", "azure.json", "x", "do it", concerns)


@pytest.mark.parametrize("concerns", [None, "secret_expires_on"])
def test_an_error_about_what_is_used_stops(root: Root, say: object, concerns: str | None) -> None:
    say(outputs(notices=(notice(concerns),)))  # type: ignore[operator]
    fault = root.fault()
    assert (fault.code, fault.file, fault.path, fault.next) == ("told", "azure.json", "x", "do it")


def test_an_error_about_what_is_not_used_becomes_a_warning(root: Root, say: object) -> None:
    say(outputs(notices=(notice("service_principal_object_id"), notice("consent"))))  # type: ignore[operator]
    assert [told.severity for told in root.load().notices] == [Severity.WARNING] * 2


def test_an_error_that_the_file_answers_becomes_a_warning(root: Root, say: object) -> None:
    say(outputs(notices=(notice("secret_expires_on"), notice("x", Severity.NOTE))))  # type: ignore[operator]
    loaded = root.put("azure.secret_expires_on", "2029-01-01").load()
    assert [told.severity for told in loaded.notices] == [Severity.WARNING, Severity.NOTE]


def test_consent_does_not_matter_to_app_rbac(root: Root, say: object) -> None:
    say(outputs(notices=(notice("consent", Severity.WARNING), notice("x", Severity.NOTE))))  # type: ignore[operator]
    assert len(root.load().notices) == 2
    assert len(root.put("azure.authorization", "app_rbac").load().notices) == 1


@pytest.mark.parametrize(
    ("consent", "code", "words"),
    [
        (Consent.GRANTED, "role-with-app-rbac", "has the app role"),
        (Consent.CONFIGURED_ONLY, "role-requested-with-app-rbac", "once it is consented to"),
        (Consent.UNKNOWN, "role-requested-with-app-rbac", "once it is consented to"),
    ],
)
def test_the_role_of_the_other_model_is_warned_of(
    root: Root, say: object, consent: Consent, code: str, words: str
) -> None:
    say(outputs(consent=Sourced(consent, "azure.json", "appRoleId")))  # type: ignore[operator]
    assert root.load().notices == ()
    (told,) = root.put("azure.authorization", "app_rbac").load().notices
    assert (told.code, told.severity) == (code, Severity.WARNING)
    assert (told.file, told.path) == ("azure.json", "appRoleId")
    assert words in told.message
    assert "Exchange then also checks mailbox permissions" in told.message
    assert "app_role" in str(told.next)


@pytest.mark.parametrize("severity", [Severity.NOTE, Severity.WARNING])
def test_a_cloud_that_cannot_be_told_is_asked_for(
    root: Root, say: object, severity: Severity
) -> None:
    say(outputs(notices=(notice("cloud", severity),)))  # type: ignore[operator]
    assert root.fault().code == "told"
    assert root.put("azure.cloud", "dod").load().azure.smtp == "outlook-dod.office365.us"
    root.put(
        "azure.endpoints",
        "{login: https://a.example, scope: https://b.example/.default, smtp: c.example}",
    )
    assert root.load().azure.login == "https://a.example"
    say(outputs(cloud=Sourced(Cloud.DOD, "a", "b"), notices=(notice("cloud", severity),)))  # type: ignore[operator]
    assert root.put("author", "me").load().azure.cloud is Cloud.DOD


@pytest.mark.parametrize(
    ("end", "code", "words"),
    [
        ("2026-11-23T12:00:00Z", "secret-expired", "ended 2026-11-23 12:00 UTC"),
        ("2020-01-01", "secret-expired", "ended"),
        ("2026-12-01", "secret-expiring", "within 14 days"),
        ("2027-01-20", "secret-expiring", "within 60 days"),
        ("2027-11-20", None, ""),
    ],
)
def test_an_inline_end_is_watched(root: Root, end: str, code: str | None, words: str) -> None:
    loaded = root.put("azure.secret_expires_on", end).load()
    assert [told.code for told in loaded.notices] == ([code] if code else [])
    assert all(words in told.message for told in loaded.notices)
    assert all(told.severity is Severity.WARNING for told in loaded.notices)


def test_the_outputs_watch_their_own_end(root: Root, say: object) -> None:
    early = datetime(2026, 12, 1, tzinfo=UTC)
    say(outputs(secret_expires_on=Sourced(early, "azure.json", "x")))  # type: ignore[operator]
    assert root.put("azure.secret_expires_on", "2026-12-01").load().notices == ()


def test_redirect_uris(root: Root, say: object) -> None:
    own = Sourced("https://acme-dev.service-now.com/oauth_redirect.do", "azure.json", "web[0]")
    other = Sourced("https://acme.service-now.com/oauth_redirect.do", "azure.json", "web[1]")
    say(outputs(redirect_uris=(other, own)))  # type: ignore[operator]
    assert root.load().notices == ()
    say(outputs(redirect_uris=(other,)))  # type: ignore[operator]
    (told,) = root.load().notices
    assert (told.code, told.severity) == ("redirect-uri-missing", Severity.WARNING)
    assert own.value in told.message
    root.common(COMMON.replace("xanadu", "mars"))
    assert root.fault().path == "release"
