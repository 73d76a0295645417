"""The imitated token endpoint: right tokens, each refusal in Entra's words, its clock."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from mail_stand_ins import (
    CLIENT,
    MAILBOX,
    PRINCIPAL,
    SCOPE,
    START,
    TENANT,
    ask,
    fetch,
    serving,
    token_of,
)

from generator.sandbox.mail.entra import REFUSALS
from generator.sandbox.mail.mail_switches import MAIL_SWITCHES, MailBehaviour, parse_mail
from generator.sandbox.mail.stand_in import MailSandbox
from generator.sandbox.mail.tokens import signing_key

ANY = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}


def claims_of(token: str) -> dict[str, object]:
    found = jwt.decode(token, signing_key().public_key(), algorithms=["RS256"], options=ANY)  # type: ignore[arg-type]
    assert isinstance(found, dict)
    return found


def test_a_right_request_gets_a_token_of_real_size_with_v1_claims() -> None:
    with serving() as mail:
        answer = ask(mail)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (
            200,
            "no-store, no-cache",
        )
        body = answer.json()
        assert (body["token_type"], body["expires_in"]) == ("Bearer", 3599)
        token = body["access_token"]
        assert 2000 < len(token) < 3000
        claims = claims_of(token)
        moment = int(START.timestamp())
        assert claims["exp"] == moment + 3600 and claims["nbf"] == moment - 300
        assert (claims["aud"], claims["tid"], claims["appid"]) == (
            "https://outlook.office365.com",
            TENANT,
            CLIENT,
        )
        assert (claims["oid"], claims["roles"], claims["idtyp"]) == (
            PRINCIPAL,
            ["SMTP.SendAsApp"],
            "app",
        )
        assert claims["iss"] == f"https://sts.windows.net/{TENANT}/"
        assert mail.requests == 1


def test_with_rbac_a_right_token_has_no_roles() -> None:
    with serving(authorization="app_rbac") as mail:
        assert "roles" not in claims_of(token_of(mail))


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"client_secret": "x"}, 401, 7000215),
        ({"client_secret": ""}, 401, 7000215),
        ({"client_id": "00000000-0000-4000-8000-000000000000"}, 400, 700016),
        ({"tenant": "00000000-0000-4000-8000-000000000000"}, 400, 90002),
        ({"tenant": "contoso.example"}, 400, 90002),
        ({"tenant": "contoso"}, 400, 900023),
        ({"scope": "https://outlook.office365.com/SMTP.Send"}, 400, 1002012),
        ({"scope": f"{SCOPE} offline_access"}, 400, 70011),
        ({"scope": "https://outlook.office365.us/.default"}, 400, 500011),
        ({"client_assertion": "x"}, 401, 700027),
        ({"grant_type": "password"}, 400, 70003),
        ({"scope": ""}, 400, 900144),
    ],
)
def test_a_wrong_request_is_refused_for_what_is_wrong(
    fields: dict[str, str], status: int, code: int
) -> None:
    with serving() as mail:
        answer = ask(mail, **fields)
        body = answer.json()
        assert (answer.status_code, body["error_codes"]) == (status, [code])
        text = body["error_description"]
        assert text.startswith(f"AADSTS{code}: ")
        assert "Trace ID: " in text and "Timestamp: 2027-01-04 09:00:00Z" in text
        assert "{" not in text
        assert mail.client_secret not in answer.text


@pytest.mark.parametrize(
    "kind", sorted(set(REFUSALS) & set(MAIL_SWITCHES["entra"].accepts.split("|")))
)
def test_each_refusal_can_be_switched_on(kind: str) -> None:
    with serving(entra=kind) as mail:
        answer = ask(mail)
        assert answer.json()["error_codes"] == [REFUSALS[kind].code]
        assert answer.status_code == REFUSALS[kind].status
        assert answer.json()["error"] == REFUSALS[kind].error


def test_every_value_of_the_switch_is_an_answer_of_its_own() -> None:
    values = MAIL_SWITCHES["entra"].accepts.split("|")
    others = {"healthy", "throttled", "unavailable", "not_json", "no_token", "redirect"}
    assert set(values) - set(REFUSALS) == others
    with serving() as mail:
        seen = set()
        for value in values:
            mail.behaviour.entra = value
            answer = ask(mail)
            body = answer.json() if "json" in answer.headers.get("Content-Type", "") else {}
            seen.add(
                (
                    answer.status_code,
                    str(body.get("error_codes")),
                    "access_token" in body,
                    answer.headers.get("Location", "")[-5:],
                    answer.text[:7] if not body else "",
                )
            )
        assert len(seen) == len(values)


def test_the_texts_are_those_of_the_specification(repository: Path) -> None:
    samples = repository.parent / "shared" / "samples" / "azure" / "token_errors.json"
    if not samples.is_file():
        pytest.skip("the samples of the specification are not here")
    names = {"app": CLIENT, "tenant": "00000000-0000-0000-0000-000000000000"}
    own = {refusal.code: refusal for refusal in REFUSALS.values()}
    for sample in json.loads(samples.read_text(encoding="utf-8")).values():
        body = sample["body"]
        (code,) = body["error_codes"]
        refusal = own[code]
        assert (refusal.status, refusal.error) == (sample["http_status"], body["error"])
        scope = {
            1002012: "https://outlook.office.com/SMTP.Send",
            70011: f"{SCOPE} offline_access",
        }.get(code, "")
        filled = refusal.text.format(
            **{**names, **({"tenant": "contoso"} if code == 900023 else {})},
            scope=scope,
            resource="https://outlook.office365.us",
            field="",
        )
        said = body["error_description"].removeprefix(f"AADSTS{code}: ").split(" Trace ID:")[0]
        assert filled == said


def test_an_expired_secret_is_refused_by_the_clock_of_the_endpoint() -> None:
    with serving(secret_expires_on=START + timedelta(hours=1)) as mail:
        assert ask(mail).status_code == 200
        mail.clock.sleep(3601)
        assert ask(mail).json()["error_codes"] == [7000222]


def test_the_clock_can_be_wrong() -> None:
    with serving(clock_skew_seconds=600) as mail:
        answer = ask(mail)
        assert answer.headers["Date"] == "Mon, 04 Jan 2027 09:10:00 GMT"
        assert claims_of(answer.json()["access_token"])["exp"] == int(START.timestamp()) + 4200


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("no_roles", {"roles": None}),
        ("other_role", {"roles": ["full_access_as_app"]}),
        ("aud_graph", {"aud": "https://graph.microsoft.com", "roles": ["Mail.Send"]}),
        ("aud_ps_outlook", {"aud": "https://ps.outlook.com"}),
        ("delegated", {"scp": "SMTP.Send", "idtyp": "user", "roles": None}),
        ("v2", {"azp": CLIENT, "appid": None, "ver": "2.0"}),
        ("expired", {"exp": int(START.timestamp()) - 300}),
    ],
)
def test_claims_can_be_spoilt(kind: str, found: dict[str, object]) -> None:
    with serving(claims=kind) as mail:
        claims = claims_of(token_of(mail))
        assert {name: claims.get(name) for name in found} == found


def test_a_token_can_be_of_another_tenant_or_application_or_no_jwt() -> None:
    with serving() as mail:
        mail.behaviour.claims = "wrong_tenant"
        assert claims_of(token_of(mail))["tid"] != TENANT
        mail.behaviour.claims = "wrong_app"
        assert claims_of(token_of(mail))["appid"] != CLIENT
        mail.behaviour.claims = "opaque"
        assert token_of(mail).count(".") == 1


@pytest.mark.parametrize(
    ("cloud", "scope"),
    [
        ("gcc-high", "https://outlook.office365.us/.default"),
        ("dod", "https://outlook-dod.office365.us/.default"),
        ("china", "https://partner.outlook.cn/.default"),
    ],
)
def test_each_cloud_has_its_own_resource(cloud: str, scope: str) -> None:
    with serving(cloud=cloud) as mail:
        assert claims_of(token_of(mail, scope=scope))["aud"] == scope.removesuffix("/.default")
        assert ask(mail, scope=SCOPE).json()["error_codes"] == [500011]


def test_a_scope_of_ones_own_is_a_resource_too() -> None:
    with serving(scope="https://mail.contoso.example/.default") as mail:
        assert ask(mail, scope="https://mail.contoso.example/.default").status_code == 200


def test_a_secret_is_given_or_random_with_every_difficult_character() -> None:
    with serving(secret_hint="FAK") as mail, serving() as other:
        assert mail.client_secret.startswith("FAK") and len(mail.client_secret) == 40
        assert set("~._-") <= set(mail.client_secret)
        assert mail.client_secret != other.client_secret
    given = "g" + "iven~._-"
    with serving(client_secret=given) as mail:
        assert ask(mail, client_secret=given).status_code == 200


def test_nothing_shows_a_secret() -> None:
    with serving() as mail:
        shown = repr(mail) + repr(mail.first_credential) + repr(mail.tenant)
        assert mail.client_secret not in shown and mail.operator_secret not in shown


def test_what_clients_read_first_is_there() -> None:
    with serving() as mail:
        found = fetch(mail, "GET", f"/{TENANT}/v2.0/.well-known/openid-configuration").json()
        assert found["token_endpoint"] == f"{mail.entra_url}/{TENANT}/oauth2/v2.0/token"
        keys = fetch(mail, "GET", f"/{TENANT}/discovery/v2.0/keys").json()["keys"]
        key = jwt.PyJWK(keys[0]).key
        assert jwt.decode(token_of(mail), key, algorithms=["RS256"], options=ANY)  # type: ignore[arg-type]
        wrong = fetch(mail, "GET", "/contoso.example/v2.0/.well-known/openid-configuration")
        assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_tenant")
        assert fetch(mail, "GET", f"/{TENANT}/oauth2/v2.0/token").status_code == 405
        assert fetch(mail, "GET", "/elsewhere").status_code == 404


def test_it_is_told_apart_what_runs_and_what_does_not() -> None:
    mail = MailSandbox(
        tenant_id=TENANT, client_id=CLIENT, service_principal_object_id=PRINCIPAL, mailbox=MAILBOX
    )
    assert not mail.is_running
    for name in ("entra_url", "smtp_port", "ca_file"):
        with pytest.raises(RuntimeError, match="not served"):
            getattr(mail, name)
    with mail:
        file = mail.ca_file
        assert file.is_file()
        with pytest.raises(RuntimeError, match="served already"):
            mail.start()
    assert not file.exists() and not mail.is_running
    mail.stop()


def test_a_port_that_is_taken_leaves_nothing_behind() -> None:
    with serving() as mail:
        other = MailSandbox(
            tenant_id=TENANT,
            client_id=CLIENT,
            service_principal_object_id=PRINCIPAL,
            mailbox=MAILBOX,
        )
        with pytest.raises(OSError, match="in use"):
            other.start(smtp_port=mail.smtp_port)
        assert not other.is_running


def test_switches_are_read_as_those_of_the_instance() -> None:
    found = parse_mail(["claims=v2", "mailbox-permission=off", "clock_skew_seconds=-600"])
    assert (found.claims, found.mailbox_permission, found.clock_skew_seconds) == ("v2", False, -600)
    assert MailBehaviour().to_json() == {**MailBehaviour().to_json()}
    assert found.meets("slow", "smtp") is False
