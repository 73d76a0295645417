"""What a secret looks like, and what only resembles one. Every secret here is made at run time."""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.secrets.shapes import SecretKind, ciphertext_kind, embedded_secret, names_a_secret

MARK = "8" + "Q~"
ENTRA = "abc" + MARK + "x" * 34
KMF = (
    ("\ufdde\ufddf\ufdd2" + "0123456789abcdef" * 2 + "\ufdec\ufdd4" + "1" + "\ufdec\ufded")
    + "QUJDREVGR0hJSktMTU5PUA=="
    + "Zm9v" * 12
    + "\ufdee\ufdef"
)
TAIL = "MaSa" + "+EyjGA=="
LEGACY = "A" * (56 - len(TAIL)) + TAIL
KEY = "-----BEGIN " + "PRIVATE KEY-----\nMIIE\n-----END " + "PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (ENTRA, SecretKind.ENTRA),
        ("~._" + MARK + "a.B-c~_" * 4 + "123456", SecretKind.ENTRA),
        ("abc" + MARK + "x" * 31, SecretKind.ENTRA),
        ("abc" + MARK + "x" * 37, SecretKind.ENTRA),
        (KMF, SecretKind.KMF),
        (KMF[:2], SecretKind.KMF),
        (LEGACY, SecretKind.LEGACY),
        (KEY, SecretKind.PRIVATE_KEY),
        (KEY.replace("PRIVATE", "RSA " + "PRIVATE"), SecretKind.PRIVATE_KEY),
        (KEY.replace("PRIVATE", "ENCRYPTED " + "PRIVATE"), SecretKind.PRIVATE_KEY),
    ],
)
def test_is_found_anywhere(value: str, kind: SecretKind) -> None:
    for text in (
        value,
        f"{value}.",
        f"client_secret={value}&x=1",
        f'"{value}"',
        f"<client_secret>{value}</client_secret>",
        f"first line\n{value}\nlast line",
        f"see {value}, please",
    ):
        if value.startswith("abc") and len(value) == 43 and text.endswith("."):
            continue  # one character more than any Entra secret has
        assert embedded_secret(text) is kind, text.replace(value, "...")
    assert ciphertext_kind(value) is kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc" + MARK,
        "abc" + MARK + "x" * 30,
        "abc" + MARK + "x" * 38,
        "abcd" + MARK + "x" * 34,
        "abc" + "Q~" + "x" * 34,
        "ab " + MARK + "x" * 34,
        "abc" + MARK + "x" * 20 + " " + "x" * 13,
        "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f",
        "0123456789abcdef" * 2,
        "\ufddf\ufdde",
        TAIL[:-1],
        "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
        "-----BEGIN " + "PUBLIC KEY-----",
        "BEGIN " + "PRIVATE KEY",
        "https://login.microsoftonline.com/tenant/oauth2/v2.0/token",
    ],
)
def test_ordinary_text_is_not(text: str) -> None:
    assert embedded_secret(text) is None
    assert embedded_secret(f"a {text} b") is None


@pytest.mark.parametrize("blocks", [1, 5, 11])
def test_legacy_ciphertext_is_whole_blocks_in_base64(blocks: int) -> None:
    value = b64encode(bytes(range(1, blocks * 8 + 1))).decode()
    assert embedded_secret(value) is None
    assert ciphertext_kind(value) is SecretKind.LEGACY


@pytest.mark.parametrize(
    "value",
    [
        "",
        b64encode(b"seven b").decode(),
        b64encode(b"nine byte").decode(),
        b64encode(b"8 bytes!").decode() + "\n",
        " " + b64encode(b"8 bytes!").decode(),
        b64encode(b"8 bytes!").decode()[:-1],
        "env:AZURE_CLIENT_SECRET",
        "file:/run/secrets/mail",
        "prompt",
        "keyring:sn-smtp/dev",
        "YOUR-CLIENT-" + "SECRET",
        "ÄÖÜäöüß=",
    ],
)
def test_sources_and_odd_lengths_are_no_ciphertext(value: str) -> None:
    assert ciphertext_kind(value) is None


def test_even_a_sys_id_could_be_ciphertext_in_such_a_place() -> None:
    """32 characters of base64 are 24 bytes: why it is asked about places of secrets only."""
    assert ciphertext_kind("0123456789abcdef" * 2) is SecretKind.LEGACY


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text_is_looked_at(text: str) -> None:
    assert embedded_secret(text) in (None, *SecretKind)
    assert ciphertext_kind(text) in (None, *SecretKind)


@pytest.mark.parametrize(
    "key",
    [
        *("secret", "client_secret", "clientSecret", "ClientSecret", "CLIENT_SECRET"),
        *("client-secret", "clientSecretValue", "secretText", "secret_value"),
        *("password", "smtp_password", "passwd", "pwd", "passphrase"),
        *("private_key", "privateKey", "privatekey", "api_key", "apiKey", "APIKey", "access_key"),
        *("token", "access_token", "refreshToken", "credential", "credentials"),
    ],
)
def test_named_like_a_secret(key: str) -> None:
    assert names_a_secret(key)


@pytest.mark.parametrize(
    "key",
    [
        *("client_secret_from", "secret_expires_on", "secret_hint", "secretId", "clientSecretId"),
        *("token_url", "tokenEndpoint", "access_token_lifespan", "key", "keyId", "name", ""),
        *("secretary", "tokenizer", "unsecret", "mytoken", "passwordless"),
    ],
)
def test_not_named_like_a_secret(key: str) -> None:
    assert not names_a_secret(key)


def test_real_ciphertext_of_the_corpus_is_recognised(shared: Path) -> None:
    """Every filled client_secret of a genuine record is of a kind that is known, or plain."""
    kinds = []
    for path in sorted((shared / "corpus" / "oauth" / "oauth_entity").glob("*.xml")):
        text = path.read_text(encoding="utf-8")
        for value in re.findall(r"<client_secret>([^<]+)</client_secret>", text):
            kinds.append(ciphertext_kind(value))
            if kinds[-1] is SecretKind.KMF:
                assert embedded_secret(text) is SecretKind.KMF
    assert set(kinds) <= {None, SecretKind.KMF, SecretKind.LEGACY}
    assert kinds


def test_no_tracked_file_of_these_tests_matches_the_rule() -> None:
    assert embedded_secret(Path(__file__).read_text(encoding="utf-8")) is None
