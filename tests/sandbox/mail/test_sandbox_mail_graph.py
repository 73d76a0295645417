"""The imitated part of Graph: who may ask, what an application holds, secrets added and removed."""

from __future__ import annotations

import pytest
from mail_stand_ins import APPLICATION, CLIENT, PRINCIPAL, ask, fetch, serving, token_of

from generator.sandbox.mail.stand_in import MailSandbox

APP = f"/v1.0/applications/{APPLICATION}"
BY_APP_ID = f"/v1.0/applications(appId='{CLIENT}')"


def get(mail: MailSandbox, path: str, *, token: str | None = None) -> tuple[int, dict[str, object]]:
    answer = fetch(mail, "GET", path, token=mail.graph_token() if token is None else token)
    return answer.status_code, answer.json()


def post(mail: MailSandbox, path: str, body: object) -> tuple[int, dict[str, object]]:
    answer = fetch(mail, "POST", path, token=mail.graph_token(), json=body)
    return answer.status_code, answer.json() if answer.content else {}


@pytest.mark.parametrize("path", [APP, BY_APP_ID])
def test_an_application_is_found_and_tells_no_secret(path: str) -> None:
    with serving() as mail:
        status, found = get(mail, path)
        assert (status, found["id"], found["appId"]) == (200, APPLICATION, CLIENT)
        credentials = found["passwordCredentials"]
        assert isinstance(credentials, list)
        (held,) = credentials
        assert held["secretText"] is None and held["keyId"] == mail.first_credential.key_id
        assert held["hint"] == mail.client_secret[:3]
        assert held["endDateTime"] == "2028-01-04T09:00:00Z"
        assert mail.client_secret not in str(found)


def test_lists_want_a_filter_by_application_id() -> None:
    with serving() as mail:
        status, found = get(mail, f"/v1.0/applications?$filter=appId eq '{CLIENT}'")
        assert status == 200
        values = found["value"]
        assert isinstance(values, list) and len(values) == 1
        assert get(mail, "/v1.0/applications?$filter=appId eq 'x'")[1]["value"] == []
        assert get(mail, "/v1.0/applications")[0] == 400
        status, found = get(mail, f"/v1.0/servicePrincipals?$filter=appId eq '{CLIENT}'")
        assert status == 200 and PRINCIPAL in str(found)
        assert get(mail, f"/v1.0/servicePrincipals/{PRINCIPAL}")[1]["id"] == PRINCIPAL


@pytest.mark.parametrize(
    "path",
    [
        "/v1.0/applications/nobody",
        "/v1.0/applications(appId='x')",
        "/v1.0/users/x",
        f"{APP}/owners",
    ],
)
def test_what_is_not_there_is_404(path: str) -> None:
    with serving() as mail:
        assert get(mail, path)[0] == 404


def test_only_a_token_for_graph_with_the_right_role_is_taken() -> None:
    with serving() as mail:
        assert get(mail, APP, token="")[0] == 401
        assert get(mail, APP, token="no.jwt.x")[0] == 401
        assert get(mail, APP, token=token_of(mail))[0] == 401
        # The application itself has no permission on Graph.
        own = token_of(mail, scope="https://graph.microsoft.com/.default")
        assert get(mail, APP, token=own)[0] == 403
        operator = token_of(
            mail,
            client_id=mail.operator_client_id,
            client_secret=mail.operator_secret,
            scope="https://graph.microsoft.com/.default",
        )
        assert get(mail, APP, token=operator)[0] == 200
        with serving(tenant_id="00000000-0000-4000-8000-000000000000") as other:
            assert get(mail, APP, token=other.graph_token())[0] == 401


def test_a_new_secret_works_beside_the_old_and_a_removed_one_no_more() -> None:
    with serving() as mail:
        body = {
            "passwordCredential": {"displayName": "2027-01", "endDateTime": "2027-07-01T00:00:00Z"}
        }
        status, made = post(mail, f"{BY_APP_ID}/addPassword", body)
        assert (status, made["displayName"]) == (200, "2027-01")
        assert made["endDateTime"] == "2027-07-01T00:00:00Z"
        secret = str(made["secretText"])
        assert secret[:3] == made["hint"]
        assert ask(mail, client_secret=secret).status_code == 200
        assert ask(mail).status_code == 200
        credentials = get(mail, APP)[1]["passwordCredentials"]
        assert isinstance(credentials, list) and len(credentials) == 2
        assert secret not in str(credentials)
        removed = {"keyId": mail.first_credential.key_id}
        assert post(mail, f"{APP}/removePassword", removed) == (204, {})
        assert ask(mail).json()["error_codes"] == [7000215]
        assert ask(mail, client_secret=secret).status_code == 200
        assert post(mail, f"{APP}/removePassword", removed)[0] == 400


def test_a_new_secret_may_take_a_while() -> None:
    with serving(new_secret_after=2) as mail:
        made = post(mail, f"{APP}/addPassword", {})[1]
        codes = [ask(mail, client_secret=str(made["secretText"])).status_code for _ in range(3)]
        assert codes == [401, 401, 200]


@pytest.mark.parametrize(
    "body",
    [
        {"passwordCredential": "x"},
        {"passwordCredential": {"endDateTime": "tomorrow"}},
        {"passwordCredential": {"endDateTime": "2027-07-01T00:00:00"}},
        {"passwordCredential": {"endDateTime": 5}},
    ],
)
def test_a_credential_that_cannot_be_read_is_refused(body: object) -> None:
    with serving() as mail:
        assert post(mail, f"{APP}/addPassword", body)[0] == 400
        assert len(mail.tenant.credentials(mail.tenant.app)) == 1


@pytest.mark.parametrize("body", [[], "x", {"keyId": 5}, {}])
def test_a_removal_wants_a_key_id(body: object) -> None:
    with serving() as mail:
        assert post(mail, f"{APP}/removePassword", body)[0] == 400


def test_a_body_that_is_no_json_is_an_empty_one() -> None:
    with serving() as mail:
        answer = fetch(
            mail, "POST", f"{APP}/removePassword", token=mail.graph_token(), data={"keyId": "x"}
        )
        assert answer.status_code == 400


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("unauthorized", 401),
        ("forbidden", 403),
        ("not_found", 404),
        ("throttled", 429),
        ("unavailable", 503),
    ],
)
def test_each_refusal_can_be_switched_on(kind: str, status: int) -> None:
    with serving(graph=kind) as mail:
        answer = fetch(mail, "GET", APP, token=mail.graph_token())
        assert answer.status_code == status and answer.json()["error"]["code"]
        assert ("Retry-After" in answer.headers) is (kind == "throttled")


def test_another_page_may_answer() -> None:
    with serving(graph="not_json") as mail:
        answer = fetch(mail, "GET", APP, token=mail.graph_token())
        assert answer.status_code == 200 and answer.text.startswith("<html>")
