"""Every format, model and cloud: understood by a parser of its language, and complete."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import hcl2
import pytest
from azure_script_world import (
    HOSTILE,
    MAILBOX,
    NOW,
    VAULT,
    Make,
    nodes,
    rendered,
    setup_of,
    shellcheck,
    trouble,
    without_extension,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.azure.clouds import Cloud
from generator.azure.setup import Wishes, plan_setup
from generator.azure.setup_render import Format, file_name, is_ours, mode_of, warnings
from generator.azure.setup_templates import ScriptTemplates
from generator.characters import illegal_character
from generator.config.environment import Authorization
from generator.errors import ConfigError, UsageError
from generator.secrets.shapes import embedded_secret

A, B = Authorization.APP_ROLE, Authorization.APP_RBAC
OTHER = "bookings@contoso.example"
KINDS = tuple(itertools.product(Format, Authorization))
NAMES = tuple(name for name in HOSTILE if name)


def _check(form: Format, text: str) -> None:
    """Hold a script against a real parser of its language."""
    if form is Format.AZ:
        assert shellcheck(text) == ""
        assert trouble("powershell", _exchange_of(text)) == []
    elif form is Format.POWERSHELL:
        assert text.isascii()
        assert trouble("powershell", text) == []
    elif form is Format.TERRAFORM:
        assert "azuread_application" in str(hcl2.loads(text))
    elif form is Format.BICEP:
        assert trouble("bicep", without_extension(text)) == []


def _exchange_of(script: str) -> str:
    found = re.search(
        r"<<'END_OF_EXCHANGE_SCRIPT'\n(.*?)^END_OF_EXCHANGE_SCRIPT$",
        script,
        re.DOTALL | re.MULTILINE,
    )
    assert found
    return found[1]


@pytest.mark.parametrize(("form", "model"), KINDS)
@pytest.mark.parametrize("cloud", Cloud)
def test_it_parses(environment: Make, form: Format, model: Authorization, cloud: Cloud) -> None:
    suffix = {"public": "azure.net", "china": "azure.cn"}.get(cloud, "usgovcloudapi.net")
    for source in (None, VAULT.replace("azure.net", suffix), "file:/var/lib/x/it's $x"):
        setup = setup_of(environment, cloud=cloud, model=model, source=source, sender=OTHER)
        _check(form, rendered(setup, form))


@pytest.mark.parametrize(("form", "model"), KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_change_nothing_but_texts(
    environment: Make, form: Format, model: Authorization, name: str
) -> None:
    wishes = Wishes(app_name=name, group=name)
    setup = setup_of(environment, model=model, wishes=wishes, mailbox=MAILBOX, sender=MAILBOX[1:])
    harmless = setup_of(
        environment,
        model=model,
        wishes=Wishes(app_name="Some Name", group="Some Name"),
        mailbox="a@b.example",
        sender="c@b.example",
    )
    text = rendered(setup, form)

    _check(form, text)
    assert text.count("\n") == rendered(harmless, form).count("\n")
    if form in (Format.POWERSHELL, Format.AZ):
        commands = nodes("powershell", _powershell(form, text), "command_name")
        assert commands == nodes(
            "powershell", _powershell(form, rendered(harmless, form)), "command_name"
        )


def _powershell(form: Format, text: str) -> str:
    return _exchange_of(text) if form is Format.AZ else text


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.text(min_size=1, max_size=60).filter(
        lambda text: illegal_character(text) is None and text == text.strip()
    )
)
def test_any_name_parses(environment: Make, name: str) -> None:
    setup = setup_of(environment, wishes=Wishes(app_name=name))
    for form in (Format.POWERSHELL, Format.TERRAFORM, Format.BICEP):
        _check(form, rendered(setup, form))


@pytest.mark.parametrize(("form", "model"), KINDS)
def test_the_header_says_what_it_is(environment: Make, form: Format, model: Authorization) -> None:
    setup = setup_of(environment, model=model, known=form is not Format.BICEP, sender=OTHER)
    text = rendered(setup, form)
    head = "\n".join(text.splitlines()[:16])

    assert is_ours(text.encode())
    said = (
        "servicenow@contoso.example",
        OTHER,
        "Exchange Online SMTP (acme-dev)",
        "oauth_redirect.do",
    )
    for told in (*said, model.value, "Steps of ServiceNow's procedure: ", "no secret", "public"):
        assert told in head
    assert ("2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f" in head) is (form is not Format.BICEP)


@pytest.mark.parametrize(("form", "model"), KINDS)
def test_it_ends_with_the_check_and_the_way_back(
    environment: Make, form: Format, model: Authorization
) -> None:
    text = rendered(setup_of(environment, model=model), form)

    assert "sn-smtp verify dev" in text
    assert "sn-smtp azure read" in text
    assert "Tear-down" in text[len(text) // 2 :]


@pytest.mark.parametrize(("form", "model"), KINDS)
def test_it_holds_no_secret_and_no_shape_of_one(
    environment: Make, form: Format, model: Authorization
) -> None:
    text = rendered(setup_of(environment, model=model, source=VAULT), form)
    assert embedded_secret(text) is None


@pytest.mark.parametrize("form", Format)
def test_each_model_has_its_own_right_and_not_the_other_ones(
    environment: Make, form: Format
) -> None:
    role, rbac = (rendered(setup_of(environment, model=model), form) for model in (A, B))

    if form is Format.BICEP:
        assert "7146a1f0-8703-45b3-9eae-527a64c00995" in role
        assert "appRoleAssignedTo" in role
        assert "appRoleAssignedTo" not in rbac
        assert "requiredResourceAccess: []" in rbac
        return
    assert "Add-MailboxPermission" in role
    assert "New-ManagementRoleAssignment" not in role
    assert "Add-MailboxPermission" not in rbac
    assert "New-ManagementRoleAssignment" in rbac
    assert "-App OBJECT_ID" in rbac or "-App $sp.ObjectId" in rbac
    grants = (
        "permission add",
        "azuread_app_role_assignment",
        "requiredResourceAccess",
        "Grant admin",
    )
    assert any(grant in role for grant in grants)
    assert not any(grant in rbac for grant in grants)


@pytest.mark.parametrize("form", [Format.AZ, Format.POWERSHELL, Format.TERRAFORM, Format.CHECKLIST])
def test_send_as_only_where_from_differs(environment: Make, form: Format) -> None:
    for model in Authorization:
        own = rendered(setup_of(environment, model=model), form)
        same = rendered(
            setup_of(environment, model=model, sender="ServiceNow@contoso.example"), form
        )
        other = rendered(setup_of(environment, model=model, sender=OTHER), form)
        assert "Add-RecipientPermission" not in own
        assert "Add-RecipientPermission" not in same
        assert "Add-RecipientPermission" in other
        for text in (own, other):
            assert "-SmtpClientAuthenticationDisabled $false" in text


@pytest.mark.parametrize(
    ("cloud", "az", "exchange", "graph", "terraform"),
    [
        (Cloud.PUBLIC, "AzureCloud", None, "Global", "global"),
        (Cloud.GCC_HIGH, "AzureUSGovernment", "O365USGovGCCHigh", "USGov", "usgovernmentl4"),
        (Cloud.DOD, "AzureUSGovernment", "O365USGovDoD", "USGovDoD", "usgovernmentl5"),
        (Cloud.CHINA, "AzureChinaCloud", "O365China", "China", "china"),
    ],
)
def test_each_cloud_is_called_by_its_names(
    environment: Make, cloud: Cloud, az: str, exchange: str | None, graph: str, terraform: str
) -> None:
    setup = setup_of(environment, cloud=cloud)
    script = rendered(setup, Format.AZ)

    assert f"AZ_CLOUD='{az}'" in script
    assert f"-Environment '{graph}'" in rendered(setup, Format.POWERSHELL)
    assert f'environment = "{terraform}"' in rendered(setup, Format.TERRAFORM)
    for form in (Format.AZ, Format.POWERSHELL, Format.TERRAFORM, Format.CHECKLIST):
        name = f"-ExchangeEnvironmentName '{exchange}'"
        assert (name in rendered(setup, form)) is (exchange is not None)
    # Consent is a call of Graph, because az's own command knows one cloud; else an address.
    assert "az ad app permission admin-consent" not in script.replace("# first", "")
    assert f"{setup.login}" in script
    assert "/v2.0/adminconsent?client_id=" in script
    assert "/v2.0/adminconsent?client_id=" in rendered(setup, Format.CHECKLIST)


@pytest.mark.parametrize(
    ("cloud", "suffix", "name"),
    [
        (Cloud.PUBLIC, "azure.net", "public"),
        (Cloud.GCC_HIGH, "usgovcloudapi.net", "usgovernment"),
        (Cloud.DOD, "usgovcloudapi.net", "usgovernment"),
        (Cloud.CHINA, "azure.cn", "china"),
    ],
)
def test_terraform_looks_for_the_vault_in_the_same_cloud(
    environment: Make, cloud: Cloud, suffix: str, name: str
) -> None:
    setup = setup_of(environment, cloud=cloud, source=VAULT.replace("azure.net", suffix))
    text = rendered(setup, Format.TERRAFORM)
    provider = text[text.index('provider "azurerm" {') :]
    assert f'environment = "{name}"' in provider[: provider.index("\n}\n")]


def test_secrets_are_added_and_none_is_reset(environment: Make) -> None:
    az = rendered(setup_of(environment), Format.AZ)
    lines = [line for line in az.splitlines() if "credential reset" in line]
    assert lines
    assert all("--append" in line for line in lines)
    assert "create-for-rbac" not in az
    assert "addPassword" in rendered(setup_of(environment), Format.POWERSHELL)


@pytest.mark.parametrize("form", [Format.AZ, Format.POWERSHELL, Format.TERRAFORM, Format.CHECKLIST])
def test_the_vault_of_the_environment_file_takes_the_secret(
    environment: Make, form: Format
) -> None:
    text = rendered(setup_of(environment, source=VAULT), form)
    assert "kv-contoso-fake" in text
    assert "smtp-secret" in text
    assert "kv-contoso-fake" not in rendered(setup_of(environment, source="env:X"), form)


def test_what_is_known_is_not_looked_for(environment: Make) -> None:
    known, new = (setup_of(environment, known=known) for known in (True, False))

    assert known.client_id == "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"
    assert (new.client_id, new.tenant_id) == (None, None)
    assert 'CLIENT_ID="${CLIENT_ID:-2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f}"' in rendered(
        known, Format.AZ
    )
    assert 'CLIENT_ID="${CLIENT_ID:-}"' in rendered(new, Format.AZ)
    assert "terraform import" in rendered(known, Format.TERRAFORM)
    assert "terraform import" not in rendered(new, Format.TERRAFORM)
    assert "00000000" not in rendered(new, Format.CHECKLIST)
    for form in Format:
        assert "ffff" not in rendered(new, form)


def test_bicep_does_not_register_a_second_application(environment: Make) -> None:
    with pytest.raises(UsageError) as caught:
        rendered(setup_of(environment, known=True), Format.BICEP)
    assert caught.value.faults[0].code == "bicep-existing-application"

    named = setup_of(environment, known=True, wishes=Wishes(app_name="Made by Bicep"))
    text = rendered(named, Format.BICEP)
    assert "Made by Bicep" in text
    assert "--app-name NAME" in text


def test_the_secret_is_named_after_instance_and_month(environment: Make) -> None:
    secret = setup_of(environment, wishes=Wishes(secret_days=90)).secret

    assert secret.name == "servicenow-acme-dev-2026-11"
    assert secret.ends_text == "2027-02-21T00:00:00Z"
    assert secret.ends_day == "2027-02-21"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (f"{VAULT}/0123456789abcdef0123456789abcdef", "vault-version"),
        (VAULT.replace("azure.net", "azure.cn"), "vault-other-cloud"),
    ],
)
def test_a_vault_that_cannot_be_written_is_refused(
    environment: Make, source: str, code: str
) -> None:
    for place in ({"source": source}, {"wishes": Wishes(secret_to=source)}):
        with pytest.raises(UsageError) as caught:
            setup_of(environment, **place)  # type: ignore[arg-type]
        (fault,) = caught.value.faults
        assert fault.code == code
        assert fault.path in ("azure.client_secret_from", "--secret-to")


@pytest.mark.parametrize("place", ["env:X", "prompt", "nothing", "vault:secret/x#y"])
def test_a_place_that_a_script_cannot_write_is_refused(environment: Make, place: str) -> None:
    with pytest.raises(UsageError, match="--secret-to takes"):
        setup_of(environment, wishes=Wishes(secret_to=place))


def test_a_relative_file_is_the_scripts_own_choice(environment: Make) -> None:
    assert setup_of(environment, source="file:secret.txt").secret.file is None
    assert setup_of(environment, source="file:/var/x").secret.file == "/var/x"
    for place in ("file:secret.txt", "file:~/secret", "file:"):
        with pytest.raises(UsageError) as caught:
            setup_of(environment, wishes=Wishes(secret_to=place))
        assert caught.value.faults[0].code == "secret-place-relative"
    chosen = setup_of(environment, source=VAULT, wishes=Wishes(secret_to="file:/var/x"))
    assert chosen.secret.vault is None
    assert "/var/x" in rendered(chosen, Format.TERRAFORM)


def test_what_a_person_should_know_first(environment: Make) -> None:
    public, china = setup_of(environment), setup_of(environment, cloud=Cloud.CHINA, model=B)
    long = setup_of(environment, wishes=Wishes(secret_days=700))

    assert warnings(public, Format.AZ) == ()
    assert "state" in warnings(public, Format.TERRAFORM)[0]
    assert "App RBAC" in warnings(china, Format.AZ)[0]
    assert len(warnings(china, Format.BICEP)) == 2
    assert "12 months" in warnings(long, Format.CHECKLIST)[0]


def test_names_and_modes_of_files(environment: Make) -> None:
    setup = setup_of(environment)
    assert [file_name(setup, form) for form in Format] == [
        "azure-dev.sh",
        "azure-dev.ps1",
        "azure-dev.tf",
        "azure-dev.bicep",
        "azure-dev.md",
    ]
    assert [mode_of(form) for form in Format] == [0o755, 0o644, 0o644, 0o644, 0o644]


def test_the_same_is_rendered_twice(environment: Make) -> None:
    setup = setup_of(environment, model=B, sender=OTHER)
    for form in Format:
        text = rendered(setup, form)
        assert text == rendered(setup, form)
        assert text.endswith("\n")
        assert "\n\n\n" not in text
        assert not re.search(r"[ \t]$", text, re.MULTILINE)


def test_a_template_of_the_users_wins_and_cannot_print_bare(
    environment: Make, tmp_path: Path
) -> None:
    from generator.azure.setup_render import render_setup

    (tmp_path / "azure").mkdir()
    path = tmp_path / "azure" / "checklist.md.j2"
    path.write_text("# Ours: {{ s.app_name | md }}\n", encoding="utf-8")
    setup = setup_of(environment)
    text = render_setup(setup, Format.CHECKLIST, templates=ScriptTemplates(tmp_path))
    assert text == "# Ours: Exchange Online SMTP (acme-dev)\n"

    path.write_text("# Ours: {{ s.app_name }}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="without the filter"):
        render_setup(setup, Format.CHECKLIST, templates=ScriptTemplates(tmp_path))


def test_a_plan_does_not_read_the_clock(environment: Callable[..., object]) -> None:
    made = environment()
    assert plan_setup(made, wishes=Wishes(), now=NOW) == plan_setup(made, wishes=Wishes(), now=NOW)  # type: ignore[arg-type]
