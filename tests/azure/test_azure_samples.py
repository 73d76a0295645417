"""Every real input shape, alone and together."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest

from generator.azure.describe import outputs_json, outputs_table
from generator.azure.model import AzureOutputs, Consent
from generator.azure.read import read_azure_outputs
from generator.errors import ConfigError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ENDS = datetime(2027, 11, 20, 9, 15, tzinfo=UTC)
TENANT = "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"
CLIENT = "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"
APP = "c0ffee00-1111-4222-8333-444455556666"
SP = "5e7a1c9d-0b2f-4d6e-8a13-9f8e7d6c5b4a"
KEY = "9d0c1b2a-3e4f-4567-89ab-cdef01234567"
SECRET = "FAKE~not-a-real-" + "secret~0000000000000000z"
TOKEN = "eyJ0eXAiOiJKV1Qi" + "LCJhbGciOiJSUzI1NiJ9.FAKE-PAYLOAD.FAKE-SIGNATURE"

ALL = ("tenant", "client", "app", "sp", "ends")
CREDENTIAL = ("ends", "hint", "key")
UNKNOWN = Consent.UNKNOWN

EXPECTED: dict[str, tuple[tuple[str, ...], Consent | None, set[str]]] = {
    "arm_deployment_outputs": (("tenant", "client", "app", "sp"), None, set()),
    "arm_deployment_show_full": (("tenant", "client", "app", "sp"), None, set()),
    "bicep_graph_extension_outputs": (("tenant", "client", "app", "sp"), None, set()),
    "az_account_show": (("tenant", "cloud"), None, set()),
    "az_ad_app_create": (("client", "app"), None, {"service-principal-object-id-unknown"}),
    "az_ad_app_show": (
        ("client", "app", *CREDENTIAL, "uri"),
        UNKNOWN,
        {"service-principal-object-id-unknown"},
    ),
    "az_ad_app_list": (
        ("client", "app", *CREDENTIAL, "uri"),
        UNKNOWN,
        {"service-principal-object-id-unknown"},
    ),
    "az_ad_app_credential_list": (CREDENTIAL, None, set()),
    "az_ad_app_credential_reset": (
        ("tenant", "client"),
        None,
        {"secret-in-input", "credential-reset"},
    ),
    "az_ad_app_credential_reset.utf8-bom": (
        ("tenant", "client"),
        None,
        {"secret-in-input", "credential-reset"},
    ),
    "az_ad_app_permission_list": ((), UNKNOWN, set()),
    "az_ad_sp_create_for_rbac": (
        ("tenant", "client"),
        None,
        {"secret-in-input", "create-for-rbac"},
    ),
    "az_ad_sp_create_for_rbac_json_auth": (
        ("tenant", "client", "cloud"),
        None,
        {"secret-in-input"},
    ),
    "az_ad_sp_show": (("tenant", "client", "sp", "uri"), None, set()),
    "az_keyvault_secret_show": (("tenant", "client", "ends"), None, {"secret-in-input"}),
    "graph_application": (
        ("client", "app", *CREDENTIAL, "uri"),
        UNKNOWN,
        {"service-principal-object-id-unknown"},
    ),
    "graph_application_list": (
        ("client", "app", *CREDENTIAL, "uri"),
        UNKNOWN,
        {"service-principal-object-id-unknown"},
    ),
    "graph_application_certificate": (
        ("client", "app", "uri"),
        UNKNOWN,
        {"service-principal-object-id-unknown", "certificate-only"},
    ),
    "graph_service_principal": (("tenant", "client", "sp", "uri"), None, set()),
    "graph_add_password": (CREDENTIAL, None, {"secret-in-input"}),
    "graph_app_role_assignments": (("sp",), Consent.GRANTED, set()),
    "graph_exchange_resource_sp": ((), None, {"microsoft-service-principal"}),
    "portal_manifest_legacy_aadgraph": (
        ("client", "app", *CREDENTIAL, "uri"),
        UNKNOWN,
        {"service-principal-object-id-unknown"},
    ),
    "powershell_get_mgapplication_depth10": (
        ("client", "app", *CREDENTIAL, "uri"),
        UNKNOWN,
        {"service-principal-object-id-unknown"},
    ),
    "powershell_add_mgapplicationpassword": (CREDENTIAL, None, {"secret-in-input"}),
    "powershell_exo_get_serviceprincipal": (("client", "sp"), None, set()),
    "powershell_exo_get_casmailbox": ((), None, {"nothing-to-render"}),
    "powershell_exo_get_mailboxpermission": ((), None, {"nothing-to-render"}),
    "powershell_exo_get_recipientpermission": ((), None, {"nothing-to-render"}),
    "powershell_exo_get_transportconfig": (
        (),
        None,
        {"nothing-to-render", "smtp-auth-disabled-by-default"},
    ),
    "powershell_exo_test_serviceprincipalauthorization": ((), None, {"nothing-to-render"}),
    "pulumi_automation_outputs": (ALL, None, {"secret-in-input"}),
    "pulumi_stack_output_show_secrets": (ALL, None, {"secret-in-input"}),
    "terraform_output": (ALL, None, {"secret-in-input"}),
    "terraform_show_json_azuread": ((*ALL, "key"), Consent.GRANTED, {"secret-in-input"}),
    "terraform_tfstate_v4_azuread": ((*ALL, "key"), Consent.GRANTED, {"secret-in-input"}),
    "token_claims_bad_aud_graph": (("tenant", "client", "sp"), None, {"token-audience"}),
    "token_claims_bad_other_role": (("tenant", "client", "sp"), None, {"token-role"}),
    "token_claims_ok_apprbac_no_roles": (("tenant", "client", "sp"), None, set()),
    "token_claims_ok_approle": (("tenant", "client", "sp"), Consent.GRANTED, set()),
}

REFUSED = {
    "terraform_output_single_value": "bare-string",
    "token_response_ok": "access-token",
    "token_errors": "token-error",
    "smtp_replies": "unknown-shape",
    "clouds": "unknown-shape",
}


def summary(outputs: AzureOutputs) -> dict[str, object]:
    """The values of all fields, without where they came from."""
    fields = {
        "tenant": outputs.tenant_id,
        "client": outputs.client_id,
        "app": outputs.application_object_id,
        "sp": outputs.service_principal_object_id,
        "ends": outputs.secret_expires_on,
        "hint": outputs.secret_hint,
        "key": outputs.secret_key_id,
        "cloud": outputs.cloud,
    }
    told = {name: found.value for name, found in fields.items() if found is not None}
    if outputs.redirect_uris:
        told["uri"] = outputs.redirect_uris[0].value
    return told


VALUES = {
    "tenant": TENANT,
    "client": CLIENT,
    "app": APP,
    "sp": SP,
    "ends": ENDS,
    "hint": "FAK",
    "key": KEY,
    "cloud": "public",
    "uri": "https://contoso-example.service-now.com/oauth_redirect.do",
}


def sample(shared: Path, name: str) -> Path:
    return shared / "samples" / "azure" / f"{name}.json"


def test_every_sample_has_an_expectation(shared: Path) -> None:
    names = {path.name.removesuffix(".json") for path in (shared / "samples/azure").glob("*.json")}
    assert names == EXPECTED.keys() | REFUSED.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_is_understood(name: str, shared: Path) -> None:
    told, consent, codes = EXPECTED[name]
    path = sample(shared, name)
    outputs = read_azure_outputs([path], now=NOW)
    assert summary(outputs) == {field: VALUES[field] for field in told}
    assert (outputs.consent.value if outputs.consent else None) is consent
    assert {notice.code for notice in outputs.notices} == codes
    if outputs.tenant_id:
        assert outputs.token_endpoint is not None
        assert outputs.token_endpoint.value == (
            f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"
        )
    places = [row[2] for row in outputs_table(outputs)]
    assert all(place.startswith(f"{path}: ") for place in places)


@pytest.mark.parametrize("name", REFUSED)
def test_a_sample_that_is_no_output_is_refused(name: str, shared: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_azure_outputs([sample(shared, name)], now=NOW)
    assert {fault.code for fault in caught.value.faults} == {REFUSED[name]}
    assert all(fault.next for fault in caught.value.faults)


@pytest.mark.parametrize("name", [*EXPECTED, *REFUSED])
def test_no_sample_gives_its_secret_away(name: str, shared: Path) -> None:
    path = sample(shared, name)
    text = path.read_text(encoding="utf-8-sig")
    try:
        outputs = read_azure_outputs([path], now=NOW)
    except ConfigError as error:
        said = f"{error!r} {error} {error.faults!r} {error.__cause__!r} {error.__context__!r}"
    else:
        said = f"{outputs!r} {outputs_table(outputs)!r} {json.dumps(outputs_json(outputs))}"
        assert (SECRET in text) == any(n.code == "secret-in-input" for n in outputs.notices)
    for canary in (SECRET, TOKEN, "FAKE-PAYLOAD", SECRET[:8], SECRET[-10:]):
        assert canary not in said


@pytest.mark.parametrize("name", EXPECTED)
def test_the_json_result_fits_its_schema(name: str, shared: Path, repository: Path) -> None:
    schema = json.loads((repository / "docs/json/azure-read.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    result = outputs_json(read_azure_outputs([sample(shared, name)], now=NOW))
    validator.validate(json.loads(json.dumps(result)))
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**result, "client_secret": None})
    with pytest.raises(jsonschema.ValidationError):
        validator.validate({**result, "tenant_id": {"value": "x", "file": "f", "path": "p"}})


def test_all_understood_samples_agree(shared: Path) -> None:
    files = [sample(shared, name) for name in EXPECTED if name != "graph_application_certificate"]
    outputs = read_azure_outputs(files, now=NOW)
    assert summary(outputs) == VALUES
    assert outputs.consent is not None
    assert outputs.consent.value is Consent.GRANTED
    assert outputs.client_id is not None
    assert outputs.client_id.path == "clientId.value"
    assert not {"secret-ambiguous", "object-id-ambiguous"} & {n.code for n in outputs.notices}


def test_our_own_result_is_no_input(shared: Path, tmp_path: Path) -> None:
    """Its token endpoint may be an assumption, which reading it again would turn into a fact."""
    outputs = read_azure_outputs([sample(shared, "terraform_output")], now=NOW)
    kept = tmp_path / "azure.json"
    kept.write_text(json.dumps({"schema": 1, "ok": True, "result": outputs_json(outputs)}))
    with pytest.raises(ConfigError, match="is an object; a text is wanted"):
        read_azure_outputs([kept], now=NOW)


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"), ("utf-8", b"\xef\xbb\xbf")],
)
@pytest.mark.parametrize("name", ["terraform_output", "az_ad_app_show", "az_ad_sp_show"])
def test_encodings_line_ends_and_warnings_change_nothing(
    name: str, encoding: str, mark: bytes, shared: Path, tmp_path: Path
) -> None:
    text = sample(shared, name).read_text(encoding="utf-8")
    text = "WARNING: The output includes credentials\r\nWARNING: and more\r\n\r\n" + text.replace(
        "\n", "\r\n"
    )
    copy = tmp_path / "copy.txt"
    copy.write_bytes(mark + text.encode(encoding))
    assert summary(read_azure_outputs([copy], now=NOW)) == summary(
        read_azure_outputs([sample(shared, name)], now=NOW)
    )
