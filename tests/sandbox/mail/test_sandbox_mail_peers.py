"""Independent peers: Microsoft's own client libraries get tokens from the stand-in."""

from __future__ import annotations

import msal
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential
from mail_stand_ins import CLIENT, SCOPE, TENANT, serving

from generator.sandbox.mail.stand_in import MailSandbox


@pytest.fixture(autouse=True)
def _own_authority_only(monkeypatch: pytest.MonkeyPatch) -> None:
    # With them set, msal does not believe the file that it is given.
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


def client(mail: MailSandbox, secret: str) -> msal.ConfidentialClientApplication:
    return msal.ConfidentialClientApplication(
        CLIENT,
        client_credential=secret,
        authority=f"{mail.entra_url}/{TENANT}",
        instance_discovery=False,
        verify=str(mail.ca_file),
    )


def test_msal_gets_a_token() -> None:
    with serving() as mail:
        found = client(mail, mail.client_secret).acquire_token_for_client([SCOPE])
        assert found["token_type"] == "Bearer" and found["expires_in"] == 3599
        assert found["access_token"].count(".") == 2


def test_msal_understands_a_refusal() -> None:
    with serving() as mail:
        found = client(mail, "x").acquire_token_for_client([SCOPE])
        assert (found["error"], found["error_codes"]) == ("invalid_client", [7000215])


def test_azure_identity_signs_in_for_graph() -> None:
    with serving() as mail:
        credential = ClientSecretCredential(
            TENANT,
            mail.operator_client_id,
            mail.operator_secret,
            authority=mail.entra_url,
            disable_instance_discovery=True,
            connection_verify=str(mail.ca_file),
        )
        with credential:
            found = credential.get_token("https://graph.microsoft.com/.default")
        assert found.token.count(".") == 2
        wrong = ClientSecretCredential(
            TENANT,
            mail.operator_client_id,
            "x",
            authority=mail.entra_url,
            disable_instance_discovery=True,
            connection_verify=str(mail.ca_file),
            retry_total=0,
        )
        with wrong, pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
            wrong.get_token("https://graph.microsoft.com/.default")
