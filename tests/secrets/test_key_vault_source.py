"""Azure Key Vault, through Microsoft's own client library and sign-in, against a local stand-in."""

from __future__ import annotations

import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest
from azure.keyvault.secrets import SecretClient
from vault_stand_ins import Asked, Fault, KeyVaultStandIn, KeyVaultVersion, Reply, key_vault_error

from generator.clock import SteppedClock
from generator.errors import (
    ConfigError,
    GeneratorError,
    NetworkError,
    OutcomeUnknown,
    RemoteError,
    ResponseError,
    UsageError,
)
from generator.errors import Fault as Told
from generator.secrets import key_vault_source
from generator.secrets.azure_sign_in import make_credential
from generator.secrets.interface import Secret, WritableSecretSource
from generator.secrets.key_vault_source import KeyVaultSource, WritableKeyVaultSource
from generator.secrets.sources import resolve, secret_source

CANARY = "a~B.c_D-" + "e~Correct.Horse_Battery-" + "9" * 32
"""64 characters with every one that is special to somebody."""

KEY = "azure.client_secret_from"
SOURCE = "keyvault:https://acme-mail.vault.azure.net/secrets/smtp"
NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
DAY = 86_400


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyVaultStandIn]:
    with KeyVaultStandIn(tmp_path) as stand_in:
        stand_in.secrets["smtp"] = [KeyVaultVersion("older"), KeyVaultVersion(CANARY)]
        # azure-identity reads the process's own variables.
        for name, value in stand_in.variables().items():
            monkeypatch.setenv(name, value)
        yield stand_in


def source_of(vault: KeyVaultStandIn, text: str = SOURCE) -> KeyVaultSource:
    source = secret_source(
        text, directory=Path(), variables=vault.variables(), prompt=None, key=KEY
    )
    assert isinstance(source, KeyVaultSource)
    return source


def writable(vault: KeyVaultStandIn) -> WritableKeyVaultSource:
    source = source_of(vault)
    assert isinstance(source, WritableKeyVaultSource)
    return source


def refused(vault: KeyVaultStandIn, call: object, *, error: type[GeneratorError]) -> Told:
    """The one fault, after a look for secrets in everything that the error says and keeps."""
    assert callable(call)
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    (fault,) = caught.value.faults
    said = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(fault)
    left: BaseException | None = caught.value
    while left is not None:
        said += repr(left) + repr(left.args) + repr(vars(left))
        left = left.__context__
    for secret in (CANARY, vault.bearer, vault.client_secret):
        assert secret not in said
    assert fault.next
    return fault


# Reading


def test_the_current_version_is_fetched_whole(vault: KeyVaultStandIn) -> None:
    secret = resolve(SOURCE, directory=Path(), variables=vault.variables(), prompt=None, key=KEY)
    assert secret.reveal() == CANARY
    asked = [request for request in vault.requests if request.path.startswith("/secrets")]
    assert {request.path for request in asked} == {"/secrets/smtp/"}
    assert asked[-1].query == {"api-version": ["7.4"]}


def test_a_named_version_is_fetched_and_is_no_place_to_write(vault: KeyVaultStandIn) -> None:
    older = vault.secrets["smtp"][0]
    source = source_of(vault, f"{SOURCE}/{older.id}")
    assert source.fetch().reveal() == "older"
    assert not isinstance(source, WritableSecretSource)
    assert isinstance(source_of(vault), WritableSecretSource)


def test_the_source_shows_neither_variables_nor_values(vault: KeyVaultStandIn) -> None:
    source = source_of(vault)
    assert source.description == SOURCE
    assert vault.client_secret not in repr(source)


@pytest.mark.parametrize(
    ("version", "code", "words"),
    [
        (KeyVaultVersion(CANARY, enabled=False), "secret-key-vault-disabled", "disabled"),
        (
            KeyVaultVersion(CANARY, exp=int(NOW.timestamp())),
            "secret-key-vault-expired",
            "expired on 2026-11-23",
        ),
        (
            KeyVaultVersion(CANARY, nbf=int(NOW.timestamp()) + DAY),
            "secret-key-vault-early",
            "valid from 2026-11-24",
        ),
        (KeyVaultVersion(""), "secret-empty", "is empty"),
        (KeyVaultVersion("x" * 20_000), "secret-too-large", "more than"),
        (KeyVaultVersion(CANARY + "\n"), "secret-not-one-line", "line end"),
    ],
)
def test_a_version_that_is_no_secret_now(
    vault: KeyVaultStandIn, version: KeyVaultVersion, code: str, words: str
) -> None:
    vault.secrets["smtp"].append(version)
    source = KeyVaultSource(SOURCE, vault.variables(), KEY, SteppedClock(NOW))
    fault = refused(vault, source.fetch, error=ConfigError)
    assert fault.code == code
    assert words in fault.message
    assert fault.path == KEY


def test_dates_that_hold_refuse_nothing(vault: KeyVaultStandIn) -> None:
    begins, ends = int(NOW.timestamp()), int(NOW.timestamp()) + 1
    vault.secrets["smtp"].append(KeyVaultVersion(CANARY, nbf=begins, exp=ends))
    source = KeyVaultSource(SOURCE, vault.variables(), KEY, SteppedClock(NOW))
    assert source.fetch().reveal() == CANARY


# What the vault refuses


def at_the_vault(reply: Reply) -> Fault:
    """A fault of every request that carries a token."""

    def fault(asked: Asked) -> Reply | None:
        return reply if "authorization" in asked.headers else None

    return fault


REFUSALS = [
    (403, "Forbidden", "ForbiddenByRbac", "secret-key-vault-forbidden", "Key Vault Secrets User"),
    (403, "Forbidden", "AccessDenied", "secret-key-vault-forbidden", "access policy with get"),
    (403, "Forbidden", "ForbiddenByFirewall", "secret-key-vault-firewall", "allowed network"),
    (403, "Forbidden", "", "secret-key-vault-forbidden", "may not read"),
    (404, "SecretNotFound", "", "secret-key-vault-absent", "list-versions --vault-name acme-mail"),
    (409, "Conflict", "ObjectIsDeletedButRecoverable", "secret-key-vault-conflict", "recover"),
    (400, "BadParameter", "", "secret-key-vault-refused", "status 400 (BadParameter)"),
]


@pytest.mark.parametrize(("status", "code", "inner", "ours", "words"), REFUSALS)
def test_the_vault_says_no(
    vault: KeyVaultStandIn, status: int, code: str, inner: str, ours: str, words: str
) -> None:
    reply = key_vault_error(status, code, inner=inner, message=f"about {CANARY}")
    vault.fault = at_the_vault(reply)
    fault = refused(vault, source_of(vault).fetch, error=ConfigError)
    assert fault.code == ours
    assert words in f"{fault.message} {fault.next}"


def test_a_code_that_is_none_is_not_repeated(vault: KeyVaultStandIn) -> None:
    vault.fault = at_the_vault(key_vault_error(400, "<b> " + CANARY))
    fault = refused(vault, source_of(vault).fetch, error=ConfigError)
    assert fault.message.endswith("the vault refused with status 400.")


def test_a_token_that_the_vault_does_not_take(vault: KeyVaultStandIn) -> None:
    """The vault of another tenant asks again, and so would it for ever."""

    def fault(asked: Asked) -> Reply | None:
        if asked.headers.get("authorization"):
            challenge = f'Bearer authorization="{vault.url}/x", resource="https://vault.azure.net"'
            return key_vault_error(
                401, "Unauthorized", message="AKV10032", headers={"WWW-Authenticate": challenge}
            )
        return None

    vault.fault = fault
    told = refused(vault, source_of(vault).fetch, error=ConfigError)
    assert told.code == "secret-key-vault-sign-in"


def test_nobody_is_signed_in(vault: KeyVaultStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    fault = refused(vault, source_of(vault).fetch, error=ConfigError)
    assert fault.code == "secret-key-vault-sign-in"
    assert "EnvironmentCredential" in fault.message
    assert "az login" in str(fault.next)


def test_a_wrong_secret_of_who_signs_in_is_told_by_its_code(
    vault: KeyVaultStandIn,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(1)
    monkeypatch.setenv("AZURE_CLIENT_SECRET", CANARY)
    fault = refused(vault, source_of(vault).fetch, error=ConfigError)
    assert "AADSTS7000215" in fault.message
    # The libraries log what they failed at, in Entra's words, which repeat the secret here.
    assert capfd.readouterr() == ("", "")
    assert CANARY not in caplog.text


@pytest.mark.parametrize("status", [429, 503])
def test_an_entra_that_asks_to_wait_is_not_waited_for(vault: KeyVaultStandIn, status: int) -> None:
    def fault(asked: Asked) -> Reply | None:
        if asked.path.endswith("/token"):
            return Reply(status, {"error": "temporarily_unavailable"}, {"Retry-After": "3600"})
        return None

    vault.fault = fault
    told = refused(vault, source_of(vault).fetch, error=ConfigError)
    assert told.code == "secret-key-vault-sign-in"
    assert sum(asked.path.endswith("/token") for asked in vault.requests) == 1


def test_too_many_requests_are_not_waited_for(vault: KeyVaultStandIn) -> None:
    vault.fault = at_the_vault(key_vault_error(429, "Throttled", headers={"Retry-After": "3600"}))
    fault = refused(vault, source_of(vault).fetch, error=RemoteError)
    assert "too many requests" in fault.message


# What is no answer


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        (Reply(500, {"error": {"code": "InternalError", "message": "..."}}), ResponseError, ""),
        (Reply(200, b"<html>hello", {"Content-Type": "text/html"}), ResponseError, ""),
        (Reply(200, b"{", {}), ResponseError, ""),
        (Reply(200, {"id": "https://x/secrets/smtp/1"}), ResponseError, ""),
        (Reply(302, None, {"Location": "https://localhost:1/"}), ResponseError, ""),
        (Reply(200, b'{"value": "', is_cut=True), NetworkError, "vault-cut"),
    ],
    ids=["500", "html", "broken", "no value", "elsewhere", "cut"],
)
def test_an_answer_that_is_none(
    vault: KeyVaultStandIn, reply: Reply, error: type[RemoteError], code: str
) -> None:
    vault.fault = at_the_vault(reply)
    fault = refused(vault, source_of(vault).fetch, error=error)
    assert fault.code == (code or "vault-answer")
    assert (
        "acme-mail.vault.azure.net" in f"{fault.message} {fault.next}"
        or fault.next == "run it again"
    )


def test_a_silent_vault_is_left(vault: KeyVaultStandIn) -> None:
    vault.fault = at_the_vault(Reply(200, is_silent=True))
    source = KeyVaultSource(SOURCE, vault.variables(), KEY, longest=0.5)
    fault = refused(vault, source.fetch, error=NetworkError)
    assert fault.code == "vault-silent"


def test_a_foreign_certificate_is_not_accepted(vault: KeyVaultStandIn, tmp_path: Path) -> None:
    with KeyVaultStandIn(tmp_path) as other:
        variables = {**vault.variables(), "SN_SMTP_MAIL_CA": str(other.ca_file)}
        fault = refused(vault, KeyVaultSource(SOURCE, variables, KEY).fetch, error=NetworkError)
    assert fault.code == "vault-tls"
    assert "certificate" in fault.message
    assert not [request for request in vault.requests if "authorization" in request.headers]


def test_nobody_listens(vault: KeyVaultStandIn) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = {**vault.variables(), "SN_SMTP_KEY_VAULT": f"https://localhost:{port}"}
    fault = refused(vault, KeyVaultSource(SOURCE, variables, KEY).fetch, error=NetworkError)
    assert fault.code == "vault-refused"


# Writing


def test_a_new_version_keeps_the_manner_of_the_last_one(vault: KeyVaultStandIn) -> None:
    vault.secrets["smtp"][-1].tags = {"team": "mail", "sn-smtp": "before"}
    vault.secrets["smtp"][-1].content_type = "text/plain"
    source = writable(vault)
    version = source.store(Secret("new~value"), note="rotated")
    written = vault.secrets["smtp"][-1]
    assert (written.id, written.value) == (version, "new~value")
    assert written.tags == {"team": "mail", "sn-smtp": "rotated"}
    assert written.content_type == "text/plain"
    assert source.current_version() == version
    assert source.fetch().reveal() == "new~value"
    assert source.fetch_version(vault.secrets["smtp"][1].id).reveal() == CANARY


def test_a_vault_full_of_tags_gets_no_note(vault: KeyVaultStandIn) -> None:
    tags = {f"tag{number}": "" for number in range(15)}
    vault.secrets["smtp"][-1].tags = dict(tags)
    writable(vault).store(Secret(CANARY), note="x" * 300)
    assert vault.secrets["smtp"][-1].tags == tags
    del vault.secrets["smtp"][-1].tags["tag3"]
    writable(vault).store(Secret(CANARY), note="x" * 300)
    assert vault.secrets["smtp"][-1].tags["sn-smtp"] == "x" * 256


@pytest.mark.parametrize("last", [[], [KeyVaultVersion("old", enabled=False)]])
def test_a_first_version_and_one_after_a_disabled_one(
    vault: KeyVaultStandIn, last: list[KeyVaultVersion]
) -> None:
    vault.secrets["smtp"] = last
    version = writable(vault).store(Secret(CANARY), note="first")
    assert writable(vault).fetch_version(version).reveal() == CANARY


def test_an_expired_version_can_be_put_back(vault: KeyVaultStandIn) -> None:
    expired = KeyVaultVersion(CANARY, exp=1)
    vault.secrets["smtp"].append(expired)
    assert writable(vault).fetch_version(expired.id).reveal() == CANARY


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (403, ConfigError, "Key Vault Secrets Officer"),
        (409, ConfigError, "nothing was written"),
        (429, RemoteError, "did nothing"),
        (500, OutcomeUnknown, "not known"),
        (503, OutcomeUnknown, "not known"),
    ],
)
def test_a_write_that_is_refused(
    vault: KeyVaultStandIn, status: int, error: type[GeneratorError], words: str
) -> None:
    def fault(asked: Asked) -> Reply | None:
        if asked.method == "PUT" and "authorization" in asked.headers:
            return key_vault_error(status, "Code", message=CANARY)
        return None

    vault.fault = fault
    told = refused(vault, lambda: writable(vault).store(Secret(CANARY), note="n"), error=error)
    assert words in f"{told.message} {told.next}"
    # Nothing is sent again.
    assert sum(asked.method == "PUT" and bool(asked.body) for asked in vault.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"{", is_cut=True),
        Reply(200, b"<html>", {"Content-Type": "text/html"}),
        Reply(200, {"value": "v", "id": "https://acme-mail.vault.azure.net/secrets/smtp"}),
        Reply(
            200,
            {"value": CANARY, "id": f"https://acme-mail.vault.azure.net/secrets/smtp/{'a' * 32}"},
        ),
    ],
    ids=["cut", "html", "no version", "not there"],
)
def test_a_write_whose_answer_proves_nothing(vault: KeyVaultStandIn, reply: Reply) -> None:
    def fault(asked: Asked) -> Reply | None:
        return reply if asked.method == "PUT" and "authorization" in asked.headers else None

    vault.fault = fault
    told = refused(
        vault, lambda: writable(vault).store(Secret(CANARY), note="n"), error=OutcomeUnknown
    )
    assert "look at the secret's versions" in str(told.next)


def test_a_write_that_reads_back_otherwise(vault: KeyVaultStandIn) -> None:
    def fault(asked: Asked) -> Reply | None:
        if asked.method == "PUT" and "authorization" in asked.headers:
            vault.secrets["smtp"].append(KeyVaultVersion("of somebody else"))
            return vault.answer(Asked("GET", "/secrets/smtp/", {}, asked.headers, b""))
        return None

    vault.fault = fault
    told = refused(
        vault, lambda: writable(vault).store(Secret(CANARY), note="n"), error=OutcomeUnknown
    )
    assert "cannot be read back" in told.message


def test_a_silent_write_is_not_known(vault: KeyVaultStandIn) -> None:
    vault.fault = at_the_vault(Reply(200, is_silent=True))
    source = WritableKeyVaultSource(SOURCE, vault.variables(), KEY, longest=0.5)
    asked = source._asked(writes=True)

    def write(client: SecretClient) -> object:
        return client.set_secret("smtp", CANARY)

    told = refused(vault, lambda: source._ask(asked, write), error=OutcomeUnknown)
    assert "within" in told.message


def test_a_version_without_a_name_is_none(vault: KeyVaultStandIn) -> None:
    vault.fault = at_the_vault(
        Reply(200, {"value": "v", "id": "https://acme-mail.vault.azure.net/secrets/smtp"})
    )
    refused(vault, writable(vault).current_version, error=ResponseError)


def test_what_cannot_be_looked_at_is_not_written(vault: KeyVaultStandIn) -> None:
    vault.fault = at_the_vault(key_vault_error(403, "Forbidden"))
    refused(vault, lambda: writable(vault).store(Secret(CANARY), note="n"), error=ConfigError)
    assert not [asked for asked in vault.requests if asked.method == "PUT"]


# Surroundings


@pytest.mark.parametrize("name", ["SN_SMTP_KEY_VAULT", "SN_SMTP_ENTRA"])
@pytest.mark.parametrize(
    "url", ["https://evil.example", "http://localhost:1", "https://localhost@evil.example"]
)
def test_a_stand_in_is_on_this_machine(vault: KeyVaultStandIn, name: str, url: str) -> None:
    variables = {**vault.variables(), name: url}
    fault = refused(vault, KeyVaultSource(SOURCE, variables, KEY).fetch, error=UsageError)
    assert fault.code == "not-loopback"
    assert name in fault.message
    assert not vault.requests


def test_the_extra_is_not_installed(
    vault: KeyVaultStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "azure.keyvault.secrets", None)
    fault = refused(vault, source_of(vault).fetch, error=ConfigError)
    assert fault.next == "pip install 'sn-smtp-oauth[azure]'"


def test_a_reference_of_another_form_is_a_bug() -> None:
    with pytest.raises(ValueError, match="no reference"):
        key_vault_source._parts("keyvault:https://elsewhere.example/secrets/smtp")


@pytest.mark.parametrize(
    "text",
    [
        "keyvault:http://acme-mail.vault.azure.net/secrets/smtp",
        "keyvault:https://acme-mail.vault.azure.net.evil.example/secrets/smtp",
        "keyvault:https://acme-mail.vault.azure.net:8443/secrets/smtp",
        "keyvault:https://user@acme-mail.vault.azure.net/secrets/smtp",
        "keyvault:https://localhost/secrets/smtp",
        "keyvault:https://acme-mail.vault.azure.net/keys/smtp",
        "keyvault:https://acme-mail.vault.azure.net/secrets/smtp/latest",
        "keyvault:https://acme-mail.vault.azure.net/secrets/a_b",
        "keyvault:acme-mail/smtp",
    ],
)
def test_what_is_no_vault(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        secret_source(text, directory=Path(), variables={}, prompt=None, key=KEY)
    assert caught.value.faults[0].code == "secret-source"
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("suffix", "login"),
    [
        ("azure.net", None),
        ("azure.cn", "https://login.chinacloudapi.cn"),
        ("usgovcloudapi.net", "https://login.microsoftonline.us"),
    ],
)
def test_each_cloud_has_its_own_login_and_its_own_resource(
    suffix: str, login: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vault that asks for another resource's token gets none: the library sees to it."""
    logins: list[object] = []
    clients: list[tuple[object, object]] = []

    def credential(*, login: str | None, local: object) -> nullcontext[None]:
        logins.append(login)
        return nullcontext()

    def client(url: str, credential: object, **options: object) -> nullcontext[None]:
        clients.append((url, options["verify_challenge_resource"]))
        raise RuntimeError

    monkeypatch.setattr(key_vault_source, "make_credential", credential)
    monkeypatch.setattr("azure.keyvault.secrets.SecretClient", client)
    source = KeyVaultSource(f"keyvault:https://acme.vault.{suffix}/secrets/smtp", {}, KEY)
    with pytest.raises(ResponseError):
        source.fetch()
    assert logins == [login]
    assert clients == [(f"https://acme.vault.{suffix}", True)]


@pytest.mark.parametrize("login", [None, "https://login.microsoftonline.us"])
def test_the_credential_is_azures_own(login: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    with make_credential(login=login) as credential:
        assert type(credential).__name__ == "DefaultAzureCredential"


def test_nothing_of_it_is_loaded_before_it_is_asked() -> None:
    code = (
        "import sys; from generator.secrets.sources import secret_source; "
        "from pathlib import Path; "
        f"secret_source({SOURCE!r}, directory=Path(), variables={{}}, prompt=None, key='k'); "
        "print([m for m in sys.modules if m.split('.')[0] in ('azure', 'hvac', 'requests')])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
