"""Every trap has a message of its own, with its own code."""

from __future__ import annotations

import copy
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from generator.azure import read as read_module
from generator.azure.model import Consent, Severity
from generator.errors import ConfigError

TENANT = "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"
CLIENT = "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"
APP = "c0ffee00-1111-4222-8333-444455556666"
SP = "5e7a1c9d-0b2f-4d6e-8a13-9f8e7d6c5b4a"
KEY = "9d0c1b2a-3e4f-4567-89ab-cdef01234567"
OTHER = "11111111-2222-4333-8444-555555555555"
EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
ROLE = "7146a1f0-8703-45b3-9eae-527a64c00995"
SECRET = "abc" + "8Q~" + "x" * 34

APPLICATION = {"appId": CLIENT, "id": APP, "web": {"redirectUris": []}}
PRINCIPAL = {"appId": CLIENT, "id": SP, "servicePrincipalType": "Application"}
REQUESTED = [{"resourceAppId": EXCHANGE, "resourceAccess": [{"id": ROLE, "type": "Role"}]}]
EMPTY = {"@odata.context": "https://g/v1.0/$metadata#appRoleAssignments", "value": []}
TERRAFORM = {"format_version": "1.0", "terraform_version": "1.11.4"}
CLAIMS = {"aud": "https://outlook.office.com", "iss": "https://x/", "tid": TENANT, "oid": SP}


def assignment(role: str = ROLE, principal: str = SP, **more: object) -> dict[str, object]:
    return {"appRoleId": role, "principalId": principal, "resourceId": OTHER, **more}


def requested(role: str = ROLE, kind: str = "Role") -> list[dict[str, object]]:
    return [{"resourceAppId": EXCHANGE, "resourceAccess": [{"id": role, "type": kind}]}]


FAULTS: list[tuple[str, tuple[object, ...]]] = [
    ("unknown-shape", ({"hello": 1, SECRET: 2},)),
    ("unknown-shape", (1,)),
    ("unknown-shape", ([None],)),
    ("unknown-shape", ({f"key{n}": n for n in range(20)},)),
    ("unknown-shape", ({},)),
    ("bare-string", (f'"{SECRET}"',)),
    ("bare-string", ({"value": SECRET, "type": "string"},)),
    ("empty-list", ([],)),
    ("empty-list", ({"value": []},)),
    ("no-outputs", ({"properties": {"outputs": None}},)),
    ("no-outputs", ({"Outputs": {}, "DeploymentName": "x"},)),
    ("ambiguous-shape", ({**APPLICATION, **PRINCIPAL},)),
    ("graph-object-unclear", ({"appId": CLIENT, "id": APP, "displayName": "x"},)),
    ("access-token", ({"accessToken": SECRET, "tokenType": "Bearer", "tenant": TENANT},)),
    ("access-token", ({"access_token": {"value": SECRET, "secret": True}},)),
    ("token-error", ({"error": "invalid_client", "error_description": SECRET},)),
    ("terraform-plan", ({**TERRAFORM, "planned_values": {}},)),
    ("terraform-nothing", (TERRAFORM,)),
    ("terraform-nothing", ({**TERRAFORM, "values": {"root_module": {}}},)),
    ("terraform-nothing", ({"version": 4, "lineage": "", "resources": [], "outputs": {}},)),
    ("terraform-state-version", ({"version": 3, "lineage": "", "resources": []},)),
    ("key-clash", ({"appId": CLIENT, "AppId": OTHER, "password": None, "tenant": TENANT},)),
    ("key-clash", ({"client_id": CLIENT, "clientId": OTHER},)),
    ("key-clash", ({**APPLICATION, "passwordCredentials": [{"keyId": KEY, "KeyId": OTHER}]},)),
    ("wrong-type", ({"client_id": 5},)),
    ("wrong-type", ({"client_id": {"dev": CLIENT, "prod": OTHER}},)),
    ("wrong-type", ({"tenant_id": [TENANT], "client_id": CLIENT},)),
    ("key-clash", ({**APPLICATION, "Web": {}},)),
    ("not-a-guid", ({"client_id": SECRET},)),
    ("not-a-guid", ({"client_id": ""},)),
    ("not-a-guid", ({"client_id": f"{CLIENT} "},)),
    ("not-a-guid", ({"client_id": "00000000-0000-0000-0000-000000000000"},)),
    ("not-a-guid", ({"tenant": "contoso.onmicrosoft.com"},)),
    ("id-of-another-kind", ({"service_principal_object_id": f"/applications/{APP}"},)),
    ("client-id-is-microsoft", ({"client_id": EXCHANGE},)),
    ("date-unreadable", ({"client_id": CLIENT, "client_secret_end_date": "soon"},)),
    ("date-unreadable", ({"client_id": CLIENT, "end_date": "2027-11-20T09:15:00"},)),
    ("date-unreadable", ({"client_id": CLIENT, "end_date": "2027-13-20T09:15:00Z"},)),
    ("date-unreadable", ({"client_id": CLIENT, "end_date": "9999-12-31T23:59:59-14:00"},)),
    ("date-unreadable", ({"client_id": CLIENT, "end_date": "/Date(999999999999999)/"},)),
    ("date-unreadable", ({"client_id": CLIENT, "end_date": "0999-01-01T00:00:00Z"},)),
    ("date-unreadable", ({"client_id": CLIENT, "end_date": "/Date(-62135596800000)/"},)),
    ("date-unreadable", ({"client_id": CLIENT, "end_date": "9999-12-31T23:59:59Z"},)),
    ("hint-form", ({"client_secret": "[secret]", "client_secret_hint": SECRET},)),
    ("secret-not-text", ({"appId": CLIENT, "password": 1, "tenant": TENANT},)),
    ("login-form", ({"client_id": CLIENT, "login_url": "http://login.microsoftonline.com"},)),
    ("login-form", ({"client_id": CLIENT, "login_url": "https://[::1"},)),
    ("token-endpoint-form", ({"token_url": f"https://login.microsoftonline.com/{TENANT}"},)),
    ("token-endpoint-form", ({"token_url": f"https://x.example/a/oauth2/v2.0/token?s={SECRET}"},)),
    ("token-endpoint-form", ({"token_url": "https://x.example/a b/oauth2/v2.0/token"},)),
    (
        "token-endpoint-common",
        ({"token_url": "https://login.microsoftonline.com/Common/oauth2/v2.0/token"},),
    ),
    ("conflicting-client-id", (APPLICATION, {"client_id": OTHER})),
    ("conflicting-tenant-id", ({"tenant_id": TENANT}, {"tenant": OTHER})),
    ("conflicting-application-object-id", (APPLICATION, {"application_object_id": OTHER})),
    ("conflicting-service-principal-object-id", (PRINCIPAL, {"sp_object_id": OTHER})),
    ("conflicting-service-principal-object-id", (PRINCIPAL, [assignment(principal=OTHER)])),
    (
        "conflicting-cloud",
        (
            {"environmentName": "AzureCloud", "tenantId": TENANT},
            {"environmentName": "AzureChinaCloud", "tenantId": TENANT},
        ),
    ),
    (
        "conflicting-token-endpoint",
        tuple(
            {"token_url": f"https://login.microsoftonline.com/{name}.example/oauth2/v2.0/token"}
            for name in "ab"
        ),
    ),
    ("client-id-is-tenant-id", ({"client_id": CLIENT, "tenant_id": CLIENT},)),
    ("several-applications", ([APPLICATION, {**APPLICATION, "appId": OTHER, "id": OTHER}],)),
    (
        "client-id-not-in-list",
        (
            {"client_id": KEY},
            [APPLICATION, {**APPLICATION, "appId": OTHER, "id": OTHER}],
        ),
    ),
    ("too-many-faults", ({f"n{n}": {"client_id": "x"} for n in range(40)},)),
]


@pytest.mark.parametrize(("code", "documents"), FAULTS)
def test_what_is_always_wrong_is_refused(code: str, documents, read) -> None:
    with pytest.raises(ConfigError) as caught:
        read(*documents)
    faults = caught.value.faults
    assert code in {fault.code for fault in faults}
    assert all(fault.file and fault.message for fault in faults)
    assert SECRET not in f"{caught.value!r}{caught.value}"
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


NOTICES: list[tuple[str, Severity, str | None, tuple[object, ...]]] = [
    (
        "object-ids-equal",
        Severity.ERROR,
        "service_principal_object_id",
        ({"application_object_id": SP, "service_principal_object_id": SP, "client_id": CLIENT},),
    ),
    (
        "object-ids-equal",
        Severity.ERROR,
        "service_principal_object_id",
        ({"client_id": SP, "service_principal_object_id": SP},),
    ),
    (
        "object-id-ambiguous",
        Severity.ERROR,
        "service_principal_object_id",
        ({"client_id": CLIENT, "object_id": SP},),
    ),
    (
        "object-id-ambiguous",
        Severity.ERROR,
        "service_principal_object_id",
        ({"client_id": CLIENT, "servicePrincipalId": SP},),
    ),
    ("application-id-ambiguous", Severity.ERROR, "client_id", ({"application_id": CLIENT},)),
    (
        "service-principal-object-id-unknown",
        Severity.ERROR,
        "service_principal_object_id",
        (APPLICATION,),
    ),
    (
        "secret-ambiguous",
        Severity.ERROR,
        "secret_expires_on",
        ({"client_secrets": {"2026-11": SECRET, "2027-05": "d" + SECRET}},),
    ),
    ("secret-in-input", Severity.WARNING, "client_secret", ({"client_secret": SECRET},)),
    ("secret-id-not-value", Severity.WARNING, "client_secret", ({"client_secret": KEY},)),
    ("secret-white-space", Severity.WARNING, "client_secret", ({"client_secret": f"{SECRET}\n"},)),
    (
        "secret-percent-encoded",
        Severity.WARNING,
        "client_secret",
        ({"client_secret": SECRET.replace("~", "%7E")},),
    ),
    *(
        (code, Severity.NOTE, "client_secret", ({"client_secret": value},))
        for code, value in (
            ("secret-masked-pulumi", "[secret]"),
            ("secret-masked-terraform", "<sensitive>"),
            ("secret-masked-terraform", "(sensitive value)"),
            ("secret-masked-powershell", "System.Security.SecureString"),
            ("secret-not-known-yet", "(known after apply)"),
            ("secret-redacted", "***"),
            ("secret-redacted", "[REDACTED]"),
            ("secret-placeholder", "REPLACE_ME"),
            ("secret-placeholder", "<your secret>"),
            ("secret-withheld", {"type": "SecureString"}),
            (
                "secret-reference",
                "@Microsoft.KeyVault(SecretUri=https://kv.example/secrets/a)",
            ),
            ("secret-null", None),
            ("secret-empty", ""),
            ("secret-empty", " "),
        )
    ),
    (
        "secret-withheld",
        Severity.NOTE,
        "client_secret",
        ({"clientId": CLIENT, "hidden": {"type": "secureString"}},),
    ),
    (
        "secret-withheld",
        Severity.NOTE,
        "client_secret",
        ({"clientSecrets": {"a": {"type": "SecureObject"}}},),
    ),
    (
        "secret-null",
        Severity.NOTE,
        "client_secret",
        ({"appId": CLIENT, "password": None, "tenant": TENANT},),
    ),
    ("value-masked", Severity.NOTE, None, ({"client_id": "[secret]"},)),
    (
        "secret-expired",
        Severity.WARNING,
        "secret_expires_on",
        ({"client_id": CLIENT, "end_date": "2026-11-23T12:00:00Z"},),
    ),
    (
        "secret-expiring",
        Severity.WARNING,
        "secret_expires_on",
        ({"client_id": CLIENT, "end_date": "2026-12-01T12:00:00Z"},),
    ),
    (
        "secret-long-lived",
        Severity.WARNING,
        "secret_expires_on",
        (
            {
                "keyId": KEY,
                "startDateTime": "2026-11-20T00:00:00Z",
                "endDateTime": "2028-11-20T00:00:00Z",
                "hint": "abc",
                "secretText": None,
            },
        ),
    ),
    (
        "vault-expiry-differs",
        Severity.WARNING,
        "secret_expires_on",
        (
            {"client_id": CLIENT, "end_date": "2027-11-20T09:15:00Z"},
            {
                "id": "https://kv.example/secrets/a/b",
                "value": "[secret]",
                "attributes": {"expires": "2027-10-20T09:15:00+00:00"},
            },
        ),
    ),
    (
        "certificate-only",
        Severity.WARNING,
        "client_secret",
        (
            {
                "appId": CLIENT,
                "password": None,
                "tenant": TENANT,
                "fileWithCertAndPrivateKey": "tmp.pem",
            },
        ),
    ),
    (
        "certificate-only",
        Severity.WARNING,
        "client_secret",
        (
            {
                "clientId": CLIENT,
                "tenantId": TENANT,
                "clientCertificate": "x.pem",
                "activeDirectoryEndpointUrl": "https://login.microsoftonline.com/",
            },
        ),
    ),
    (
        "consent-configured-only",
        Severity.WARNING,
        "consent",
        ({**APPLICATION, "requiredResourceAccess": REQUESTED}, EMPTY),
    ),
    (
        "consent-configured-only",
        Severity.WARNING,
        "consent",
        ({**APPLICATION, "requiredResourceAccess": REQUESTED}, [assignment(OTHER)]),
    ),
    (
        "wrong-permission",
        Severity.WARNING,
        "consent",
        (requested("b633e1c5-b582-4048-a93e-9f11b44c7e96"),),
    ),
    (
        "wrong-permission",
        Severity.WARNING,
        "consent",
        ([assignment("5e5addcd-3e8d-4e90-baf5-964efab2b20a")],),
    ),
    ("permission-delegated", Severity.WARNING, "consent", (requested(kind="Scope"),)),
    (
        "assignments-of-several",
        Severity.WARNING,
        "consent",
        ([assignment(), assignment(principal=OTHER)],),
    ),
    ("token-not-app-only", Severity.WARNING, None, ({**CLAIMS, "scp": "SMTP.Send"},)),
    ("token-not-app-only", Severity.WARNING, None, ({**CLAIMS, "idtyp": "user"},)),
    (
        "token-audience",
        Severity.WARNING,
        None,
        ({**CLAIMS, "aud": "https://graph.microsoft.com", "roles": ["SMTP.SendAsApp"]},),
    ),
    ("token-role", Severity.WARNING, "consent", ({**CLAIMS, "roles": ["full_access_as_app"]},)),
    (
        "token-endpoint-v1",
        Severity.WARNING,
        "token_endpoint",
        ({"token_url": f"https://login.microsoftonline.com/{TENANT}/oauth2/token"},),
    ),
    (
        "cloud-unknown",
        Severity.WARNING,
        "cloud",
        ({"environmentName": "AzureGermanCloud", "tenantId": TENANT},),
    ),
    (
        "cloud-unknown",
        Severity.WARNING,
        "cloud",
        ({"tenant_id": TENANT, "login_url": "https://login.private.example"},),
    ),
    (
        "cloud-ambiguous",
        Severity.NOTE,
        "cloud",
        ({"environmentName": "AzureUSGovernment", "tenantId": TENANT},),
    ),
    (
        "multi-tenant",
        Severity.WARNING,
        None,
        ({**APPLICATION, "signInAudience": "AzureADMultipleOrgs"},),
    ),
    (
        "depth-truncated",
        Severity.WARNING,
        None,
        ({**APPLICATION, "PasswordCredentials": ["Microsoft.Graph.PasswordCredential"]},),
    ),
    (
        "list-incomplete",
        Severity.WARNING,
        None,
        ({"@odata.nextLink": "https://g/next", "value": [assignment(OTHER)]},),
    ),
    (
        "mailbox-permission-denied",
        Severity.WARNING,
        None,
        ({"AccessRights": ["FullAccess"], "Identity": "m", "User": "S-1-5-21-1", "Deny": True},),
    ),
    (
        "smtp-auth-disabled",
        Severity.WARNING,
        None,
        ({"Identity": "m", "SmtpClientAuthenticationDisabled": True},),
    ),
    (
        "smtp-auth-disabled-by-default",
        Severity.NOTE,
        None,
        ({"SmtpClientAuthenticationDisabled": True},),
    ),
    (
        "not-in-scope",
        Severity.WARNING,
        None,
        ([{"RoleName": "Application SMTP.SendAsApp", "InScope": "False"}],),
    ),
    (
        "create-for-rbac",
        Severity.NOTE,
        None,
        ({"appId": CLIENT, "displayName": "x", "password": SECRET, "tenant": TENANT},),
    ),
    (
        "credential-reset",
        Severity.NOTE,
        None,
        ({"appId": CLIENT, "password": SECRET, "tenant": TENANT},),
    ),
    (
        "account-not-default",
        Severity.NOTE,
        None,
        (
            [
                {"environmentName": "AzureCloud", "tenantId": OTHER, "isDefault": False},
                {"environmentName": "AzureCloud", "tenantId": TENANT, "isDefault": True},
            ],
        ),
    ),
    (
        "redirect-uri-unreadable",
        Severity.NOTE,
        None,
        ({"client_id": CLIENT, "redirect_uri": SECRET},),
    ),
    ("nothing-to-render", Severity.NOTE, None, ({"SmtpClientAuthenticationDisabled": None},)),
    (
        "microsoft-service-principal",
        Severity.NOTE,
        None,
        ({"appId": EXCHANGE, "id": OTHER, "servicePrincipalNames": []},),
    ),
]


@pytest.mark.parametrize(("code", "severity", "concerns", "documents"), NOTICES)
def test_what_may_be_right_is_a_notice(code, severity, concerns, documents, read) -> None:
    outputs = read(*documents)
    told = [notice for notice in outputs.notices if notice.code == code]
    assert told, [notice.code for notice in outputs.notices]
    assert {(notice.severity, notice.concerns) for notice in told} == {(severity, concerns)}
    assert all(notice.file and notice.message for notice in told)
    assert SECRET not in repr(outputs)


def test_each_kind_of_absent_secret_has_a_message_of_its_own(read) -> None:
    said: dict[str, str] = {}
    for value in ("[secret]", "<sensitive>", "REPLACE_ME", {"type": "SecureString"}, None, ""):
        (notice,) = read({"client_id": CLIENT, "client_secret": value}).notices
        said[notice.message] = notice.code
    assert len(said) == len(set(said.values())) == 6
    for words in ("Pulumi", "Terraform", "placeholder", "SecureString", "null", "empty"):
        assert any(words in message for message in said)


def test_every_code_is_listed_used_and_tested() -> None:
    package = Path(read_module.__file__).parent
    quoted = re.compile(r'"([a-z]+(?:-[a-z0-9]+)+)"')
    # Graph and the scripts are asked and written, not read; their faults have tests of their own.
    readers = [p for p in package.glob("*.py") if not p.name.startswith(("graph", "setup"))]
    sources = [*readers, *(package / "readers").glob("*.py")]
    used = {code for path in sources for code in quoted.findall(path.read_text())}
    used |= {f"conflicting-{kind}-id" for kind in ("client", "tenant")}
    used |= {f"conflicting-{kind}-object-id" for kind in ("application", "service-principal")}
    listed = set(re.findall(r"[a-z]+(?:-[a-z0-9]+)+", read_module.__doc__ or ""))
    tested = {case[0] for case in FAULTS} | {case[0] for case in NOTICES}
    documents = {
        "file-missing",
        "file-unreadable",
        "file-too-large",
        "file-empty",
        "not-text",
        "not-json",
        "terraform-text",
        "duplicate-key",
        "too-deep",
        "secret-hint-mismatch",
        "conflicting-secret-expiry",
    }
    assert tested | documents == listed
    assert used - {"gcc-high", "utf-16", "utf-8", "utf-8-sig"} == listed


def test_the_object_id_trap_is_never_resolved_by_guessing(read) -> None:
    equal = read({"application_object_id": SP, "service_principal_object_id": SP})
    assert equal.service_principal_object_id is None
    assert equal.application_object_id is None
    ambiguous = read({"client_id": CLIENT, "object_id": SP})
    assert ambiguous.service_principal_object_id is None
    proven = read({"client_id": CLIENT, "object_id": SP}, PRINCIPAL)
    assert proven.service_principal_object_id.value == SP
    assert not proven.notices
    application = read({"client_id": CLIENT, "object_id": APP}, APPLICATION)
    assert [n.code for n in application.notices] == ["service-principal-object-id-unknown"]
    assert f"az ad sp show --id {CLIENT} --query id" in application.notices[0].next


def test_a_path_tells_which_kind_of_id_it_is(read) -> None:
    outputs = read({"client_id": CLIENT, "object_id": f"/servicePrincipals/{SP}"})
    assert outputs.service_principal_object_id.value == SP
    outputs = read({"client_id": CLIENT, "application_id": f"/applications/{APP}"})
    assert outputs.application_object_id.value == APP


def test_the_proof_of_a_token_gives_the_corrected_line(read) -> None:
    exchange = {"AppId": CLIENT, "ObjectId": APP, "Sid": "S-1-5-21-1"}
    with pytest.raises(ConfigError) as caught:
        read(exchange, {**CLAIMS, "appid": CLIENT})
    (fault,) = caught.value.faults
    assert APP in fault.message
    assert SP in fault.message
    assert "input0.json" in fault.message
    assert fault.file is not None
    assert fault.file.endswith("input1.json")
    assert f"New-ServicePrincipal -AppId {CLIENT} -ObjectId {SP}" in (fault.next or "")


def test_the_application_object_id_in_exchange_is_recognised(read) -> None:
    exchange = {"AppId": CLIENT, "ObjectId": APP, "Sid": "S-1-5-21-1"}
    with pytest.raises(ConfigError) as caught:
        read(APPLICATION, PRINCIPAL, exchange)
    assert f"-ObjectId {SP}" in (caught.value.faults[0].next or "")
    with pytest.raises(ConfigError) as caught:
        read(PRINCIPAL, {**exchange, "ObjectId": OTHER})
    assert "az ad sp show" in (caught.value.faults[0].next or "")


@pytest.mark.parametrize(("days", "limit"), [(14, 14), (15, 30), (30, 30), (60, 60)])
def test_the_end_of_the_secret_is_announced(days: int, limit: int, read) -> None:
    ends = datetime(2027, 1, 31, tzinfo=UTC)
    document = {"client_id": CLIENT, "secret_expires_on": "2027-01-31T00:00:00Z"}
    (notice,) = read(document, now=ends - timedelta(days=days)).notices
    assert f"within {limit} days" in notice.message


def test_a_year_is_not_too_long_and_two_months_are_not_announced(read) -> None:
    credential = {
        "keyId": KEY,
        "startDateTime": "2027-03-01T00:00:00Z",
        "endDateTime": "2028-03-01T00:00:00Z",
    }
    ends = datetime(2028, 3, 1, tzinfo=UTC)
    assert not read(credential, now=ends - timedelta(days=60, seconds=1)).notices


def test_no_consent_is_claimed_without_evidence(read) -> None:
    application = {**APPLICATION, "requiredResourceAccess": REQUESTED}
    assert read(application).consent.value is Consent.UNKNOWN
    assert read(application, EMPTY).consent.value is Consent.CONFIGURED_ONLY
    assert read(EMPTY).consent is None
    assert read([assignment()], application).consent.value is Consent.GRANTED
    users = [assignment(principalType="User")]
    assert read(users, application).consent.value is Consent.CONFIGURED_ONLY
    page = {"@odata.nextLink": "https://g/next", "value": [assignment(OTHER)]}
    assert read(page, application).consent.value is Consent.UNKNOWN
    unfinished = {**EMPTY, "@odata.nextLink": "https://g/next"}
    with pytest.raises(ConfigError, match="empty list"):
        read(unfinished, application)
    single = assignment(OTHER)
    assert read(single, application).consent.value is Consent.UNKNOWN


def test_assignments_of_others_do_not_count(read) -> None:
    listed = [assignment(principal=OTHER), assignment(OTHER, principal=KEY)]
    application = {**APPLICATION, "requiredResourceAccess": REQUESTED}
    outputs = read(listed, application, PRINCIPAL)
    assert outputs.consent.value is Consent.CONFIGURED_ONLY
    assert outputs.service_principal_object_id.value == SP


def test_the_role_is_resolved_by_name_where_exchange_tells_it(read) -> None:
    exchange = {
        "appId": EXCHANGE,
        "id": OTHER,
        "servicePrincipalType": "Application",
        "appRoles": [
            {"value": "IMAP.AccessAsApp", "id": APP},
            {"value": "SMTP.SendAsApp", "id": KEY},
        ],
    }
    assert read(exchange, [assignment(KEY)]).consent.value is Consent.GRANTED
    assert read(exchange, [assignment(ROLE)]).consent is None
    elsewhere = assignment(KEY) | {"resourceId": SP}
    assert read(exchange, [elsewhere]).consent is None


def test_clouds_narrow_down(read) -> None:
    government = {"environmentName": "AzureUSGovernment", "tenantId": TENANT}
    alone = read(government)
    assert alone.cloud is None
    assert alone.token_endpoint.value.startswith("https://login.microsoftonline.us/")
    both = read(government, {"tenant_id": TENANT, "cloud": "dod"})
    assert (both.cloud.value, both.cloud.path) == ("dod", "cloud")
    china = read({"tenant_id": TENANT, "login_url": "login.chinacloudapi.cn"})
    assert china.cloud.value == "china"
    assert china.token_endpoint.value.startswith("https://login.partner.microsoftonline.cn/")
    claims = {**CLAIMS, "iss": f"https://login.microsoftonline.us/{TENANT}/v2.0", "azp": CLIENT}
    assert read(claims).token_endpoint.value.startswith("https://login.microsoftonline.us/")
    with pytest.raises(ConfigError, match="gcc-high or dod"):
        read({"tenant_id": TENANT, "cloud": "public"}, government)


def test_a_private_login_host_is_kept(read) -> None:
    outputs = read({"tenant_id": TENANT, "login_url": "https://login.private.example:443/"})
    assert outputs.cloud is None
    assert outputs.token_endpoint.value == (
        f"https://login.private.example/{TENANT}/oauth2/v2.0/token"
    )


def test_a_token_endpoint_tells_tenant_and_cloud(read) -> None:
    for version in ("", "v2.0/"):
        url = f"https://LOGIN.microsoftonline.com/{TENANT}/oauth2/{version}token"
        outputs = read({"token_url": url})
        assert outputs.tenant_id.value == TENANT
        assert outputs.cloud.value == "public"
        assert outputs.token_endpoint.value.endswith(f"/{TENANT}/oauth2/v2.0/token")
        assert outputs.token_endpoint.path == "token_url"
    with pytest.raises(ConfigError, match="tenant ID"):
        read({"token_url": url, "tenant_id": OTHER})


def test_the_application_is_picked_from_a_list_by_client_id(read) -> None:
    other = copy.deepcopy(APPLICATION) | {
        "appId": OTHER,
        "id": KEY,
        "passwordCredentials": [{"keyId": OTHER, "secretText": SECRET}],
    }
    for outputs in (
        read([other, APPLICATION], {"client_id": CLIENT}),
        read([other, APPLICATION], client=CLIENT.upper()),
        read([other, APPLICATION, {**PRINCIPAL}], client=CLIENT),
    ):
        assert outputs.client_id.value == CLIENT
        assert outputs.application_object_id.value == APP
        assert outputs.secret_key_id is None
        assert "secret-in-input" in {notice.code for notice in outputs.notices}
    with pytest.raises(ConfigError, match="azure.client_id"):
        read([other, APPLICATION])
    many = [{**APPLICATION, "appId": f"{n:08d}{CLIENT[8:]}"} for n in range(10, 20)]
    with pytest.raises(ConfigError, match="and 5 more"):
        read(many)


def test_two_entries_of_the_same_application_need_no_choice(read) -> None:
    outputs = read([PRINCIPAL, {"AppId": CLIENT, "ObjectId": SP, "Sid": "S-1"}])
    assert outputs.service_principal_object_id.value == SP


def test_all_faults_of_all_files_come_at_once(read) -> None:
    with pytest.raises(ConfigError) as caught:
        read("", {"client_id": "x", "tenant_id": "y"}, {"hello": 1})
    assert [fault.code for fault in caught.value.faults] == [
        "file-empty",
        "not-a-guid",
        "not-a-guid",
        "unknown-shape",
    ]


def test_an_unknown_document_is_named_by_its_keys_only(read) -> None:
    with pytest.raises(ConfigError) as caught:
        read({"hello": SECRET, SECRET: 1, "x y": 2})
    (fault,) = caught.value.faults
    assert "its keys: hello, ?, x y" in fault.message
    assert "terraform output -json" in (fault.next or "")
    assert "client_id" in (fault.next or "")
