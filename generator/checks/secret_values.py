"""Secrets and addresses that have no place in a file (`spec/records.md` section 3.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import ClassVar

from generator.checks.interface import Context, Hit, Rule, Severity, at, rule
from generator.checks.row import PayloadRecord, Row, field
from generator.secrets.shapes import ciphertext_kind, embedded_secret, names_a_secret

X1 = rule(
    "secrets",
    "X1",
    Severity.ERROR,
    "No field that holds a secret is filled.",
    "leave the element out; if the value is a real secret, revoke it, and enter the new one on the"
    " instance itself, never in a file",
)
X2 = rule(
    "secrets",
    "X2",
    Severity.WARNING,
    "No instance host name and no person's address stands in a payload.",
    "take it out, or make it a property that each instance sets",
    foreign=Severity.NOTE,
)
X3 = rule(
    "secrets",
    "X3",
    Severity.ERROR,
    "No client secret, ciphertext or private key stands anywhere in the file.",
    "take it out and revoke it: whoever has the file has the secret",
)

SECRET_FIELDS = frozenset(
    {
        "client_secret",
        "password",
        "signing_key_password",
        "key_store_password",
        "basic_auth_password",
        "user_password",
        "last_password",
        "ssh_passphrase",
        "ssh_private_key",
        "privacy_key",
        "authentication_key",
        "jdbc_password",
        "scp_password",
    }
)
"""Columns of type password2 or password in the table dictionary."""

CONFIGURED = {
    "oauth_entity": frozenset({"redirect_url"}),
    "sys_email_account": frozenset({"from", "user_name"}),
}
"""Fields that must hold an instance's host name or a mailbox (`spec/records.md`)."""

_NO_SECRET = re.compile(r"true|false|-?[0-9]{1,9}|[0-9a-f]{32}")
_PLACEHOLDER = re.compile(
    r"[{<\[].*[}>\]]|.*(?:YOUR|CHANGE|PLACEHOLDER|REPLACE|EXAMPLE|X{4}|\*{3}).*"
)
_HOST = re.compile(r"(?<=[a-z0-9])\.service-now\.com(?!\w)")
_LABEL = re.compile(r"[a-z0-9-]+\Z")
_LONGEST_LABEL = 63
_GENERIC_HOSTS = frozenset(
    {"instance", "instancename", "instance-name", "your-instance", "yourinstance", "www", "docs"}
    | {"support", "store", "developer", "hi", "community", "myinstance", "example"}
)
_DOMAIN = re.compile(r"@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,})(?![\w.])")
_GENERIC_DOMAINS = re.compile(r"(?:.*\.)?(?:example(?:\.\w+)?|test|invalid|localhost)", re.I)
_MOST_LAYOUTS = 4096


class Secrets:
    """Rules X1 to X3."""

    rules: ClassVar[tuple[Rule, ...]] = (X1, X2, X3)

    def __init__(self, context: Context) -> None:
        """Args: context: The file before its rows."""
        self._context = context
        self._layouts: dict[tuple[str, ...], tuple[str, ...]] = {}

    def sets(self) -> Iterator[Hit]:
        """Look for secrets in what the sets say."""
        for update_set in self._context.sets:
            for name, text, _ in update_set.elements:
                kind = embedded_secret(text)
                if kind is not None:
                    yield Hit(X3, f"{name} holds a secret: {kind}.", update_set.line, None, name)

    def row(self, row: Row) -> Iterator[Hit]:
        """Look for secrets and addresses in one row."""
        found = False
        for record in row.records:
            for hit in self._filled(row, record):
                found = True
                yield hit
        if not found:
            kind = embedded_secret(row.payload)
            if kind is not None:
                yield at(row, X3, f"The payload holds a secret: {kind}.", "payload")
        for name in ("comments", "target_name"):
            kind = embedded_secret(row.value(name))
            if kind is not None:
                yield at(row, X3, f"{name} holds a secret: {kind}.", name)
        yield from self._addresses(row)

    def finish(self) -> Iterator[Hit]:
        """Nothing is left for the end."""
        return iter(())

    def _filled(self, row: Row, record: PayloadRecord) -> Iterator[Hit]:
        for tag in self._secret_tags(record.tags):
            element = record.element.find(tag)
            if element is None or not element.text or element.get("display_value") is not None:
                continue
            if tag not in SECRET_FIELDS and _NO_SECRET.fullmatch(element.text):
                continue
            yield at(row, X1, f"{tag} is filled with {kind_of(element.text)}.", f"payload/{tag}")
        if record.element.tag == "sys_properties":
            kind = field(record.element, "type")
            if kind.startswith("password") and field(record.element, "value"):
                yield at(row, X1, f"A property of type {kind} is filled.", "payload/value")

    def _secret_tags(self, tags: tuple[str, ...]) -> tuple[str, ...]:
        known = self._layouts.get(tags)
        if known is None:
            known = tuple(filter(_is_secret, tags))
            if len(self._layouts) >= _MOST_LAYOUTS:
                self._layouts.clear()
            self._layouts[tags] = known
        return known

    def _addresses(self, row: Row) -> Iterator[Hit]:
        text = row.payload
        hosts, addresses = ".service-now.com" in text, "@" in text
        if not (hosts or addresses):
            return
        configured = CONFIGURED.get(row.table) if self._context.ours else None
        if configured and row.record is not None:
            text = " ".join(
                child.text or ""
                for child in row.record.element.iterchildren("*")
                if child.tag not in configured
            )
        if hosts and any(name not in _GENERIC_HOSTS for name in _hosts(text)):
            yield at(row, X2, "The payload holds an instance's host name.", "payload")
        if addresses and any(not _GENERIC_DOMAINS.fullmatch(name) for name in _domains(text)):
            yield at(row, X2, "The payload holds a mail address.", "payload")


def _domains(text: str) -> Iterator[str]:
    """Domains of the mail addresses in a text."""
    # The pattern begins with its one rare character, which makes the search many times faster.
    for found in _DOMAIN.finditer(text):
        before = text[found.start() - 1 : found.start()]
        if before.isalnum() or before in ("_", "+", "-"):
            yield found[1]


def _hosts(text: str) -> Iterator[str]:
    """First labels of the host names below service-now.com."""
    for found in _HOST.finditer(text):
        label = _LABEL.search(text, max(0, found.start() - _LONGEST_LABEL), found.start())
        if label is not None:
            yield label[0]


@lru_cache(maxsize=4096)
def _is_secret(tag: str) -> bool:
    return tag in SECRET_FIELDS or names_a_secret(tag)


def kind_of(value: str) -> str:
    """What kind of secret a value is, without saying it."""
    kind = ciphertext_kind(value)
    if kind is not None:
        return f"a secret ({kind})"
    if _PLACEHOLDER.fullmatch(value.upper()):
        return "a placeholder"
    return "plain text"
