"""HashiCorp Vault, through hvac, against a local stand-in."""

from __future__ import annotations

import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hvac import Client
from requests.exceptions import ConnectTimeout
from vault_stand_ins import Asked, Reply, VaultStandIn, VaultVersion

from generator.errors import (
    ConfigError,
    Fault,
    GeneratorError,
    NetworkError,
    OutcomeUnknown,
    RemoteError,
    ResponseError,
)
from generator.secrets import vault_source
from generator.secrets.interface import Secret, WritableSecretSource
from generator.secrets.sources import resolve, secret_source
from generator.secrets.vault_source import VaultSource, WritableVaultSource

CANARY = "a~B.c_D-" + "e~Correct.Horse_Battery-" + "9" * 32
KEY = "azure.client_secret_from"
SOURCE = "vault:secret/servicenow/dev#client_secret"
PATH = "servicenow/dev"


@pytest.fixture(autouse=True)
def _no_vault_of_the_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[VaultStandIn]:
    with VaultStandIn(tmp_path) as stand_in:
        older, newer = {"client_secret": "older"}, {"client_secret": CANARY, "user": "mail"}
        stand_in.paths[PATH] = [VaultVersion(dict(older)), VaultVersion(dict(newer))]
        yield stand_in


def source_of(vault: VaultStandIn, text: str = SOURCE, **variables: str) -> VaultSource:
    held = {**vault.variables(), **variables}
    source = secret_source(text, directory=Path(), variables=held, prompt=None, key=KEY)
    assert isinstance(source, VaultSource)
    return source


def writable(vault: VaultStandIn) -> WritableVaultSource:
    source = source_of(vault)
    assert isinstance(source, WritableVaultSource)
    return source


def refused(
    vault: VaultStandIn, call: Callable[[], object], *, error: type[GeneratorError] = ConfigError
) -> Fault:
    """The one fault, after a look for secrets in everything that the error says and keeps."""
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    (fault,) = caught.value.faults
    said = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(fault)
    left: BaseException | None = caught.value
    while left is not None:
        said += repr(left) + repr(left.args) + repr(vars(left))
        left = left.__context__
    for secret in (CANARY, vault.token, vault.secret_id):
        assert secret not in said
    assert fault.next
    assert fault.path == KEY
    return fault


# Reading


def test_the_current_version_is_fetched_whole(vault: VaultStandIn) -> None:
    secret = resolve(SOURCE, directory=Path(), variables=vault.variables(), prompt=None, key=KEY)
    assert secret.reveal() == CANARY
    (asked,) = vault.requests
    assert (asked.method, asked.path) == ("GET", "/v1/secret/data/servicenow/dev")
    assert asked.headers["x-vault-request"] == "true"


def test_a_named_version_is_fetched_and_is_no_place_to_write(vault: VaultStandIn) -> None:
    source = source_of(vault, f"{SOURCE}@1")
    assert source.fetch().reveal() == "older"
    assert not isinstance(source, WritableSecretSource)
    assert isinstance(source_of(vault), WritableSecretSource)


def test_the_source_shows_neither_variables_nor_values(vault: VaultStandIn) -> None:
    source = source_of(vault)
    assert source.description == SOURCE
    assert vault.token not in repr(source)
    assert CANARY not in repr(source._read(None))


@pytest.mark.parametrize(
    ("version", "code", "words"),
    [
        (
            VaultVersion({}, deletion_time="2026-11-20T09:00:00Z"),
            "secret-vault-deleted",
            "undelete",
        ),
        (VaultVersion({}, destroyed=True), "secret-vault-destroyed", "cannot come back"),
        (VaultVersion({"other": CANARY}), "secret-vault-key", "is not there in version 3"),
        (VaultVersion({"client_secret": 7}), "secret-vault-key", "is no text"),
        (VaultVersion({"client_secret": ""}), "secret-empty", "is empty"),
        (VaultVersion({"client_secret": "x\ny"}), "secret-not-one-line", "line end"),
        (VaultVersion({"client_secret": "x" * 20_000}), "secret-too-large", "more than"),
    ],
)
def test_a_version_that_holds_no_secret(
    vault: VaultStandIn, version: VaultVersion, code: str, words: str
) -> None:
    vault.paths[PATH].append(version)
    fault = refused(vault, source_of(vault).fetch)
    assert fault.code == code
    assert words in f"{fault.message} {fault.next}"


@pytest.mark.parametrize(
    "text",
    [
        "vault:secret/servicenow/other#client_secret",
        "vault:secret/servicenow/dev#client_secret@7",
        "vault:kv1/servicenow/dev#client_secret",
    ],
)
def test_what_is_not_there(vault: VaultStandIn, text: str) -> None:
    assert refused(vault, source_of(vault, text).fetch).code == "secret-vault-absent"


@pytest.mark.parametrize(
    "text",
    [
        "vault:",
        "vault:secret#key",
        "vault:secret/path",
        "vault:secret/path#",
        "vault:secret/path#key@latest",
        "vault:secret/path#key@0",
        "vault:secret//path#key",
        "vault:secret/path/#key",
        "vault:secret/pa th#key",
        "vault:/secret/path#key",
        "vault:secret/path?x=1#key",
        "vault:secret/../../sys/seal#key",
        "vault:secret/.#key",
        "vault:secret/a/..#key",
    ],
)
def test_what_is_no_vault(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        secret_source(text, directory=Path(), variables={}, prompt=None, key=KEY)
    assert caught.value.faults[0].code == "secret-source"


def test_a_reference_of_another_form_is_a_bug() -> None:
    with pytest.raises(ValueError, match="no reference"):
        vault_source._parts("vault:secret")


# Signing in


def test_the_token_of_vault_login(vault: VaultStandIn, tmp_path: Path) -> None:
    (tmp_path / ".vault-token").write_text(vault.token)
    (tmp_path / ".vault-token").chmod(0o600)
    source = source_of(vault, VAULT_TOKEN="", HOME=str(tmp_path))
    assert source.fetch().reveal() == CANARY


def test_a_token_file_that_others_may_read(vault: VaultStandIn, tmp_path: Path) -> None:
    (tmp_path / ".vault-token").write_text(vault.token)
    (tmp_path / ".vault-token").chmod(0o644)
    source = source_of(vault, VAULT_TOKEN="", USERPROFILE=str(tmp_path))
    assert refused(vault, source.fetch).code == "secret-open-to-others"


@pytest.mark.parametrize("mount", ["approle", "machines"])
def test_an_app_role(vault: VaultStandIn, mount: str, tmp_path: Path) -> None:
    if mount != "approle":
        vault.fault = lambda asked: (
            vault.answer(Asked(asked.method, "/v1/auth/approle/login", {}, {}, asked.body))
            if asked.path == f"/v1/auth/{mount}/login"
            else None
        )
    role = {"VAULT_TOKEN": "", "VAULT_ROLE_ID": vault.role_id, "VAULT_APPROLE_MOUNT": mount}
    by_variable = source_of(vault, **role, VAULT_SECRET_ID=vault.secret_id)
    assert by_variable.fetch().reveal() == CANARY
    assert "x-vault-token" not in vault.requests[0].headers
    file = tmp_path / "secret-id"
    file.write_text(vault.secret_id + "\n")
    file.chmod(0o600)
    by_file = source_of(vault, **role, VAULT_SECRET_ID_FILE=str(file))
    assert by_file.fetch().reveal() == CANARY


def test_an_app_role_that_is_not_accepted(vault: VaultStandIn) -> None:
    role = {"VAULT_TOKEN": "", "VAULT_ROLE_ID": vault.role_id}
    fault = refused(vault, source_of(vault, **role, VAULT_SECRET_ID=CANARY).fetch)
    assert fault.code == "secret-vault-sign-in"
    assert refused(vault, source_of(vault, **role).fetch).code == "secret-unset"


def test_a_namespace(vault: VaultStandIn) -> None:
    vault.namespace = "team/mail"
    assert source_of(vault, VAULT_NAMESPACE="team/mail").fetch().reveal() == CANARY
    fault = refused(vault, source_of(vault).fetch)
    assert "VAULT_NAMESPACE" in str(fault.next)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"VAULT_ADDR": ""}, "VAULT_ADDR is not set"),
        ({"VAULT_ADDR": "http://vault.example:8200"}, "no https:// address"),
        ({"VAULT_ADDR": "https://user:" + "x@vault.example"}, "no address"),
        ({"VAULT_ADDR": "https://vault.example?x=1"}, "no address"),
        ({"VAULT_ADDR": "https://vault.example:port"}, "no address"),
        ({"VAULT_ADDR": "https://[::1"}, "no address"),
        ({"VAULT_ADDR": "unix:///run/vault.sock"}, "no address"),
        ({"VAULT_TOKEN": ""}, "nobody is signed in"),
        ({"VAULT_TOKEN": CANARY + " x"}, "the Vault token holds"),
        ({"VAULT_TOKEN": CANARY + "\n"}, "holds a line end"),
        ({"VAULT_NAMESPACE": "a b"}, "VAULT_NAMESPACE holds"),
        ({"VAULT_TOKEN": "", "VAULT_ROLE_ID": "a\x07"}, "VAULT_ROLE_ID holds"),
    ],
)
def test_surroundings_that_lead_nowhere(
    vault: VaultStandIn, variables: dict[str, str], words: str
) -> None:
    fault = refused(vault, source_of(vault, **variables).fetch)
    assert words in fault.message
    assert not vault.requests


def test_plain_http_is_for_this_machine_alone(vault: VaultStandIn) -> None:
    for host in ("localhost", "127.0.0.1", "[::1]"):
        address = source_of(vault, VAULT_ADDR=f"http://{host}:8200")._surroundings().address()
        assert address.is_local
    assert not source_of(vault, VAULT_ADDR="https://v.example/")._surroundings().address().is_local


def test_a_client_certificate_needs_its_key(vault: VaultStandIn) -> None:
    one = source_of(vault, VAULT_CLIENT_CERT="c.pem")._surroundings().address()
    both = source_of(vault, VAULT_CLIENT_CERT="c.pem", VAULT_CLIENT_KEY="k.pem")
    assert one.certificate is None
    assert both._surroundings().address().certificate == ("c.pem", "k.pem")


def test_verification_is_never_off(vault: VaultStandIn) -> None:
    source = source_of(vault, VAULT_CACERT="", VAULT_SKIP_VERIFY="true")
    fault = refused(vault, source.fetch, error=NetworkError)
    assert fault.code == "vault-tls"
    assert "VAULT_CACERT" in str(fault.next)
    assert not vault.requests


def test_this_machine_is_reached_without_a_proxy(
    vault: VaultStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert source_of(vault).fetch().reveal() == CANARY


def test_a_proxy_that_does_not_answer(vault: VaultStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    source = source_of(vault, VAULT_ADDR="https://vault.invalid:8200")
    fault = refused(vault, source.fetch, error=NetworkError)
    assert fault.code == "vault-proxy"


def test_the_extra_is_not_installed(vault: VaultStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hvac", None)
    fault = refused(vault, source_of(vault).fetch)
    assert fault.next == "pip install 'sn-smtp-oauth[vault]'"


# What the Vault says


@pytest.mark.parametrize(
    ("reply", "error", "code"),
    [
        (Reply(403, {"errors": ["permission denied"]}), ConfigError, "secret-vault-forbidden"),
        (Reply(401, {"errors": [CANARY]}), ConfigError, "secret-vault-forbidden"),
        (Reply(400, {"errors": [CANARY]}), ConfigError, "secret-vault-refused"),
        (Reply(429, {"errors": []}, {"Retry-After": "999"}), RemoteError, "vault-turned-away"),
        (Reply(503, {"errors": ["Vault is sealed"]}), RemoteError, "vault-turned-away"),
        (Reply(500, {"errors": ["internal error"]}), ResponseError, "vault-answer"),
        (Reply(418, {"errors": []}), ResponseError, "vault-answer"),
        (Reply(307, None, {"Location": "https://localhost:1/"}), ResponseError, "vault-answer"),
        (Reply(200, b"<html>", {"Content-Type": "text/html"}), ResponseError, "vault-answer"),
        (Reply(200, b"{"), ResponseError, "vault-answer"),
        (Reply(200, {"data": {"client_secret": CANARY}}), ResponseError, "vault-answer"),
        (Reply(404, b"not json"), ConfigError, "secret-vault-absent"),
        (Reply(404, [1]), ResponseError, "vault-answer"),
        (Reply(200, b'{"data": ', is_cut=True), NetworkError, "vault-cut"),
    ],
)
def test_an_answer_that_is_no_secret(
    vault: VaultStandIn, reply: Reply, error: type[GeneratorError], code: str
) -> None:
    vault.fault = lambda asked: reply
    assert refused(vault, source_of(vault).fetch, error=error).code == code
    assert len(vault.requests) == 1


def test_a_silent_vault_is_left(vault: VaultStandIn) -> None:
    vault.fault = lambda asked: Reply(200, is_silent=True)
    source = VaultSource(SOURCE, vault.variables(), KEY, longest=0.5)
    assert refused(vault, source.fetch, error=NetworkError).code == "vault-silent"


def test_a_vault_that_is_slow_to_answer(
    vault: VaultStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_source, "READING", 0.2)
    vault.fault = lambda asked: Reply(200, is_silent=True)
    fault = refused(vault, source_of(vault).fetch, error=NetworkError)
    assert "did not answer in time" in fault.message


def test_nobody_listens(vault: VaultStandIn) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    source = source_of(vault, VAULT_ADDR=f"https://127.0.0.1:{port}")
    fault = refused(vault, source.fetch, error=NetworkError)
    assert fault.code == "vault-refused"
    assert f"127.0.0.1:{port}" in fault.message


def test_a_name_that_nobody_knows(vault: VaultStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*arguments: object, **more: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    source = source_of(vault, VAULT_ADDR="https://vault.invalid")
    assert refused(vault, source.fetch, error=NetworkError).code == "vault-dns"


# Writing


def test_a_new_version_keeps_the_other_keys(vault: VaultStandIn) -> None:
    source = writable(vault)
    assert source.current_version() == "2"
    assert source.store(Secret("new~value"), note="rotated") == "3"
    assert vault.paths[PATH][-1].data == {"client_secret": "new~value", "user": "mail"}
    assert source.current_version() == "3"
    assert source.fetch().reveal() == "new~value"
    assert source.fetch_version("2").reveal() == CANARY


@pytest.mark.parametrize("version", ["0", "latest", "-1", "1?x"])
def test_a_version_is_a_number(vault: VaultStandIn, version: str) -> None:
    fault = refused(vault, lambda: writable(vault).fetch_version(version))
    assert fault.code == "secret-vault-absent"
    assert not vault.requests


def store(vault: VaultStandIn) -> Callable[[], object]:
    return lambda: writable(vault).store(Secret(CANARY), note="n")


@pytest.mark.parametrize("path", [[], [VaultVersion({}, deletion_time="2026-11-20T09:00:00Z")]])
def test_nothing_is_written_where_nothing_is(vault: VaultStandIn, path: list[VaultVersion]) -> None:
    vault.paths[PATH] = path
    refused(vault, store(vault))
    assert [asked.method for asked in vault.requests] == ["GET"]


def test_somebody_else_wrote_meanwhile(vault: VaultStandIn) -> None:
    def fault(asked: Asked) -> Reply | None:
        if asked.method == "POST":
            vault.paths[PATH].append(VaultVersion({"client_secret": "theirs"}))
        return None

    vault.fault = fault
    assert refused(vault, store(vault)).code == "secret-vault-conflict"
    assert vault.paths[PATH][-1].data == {"client_secret": "theirs"}


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (Reply(403, {"errors": ["permission denied"]}), ConfigError, "create and update"),
        (Reply(429, {"errors": []}), RemoteError, "did nothing"),
        (Reply(503, {"errors": ["Vault is sealed"]}), RemoteError, "sealed"),
        (Reply(503, {"errors": []}), OutcomeUnknown, "not known"),
        (Reply(500, {"errors": []}), OutcomeUnknown, "not known"),
        (Reply(204), OutcomeUnknown, "did not name"),
        (Reply(200, b"<html>", {"Content-Type": "text/html"}), OutcomeUnknown, "did not name"),
        (Reply(200, {"data": {"version": 9}}), OutcomeUnknown, "cannot be read back"),
        (Reply(200, {"data": {"version": 1}}), OutcomeUnknown, "cannot be read back"),
        (Reply(200, b"{", is_cut=True), OutcomeUnknown, "not known"),
    ],
)
def test_a_write_that_is_refused_or_proves_nothing(
    vault: VaultStandIn, reply: Reply, error: type[GeneratorError], words: str
) -> None:
    vault.fault = lambda asked: reply if asked.method == "POST" else None
    assert words in refused(vault, store(vault), error=error).message
    # Nothing is sent again.
    assert sum(asked.method == "POST" for asked in vault.requests) == 1


def test_a_silent_write_is_not_known(vault: VaultStandIn) -> None:
    vault.fault = lambda asked: Reply(200, is_silent=True)
    source = WritableVaultSource(SOURCE, vault.variables(), KEY, longest=0.5)
    asked = source._asked(writes=True)

    def write(client: Client) -> object:
        return client.secrets.kv.v2.create_or_update_secret(PATH, {"client_secret": CANARY})

    refused(vault, lambda: source._ask(asked, write), error=OutcomeUnknown)


def test_a_write_that_was_never_sent_changed_nothing(vault: VaultStandIn) -> None:
    """The Vault stops between the read and the write."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    asked = source_of(vault, VAULT_ADDR=f"https://127.0.0.1:{port}")._asked(writes=True)
    with pytest.raises(NetworkError):
        asked.no_answer(ConnectionRefusedError())
    with pytest.raises(NetworkError, match="does not let connect"):
        asked.no_answer(ConnectTimeout())
