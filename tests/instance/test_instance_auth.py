"""Ways to sign in to REST calls."""

from __future__ import annotations

import base64
import ssl
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from instance_replies import (
    API_KEY,
    BASIC,
    CLIENT,
    CLIENT_SECRET,
    ID,
    KEY,
    NOT_SIGNED_IN,
    PASSWORD,
    PASSWORD_GRANT,
    SECRETS,
    Reply,
    Sent,
    bench,
    error,
    page,
    rows,
    said,
)

from generator.config.instance_settings import AuthMethod, AuthSettings
from generator.errors import AuthenticationError, ConfigError, RemoteError, ResponseError
from generator.instance import client_certificate
from generator.instance.client_certificate import add_client_certificate
from generator.instance.interface import Read, Route
from generator.secrets.interface import Secret

USERS = Read("sys_user", fields=("sys_id",))


def _token(text: str, life: object = 1799) -> Reply:
    return said({"access_token": text, "token_type": "Bearer", "expires_in": life, "scope": "x"})


def _bearer(sent: Sent) -> str:
    return sent.headers["Authorization"].removeprefix("Bearer ")


FIRST = "tok" + "en-first-1"
SECOND = "tok" + "en-second-2"


def test_basic_sends_name_and_password() -> None:
    made = bench(rows())
    made.instance.read([USERS])
    packed = made.replies.sent[0].headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(packed).decode() == f"admin:{PASSWORD}"


def test_an_api_key_is_a_header() -> None:
    made = bench(rows(), auth=API_KEY)
    made.instance.read([USERS])
    (sent,) = made.replies.sent
    assert sent.headers["x-sn-apikey"] == KEY
    assert "Authorization" not in sent.headers
    assert KEY not in sent.url


@pytest.mark.parametrize("key", ["", "two words", "two\r\nlines: x", "ümlaut-key"])
def test_a_key_that_no_header_can_carry_is_not_shown(key: str) -> None:
    made = bench(auth=API_KEY, secrets={"env:KEY": key})
    with pytest.raises(ConfigError) as caught:
        made.instance.read([USERS])
    assert caught.value.faults[0].path == "instance.auth.api_key_from"
    assert not key or key not in str(caught.value)


def test_client_credentials_fetch_one_token() -> None:
    made = bench(_token(FIRST), rows(), rows(), auth=CLIENT)
    made.instance.read([USERS])
    made.instance.read([USERS])
    fetch, read, again = made.replies.sent
    assert (fetch.method, fetch.path) == ("POST", "/oauth_token.do")
    assert fetch.form == {
        "grant_type": "client_credentials",
        "client_id": "c1",
        "client_secret": CLIENT_SECRET,
    }
    assert (_bearer(read), _bearer(again)) == (FIRST, FIRST)


def test_the_password_grant_gives_name_and_password() -> None:
    made = bench(_token(FIRST), rows(), auth=PASSWORD_GRANT)
    made.instance.read([USERS])
    form = made.replies.sent[0].form
    assert (form["grant_type"], form["username"], form["password"]) == (
        "password",
        "admin",
        PASSWORD,
    )


@pytest.mark.parametrize(("life", "passed"), [(1799, 1740), ("1799", 1740), (None, 1740), (20, 11)])
def test_a_token_is_renewed_before_it_ends(life: object, passed: float) -> None:
    made = bench(_token(FIRST, life), rows(), _token(SECOND), rows(), auth=CLIENT)
    made.instance.read([USERS])
    made.clock.sleep(passed)
    made.instance.read([USERS])
    assert _bearer(made.replies.sent[3]) == SECOND


def test_a_token_that_was_taken_back_is_renewed_once() -> None:
    made = bench(_token(FIRST), NOT_SIGNED_IN, _token(SECOND), rows(), auth=CLIENT)
    made.instance.read([USERS])
    assert _bearer(made.replies.sent[3]) == SECOND


def test_a_change_refused_for_its_token_is_sent_again_with_a_new_one() -> None:
    """A 401 says that nothing was done; so this repeats no change."""
    done = said({"result": {"sys_id": ID}})
    made = bench(_token(FIRST), NOT_SIGNED_IN, _token(SECOND), done, auth=CLIENT)
    made.instance.update("sys_user", ID, {"active": "true"})
    assert made.replies.paths().count(f"PATCH /api/now/table/sys_user/{ID}") == 2


def test_a_second_refusal_is_the_last() -> None:
    made = bench(_token(FIRST), NOT_SIGNED_IN, _token(SECOND), NOT_SIGNED_IN, auth=CLIENT)
    with pytest.raises(AuthenticationError):
        made.instance.read([USERS])
    assert made.instance.requests == 4


def test_a_wrong_password_is_not_tried_again() -> None:
    made = bench(NOT_SIGNED_IN)
    with pytest.raises(AuthenticationError):
        made.instance.read([USERS])
    assert made.instance.requests == 1


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (
            said({"error": "server_error", "error_description": "access_denied"}, 401),
            "client.credential.grant_type.enabled",
        ),
        (said({"error": "invalid_client"}, 401), "invalid_client"),
        (said({"error": "invalid_grant"}, 400), "invalid_grant"),
        (page("<html></html>", 401), "status 401"),
    ],
)
def test_a_refused_token_says_what_to_check(reply: Reply, text: str) -> None:
    made = bench(reply, auth=CLIENT)
    with pytest.raises(AuthenticationError) as caught:
        made.instance.read([USERS])
    assert text in str(caught.value)
    assert "OAuth Application User" in str(caught.value)
    assert made.instance.requests == 1


@pytest.mark.parametrize(
    "reply",
    [
        said({"access_token": "x\r\ny: z", "token_type": "Bearer"}),
        said({"access_token": FIRST, "token_type": "mac"}),
        said({"access_token": FIRST}),
        said({"token_type": "Bearer"}),
        error(403, "No"),
        page("<html></html>"),
    ],
)
def test_what_is_no_token_is_none(reply: Reply) -> None:
    made = bench(reply, auth=CLIENT)
    with pytest.raises(RemoteError):
        made.instance.read([USERS])
    assert made.instance.requests == 1


def test_an_outage_at_the_token_is_an_outage() -> None:
    made = bench(page("", 502), auth=CLIENT)
    with pytest.raises(RemoteError) as caught:
        made.instance.read([USERS])
    assert caught.value.faults[0].code == "instance-no-node"


def test_no_sign_in_is_named_when_it_is_needed() -> None:
    made = bench(NOT_SIGNED_IN, auth=None)
    made.instance.check_awake()
    with pytest.raises(ConfigError) as caught:
        made.instance.read([USERS])
    assert caught.value.faults[0].path == "instance.auth"
    with pytest.raises(ConfigError):
        made.instance.check_upload()


@pytest.mark.parametrize(
    ("method", "missing"),
    [
        (AuthMethod.BASIC, "user"),
        (AuthMethod.API_KEY, "api_key_from"),
        (AuthMethod.OAUTH_CLIENT_CREDENTIALS, "client_id"),
        (AuthMethod.OAUTH_PASSWORD, "user"),
        (AuthMethod.MTLS, "certificate"),
    ],
)
def test_what_a_method_lacks_is_named(method: AuthMethod, missing: str) -> None:
    made = bench(auth=AuthSettings(method))
    with pytest.raises(ConfigError) as caught:
        made.instance.read([USERS])
    assert caught.value.faults[0].path == f"instance.auth.{missing}"


@pytest.mark.parametrize("user", ["a:b", "a\nb"])
def test_a_name_that_basic_cannot_carry(user: str) -> None:
    made = bench(auth=AuthSettings(AuthMethod.BASIC, user=user, password_from="env:PASSWORD"))
    with pytest.raises(ConfigError) as caught:
        made.instance.read([USERS])
    assert caught.value.faults[0].path == "instance.auth.user"


def test_a_secret_is_fetched_at_first_need_and_once() -> None:
    asked: list[str] = []

    class Asked(dict[str, str]):
        def __getitem__(self, name: str) -> str:
            asked.append(name)
            return SECRETS[name]

    made = bench(NOT_SIGNED_IN, rows(), rows(), auth=BASIC, secrets=Asked())
    made.instance.check_awake()
    assert asked == []
    made.instance.read([USERS])
    made.instance.read([USERS])
    assert asked == ["env:PASSWORD"]


def test_a_certificate_signs_in_without_a_header() -> None:
    auth = AuthSettings(AuthMethod.MTLS, certificate=Path("client.pem"), private_key_from="env:KEY")
    made = bench(rows(), auth=auth)
    made.instance.read([USERS])
    assert not {"Authorization", "x-sn-apikey"} & set(made.replies.sent[0].headers)


def test_a_certificate_has_nothing_to_renew() -> None:
    auth = AuthSettings(AuthMethod.MTLS, certificate=Path("client.pem"), private_key_from="env:KEY")
    made = bench(NOT_SIGNED_IN, auth=auth)
    with pytest.raises(AuthenticationError) as caught:
        made.instance.commit(ID, batch=False, route=Route.CICD)
    assert "mapped" in str(caught.value)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, str]:
    issued = trustme.CA().issue_cert("client@example.com")
    path = tmp_path / "client.pem"
    path.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    return path, issued.private_key_pem.bytes().decode()


@pytest.mark.parametrize("has_memory_files", [True, False])
def test_a_private_key_is_loaded_and_leaves_nothing(
    certificate: tuple[Path, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    has_memory_files: bool,
) -> None:
    directory = tmp_path / "temporary"
    directory.mkdir()
    monkeypatch.setattr(client_certificate.tempfile, "tempdir", str(directory))
    if not has_memory_files:
        monkeypatch.delattr(client_certificate.os, "memfd_create", raising=False)
    path, key = certificate
    context = ssl.create_default_context()
    add_client_certificate(context, certificate=path, private_key=Secret(key), key="instance.auth")
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize("key", ["", "no key", "other"])
def test_a_key_that_does_not_belong_to_the_certificate(
    certificate: tuple[Path, str], key: str
) -> None:
    if key == "other":
        key = trustme.CA().issue_cert("x@example.com").private_key_pem.bytes().decode()
    context = ssl.create_default_context()
    with pytest.raises(ConfigError) as caught:
        add_client_certificate(
            context, certificate=certificate[0], private_key=Secret(key), key="instance.auth"
        )
    assert caught.value.faults[0].path == "instance.auth.certificate"
    assert not key or key not in str(caught.value)


def test_an_oauth_answer_that_is_cut_is_no_token() -> None:
    made = bench(Reply(200, b'{"access_tok', (("Content-Type", "application/json"),)), auth=CLIENT)
    with pytest.raises(ResponseError):
        made.instance.read([USERS])


def test_a_key_with_a_passphrase_asks_nobody(
    certificate: tuple[Path, str], capfd: pytest.CaptureFixture[str]
) -> None:
    private = serialization.load_pem_private_key(certificate[1].encode(), password=None)
    locked = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.BestAvailableEncryption(b"pass" + b"phrase"),
    ).decode()
    context = ssl.create_default_context()
    with pytest.raises(ConfigError):
        add_client_certificate(
            context, certificate=certificate[0], private_key=Secret(locked), key="instance.auth"
        )
    assert capfd.readouterr() == ("", "")
