"""Shapes of the specification that have no sample, and wrappers that must not matter."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.azure.model import Consent
from generator.azure.nodes import Node, Record
from generator.azure.read import read_azure_outputs
from generator.azure.registry import _UNCLEAR, SPECIFIC, accepted_shapes, candidates
from generator.errors import ConfigError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
TENANT = "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"
CLIENT = "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"
APP = "c0ffee00-1111-4222-8333-444455556666"
SP = "5e7a1c9d-0b2f-4d6e-8a13-9f8e7d6c5b4a"
KEY = "9d0c1b2a-3e4f-4567-89ab-cdef01234567"
OTHER = "11111111-2222-4333-8444-555555555555"
APP2 = "33333333-2222-4333-8444-555555555555"
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
ROLE = "7146a1f0-8703-45b3-9eae-527a64c00995"
SECRET = "abc" + "8Q~" + "x" * 34
ENDS = "2027-11-20T09:15:00Z"

APPLICATION = {
    "client_id": CLIENT,
    "object_id": APP,
    "id": f"/applications/{APP}",
    "display_name": "x",
    "required_resource_access": [
        {"resource_app_id": EXCHANGE, "resource_access": [{"id": ROLE, "type": "Role"}]}
    ],
    "web": [{"redirect_uris": ["https://a.service-now.com/oauth_redirect.do"]}],
    "password": [{"key_id": KEY, "value": SECRET, "end_date": ENDS}],
}
PRINCIPAL = {
    "client_id": CLIENT,
    "object_id": SP,
    "id": f"/servicePrincipals/{SP}",
    "application_tenant_id": TENANT,
}
PASSWORD = {
    "application_id": f"/applications/{APP}",
    "id": f"{APP}/password/{KEY}",
    "key_id": KEY,
    "end_date": ENDS,
    "value": SECRET,
}
ASSIGNMENT = {"app_role_id": ROLE, "principal_object_id": SP, "resource_object_id": OTHER}


def resource(kind: str, values: dict[str, object]) -> dict[str, object]:
    return {"type": kind, "name": "x", "provider_name": "p.example/x/azuread", "values": values}


def state(*resources: dict[str, object]) -> dict[str, object]:
    return {
        "format_version": "1.0",
        "terraform_version": "1.11.4",
        "values": {"root_module": {"resources": list(resources)}},
    }


def four_ids(outputs) -> tuple[str | None, ...]:
    found = (
        outputs.tenant_id,
        outputs.client_id,
        outputs.application_object_id,
        outputs.service_principal_object_id,
    )
    return tuple(item.value if item else None for item in found)


def test_child_modules_are_read(read) -> None:
    inner = state(resource("azuread_application", APPLICATION))["values"]["root_module"]
    document = state(resource("azuread_service_principal", PRINCIPAL))
    document["values"]["root_module"]["child_modules"] = [
        {"address": "module.a", "child_modules": [inner]}
    ]
    outputs = read(document)
    assert four_ids(outputs) == (TENANT, CLIENT, APP, SP)
    assert outputs.application_object_id.path == (
        "values.root_module.child_modules[0].child_modules[0].resources[0].values.object_id"
    )
    assert outputs.secret_key_id.value == KEY


def test_version_2_names_of_azuread_are_read(read) -> None:
    application = {k: v for k, v in APPLICATION.items() if k != "client_id"}
    outputs = read(
        state(
            resource("azuread_application", {**application, "application_id": CLIENT, "id": APP}),
            resource(
                "azuread_service_principal",
                {
                    "application_id": CLIENT,
                    "object_id": SP,
                    "id": SP,
                    "application_tenant_id": TENANT,
                },
            ),
            resource(
                "azuread_application_password",
                {"application_object_id": APP, "key_id": KEY, "end_date": ENDS, "value": SECRET},
            ),
        )
    )
    assert four_ids(outputs) == (TENANT, CLIENT, APP, SP)
    assert outputs.secret_expires_on is not None


def test_other_resources_and_the_deployers_ids_are_passed_over(read) -> None:
    outputs = read(
        state(
            resource("azurerm_key_vault_secret", {"value": SECRET, "client_id": OTHER}),
            resource(
                "azuread_client_config",
                {"client_id": OTHER, "object_id": OTHER, "tenant_id": TENANT, "id": "a-b-c"},
            ),
            resource(
                "azuread_service_principal",
                {
                    "client_id": EXCHANGE,
                    "object_id": OTHER,
                    "app_role_ids": {"SMTP.SendAsApp": ROLE, "smtp.sendasapp": "x"},
                },
            ),
            resource(
                "azuread_service_principal",
                {"client_id": "00000003-0000-0000-c000-000000000000", "object_id": KEY},
            ),
            resource("azuread_service_principal", PRINCIPAL),
            resource("azuread_app_role_assignment", ASSIGNMENT),
        )
    )
    assert four_ids(outputs) == (TENANT, CLIENT, None, SP)
    assert outputs.consent.value is Consent.GRANTED
    assert {notice.code for notice in outputs.notices} == {"microsoft-service-principal"}


def test_the_other_azuread_resources_are_read(read) -> None:
    outputs = read(
        state(
            resource(
                "azuread_application_registration",
                {"client_id": CLIENT, "object_id": APP, "id": f"/applications/{APP}"},
            ),
            resource(
                "azuread_application_api_access",
                {
                    "application_id": f"/applications/{APP}",
                    "api_client_id": EXCHANGE,
                    "role_ids": [ROLE],
                    "scope_ids": None,
                },
            ),
            resource(
                "azuread_application_redirect_uris",
                {
                    "application_id": f"/applications/{APP}",
                    "type": "Web",
                    "redirect_uris": ["https://a.service-now.com/oauth_redirect.do"],
                },
            ),
            resource(
                "azuread_application_certificate",
                {"id": f"{APP}/certificate/{KEY}", "key_id": KEY, "end_date": ENDS, "value": "MII"},
            ),
        )
    )
    assert four_ids(outputs) == (None, CLIENT, APP, None)
    assert outputs.consent.value is Consent.UNKNOWN
    assert len(outputs.redirect_uris) == 1
    codes = {notice.code for notice in outputs.notices}
    assert codes == {"certificate-only", "service-principal-object-id-unknown"}


def test_a_credential_id_tells_owner_and_key(read) -> None:
    bare = {"id": f"{APP}/password/{KEY}", "end_date": ENDS, "value": SECRET}
    outputs = read(state(resource("azuread_application_password", bare)))
    assert outputs.application_object_id.value == APP
    assert outputs.secret_key_id.value == KEY
    owned = {"service_principal_id": f"/servicePrincipals/{SP}", **bare, "id": None, "key_id": KEY}
    outputs = read(state(resource("azuread_service_principal_password", owned)))
    assert outputs.service_principal_object_id.value == SP


def test_a_state_of_several_applications_is_searched(read) -> None:
    document = state(
        resource("azuread_application", {**APPLICATION, "client_id": OTHER, "object_id": APP2}),
        resource("azuread_application_password", {**PASSWORD, "application_id": APP2, "id": None}),
        resource("azuread_service_principal", {**PRINCIPAL, "client_id": OTHER, "object_id": KEY}),
        resource("azuread_app_role_assignment", {**ASSIGNMENT, "principal_object_id": KEY}),
        resource("azuread_application", {**APPLICATION, "password": []}),
        resource("azuread_service_principal", PRINCIPAL),
    )
    outputs = read(document, client=CLIENT)
    assert four_ids(outputs) == (TENANT, CLIENT, APP, SP)
    assert outputs.secret_expires_on is None
    assert outputs.consent.value is Consent.UNKNOWN
    document["values"]["outputs"] = {"client_id": {"value": OTHER, "sensitive": False}}
    assert four_ids(read(document)) == (TENANT, OTHER, APP2, KEY)
    del document["values"]["outputs"]
    with pytest.raises(ConfigError, match="2 applications"):
        read(document)


def test_a_state_file_with_for_each_instances(read) -> None:
    document = {
        "version": 4,
        "serial": 7,
        "outputs": {"client_id": {"value": CLIENT, "type": "string"}},
        "resources": [
            {
                "mode": "managed",
                "type": "azuread_application_password",
                "instances": [
                    {"index_key": "2026-11", "attributes": PASSWORD},
                    {"index_key": "old", "attributes": {**PASSWORD, "key_id": OTHER, "id": None}},
                    {"index_key": "broken", "attributes": None},
                ],
            },
            {"mode": "data", "type": "random_id", "instances": [{"attributes": {"id": "x"}}]},
        ],
    }
    assert "secret-ambiguous" in {notice.code for notice in read(document).notices}


@pytest.mark.parametrize("wrapped", [False, True])
def test_outputs_that_export_whole_resources(wrapped: bool, read) -> None:
    document: dict[str, object] = {
        "app": APPLICATION,
        "sp": PRINCIPAL,
        "passwords": {"2026-11": PASSWORD},
        "client_secrets": [PASSWORD],
        "grants": [ASSIGNMENT],
        "config": {"client_id": OTHER, "object_id": OTHER, "tenant_id": TENANT, "id": "a-b-c"},
    }
    if wrapped:
        document = {
            name: {"sensitive": True, "type": ["object", {}], "value": value}
            for name, value in document.items()
        }
    outputs = read(document)
    assert four_ids(outputs) == (TENANT, CLIENT, APP, SP)
    assert outputs.secret_key_id.value == KEY
    assert outputs.consent.value is Consent.GRANTED


def test_names_inside_an_object_are_read_with_its_name(read) -> None:
    outputs = read(
        {
            "Azure": {"tenantId": TENANT, "clientId": CLIENT},
            "application": {"object_id": APP},
            "service_principal": {"object_id": {"value": SP, "type": "String"}},
            "client_secret": {"value": SECRET, "key_id": KEY, "end_date": ENDS, "hint": "abc"},
            "smtp": {"host": "smtp.office365.com", "port": 587},
            "mailboxes": ["servicenow@contoso.example"],
            "anything": [{"other": 1}, [2]],
        }
    )
    assert four_ids(outputs) == (TENANT, CLIENT, APP, SP)
    assert outputs.secret_key_id.value == KEY
    assert outputs.secret_hint.value == "abc"
    assert [notice.code for notice in outputs.notices] == ["secret-in-input"]


def test_a_list_of_outputs_is_searched_by_client_id(read) -> None:
    document = {
        "apps": [
            {"client_id": OTHER, "sp_object_id": KEY},
            {"client_id": CLIENT, "sp_object_id": SP},
        ]
    }
    assert four_ids(read(document, client=CLIENT)) == (None, CLIENT, None, SP)
    with pytest.raises(ConfigError, match="2 applications"):
        read(document)
    one = {"apps": [{"client_id": CLIENT}], "client_id": CLIENT}
    assert four_ids(read(one))[1] == CLIENT


def test_parameters_of_a_deployment_are_not_outputs(read) -> None:
    deployment = {
        "properties": {
            "parameters": {"clientId": {"type": "String", "value": OTHER}},
            "outputs": {"clientId": {"type": "string", "value": CLIENT}},
        }
    }
    assert four_ids(read(deployment))[1] == CLIENT
    powershell = {
        "DeploymentName": "x",
        "Outputs": {"ClientId": {"Type": "String", "Value": CLIENT}},
    }
    assert read(powershell).client_id.path == "Outputs.ClientId.Value"


def test_arrays_of_windows_powershell_are_unwrapped(read) -> None:
    outputs = read({"value": [{"AppId": CLIENT, "ObjectId": SP, "Sid": "S-1"}], "Count": 1})
    assert four_ids(outputs) == (None, CLIENT, None, SP)


def test_a_cut_off_export_of_powershell_is_noticed(read) -> None:
    application = {
        "AppId": CLIENT,
        "Id": APP,
        "Web": {"RedirectUris": "https://a.service-now.com/oauth_redirect.do"},
        "RequiredResourceAccess": [
            {"ResourceAppId": EXCHANGE, "ResourceAccess": "System.Object[]"}
        ],
        "PasswordCredentials": "",
    }
    outputs = read(application)
    assert [uri.path for uri in outputs.redirect_uris] == ["Web.RedirectUris"]
    assert "depth-truncated" in {notice.code for notice in outputs.notices}


def test_a_wrapper_needs_its_own_kind_of_secret_key(read) -> None:
    outputs = read({"client": {"value": CLIENT, "secret": SECRET}, "client_id": CLIENT})
    assert {notice.code for notice in outputs.notices} == {"secret-in-input"}


def test_empty_and_unknown_values_are_passed_over(read) -> None:
    outputs = read(
        {
            "client_id": CLIENT,
            "tenant_id": None,
            "redirect_uris": ["", None],
            "password_hint": None,
            "flag": True,
            "api_key": KEY,
            "short_secret": "x",
            "token_url": None,
            "login_url": None,
            "cloud": None,
        }
    )
    assert four_ids(outputs) == (None, CLIENT, None, None)
    assert outputs.notices == ()


def test_no_object_is_recognised_by_two_readers(shared: Path) -> None:
    for path in (shared / "samples/azure").glob("*.json"):
        value = json.loads(path.read_text(encoding="utf-8-sig"))
        if isinstance(value, dict):
            record = Record.of(Node(path.name, "", value))
            found = [reader for reader in SPECIFIC if reader.recognises(record)]
            assert len(found) <= 1
            assert candidates(record) in (tuple(found), (_UNCLEAR,))
    assert len(set(accepted_shapes())) == len(accepted_shapes())
    assert all("refused" not in shape for shape in accepted_shapes())


SHAPES = [
    "az_ad_app_credential_list",
    "az_ad_app_credential_reset",
    "az_ad_app_list",
    "az_ad_app_permission_list",
    "az_ad_app_show",
    "az_ad_sp_create_for_rbac_json_auth",
    "az_ad_sp_show",
    "az_account_show",
    "az_keyvault_secret_show",
    "arm_deployment_show_full",
    "graph_add_password",
    "graph_app_role_assignments",
    "graph_application_certificate",
    "portal_manifest_legacy_aadgraph",
    "powershell_exo_get_serviceprincipal",
    "pulumi_automation_outputs",
    "pulumi_stack_output_show_secrets",
    "terraform_output",
    "terraform_show_json_azuread",
    "terraform_tfstate_v4_azuread",
    "token_claims_ok_approle",
]

WRAPPERS = {
    "value": lambda inner: {"value": inner},
    "type": lambda inner: {"type": ["object", {}], "value": inner},
    "sensitive": lambda inner: {"sensitive": True, "type": "string", "value": inner},
    "secret": lambda inner: {"value": inner, "secret": False},
    "context": lambda inner: {"@odata.context": "https://g/", "value": inner},
    "list": lambda inner: inner if isinstance(inner, list) else [inner],
    "graph list": lambda inner: {"value": inner if isinstance(inner, list) else [inner]},
    "deployment": lambda inner: {"properties": {"outputs": {"result": {"value": inner}}}},
    "outputs": lambda inner: {"values": {"outputs": {"result": {"value": inner}}}},
    "named": lambda inner: {"result": inner},
}


def flipped(value: object) -> object:
    """The document with the other case in the first letter of every key."""
    if isinstance(value, list):
        return [flipped(item) for item in value]
    if isinstance(value, dict):
        return {key[:1].swapcase() + key[1:]: flipped(item) for key, item in value.items()}
    return value


def understood(path: Path) -> tuple[object, ...]:
    outputs = read_azure_outputs([path], now=NOW)
    values = [
        getattr(outputs, name)
        for name in (
            "tenant_id",
            "client_id",
            "application_object_id",
            "service_principal_object_id",
            "cloud",
            "token_endpoint",
            "secret_expires_on",
            "secret_hint",
            "secret_key_id",
            "consent",
        )
    ]
    return (
        [item.value if item else None for item in values],
        [uri.value for uri in outputs.redirect_uris],
        [(notice.code, notice.severity, notice.message) for notice in outputs.notices],
    )


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    name=st.sampled_from(SHAPES),
    wrappers=st.lists(st.sampled_from(sorted(WRAPPERS)), max_size=4),
    flip=st.booleans(),
)
def test_wrapping_and_first_letters_change_nothing(
    name: str, wrappers: list[str], flip: bool, shared: Path, tmp_path: Path
) -> None:
    text = (shared / "samples/azure" / f"{name}.json").read_text(encoding="utf-8")
    document = json.loads(text)
    expected, found = tmp_path / "input.json", tmp_path / "wrapped.json"
    expected.write_text(text)
    for wrapper in wrappers:
        document = WRAPPERS[wrapper](document)
    found.write_text(json.dumps(flipped(document) if flip else document))
    told = repr(understood(found)).replace(str(found), "F")
    assert told == repr(understood(expected)).replace(str(expected), "F")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from([CLIENT, SP, SECRET]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=5)
            | st.sampled_from(
                "value type secret sensitive outputs properties values id appId objectId sid web "
                "client_id tenant_id client_secret client_secrets keyId endDateTime hint aud iss "
                "tid roles resources root_module version serial password tenant tags attributes "
                "servicePrincipalType appRoleId principalId resourceId usage token_url "
                "requiredResourceAccess resourceAccess passwordCredentials redirect_uris".split()
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)


@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(document=JSON)
def test_any_document_is_understood_or_refused_without_its_secret(
    document: object, tmp_path: Path
) -> None:
    if isinstance(document, dict):
        record = Record.of(Node("any.json", "", document))
        recognised = tuple(reader for reader in SPECIFIC if reader.recognises(record))
        assert candidates(record) in (recognised, (_UNCLEAR,))
    path = tmp_path / "any.json"
    path.write_text(json.dumps(document))
    try:
        said = repr(read_azure_outputs([path], now=NOW))
    except ConfigError as error:
        said = f"{error!r}{error.faults!r}"
        assert error.__context__ is None
    assert SECRET not in said
