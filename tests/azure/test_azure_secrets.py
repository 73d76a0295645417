"""A secret in an input is tested at the door and dropped; the credential in use is found."""

from __future__ import annotations

import json
import traceback
from datetime import UTC, datetime

import pytest

from generator.azure.describe import outputs_json, outputs_table
from generator.azure.documents import load
from generator.azure.values import is_masked, is_reference, parse_date, shown
from generator.azure.walk import interpret
from generator.errors import ConfigError

TENANT = "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"
CLIENT = "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"
APP = "c0ffee00-1111-4222-8333-444455556666"
KEY = "9d0c1b2a-3e4f-4567-89ab-cdef01234567"
KEY2 = "8d0c1b2a-3e4f-4567-89ab-cdef01234567"
SECRET = "abc" + "8Q~" + "x" * 34
SECOND = "xyz" + "8Q~" + "y" * 34
ENDS = "2027-11-20T09:15:00Z"
LATER = "2027-12-20T09:15:00Z"
PAST = "2026-01-20T09:15:00Z"


def credential(key: str = KEY, hint: str | None = "abc", ends: str = ENDS) -> dict[str, object]:
    return {"keyId": key, "hint": hint, "endDateTime": ends, "secretText": None}


def application(*credentials: dict[str, object]) -> dict[str, object]:
    return {"appId": CLIENT, "id": APP, "web": None, "passwordCredentials": list(credentials)}


RESET = {"appId": CLIENT, "password": SECRET, "tenant": TENANT}

PLACES: list[object] = [
    RESET,
    {"clientSecret": SECRET},
    {"client_secret": {"sensitive": True, "type": "string", "value": SECRET}},
    {"client_id": CLIENT, "db_password": SECRET},
    {"client_id": CLIENT, "unknown": SECRET},
    {"client_id": CLIENT, "unknown": {"value": "hunter2 " + SECRET, "secret": True}},
    {"client_secrets": {"2026-11": SECRET}},
    {"client_secrets": [SECRET]},
    {"client_secrets": {"2026-11": {"value": SECRET, "key_id": KEY, "end_date": ENDS}}},
    {"clientSecret": {"value": SECRET, "endDate": ENDS}},
    {"azure": {"client": {"client_secret": SECRET}}},
    {"apps": [{"client_id": CLIENT, "client_secret": SECRET}]},
    application({**credential(), "secretText": SECRET}),
    {**credential(), "secretText": SECRET},
    {
        "appId": CLIENT,
        "id": APP,
        "replyUrlsWithType": [],
        "passwordCredentials": [{"keyId": KEY, "endDate": ENDS, "value": SECRET}],
    },
    {"id": "https://kv.example/secrets/a", "value": SECRET, "attributes": None, "tags": None},
    {
        "appId": CLIENT,
        "password": None,
        "tenant": TENANT,
        "fileWithCertAndPrivateKey": "-----BEGIN PRIVATE" + " KEY-----\n" + SECRET,
    },
]


@pytest.mark.parametrize("document", PLACES)
def test_a_secret_is_dropped_with_a_warning_wherever_it_stands(document, read, write) -> None:
    outputs = read(document)
    assert "secret-in-input" in {notice.code for notice in outputs.notices}
    facts = interpret(load(write(document)))
    said = f"{outputs!r}{outputs_table(outputs)}{json.dumps(outputs_json(outputs))}{facts!r}"
    assert SECRET not in said
    assert SECRET[3:12] not in said


WRONG_PLACES: list[object] = [
    {"client_id": SECRET},
    {"tenant_id": CLIENT, "object_id": SECRET},
    {"client_id": CLIENT, "hint": SECRET},
    {"client_id": CLIENT, "key_id": SECRET},
    {"client_id": CLIENT, "end_date": SECRET},
    {"client_id": CLIENT, "token_url": f"https://login.microsoftonline.com/{SECRET}/oauth2/token"},
    {"client_id": CLIENT, "token_url": SECRET},
    {"client_id": CLIENT, "login_url": f"https://{SECRET}"},
    {"client_id": CLIENT, "cloud": SECRET, "tenant": "x"},
    {"client_id": CLIENT, "redirect_uris": [f"https://x.example/?a={SECRET}", 1]},
    {SECRET: {SECRET: 1}},
    {SECRET: {"client_id": 1}},
    [SECRET],
    SECRET,
    json.dumps(SECRET),
    json.dumps(RESET)[:-1],
    {"error": SECRET, "error_description": SECRET, "error_codes": [SECRET, 7000215]},
    {"access_token": SECRET},
]


@pytest.mark.parametrize("document", WRONG_PLACES)
def test_a_secret_in_the_wrong_place_is_not_echoed(document, read) -> None:
    with pytest.raises(ConfigError) as caught:
        read(document)
    error = caught.value
    said = "".join(traceback.format_exception(error)) + repr(error.faults)
    assert SECRET not in said
    assert error.__context__ is None


@pytest.mark.parametrize(
    "text",
    ["[secret]", "<sensitive>", "(sensitive value)", "REPLACE_ME", "changeme", "<your secret>"]
    + ["***", "${CLIENT_SECRET}", "{{ secret }}", "xxxxx", "System.Security.SecureString", "TODO"],
)
def test_masks_and_placeholders_are_no_secrets(text: str) -> None:
    assert is_masked(f" {text} ")


@pytest.mark.parametrize("start", ["put", "your", "Replace", "enter", "xxx", "abc"])
def test_a_real_secret_is_no_mask(start: str) -> None:
    secret = f"{start}8Q~" + "aB3_-." * 5 + "zzzz"
    assert not is_masked(secret)
    assert not is_reference(secret)
    assert secret not in shown(secret)


@pytest.mark.parametrize(
    ("text", "echoed"),
    [
        ("contoso.onmicrosoft.com", True),
        ("2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1", True),
        ("REPLACE_ME", True),
        ("a\nb", False),
        ("FAKE~not-a-real-", False),
        ("a" * 300 + ".example", False),
    ],
)
def test_only_harmless_values_are_echoed(text: str, echoed: bool) -> None:
    assert (text in shown(text)) is echoed


@pytest.mark.parametrize(
    "text",
    [
        ENDS,
        "2027-11-20t09:15:00z",
        "2027-11-20T09:15:00+00:00",
        "2027-11-20T10:45:00+0130",
        "2027-11-20 09:15Z",
        "2027-11-20T09:15:00.0000000Z",
        "/Date(1826702100000)/",
        "/Date(1826702100000+0100)/",
    ],
)
def test_dates_in_all_spellings_are_one_moment(text: str) -> None:
    assert parse_date(text) == datetime(2027, 11, 20, 9, 15, tzinfo=UTC)


def test_seven_decimals_keep_their_microseconds() -> None:
    moment = parse_date("2026-11-20T09:20:00.1234567Z")
    assert moment == datetime(2026, 11, 20, 9, 20, 0, 123456, tzinfo=UTC)
    assert parse_date("2026-11-20T09:20:00,5Z") == datetime(
        2026, 11, 20, 9, 20, 0, 500000, tzinfo=UTC
    )


def test_an_adorned_date_of_windows_powershell_is_read(read) -> None:
    adorned = {
        "value": "/Date(1826702100000)/",
        "DisplayHint": 2,
        "DateTime": "Saturday, November 20, 2027 9:15:00 AM",
    }
    for document in (
        {"ClientId": CLIENT, "SecretExpiresOn": adorned},
        {"KeyId": KEY, "EndDateTime": adorned},
    ):
        assert read(document).secret_expires_on.value == datetime(2027, 11, 20, 9, 15, tzinfo=UTC)


def test_the_hint_of_another_document_must_fit(read) -> None:
    assert read(RESET, application(credential())).secret_hint.value == "abc"
    for documents in (
        (RESET, application(credential(hint="xyz"))),
        (application(credential(hint="xyz")), RESET),
        ({**credential(), "secretText": SECOND},),
        (RESET, {"client_id": CLIENT, "client_secret": SECOND}),
        ({"client_secret": SECRET, "client_secret_hint": "xyz"},),
        (application(credential()), application(credential(hint="xyz"))),
    ):
        with pytest.raises(ConfigError) as caught:
            read(*documents)
        assert {fault.code for fault in caught.value.faults} == {"secret-hint-mismatch"}
        assert SECRET not in str(caught.value)


def test_the_hint_picks_among_several_credentials(read) -> None:
    two = application(credential(), credential(KEY2, "xyz", LATER))
    outputs = read(two, RESET)
    assert (outputs.secret_key_id.value, outputs.secret_hint.value) == (KEY, "abc")
    assert outputs.secret_expires_on.path == "passwordCredentials[0].endDateTime"
    picked = read(two, {"client_secret_key_id": KEY2})
    assert picked.secret_expires_on.value == parse_date(LATER)
    by_end = read(two, {"client_id": CLIENT, "client_secret_end_date": LATER})
    assert by_end.secret_key_id.value == KEY2


@pytest.mark.parametrize(
    "documents",
    [
        ({"client_id": CLIENT, "client_secrets": {"a": {"type": "SecureString"}, "b": SECRET}},)
        + (application(credential(), credential(KEY2, "abc", LATER)),),
        (application(credential(), credential(KEY2, "xyz", LATER)),),
        (application(credential(), credential(KEY2, "abc", LATER)), RESET),
        (application(credential(hint=None), credential(KEY2, None, LATER)), RESET),
        ({"client_secrets": {"a": SECRET, "b": SECOND}},),
    ],
)
def test_several_live_credentials_are_not_chosen_from(documents, read) -> None:
    outputs = read(*documents)
    assert outputs.secret_expires_on is None
    assert outputs.secret_key_id is None
    assert [n.concerns for n in outputs.notices if n.code == "secret-ambiguous"] == [
        "secret_expires_on"
    ]


def test_expired_credentials_do_not_compete(read) -> None:
    outputs = read(application(credential(KEY2, "xyz", PAST), credential()))
    assert outputs.secret_key_id.value == KEY
    assert "secret-expired" not in {notice.code for notice in outputs.notices}
    both = application(credential(KEY2, "abc", PAST), credential())
    assert read(both, RESET).secret_key_id.value == KEY
    outputs = read(application(credential(KEY2, "xyz", PAST), credential(ends="2026-02-01T00:00Z")))
    assert outputs.secret_key_id.value == KEY
    assert "secret-expired" in {notice.code for notice in outputs.notices}


def test_a_secret_that_fits_only_the_expired_credential_is_expired(read) -> None:
    outputs = read(application(credential(ends=PAST), credential(KEY2, "xyz", LATER)), RESET)
    assert outputs.secret_key_id.value == KEY
    assert "secret-expired" in {notice.code for notice in outputs.notices}


def test_two_ends_of_one_credential_are_refused(read) -> None:
    for documents in (
        (application(credential()), application(credential(ends=LATER))),
        (application(credential()), {"client_secret_end_date": LATER, "client_id": CLIENT}),
    ):
        with pytest.raises(ConfigError, match="client secret ends 2027-12-20 09:15 UTC here"):
            read(*documents)
    rounded = {"client_secret_end_date": "2027-11-20T09:15:00.4Z", "client_id": CLIENT}
    assert read(application(credential()), rounded).secret_key_id.value == KEY


def test_what_documents_tell_of_one_credential_adds_up(read) -> None:
    bare = {"key_id": KEY, "client_id": CLIENT}
    outputs = read(bare, credential(), RESET)
    assert (outputs.secret_hint.value, outputs.secret_key_id.file[-6]) == ("abc", "0")
    assert outputs.secret_expires_on.file.endswith("input1.json")


def test_a_vaults_expiry_stands_in_only_where_nothing_else_tells(read) -> None:
    vault = {
        "id": "https://kv.example/secrets/a/b",
        "value": SECRET,
        "attributes": {"expires": LATER},
        "tags": {"AppId": CLIENT, "tenantId": TENANT, "keyId": KEY},
    }
    alone = read(vault)
    assert alone.secret_expires_on.path == "attributes.expires"
    assert alone.secret_key_id.value == KEY
    outputs = read(vault, application(credential()))
    assert outputs.secret_expires_on.value == parse_date(ENDS)
    assert "vault-expiry-differs" in {notice.code for notice in outputs.notices}
    same = read({**vault, "attributes": {"expires": ENDS}}, application(credential()))
    assert "vault-expiry-differs" not in {notice.code for notice in same.notices}
    two = application(credential(), credential(KEY2, "abc", LATER))
    assert read({**vault, "tags": {}}, two).secret_expires_on is None


def test_a_vaults_address_is_no_key_id(read) -> None:
    address = "https://kv.example/secrets/a/b"
    assert read({"client_id": CLIENT, "secret_id": address}).secret_key_id is None


def test_a_certificate_beside_a_secret_is_no_trap(read) -> None:
    certificates = [{"keyId": KEY2, "type": "AsymmetricX509Cert", "usage": "Verify"}]
    both = {**application(credential()), "keyCredentials": certificates}
    assert "certificate-only" not in {notice.code for notice in read(both).notices}
    assert "certificate-only" in {notice.code for notice in read(certificates).notices}


def test_masked_outputs_leave_the_credential_of_other_documents(read) -> None:
    outputs = read({"client_id": CLIENT, "client_secret": "[secret]"}, application(credential()))
    assert outputs.secret_key_id.value == KEY
    assert "secret-masked-pulumi" in {notice.code for notice in outputs.notices}
