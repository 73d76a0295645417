"""The `instance` and `import` keys: what is accepted, what goes together, what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from config_root import OWN, Root
from jsonschema import Draft202012Validator
from test_schema_agrees import document

from generator.config.instance_pairs import NEEDED
from generator.config.instance_settings import (
    AuthMethod,
    AuthSettings,
    ImportSettings,
    InstanceSettings,
    ProblemKind,
    ProblemRule,
)
from generator.config.schema import environment_schema
from generator.errors import ConfigError

PLAIN = "Correct-Horse" + "-Battery-9"
SID = "0123456789abcdef" * 2

WRITTEN = {
    "user": "smtp.import",
    "password_from": "env:PW",
    "client_id": "0123456789abcdef",
    "client_secret_from": "file:secret",
    "api_key_from": "command:pass show key",
    "certificate": "client.pem",
    "private_key_from": "prompt",
}


def instance(*lines: str) -> str:
    """An environment file with these lines below `instance`."""
    return OWN.replace("instance:\n", "instance:\n" + "".join(f"  {line}\n" for line in lines))


def auth(method: str, keys: tuple[str, ...], *, name: str = "auth") -> list[str]:
    return [f"{name}:", f"  method: {method}", *(f"  {key}: {WRITTEN[key]}" for key in keys)]


def imports(text: str) -> str:
    return f"{OWN}import:\n{text}"


def test_nothing_written_is_nothing_set(root: Root) -> None:
    loaded = root.load()
    assert loaded.instance == InstanceSettings()
    assert loaded.imports == ImportSettings()


@pytest.mark.parametrize("name", ["auth", "upload_auth"])
@pytest.mark.parametrize("method", list(AuthMethod))
def test_each_method_with_its_keys(root: Root, method: AuthMethod, name: str) -> None:
    loaded = root.own(instance(*auth(method, NEEDED[method], name=name))).load()
    found = getattr(loaded.instance, name)
    assert isinstance(found, AuthSettings)
    assert found.method is method
    for key, written in WRITTEN.items():
        value = getattr(found, key)
        if key not in NEEDED[method]:
            assert value is None
        elif key == "certificate":
            assert value == root.path / "dev/client.pem"
            assert value.is_absolute()
        else:
            assert value == written


@pytest.mark.parametrize("method", list(AuthMethod))
def test_a_method_without_one_of_its_keys(root: Root, method: AuthMethod) -> None:
    for missing in NEEDED[method]:
        kept = tuple(key for key in NEEDED[method] if key != missing)
        root.own(instance(*auth(method, kept)))
        fault = root.fault()
        assert (fault.code, fault.path) == ("missing-key", f"instance.auth.{missing}")
        assert fault.line == 2
        assert all(key in fault.message for key in NEEDED[method])


@pytest.mark.parametrize("method", list(AuthMethod))
def test_a_method_with_the_keys_of_another(root: Root, method: AuthMethod) -> None:
    root.own(instance(*auth(method, tuple(WRITTEN), name="upload_auth")))
    faults = root.faults()
    assert {fault.code for fault in faults} == {"key-of-another-method"}
    assert {fault.path for fault in faults} == {
        f"instance.upload_auth.{key}" for key in WRITTEN if key not in NEEDED[method]
    }
    assert all(fault.next and f"method {method}" in fault.message for fault in faults)
    lines = (root.path / "dev/environment.yaml").read_text().splitlines()
    for fault in faults:
        assert str(fault.path).rpartition(".")[2] in lines[(fault.line or 0) - 1]


def test_faults_of_auth_come_with_all_others(root: Root) -> None:
    root.own(instance("proxy: x", *auth("basic", ("client_id",))) + "layout: batches\n")
    assert [fault.path for fault in root.faults()] == [
        "instance.proxy",
        "instance.auth.user",
        "instance.auth.password_from",
        "instance.auth.client_id",
        "layout",
    ]


@pytest.mark.parametrize(
    ("lines", "path", "expected"),
    [
        (["auth: {user: x}"], "instance.auth.method", "is missing"),
        (["auth: {method: basc}"], "instance.auth.method", "Did you mean basic?"),
        (["auth: {method: [basic]}"], "instance.auth.method", "one text"),
        (["auth: basic"], "instance.auth", "is no mapping"),
        (["auth: [basic]"], "instance.auth", "is no mapping"),
    ],
)
def test_an_auth_that_is_none(root: Root, lines: list[str], path: str, expected: str) -> None:
    fault = root.own(instance(*lines)).fault()
    assert fault.path == path
    assert expected in fault.message


def test_auth_is_laid_over(root: Root) -> None:
    root.common(
        (root.path / "common.yaml").read_text()
        + "instance:\n  auth: {method: basic, user: x, password_from: prompt}\n"
    )
    assert root.own(instance("auth: {user: y}")).load().instance.auth == AuthSettings(
        AuthMethod.BASIC, user="y", password_from="prompt"
    )
    fault = root.own(instance("auth: {user: }")).fault()
    assert fault.path == "instance.auth.user"
    fault = root.own("a: b: c").faults()[0]
    assert fault.code == "not-yaml"


def test_a_file_that_is_broken_lets_nothing_be_missing(root: Root) -> None:
    root.own(instance("auth: {method: basic}")).common("a: b: c")
    assert [fault.code for fault in root.faults()] == ["not-yaml"]


@pytest.mark.parametrize("key", ["password", "client_secret", "api_key", "private_key"])
def test_a_secret_in_place_of_its_source(root: Root, key: str) -> None:
    root.own(instance("auth:", "  method: basic", f"  {key}: {PLAIN}"))
    fault = next(fault for fault in root.faults() if fault.code == "secret-key")
    assert fault.path == f"instance.auth.{key}"
    assert f"instance.auth.{key}_from names where the secret is" in str(fault.next)
    root.own(instance("auth:", "  method: basic", "  user: x", f"  password_from: {PLAIN}"))
    fault = root.fault()
    assert (fault.code, fault.path) == ("not-accepted", "instance.auth.password_from")
    with pytest.raises(ConfigError) as caught:
        root.load()
    assert PLAIN not in f"{caught.value}{caught.value!r}"


# The other keys

ACCEPTED = [
    ("proxy: http://proxy.example.com:3128", "proxy", "http://proxy.example.com:3128"),
    ("proxy: https://PROXY:1", "proxy", "https://PROXY:1"),
    ("proxy: http://127.0.0.1:65535", "proxy", "http://127.0.0.1:65535"),
    ("proxy: 'http://[::1]:3128'", "proxy", "http://[::1]:3128"),
    ("proxy: 'http://${env:X}:3128'", "proxy", "http://x:3128"),
    ("production: true", "production", True),
    ("production: false", "production", False),
    ("production:", "production", None),
    ("change_gate: true", "change_gate", True),
    ("change_gate: false", "change_gate", False),
    ("change_gate: {}", "change_gate", True),
    ("change_gate: {states: [7]}", "change_gate", True),
    ("change_gate: {states: [7, -1]}", "change_states", ("7", "-1")),
    ("change_gate: {states: ~}", "change_states", ("-1",)),
    ("change_gate: {approval: {standard: false}}", "change_states", ("-1",)),
    (
        "change_gate: {approval: {standard: false, normal: true, emergency: false}}",
        "change_types_unapproved",
        ("emergency", "standard"),
    ),
    ("change_gate: true", "change_types_unapproved", ()),
    ("change_states: [-1]", "change_states", ("-1",)),
    ("change_states: ['-2', 0]", "change_states", ("-2", "0")),
    ("change_states: []", "change_states", ()),
    ("change_states:", "change_states", ("-1",)),
]

REFUSED = [
    ("proxy: proxy.example.com:3128", "proxy", "http:// or https://"),
    ("proxy: ftp://proxy.example.com:3128", "proxy", "http:// or https://"),
    ("proxy: http://proxy.example.com", "proxy", "http:// or https://"),
    ("proxy: http://proxy.example.com:3128/", "proxy", "http:// or https://"),
    (f"proxy: http://admin:{PLAIN}@proxy.example.com:3128", "proxy", "user information"),
    ("proxy: http://proxy example.com:3128", "proxy", "http:// or https://"),
    ("ca_file: ''", "ca_file", "is empty"),
    ("ca_file: true", "ca_file", "true or false"),
    ("production: yes", "production", "neither true nor false"),
    ("production: 'false'", "production", "neither true nor false"),
    ("production: 0", "production", "neither true nor false"),
    ("change_gate: on", "change_gate", "neither true nor false"),
    ("change_gate: [-1]", "change_gate", "neither true nor false, nor a mapping"),
    ("change_gate: {states: -1}", "change_gate.states", "is no list"),
    ("change_gate: {states: [Implement]}", "change_gate.states[0]", "a state's number"),
    ("change_gate: {approval: false}", "change_gate.approval", "is no mapping"),
    ("change_gate: {approval: {standard: no}}", "change_gate.approval.standard", "neither true"),
    ("change_gate: {status: [-1]}", "change_gate.status", "Did you mean states?"),
    ("change_gat: true", "change_gat", "Did you mean change_gate?"),
    ("change_states: -1", "change_states", "is no list; a list is accepted, such as [-1]."),
    ("change_states: [Implement]", "change_states[0]", "a state's number"),
    ("change_states: [-1, 12345]", "change_states[1]", "a state's number"),
    ("change_states: [-1, ~]", "change_states[1]", "has no value"),
    ("change_states: [true]", "change_states[0]", "true or false"),
    ("change_states: [1.5]", "change_states[0]", "a state's number"),
]


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(environment_schema())


def schema_accepts(validator: Draft202012Validator, root: Root) -> bool:
    return validator.is_valid(document(root.path / "dev/environment.yaml"))


@pytest.mark.parametrize(("line", "key", "expected"), ACCEPTED)
def test_accepted_of_an_instance(
    root: Root, validator: Draft202012Validator, line: str, key: str, expected: object
) -> None:
    loaded = root.own(instance(line)).load(variables={"X": "x"})
    assert getattr(loaded.instance, key) == expected
    assert schema_accepts(validator, root)


@pytest.mark.parametrize(("line", "key", "expected"), REFUSED)
def test_refused_of_an_instance(
    root: Root, validator: Draft202012Validator, line: str, key: str, expected: str
) -> None:
    fault = root.own(instance(line)).fault()
    assert (fault.path, fault.line) == (f"instance.{key}", 2)
    assert expected in fault.message
    assert PLAIN not in str(fault)
    assert not schema_accepts(validator, root)


def test_the_states_of_a_change_stand_in_one_place(root: Root) -> None:
    fault = root.own(instance("change_gate: {states: [-1]}", "change_states: [0]")).fault()
    assert (fault.code, fault.path, fault.line) == ("written-twice", "instance.change_states", 3)
    loaded = root.own(instance("change_gate: {approval: {}}", "change_states: [0]")).load()
    assert (loaded.instance.change_gate, loaded.instance.change_states) == (True, ("0",))


@pytest.mark.parametrize(("own", "opens"), [("true", True), ("false", False)])
def test_one_word_of_an_environment_replaces_the_common_gate(
    root: Root, own: str, opens: bool
) -> None:
    gate = "instance: {change_gate: {approval: {standard: false}}}\n"
    root.common((root.path / "common.yaml").read_text() + gate)
    loaded = root.own(instance(f"change_gate: {own}")).load().instance
    assert (loaded.change_gate, loaded.change_types_unapproved) == (opens, ())


def test_a_proxy_port_that_no_port_is(root: Root) -> None:
    for port in ("0", "65536"):
        fault = root.own(instance(f"proxy: http://proxy.example.com:{port}")).fault()
        assert "1 to 65535" in fault.message


def test_files_are_relative_to_the_environment(
    root: Root, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root.own(instance("ca_file: certs/ca.pem"))
    assert root.load().instance.ca_file == root.path / "dev/certs/ca.pem"
    root.own(instance(f"ca_file: {tmp_path / 'ca.pem'}"))
    assert root.load().instance.ca_file == tmp_path / "ca.pem"


@pytest.mark.parametrize("written", ["true", "false", "", "maybe"])
def test_production_is_refused_in_common_yaml(root: Root, written: str) -> None:
    root.common((root.path / "common.yaml").read_text() + f"instance: {{production: {written}}}\n")
    fault = next(fault for fault in root.faults() if fault.code == "production-in-common")
    assert (fault.path, fault.line) == ("instance.production", 9)
    assert fault.file == str(root.path / "common.yaml")
    assert fault.next


# import

RULE = "kind: collision, table: sys_properties, reason: why not"


def test_rules(root: Root, validator: Draft202012Validator) -> None:
    root.own(imports(f"  accept: [{{{RULE}}}]\n  skip:\n    - {{{RULE}, sys_id: {SID}}}\n"))
    assert root.load().imports == ImportSettings(
        accept=(ProblemRule(ProblemKind.COLLISION, "sys_properties", None, "why not"),),
        skip=(ProblemRule(ProblemKind.COLLISION, "sys_properties", SID, "why not"),),
    )
    assert schema_accepts(validator, root)


@pytest.mark.parametrize("kind", list(ProblemKind))
def test_every_kind(root: Root, kind: ProblemKind) -> None:
    root.own(imports(f"  accept: [{{kind: {kind}, table: x, reason: y}}]\n"))
    assert root.load().imports.accept[0].kind is kind


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        ("accept: [{kind: colision, table: x, reason: y}]", "accept[0].kind", "mean collision?"),
        ("accept: [{table: x, reason: y}]", "accept[0].kind", "is missing: Kind"),
        ("accept: [{kind: other, reason: y}]", "accept[0].table", "is missing: Table"),
        ("accept: [{kind: other, table: x}]", "accept[0].reason", "is missing: Why"),
        ("accept: [{kind: other, table: x, reason: }]", "accept[0].reason", "has no value: Why"),
        ("accept: [{kind: other, table: x, reason: ''}]", "accept[0].reason", "is empty"),
        ("skip: [{kind: other, table: '*', reason: y}]", "skip[0].table", "name of a table"),
        (f"skip: [{{{RULE}, sys_id: '*'}}]", "skip[0].sys_id", "32 hexadecimal"),
        (f"skip: [{{{RULE}}}, {{{RULE}, x: y}}]", "skip[1].x", "Accepted here: kind, table"),
        (f"skip: [{{{RULE}, tabel: y}}]", "skip[0].tabel", "Did you mean table?"),
        ("skip: [collision]", "skip[0]", "is no mapping"),
        ("skip: [~]", "skip[0]", "is no mapping"),
        (f"skip: {{{RULE}}}", "skip", "is no list; a list is accepted, such as - {kind:"),
        ("skip: all", "skip", "is no list"),
        ("allow: []", "allow", "Accepted here: accept, skip"),
    ],
)
def test_rules_that_are_none(
    root: Root, validator: Draft202012Validator, text: str, path: str, expected: str
) -> None:
    fault = root.own(imports(f"  {text}\n")).fault()
    assert fault.path == f"import.{path}"
    assert fault.line == 9
    assert expected in fault.message
    assert not schema_accepts(validator, root)


def test_a_secret_named_in_a_rule(root: Root) -> None:
    root.own(imports(f"  skip: [{{{RULE}, password: {PLAIN}}}]\n"))
    fault = root.fault()
    assert (fault.code, fault.path) == ("secret-key", "import.skip[0].password")
    assert PLAIN not in str(fault)


def test_rules_are_replaced_by_those_of_the_environment(root: Root) -> None:
    root.common(
        (root.path / "common.yaml").read_text() + f"import: {{skip: [{{{RULE}}}], accept: []}}\n"
    )
    assert len(root.load().imports.skip) == 1
    assert root.own(imports("  skip: []\n")).load().imports.skip == ()
