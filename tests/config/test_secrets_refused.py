"""No secret enters a configuration, and none that tries is ever shown."""

from __future__ import annotations

import logging
import traceback

import pytest
from config_root import Root

from generator.errors import ConfigError

ENTRA = "abc" + "8Q~" + "x" * 34
KMF = "\ufdde" + "\ufddf" + "1" * 40
LEGACY = "QUJDREVG" + "MaSa" + "+EyjGA=="
SHORT_LEGACY = "QUJD" + "REVGR0g="
KEY = "-----BEGIN " + "PRIVATE KEY-----"
PLAIN = "Correct-Horse" + "-Battery-9"
SECRETS = [ENTRA, KMF, LEGACY, KEY]


def told(root: Root, variables: dict[str, str] | None = None) -> str:
    """Everything that an error says in any way, its traceback included."""
    with pytest.raises(ConfigError) as caught:
        root.load(variables=variables)
    error = caught.value
    chain = "".join(traceback.format_exception(error))
    return f"{error}\n{error!r}\n{error.faults!r}\n{chain}"


@pytest.fixture(params=SECRETS, ids=["entra", "kmf", "legacy", "pem"])
def secret(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.mark.parametrize(
    "path", ["author", "app.name", "azure.client_id", "oauth.comments", "azure.client_secret_from"]
)
def test_a_secret_as_a_value(root: Root, secret: str, path: str) -> None:
    fault = root.put(path, f"'{secret}'").fault()
    assert (fault.code, fault.path) == ("secret-in-file", path)
    assert fault.line is not None
    assert secret not in told(root)


@pytest.mark.parametrize(
    "place", ["# {}", "author: x # {}", "'{}': x", "oauth: {{comments: [{}]}}"]
)
def test_a_secret_elsewhere(root: Root, secret: str, place: str) -> None:
    own = (root.path / "dev/environment.yaml").read_text()
    if place.endswith("}}") and secret == KEY:
        place = place.replace("{}", "'{}'")
    root.own(f"{own}{place.format(secret)}\n")
    fault = next(fault for fault in root.faults() if fault.code == "secret-in-file")
    assert (fault.file, fault.line) == (str(root.path / "dev/environment.yaml"), 8)
    assert "Entra" in str(fault.next)
    assert secret not in told(root)


def test_a_secret_in_a_file_that_is_no_yaml(root: Root, secret: str) -> None:
    root.own(f"a: b: '{secret}'\n'{secret}\n")
    codes = [fault.code for fault in root.faults()]
    assert codes.count("secret-in-file") == 2
    assert "not-yaml" in codes
    assert secret not in told(root)


def test_a_secret_in_a_block_and_in_an_escape(root: Root) -> None:
    root.put("oauth.comments", f"|\n    hello\n    {ENTRA}")
    assert root.fault().code == "secret-in-file"
    root.put("oauth.comments", '"' + ENTRA[:10] + "\\\n    " + ENTRA[10:] + '"')
    assert root.fault().code == "secret-in-file"
    root.put("oauth.comments", '"\\x61' + ENTRA[1:] + '"')
    assert root.fault().code == "secret-in-file"


def test_a_secret_in_common_yaml_that_is_overlaid(root: Root, secret: str) -> None:
    root.common((root.path / "common.yaml").read_text() + f"author: '{secret}'\n")
    fault = root.put("author", "me").fault()
    assert (fault.code, fault.file) == ("secret-in-file", str(root.path / "common.yaml"))
    assert secret not in told(root)


def test_a_secret_in_a_variable(root: Root, secret: str) -> None:
    root.put("app.vendor", "'${env:VENDOR}'")
    fault = root.fault(variables={"VENDOR": secret})
    assert (fault.code, fault.path) == ("secret-in-variable", "app.vendor")
    assert secret not in told(root, {"VENDOR": secret})


@pytest.mark.parametrize(
    "value", [PLAIN, ENTRA[:20], SHORT_LEGACY, "env:", "ENV:X", "http://x", ""]
)
def test_a_from_key_with_anything_but_a_source(root: Root, value: str) -> None:
    fault = root.put("azure.client_secret_from", f"'{value}'").fault()
    assert (fault.code, fault.path) == ("not-accepted", "azure.client_secret_from")
    assert "env:NAME, file:PATH, command:COMMAND, prompt, keyring:SERVICE/USER" in fault.message
    assert ("looks like a secret" in fault.message) == (value == SHORT_LEGACY)
    assert not value or value == "env:" or value not in told(root)


def test_a_from_key_that_is_overlaid_or_substituted(root: Root) -> None:
    root.common(
        (root.path / "common.yaml").read_text() + f"azure: {{client_secret_from: '{PLAIN}'}}\n"
    )
    fault = root.put("azure.client_secret_from", "prompt").fault()
    assert fault.file == str(root.path / "common.yaml")
    assert PLAIN not in told(root)
    root.common((root.path / "common.yaml").read_text().partition("azure")[0])
    root.put("azure.client_secret_from", "${env:SECRET}")
    assert PLAIN not in told(root, {"SECRET": PLAIN})
    root.put("azure.client_secret_from", "[prompt]")
    assert root.fault().code == "not-accepted"


def test_a_source_that_is_too_long_or_holds_a_line_end(root: Root) -> None:
    assert (
        "1005 characters"
        in root.put("azure.client_secret_from", f"file:{'x' * 1000}").fault().message
    )
    assert root.put("azure.client_secret_from", '"command:a\\nb"').fault().code == "not-accepted"


@pytest.mark.parametrize(
    "path",
    [
        "azure.client_secret",
        "azure.clientSecret",
        "email_account.password",
        "password",
        "oauth.client-secret",
        "instance.token",
    ],
)
def test_a_key_named_like_a_secret(root: Root, path: str) -> None:
    fault = root.put(path, f"'{PLAIN}'").fault()
    assert (fault.code, fault.path) == ("secret-key", path)
    assert "azure.client_secret_from" in str(fault.next)
    assert PLAIN not in told(root)


@pytest.mark.parametrize(
    "path",
    [
        "release", "version", "integration", "author", "layout", "deletions", "unknown_key",
        "app.scope", "app.version", "instance.url", "azure.tenant_id", "azure.cloud",
        "azure.secret_expires_on", "azure.outputs", "email_account.user_name",
        "email_account.port", "email_account.server", "email_account.live", "sys_ids", "app",
        "sys_ids.oauth_entity", "email_account.connection_security",
    ],
)  # fmt: skip
def test_no_value_in_the_wrong_place_is_repeated(
    root: Root, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    canary = "Wrong Place" + "!" + PLAIN
    caplog.set_level(logging.DEBUG)
    for written, variables in (
        (f"'{canary}'", {}),
        ("${env:CANARY}", {"CANARY": canary}),
        (f"['{canary}\n']", {}),
        (f"{{'{canary}': '{canary}'}}", {}),
    ):
        root.put(path, written)
        if path in ("author",) and not written.startswith(("[", "{")):
            continue
        assert PLAIN not in told(root, variables), (path, written)
        assert PLAIN not in caplog.text


def test_a_url_with_a_password(root: Root) -> None:
    root.put("instance.url", f"https://admin:{PLAIN}@acme.service-now.com")
    assert PLAIN not in told(root)


def test_many_secrets_are_cut_off(root: Root) -> None:
    root.own("".join(f"# {ENTRA}\n" for _ in range(300)))
    assert len(root.faults()) == 100
    root.own("".join(f"k{n}: {ENTRA}\n" for n in range(300)))
    assert len(root.faults()) == 100
