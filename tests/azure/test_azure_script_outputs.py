"""What each kind of script hands back is what `sn-smtp azure read` and `verify` understand."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import hcl2
import pytest
from azure_script_world import NOW, VAULT, Make, nodes, rendered, setup_of

from generator.azure.model import AzureOutputs, Consent, Severity
from generator.azure.setup_render import Format
from generator.config.environment import Authorization
from generator.mail.exchange_exports import read_exports

Read = Callable[..., AzureOutputs]
A, B = Authorization.APP_ROLE, Authorization.APP_RBAC
VALUES: dict[str, object] = {
    "tenant_id": "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b",
    "client_id": "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f",
    "application_object_id": "c0ffee00-1111-4222-8333-444455556666",
    "service_principal_object_id": "5e7a1c9d-0b2f-4d6e-8a13-9f8e7d6c5b4a",
    "token_url": (
        "https://login.microsoftonline.com/7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b/oauth2/v2.0/token"
    ),
    "client_secret_key_id": "9d0c1b2a-3e4f-4567-89ab-cdef01234567",
    "client_secret_hint": "FAK",
    "client_secret_start_date": "2026-11-23T12:00:00Z",
    "client_secret_end_date": "2027-05-22T00:00:00Z",
    "redirect_uris": ["https://acme-dev.service-now.com/oauth_redirect.do"],
    "app_role_assignments": [
        {
            "app_role_id": "7146a1f0-8703-45b3-9eae-527a64c00995",
            "principal_id": "5e7a1c9d-0b2f-4d6e-8a13-9f8e7d6c5b4a",
            "resource_id": "1a2b3c4d-5e6f-4708-9a1b-2c3d4e5f6071",
        }
    ],
}


def _understood(outputs: AzureOutputs, names: set[str]) -> None:
    """Every value under one of the names was read, and nothing was complained about."""
    plain = {
        "tenant_id": outputs.tenant_id,
        "client_id": outputs.client_id,
        "application_object_id": outputs.application_object_id,
        "service_principal_object_id": outputs.service_principal_object_id,
        "token_url": outputs.token_endpoint,
        "client_secret_key_id": outputs.secret_key_id,
        "client_secret_hint": outputs.secret_hint,
    }
    for name in names & plain.keys():
        found = plain[name]
        assert found is not None, name
        assert found.value == VALUES[name], name
    if "client_secret_end_date" in names:
        assert outputs.secret_expires_on
        assert (
            f"{outputs.secret_expires_on.value:%Y-%m-%dT%H:%M:%SZ}"
            == (VALUES["client_secret_end_date"])
        )
    if "app_role_assignments" in names:
        assert outputs.consent
        assert outputs.consent.value is Consent.GRANTED
    assert [uri.value for uri in outputs.redirect_uris] == VALUES["redirect_uris"]
    assert [one for one in outputs.notices if one.severity is not Severity.NOTE] == []


def _terraform_outputs(text: str) -> dict[str, dict[str, object]]:
    outputs = hcl2.loads(text)["output"]
    return {name.strip('"'): body for entry in outputs for name, body in entry.items()}


@pytest.mark.parametrize("model", Authorization)
@pytest.mark.parametrize("source", [None, VAULT])
def test_terraform_output_json_is_understood(
    environment: Make, read: Read, model: Authorization, source: str | None
) -> None:
    text = rendered(setup_of(environment, model=model, source=source), Format.TERRAFORM)
    names = set(_terraform_outputs(text))
    wanted = VALUES.keys() - {"client_secret_hint", "client_secret_start_date"}
    assert names == (wanted if model is A else wanted - {"app_role_assignments"}) | {
        "exchange_powershell",
        "next",
    }

    texts = {"exchange_powershell": "# Made by\n$name = 'x'\n", "next": "sn-smtp azure read x"}
    document = {
        name: {"sensitive": False, "type": "string", "value": {**VALUES, **texts}[name]}
        for name in names
    }
    _understood(read(document, now=NOW), names)


def test_no_output_of_terraform_is_the_secret(environment: Make) -> None:
    for source in (None, VAULT):
        outputs = _terraform_outputs(
            rendered(setup_of(environment, source=source), Format.TERRAFORM)
        )
        for name, body in outputs.items():
            assert not re.search(r"password\.servicenow\[[^\]]*\]\.value", str(body)), name


def test_terraform_keeps_every_secret_that_is_listed(environment: Make) -> None:
    parsed = hcl2.loads(rendered(setup_of(environment), Format.TERRAFORM))
    passwords = [
        body
        for entry in parsed["resource"]
        for kind, named in entry.items()
        if kind.strip('"') == "azuread_application_password"
        for body in named.values()
    ]
    (password,) = passwords
    assert "var.secrets" in str(password["for_each"])
    assert "each.value" in str(password["end_date"])
    (lifecycle,) = password["lifecycle"]
    assert lifecycle["prevent_destroy"] is True


def test_terraform_calls_it_formatted(environment: Make) -> None:
    program = shutil.which("terraform")
    if program is None:
        pytest.skip("terraform is not installed")
    for model, source in itertools.product(Authorization, (None, VAULT, "file:/var/x")):
        text = rendered(setup_of(environment, model=model, source=source), Format.TERRAFORM)
        done = subprocess.run(
            [program, "fmt", "-check", "-diff", "-"], input=text, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout


def test_the_exchange_script_in_terraform_is_the_same(environment: Make) -> None:
    setup = setup_of(environment)
    text = rendered(setup, Format.TERRAFORM)
    found = re.search(r"<<EXCHANGE_POWERSHELL\n(.*?)^EXCHANGE_POWERSHELL$", text, re.DOTALL | re.M)
    assert found
    other = re.search(
        r"<<'END_OF_EXCHANGE_SCRIPT'\n(.*?)^END_OF", rendered(setup, Format.AZ), re.DOTALL | re.M
    )
    assert other
    assert found[1].replace("terraform", "az") == other[1]


@pytest.mark.parametrize("model", Authorization)
def test_bicep_outputs_are_understood(environment: Make, read: Read, model: Authorization) -> None:
    text = rendered(setup_of(environment, model=model), Format.BICEP)
    declared = dict(re.findall(r"^output (\w+) (\w+) = ", text, re.MULTILINE))
    snake = {re.sub(r"([A-Z])", r"_\1", name).lower(): name for name in declared}
    assert snake.keys() == {
        *("tenant_id", "client_id", "application_object_id", "service_principal_object_id"),
        *("token_url", "redirect_uris"),
    }

    document = {
        name: {"type": declared[name].title(), "value": VALUES[key]} for key, name in snake.items()
    }
    _understood(read(document), set(snake))


@pytest.mark.parametrize("model", Authorization)
def test_what_powershell_writes_is_understood(
    environment: Make, read: Read, model: Authorization
) -> None:
    text = rendered(setup_of(environment, model=model), Format.POWERSHELL)
    found = re.search(r"\$said = \[ordered\]@\{\n(.*?)\n    \}\n", text, re.DOTALL)
    assert found
    names = set(re.findall(r"^        (\w+) = ", found[1], re.MULTILINE)) - {"made_by"}
    assert names == (VALUES.keys() if model is A else VALUES.keys() - {"app_role_assignments"})

    document: dict[str, object] = {"made_by": "sn-smtp azure script"}
    document |= {name: VALUES[name] for name in names}
    if model is A:
        assert "@(@{ appRoleId = $grant.appRoleId; principalId = " in found[1]
        document["app_role_assignments"] = [
            {
                re.sub(r"_(\w)", lambda letter: letter[1].upper(), key): value
                for key, value in entry.items()
            }
            for entry in VALUES["app_role_assignments"]  # type: ignore[attr-defined]
        ]
    _understood(read(document), names)


@pytest.mark.parametrize("known", [True, False])
def test_the_json_of_the_checklist_is_understood(
    environment: Make, read: Read, known: bool
) -> None:
    text = rendered(setup_of(environment, known=known), Format.CHECKLIST)
    found = re.search(r"^      (\{\n.*?^      \})$", text, re.DOTALL | re.MULTILINE)
    assert found
    filled = (
        found[1]
        .replace("TENANT_ID", str(VALUES["tenant_id"]))
        .replace("CLIENT_ID", str(VALUES["client_id"]))
        .replace("OBJECT_ID", str(VALUES["service_principal_object_id"]))
    )
    document = json.loads(filled)
    outputs = read({**document, "redirect_uris": VALUES["redirect_uris"]})
    _understood(outputs, set(document))


@pytest.mark.parametrize("model", Authorization)
def test_what_exchange_says_is_what_verify_takes(
    environment: Make, shared: Path, tmp_path: Path, model: Authorization
) -> None:
    """Real exports, cut to the properties that the script selects, as one list."""
    text = rendered(
        setup_of(environment, model=model, sender="bookings@contoso.example"), Format.POWERSHELL
    )
    part = text[text.index("$said = @(Get-ServicePrincipal") :]
    selected = dict(
        re.findall(r"@\((Get-\w+|Test-\w+)[^\n]*?Select-Object ([^\n)]*)\)", part, re.MULTILINE)
    )
    rows: list[object] = []
    for command, properties in selected.items():
        name = f"powershell_exo_{command.lower().replace('-', '_')}.json"
        document = json.loads((shared / "samples" / "azure" / name).read_text("utf-8"))
        keep = {
            {"$user": "User", "$rights": "AccessRights", "$trustee": "Trustee"}.get(
                word, word.strip("'")
            )
            for word in properties.split(", ")
        }
        listed = document if isinstance(document, list) else [document]
        rows += [{key: value for key, value in row.items() if key in keep} for row in listed]
    file = tmp_path / "exchange-dev.json"
    file.write_text(json.dumps(rows), encoding="utf-8")

    exports = read_exports([file])

    assert exports.principals and exports.principals[0].object_id
    assert exports.principals[0].sid
    assert exports.mailbox_rights
    assert exports.recipient_rights
    assert exports.mailboxes
    assert exports.organisation_disabled is not None
    assert bool(exports.roles) is (model is B)


@pytest.mark.parametrize("form", [Format.AZ, Format.POWERSHELL, Format.TERRAFORM])
@pytest.mark.parametrize("model", Authorization)
def test_every_call_of_exchange_stops_where_it_fails(
    environment: Make, form: Format, model: Authorization
) -> None:
    """Functions of a module do not see a script's `$ErrorActionPreference` (PowerShell#4568)."""
    text = rendered(setup_of(environment, model=model, sender="bookings@contoso.example"), form)
    start = text.index("function Set-ExchangeSide {")
    part = text[start : text.index("\n}\n", start) + 2]
    calls = {
        call
        for call in nodes("powershell", part, "command")
        if re.match(
            r"(Connect-Exchange|(Get|New|Add|Set|Remove|Test)-"
            r"(ServicePrincipal|Mailbox|CAS|Transport|Recipient|Distribution|Management))",
            call,
        )
    }
    assert len(calls) > 9
    assert [call for call in calls if "-ErrorAction Stop" not in call] == [
        call for call in calls if call.startswith("Get-DistributionGroup -Identity $groupName ")
    ]


def test_app_rbac_gives_no_role_beyond_the_group(environment: Make) -> None:
    text = rendered(setup_of(environment, model=B), Format.POWERSHELL)
    foreign = text.index("is there for other mailboxes")
    assert text.rfind("throw", 0, foreign) > text.rfind("\n", 0, foreign)
    assert foreign < text.index("New-ManagementRoleAssignment -Name")
    assert "if ($assignment -and -not $roles)" in text


@pytest.mark.parametrize("model", Authorization)
def test_powershell_says_where_its_outputs_belong(environment: Make, model: Authorization) -> None:
    for source, told in ((None, "file:$($script:file)"), (VAULT, VAULT)):
        text = rendered(setup_of(environment, model=model, source=source), Format.POWERSHELL)
        shown = text[text.index("function Show-Outputs {") :]
        shown = shown[: shown.index("\n}\n")]
        assert "beside environment.yaml as azure.json" in shown
        assert told in shown
        assert text.count("Show-Outputs") == 3
        assert ("AppRoleAssignment.ReadWrite.All" in text) is (model is A)


def test_powershell_hands_the_secret_to_no_command(environment: Make) -> None:
    """What a command is given stands in PowerShell's own log; a method's argument does not."""
    for source in (None, VAULT):
        text = rendered(setup_of(environment, source=source), Format.POWERSHELL)
        uses = [line.strip() for line in text.splitlines() if "secretText" in line]
        assert uses in (
            ["[System.IO.File]::WriteAllText($script:file, $Credential.secretText)"],
            [
                "foreach ($sign in $Credential.secretText.ToCharArray()) "
                "{ $secure.AppendChar($sign) }"
            ],
        )
        assert "AsPlainText" not in text
        assert not any("secretText" in shown for shown in nodes("powershell", text, "command"))
