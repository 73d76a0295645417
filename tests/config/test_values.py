"""What each key accepts and refuses, and that a refusal says where and what is accepted."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from config_root import Root

from generator.config.environment import Environment

SID = "0123456789abcdef" * 2
GUID = "5E7A1C9D-0b2f-4d6e-8a13-9f8e7d6c5b4a"


def value(environment: Environment, path: str) -> object:
    renamed = {
        "instance.url": "instance_url",
        "email_account.from": "email_account.from_address",
        "azure.endpoints": "azure",
    }
    found: object = environment
    for step in renamed.get(path, path).split("."):
        found = getattr(found, step)
    return found


ACCEPTED = [
    ("release", "australia", "australia"),
    ("version", "1.0", "1.0"),
    ("version", "1", "1"),
    ("version", "'2024.11.23.1'", "2024.11.23.1"),
    ("integration", "a", "a"),
    ("integration", "a" * 20, "a" * 20),
    ("deletions", "true", True),
    ("layout", "separate", "separate"),
    ("author", "yes", "yes"),
    ("author", "'true'", "true"),
    ("author", "x" * 40, "x" * 40),
    ("app.name", "x" * 64, "x" * 64),
    ("app.name", "'<>&\"'' ]]> {{ x }} {% y %}'", "<>&\"' ]]> {{ x }} {% y %}"),
    ("app.name", "שלום עולם", "שלום עולם"),
    ("app.name", "郵件 😀", "郵件 😀"),
    ("app.scope", "x_a_" + "b" * 14, "x_a_" + "b" * 14),
    ("app.version", "1.20.300", "1.20.300"),
    ("app.vendor", "''", ""),
    ("instance.url", "HTTPS://Acme.Service-Now.com", "https://acme.service-now.com"),
    ("oauth.comments", '"a\\tb\\r\\nc"', "a\tb\r\nc"),
    ("oauth.comments", "''", ""),
    ("oauth.name", "Registry", "Registry"),
    ("email_account.user_name", "o'neil+x@mail.contoso.example", "o'neil+x@mail.contoso.example"),
    ("email_account.from", "Desk@Contoso.Example", "Desk@Contoso.Example"),
    ("email_account.server", "SMTP.Office365.com", "smtp.office365.com"),
    ("email_account.port", "1", 1),
    ("email_account.port", "65535", 65535),
    ("email_account.live", "true", True),
    ("email_account.enable_debug_output", "true", True),
    ("azure.service_principal_object_id", GUID, GUID.lower()),
    ("azure.authorization", "app_rbac", "app_rbac"),
    ("azure.cloud", "gcc-high", "gcc-high"),
    ("azure.client_secret_from", "env:SECRET_1", "env:SECRET_1"),
    ("azure.client_secret_from", "file:/run/x y", "file:/run/x y"),
    ("azure.client_secret_from", "command:pass show x", "command:pass show x"),
    ("azure.client_secret_from", "prompt", "prompt"),
    ("azure.client_secret_from", "keyring:service/user", "keyring:service/user"),
    ("azure.secret_expires_on", "2027-11-20", datetime(2027, 11, 20, tzinfo=UTC)),
    (
        "azure.secret_expires_on",
        "2027-11-20T09:15:00.1234567Z",
        datetime(2027, 11, 20, 9, 15, 0, 123456, UTC),
    ),
    (
        "azure.secret_expires_on",
        "2027-11-20 09:15+02:00",
        datetime(2027, 11, 20, 7, 15, tzinfo=UTC),
    ),
]


@pytest.mark.parametrize(("path", "written", "expected"), ACCEPTED)
def test_accepted(root: Root, path: str, written: str, expected: object) -> None:
    loaded = root.put(path, written).load()
    assert value(loaded, path) == expected


def test_port_and_connection_security_do_not_contradict_each_other(root: Root) -> None:
    root.put("email_account.connection_security", "ssl")
    fault = root.fault()
    assert (fault.code, fault.path) == ("port-and-security", "email_account.connection_security")
    assert fault.line is not None and fault.next
    assert "587 goes with starttls, not with ssl" in fault.message
    both = "{}\n  connection_security: {}"
    root.put("email_account.port", both.format(465, "ssl"))
    assert root.load().email_account.connection_security == "ssl"
    root.put("email_account.port", both.format(2525, "ssl"))
    assert root.load().email_account.port == 2525
    root.put("email_account.port", both.format(465, "starttls"))
    assert "465 goes with ssl, not with starttls" in root.fault().message


REFUSED = [
    ("release", "washington", "australia"),
    ("release", "Xanadu", "Did you mean xanadu?"),
    ("release", "[xanadu]", "one text"),
    ("version", "v1", "one to four numbers"),
    ("version", "1.0.0.0.0", "one to four numbers"),
    ("version", "-1", "one to four numbers"),
    ("version", "'" + "1" * 21 + "'", "21 characters"),
    ("version", "true", "true or false"),
    ("version", "", "has no value"),
    ("integration", "1smtp", "lower-case letter"),
    ("integration", "a" * 21, "21 characters"),
    ("integration", "5", "is a number"),
    ("deletions", "yes", "true nor false"),
    ("deletions", "'true'", "true nor false"),
    ("deletions", "${env:X}", "true nor false"),
    ("layout", "batches", "Did you mean batch?"),
    ("author", "''", "is empty"),
    ("author", "x" * 41, "41 characters"),
    ("author", "true", "true or false"),
    ("author", "' x'", "blank"),
    ("author", "'x '", "blank"),
    ("app.name", "x" * 10_000, "10000 characters"),
    ("app.name", '"a\\nb"', "U+000A"),
    ("app.name", '"a\\tb"', "U+0009"),
    ("app.name", '"a\\u0007b"', "U+0007"),
    ("app.name", '"a\\uFFFEb"', "U+FFFE"),
    ("app.name", '"a\\uFFFFb"', "U+FFFF"),
    ("app.name", "2024", "is a number"),
    ("app.name", "1.0", "is a number"),
    ("app.name", "{a: b}", "one text"),
    ("app.scope", "x_acme_" + "b" * 12, "at most 18"),
    ("app.scope", "X_acme_mail", "lower-case"),
    ("app.scope", "x_acme", "x_<company code>"),
    ("app.scope", "global", "x_<company code>"),
    ("app.version", "1.0", "is a number"),
    ("app.version", "'1.0'", "three numbers"),
    ("app.vendor", "x" * 101, "101 characters"),
    ("instance.url", "http://acme.service-now.com", "not encrypted"),
    ("instance.url", "acme.service-now.com", "https://"),
    ("instance.url", "ftp://acme.service-now.com", "https://"),
    ("instance.url", "https://acme.service-now.com/", "slash"),
    ("instance.url", "https://acme.service-now.com/now/nav", "a path"),
    ("instance.url", "https://acme.service-now.com?x=1", "a query"),
    ("instance.url", "'https://acme.service-now.com#x'", "a fragment"),
    ("instance.url", "https://acme.service-now.com:8443", "a port"),
    ("instance.url", "https://user@acme.service-now.com", "user information"),
    ("instance.url", "https://bücher.example", "xn--"),
    ("instance.url", "https://localhost", "this machine"),
    ("instance.url", "https://127.0.0.1", "this machine"),
    ("instance.url", "https://acme_dev.example", "host name"),
    ("instance.url", "https://", "host name"),
    ("oauth.name", "x" * 41, "41 characters"),
    ("oauth.comments", "x" * 1001, "1001 characters"),
    ("oauth.comments", '"\\u0000"', "U+0000"),
    ("email_account.name", "x" * 41, "41 characters"),
    ("email_account.user_name", "servicenow", "mail address"),
    ("email_account.user_name", "a@b", "mail address"),
    ("email_account.user_name", "Desk <a@b.example>", "mail address"),
    ("email_account.user_name", "a..b@c.example", "mail address"),
    ("email_account.user_name", "a" * 65 + "@b.example", "64"),
    ("email_account.user_name", "a@" + "b." * 150 + "example", "at most 254"),
    ("email_account.from", "'a b@c.example'", "mail address"),
    ("email_account.label", "x" * 101, "101 characters"),
    ("email_account.server", "localhost", "this machine"),
    ("email_account.server", "mail.localhost", "this machine"),
    ("email_account.server", "localhost.localdomain", "this machine"),
    ("email_account.server", "10.0.0.5", "IP address"),
    ("email_account.server", "'::1'", "IP address"),
    ("email_account.server", "smtp", "host name"),
    ("email_account.server", "a." * 130 + "example", "at most 253"),
    ("email_account.port", "0", "1 to 65535"),
    ("email_account.port", "65536", "1 to 65535"),
    ("email_account.port", "-1", "1 to 65535"),
    ("email_account.port", "587.0", "1 to 65535"),
    ("email_account.port", "9" * 5000, "1 to 65535"),
    ("email_account.port", "'587'", "is text"),
    ("email_account.port", "true", "is no number"),
    ("email_account.connection_security", "tls", "starttls, ssl"),
    ("azure.tenant_id", "contoso.onmicrosoft.com", "GUID"),
    ("azure.client_id", "00000000-0000-0000-0000-000000000000", "not all zero"),
    ("azure.client_id", "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1", "GUID"),
    ("azure.service_principal_object_id", "'{5e7a1c9d-0b2f-4d6e-8a13-9f8e7d6c5b4a}'", "GUID"),
    ("azure.cloud", "gcc", "public, gcc-high, dod, china"),
    ("azure.authorization", "app-role", "Did you mean app_role?"),
    ("azure.secret_expires_on", "20.11.2027", "ISO date"),
    ("azure.secret_expires_on", "2027-02-30", "no calendar"),
    ("azure.secret_expires_on", "0999-01-01", "not between 1971-01-01 and 2500-01-01"),
    ("azure.secret_expires_on", "1970-12-31", "not between"),
    ("azure.secret_expires_on", "2500-01-01T00:00:01Z", "not between"),
    ("azure.secret_expires_on", "2027-11-20T09:15:00", "zone"),
    ("azure.secret_expires_on", "0001-01-01T00:00:00+23:00", "no calendar"),
    ("azure.outputs", "azure.json", "is no list"),
    ("azure.outputs", "['']", "is empty"),
    ("azure.outputs", "[~]", "has no value"),
    ("azure.outputs", "[[a]]", "one text"),
    ("sys_ids", "[a]", "is no mapping"),
    ("sys_ids.oauth_entity", SID.upper(), "32 hexadecimal"),
    ("sys_ids.oauth_entity", SID[:-1], "32 hexadecimal"),
    ("app", "", "is missing"),
    ("oauth", "text", "is no mapping"),
]


@pytest.mark.parametrize(("path", "written", "expected"), REFUSED)
def test_refused(root: Root, path: str, written: str, expected: str) -> None:
    root.put(path, written)
    if path == "app":
        root.common("release: xanadu\nversion: 1.0.0\nemail_account: {name: x}\n")
    faults = root.faults(variables={"X": "true"})
    assert any(expected in fault.message for fault in faults), faults
    for fault in faults:
        assert fault.file == str(root.path / "dev/environment.yaml")
        assert str(fault.path).startswith(path)
    if path not in ("app",):
        lines = (root.path / "dev/environment.yaml").read_text().splitlines()
        key = path.rpartition(".")[2]
        assert key in lines[(faults[0].line or 0) - 1]


ENDPOINTS = [
    ("login", "https://login.private.example", None),
    ("login", "https://login.microsoftonline.com/", "slash"),
    ("scope", "https://outlook.private.example/.default", None),
    ("scope", "https://partner.outlook.cn/default", "/.default"),
    ("scope", "https://partner.outlook.cn/.default?x", "/.default"),
    ("smtp", "smtp.private.example", None),
    ("smtp", "loopback", "this machine"),
]


@pytest.mark.parametrize(("key", "written", "refusal"), ENDPOINTS)
def test_endpoints(root: Root, key: str, written: str, refusal: str | None) -> None:
    root.put("azure.endpoints", f"{{{key}: '{written}'}}")
    if refusal is not None:
        fault = root.fault()
        assert fault.path == f"azure.endpoints.{key}"
        assert refusal in fault.message
        return
    loaded = root.load()
    assert getattr(loaded.azure, key) == written
    assert loaded.azure.token_url.startswith(f"{loaded.azure.login}/{loaded.azure.tenant_id}/")
    assert loaded.email_account.server == loaded.azure.smtp


def test_an_azure_section_that_is_none(root: Root) -> None:
    root.own(
        "instance: {url: https://a.example}\nemail_account: {user_name: a@b.example}\nazure: x"
    )
    fault = root.fault()
    assert (fault.path, fault.line) == ("azure", 3)
    assert "is no mapping" in fault.message


def test_all_faults_of_all_files_at_once(root: Root) -> None:
    root.common("release: xanado\nversion: v1\napp: {name: '', scope: global}\nfoo: 1\n")
    root.own("instance: {url: http://x.example}\nazure: {tenant_id: x}\nlayot: batch\n")
    root.write("dev/azure.json", "not json")
    faults = root.faults()
    assert {fault.path for fault in faults[:-1]} == {
        "release",
        "version",
        "app.name",
        "app.scope",
        "foo",
        "app.version",
        "email_account.name",
        "email_account.user_name",
        "instance.url",
        "azure.tenant_id",
        "layot",
    }
    assert len(faults) == 12
    assert [fault.file for fault in faults[:5]] == [str(root.path / "common.yaml")] * 5
    assert faults[-1].file == str(root.path / "dev/azure.json")


def test_a_broken_file_is_not_called_incomplete(root: Root) -> None:
    root.own("a: b: c\n")
    root.common((root.path / "common.yaml").read_text().replace("xanadu", "zurch"))
    assert [fault.code for fault in root.faults()] == ["not-accepted", "not-yaml"]
    root.common("")
    assert [fault.code for fault in root.faults()] == ["empty-file", "not-yaml"]


def test_a_duplicate_key_is_told_once(root: Root) -> None:
    own = (root.path / "dev/environment.yaml").read_text()
    root.own(f"{own}author: a\nauthor: b\n")
    assert root.fault().code == "duplicate-key"
    root.own(f"{own}azure: {{}}\n")
    assert root.fault().code == "duplicate-key"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("layot", "Did you mean layout?"),
        ("port", "Its place is email_account.port."),
        ("email_account.userName", "Did you mean user_name?"),
        ("email_account.from_address", "Accepted here"),
        ("azure.tenant", "Did you mean tenant_id?"),
        ("instance.owner", "Accepted here: url"),
    ],
)
def test_unknown_keys(root: Root, path: str, expected: str) -> None:
    fault = root.put(path, "x").fault()
    assert (fault.code, fault.path) == ("unknown-key", path)
    assert expected in fault.message


def test_an_unknown_key_of_common_yaml_is_refused_though_overlaid(root: Root) -> None:
    root.common((root.path / "common.yaml").read_text() + "layot: batch\n")
    root.put("layot", "batch")
    assert [fault.file for fault in root.faults()] == [
        str(root.path / "common.yaml"),
        str(root.path / "dev/environment.yaml"),
    ]


def test_an_odd_key_is_not_repeated(root: Root) -> None:
    root.put(f"'{'k' * 81}'", "x")
    assert "k" * 81 not in str(root.fault())


@pytest.mark.parametrize("written", ["true", "false", "", "maybe"])
def test_live_is_refused_in_common_yaml(root: Root, written: str) -> None:
    root.common((root.path / "common.yaml").read_text() + f"  live: {written}\n")
    codes = {fault.code for fault in root.faults()}
    assert "live-in-common" in codes
    fault = next(fault for fault in root.faults() if fault.code == "live-in-common")
    assert (fault.path, fault.line) == ("email_account.live", 9)


def test_live_written_twice_is_a_duplicate(root: Root) -> None:
    text = (root.path / "common.yaml").read_text() + "  live: true\n  live: true\n"
    assert [fault.code for fault in root.common(text).faults()] == ["duplicate-key"]


def test_missing_keys_say_what_they_are(root: Root) -> None:
    root.own("azure: {}\nemail_account:\n  user_name:\n")
    faults = {fault.path: fault for fault in root.faults()}
    assert "has no value" in faults["email_account.user_name"].message
    assert faults["email_account.user_name"].line == 3
    assert "is missing: https://" in faults["instance.url"].message
    assert faults["instance.url"].line is None
    assert faults["azure.tenant_id"].line == 1
    assert "azure.json" in str(faults["azure.client_id"].next)


def test_sys_ids(root: Root) -> None:
    root.own((root.path / "dev/environment.yaml").read_text() + f"sys_ids: {{oauth_entity: {SID}}}")
    assert dict(root.load().sys_ids) == {"oauth_entity": SID}
    with pytest.raises(TypeError):
        root.load().sys_ids["x"] = SID  # type: ignore[index]


def test_sys_ids_names_and_equal_values(root: Root) -> None:
    access = "sys_scope_privilege.execute.GlideOAuthToken.getAccessToken"
    root.own(
        (root.path / "dev/environment.yaml").read_text()
        + f"sys_ids:\n  oauth_entty: {SID}\n  sys_email_account: {SID}\n"
        + f"  {access}: {'f' * 32}\n  client_secret: {'e' * 32}\n  oauth_entity: 5\n"
    )
    unknown, equal, secret, shape = root.faults()
    assert (unknown.code, unknown.line) == ("unknown-record", 9)
    assert "Did you mean oauth_entity?" in unknown.message
    assert (equal.code, equal.line) == ("equal-sys-ids", 10)
    assert "oauth_entty on line 9" in equal.message
    assert secret.code == "secret-key"
    assert (shape.code, shape.path) == ("not-accepted", "sys_ids.oauth_entity")
