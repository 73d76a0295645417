"""The published schema is current, describes every key, and judges as the loader does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from config_root import Root
from jsonschema import Draft202012Validator
from test_values import ACCEPTED, ENDPOINTS, REFUSED

from generator.config.declared import Keys, known_keys
from generator.config.keys import EnvironmentKeys
from generator.config.schema import environment_schema, schema_text
from generator.config.text_file import read_text
from generator.config.tree import Broken, Listing, Node, Numeral, Scalar
from generator.config.yaml_file import read_yaml
from generator.errors import ConfigError

ONLY_THE_LOADER = {
    # What the documentation says that a schema cannot tell.
    ("app", ""),
    # To JSON it is an integer.
    ("email_account.port", "587.0"),
    ("email_account.server", "mail.localhost"),
    ("email_account.server", "localhost.localdomain"),
    ("email_account.user_name", "a" * 65 + "@b.example"),
    ("azure.secret_expires_on", "2027-02-30"),
    ("azure.secret_expires_on", "0001-01-01T00:00:00+23:00"),
    ("azure.secret_expires_on", "0999-01-01"),
    ("azure.secret_expires_on", "1970-12-31"),
    ("azure.secret_expires_on", "2500-01-01T00:00:01Z"),
}

MORE = [
    ("email_account.label", "${env:X}"),
    ("email_account.label", "a ${env:X} $${b} $5"),
    ("email_account.label", "${HOME}"),
    ("email_account.label", "a ${"),
    ("email_account.port", "${env:PORT}"),
    ("release", "${env:RELEASE}"),
    ("app.scope", "x_${env:Y}_mail"),
    ("author", ""),
    ("layot", "batch"),
    ("azure.endpoints", "{logn: x}"),
    ("app.name", "''"),
    ("deletions", ""),
    ("azure.outputs", "[a.json, b.json]"),
    ("azure.client_secret_from", "hunter2"),
]

VARIABLES = {"X": "x", "Y": "acme", "PORT": "2525", "RELEASE": "zurich"}


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = environment_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def editor_value(node: Node) -> object:
    """The value as an editor's YAML 1.2 parser hands it to a schema."""
    if isinstance(node, Scalar):
        assert not isinstance(node.value, Broken)
        if isinstance(node.value, Numeral):
            text = str(node.value)
            return int(text) if text.lstrip("+-").isdigit() and len(text) < 99 else float(text)
        return node.value
    if isinstance(node, Listing):
        return [editor_value(item) for item in node.items]
    return {key: editor_value(entry.value) for key, entry in node.entries.items()}


def document(path: Path) -> object:
    text = read_text(path).text
    assert text is not None
    tree = read_yaml(text, file=str(path)).tree
    assert tree is not None
    return editor_value(tree)


def loads(root: Root) -> bool:
    try:
        root.load(variables=VARIABLES)
    except ConfigError:
        return False
    return True


CASES = [
    *((path, written) for path, written, _ in ACCEPTED),
    *((path, written) for path, written, _ in REFUSED),
    *(("azure.endpoints", f"{{{key}: '{written}'}}") for key, written, _ in ENDPOINTS),
    *MORE,
]


@pytest.mark.parametrize(
    ("path", "written"), [case for case in CASES if case not in ONLY_THE_LOADER]
)
def test_schema_and_loader_agree(
    root: Root, validator: Draft202012Validator, path: str, written: str
) -> None:
    root.put(path, written)
    if path == "azure.outputs" and "b.json" in written:
        root.write("dev/a.json", {"tenant": "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"})
        root.write("dev/b.json", {"appId": "2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f", "tenant": None})
    accepted = validator.is_valid(document(root.path / "dev/environment.yaml"))
    assert accepted == loads(root), list(
        validator.iter_errors(document(root.path / "dev/environment.yaml"))
    )


@pytest.mark.parametrize(("path", "written"), sorted(ONLY_THE_LOADER))
def test_the_loader_knows_more(
    root: Root, validator: Draft202012Validator, path: str, written: str
) -> None:
    root.put(path, written)
    if path == "app":
        root.common("release: xanadu\nversion: 1.0.0\nemail_account: {name: x}\n")
    assert validator.is_valid(document(root.path / "dev/environment.yaml"))
    assert not loads(root)


def test_common_yaml_alone_is_accepted(root: Root, validator: Draft202012Validator) -> None:
    assert validator.is_valid(document(root.path / "common.yaml"))


def test_the_committed_schema_is_current(repository: Path) -> None:
    committed = (repository / "docs/environment.schema.json").read_text(encoding="utf-8")
    assert committed == schema_text(), "write `sn-smtp schema` to docs/environment.schema.json"
    assert json.loads(committed) == environment_schema()


def every_section() -> set[type[Keys]]:
    found: set[type[Keys]] = set()
    waiting: list[type[Keys]] = [EnvironmentKeys]
    while waiting:
        found.add(waiting[-1])
        waiting.extend(
            below for below in known_keys(waiting.pop()).values() if below and below not in found
        )
    return found


def test_every_key_is_described() -> None:
    schema = environment_schema()
    definitions = schema["$defs"]
    assert isinstance(definitions, dict)
    sections = [schema, *(one for one in definitions.values() if "properties" in str(one))]
    keys = 0
    for section in sections:
        assert isinstance(section, dict)
        properties = section.get("properties", {})
        assert isinstance(properties, dict)
        for name, key in properties.items():
            assert isinstance(key, dict)
            assert key.get("description"), name
            keys += 1
        whole = section is definitions["ProblemRuleKeys"]
        assert section.get("required") == (["kind", "table", "reason"] if whole else None)
    assert keys == sum(len(known_keys(section)) for section in every_section())


def test_the_worked_examples_name_the_schema(repository: Path) -> None:
    files = sorted((repository / "update_sets").glob("**/*.yaml"))
    assert files
    for file in files:
        first = file.read_text(encoding="utf-8").splitlines()[0]
        prefix = "# yaml-language-server: $schema="
        assert first.startswith(prefix), file
        target = (file.parent / first.removeprefix(prefix)).resolve()
        assert target == repository / "docs/environment.schema.json"
