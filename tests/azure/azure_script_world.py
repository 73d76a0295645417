"""What the tests of the Azure side's scripts share: environments of every kind, and parsers."""

from __future__ import annotations

import dataclasses
import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from tree_sitter import Language, Node, Parser

from generator.azure.clouds import ENDPOINTS, Cloud, token_endpoint
from generator.azure.model import ClientId, TenantId
from generator.azure.setup import UNKNOWN_CLIENT, UNKNOWN_TENANT, Setup, Wishes, plan_setup
from generator.azure.setup_render import Format, render_setup
from generator.azure.setup_templates import ScriptTemplates
from generator.config.environment import Authorization, Environment

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
VAULT = "keyvault:https://kv-contoso-fake.vault.azure.net/secrets/smtp-secret"

HOSTILE = (
    "it's",
    'say "hi"',
    "$HOME $(id) `id` ${PATH}",
    "%{ if true } ${upper(x)} $${x} %%{x}",
    "a & b | c ; d < e > f # g",
    "back\\slash \\' \\\" \\${x}",
    "‘typographic’ “quotes” ‚‛",
    "Zoë 東京 \U0001f4e7",
    "*/ --> ''' EOF ]] }} {{ %}",
    "-leading --yes @file",
    "",
)
"""Names that break out of some language when they stand in it without its quotes."""

MAILBOX = "o'brien+$x`y`{z}|&%@contoso.example"
"""An address that the environment file accepts."""

Make = Callable[..., Environment]


def setup_of(
    environment: Make,
    *,
    cloud: Cloud = Cloud.PUBLIC,
    model: Authorization = Authorization.APP_ROLE,
    known: bool = False,
    source: str | None = None,
    mailbox: str = "servicenow@contoso.example",
    sender: str = "",
    wishes: Wishes | None = None,
) -> Setup:
    """The Azure side of an environment of some kind; `known` says whether the ids are."""
    ends = ENDPOINTS[cloud]
    made = environment(
        azure__cloud=cloud,
        azure__login=ends.login,
        azure__scope=ends.scope,
        azure__smtp=ends.smtp,
        azure__token_url=token_endpoint(ends.login, UNKNOWN_TENANT),
        azure__authorization=model,
        azure__client_secret_from=source,
        email_account__user_name=mailbox,
        email_account__from_address=sender,
    )
    if not known:
        unknown = dataclasses.replace(
            made.azure, tenant_id=TenantId(UNKNOWN_TENANT), client_id=ClientId(UNKNOWN_CLIENT)
        )
        made = dataclasses.replace(made, azure=unknown)
    return plan_setup(made, wishes=wishes or Wishes(), now=NOW)


def rendered(setup: Setup, form: Format) -> str:
    """The script by the built-in templates."""
    return render_setup(setup, form, templates=ScriptTemplates())


def trouble(language: str, text: str) -> list[str]:
    """Where a maintained grammar does not understand a text."""
    grammar = importlib.import_module(f"tree_sitter_{language}")
    source = text.encode()
    tree = Parser(Language(grammar.language())).parse(source)
    return [
        f"{node.type} at line {node.start_point[0] + 1}: {source[node.start_byte :][:80]!r}"
        for node in walk(tree.root_node)
        if node.is_error or node.is_missing
    ]


def nodes(language: str, text: str, kind: str) -> list[str]:
    """The texts of all nodes of a kind."""
    grammar = importlib.import_module(f"tree_sitter_{language}")
    tree = Parser(Language(grammar.language())).parse(text.encode())
    return [(node.text or b"").decode() for node in walk(tree.root_node) if node.type == kind]


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it."""
    yield node
    for child in node.children:
        yield from walk(child)


def without_extension(text: str) -> str:
    """Bicep without the one statement that the grammar does not know (`docs/azure.md`)."""
    assert text.count("\nextension microsoftGraphV1\n") == 1
    return text.replace("\nextension microsoftGraphV1\n", "\n")


def shellcheck(text: str) -> str:
    """What shellcheck says, nothing if all is well."""
    program = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run(
        [str(program), "--shell", "bash", "--severity", "style", "-"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr
