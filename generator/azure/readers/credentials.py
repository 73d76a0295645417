"""Credentials as Graph writes them: passwordCredential and keyCredential.

`addPassword`, `Add-MgApplicationPassword`, `New-AzADAppCredential`, `az ad app credential
list`, and the same objects inside an application or service principal. `hint` is the first
three characters of the secret; `secretText` is null but for the one answer that creates it
(Graph reference, "passwordCredential resource type").
"""

from __future__ import annotations

from generator.azure.facts import Facts
from generator.azure.interface import CredentialKind
from generator.azure.nodes import Node, Record


class PasswordCredential:
    """A passwordCredential on its own: the answer of `addPassword`, or an entry of a list."""

    shape = "passwordCredential (addPassword, az ad app credential list)"
    hallmarks = ("key_id",)

    def recognises(self, record: Record) -> bool:
        """By the key id and an end in Graph's spelling, without a certificate's keys."""
        return (
            record.has("key_id")
            and record.any("end_date_time", "secret_text")
            and not record.any("usage", "type")
        )

    def read(self, record: Record, facts: Facts) -> None:
        """Key id, hint and validity; the secret is tested where its place is filled."""
        password(record, facts)


class KeyCredential:
    """A keyCredential on its own: an entry of `az ad app credential list --cert`."""

    shape = "keyCredential (az ad app credential list --cert)"
    hallmarks = ("key_id",)

    def recognises(self, record: Record) -> bool:
        """By the key id and a certificate's `usage` and `type`."""
        return record.has("key_id", "usage", "type")

    def read(self, record: Record, facts: Facts) -> None:
        """Only that there is a certificate, and its validity."""
        certificate(record, facts)


def password(
    record: Record,
    facts: Facts,
    *,
    secret: str = "secret_text",  # noqa: S107 - a key's name
    null_is_usual: bool = True,
    key_id: Node | None = None,
) -> None:
    """Add one passwordCredential.

    Args:
        record: The credential.
        facts: Where it goes.
        secret: The folded key of the secret's place.
        null_is_usual: Whether null in that place is what the producer always writes (Graph,
            but on creation), so that nothing is said about it.
        key_id: The place of the key id, if it is not the key of that name.
    """
    place = record.get(secret)
    silent = place.value is None and (null_is_usual or not record.has(secret))
    facts.credential(
        record.node,
        secret=None if silent else place,
        key_id=key_id or record.get("key_id"),
        hint=record.get("hint"),
        starts=first(record, "start_date_time", "start_date"),
        ends=first(record, "end_date_time", "end_date"),
    )


def certificate(record: Record, facts: Facts) -> None:
    """Add one keyCredential."""
    facts.credential(
        record.node,
        key_id=record.get("key_id"),
        starts=first(record, "start_date_time", "start_date"),
        ends=first(record, "end_date_time", "end_date"),
        kind=CredentialKind.CERTIFICATE,
    )


def credentials_of(
    record: Record,
    facts: Facts,
    *,
    secret: str = "secret_text",  # noqa: S107 - a key's name
) -> None:
    """Add the `passwordCredentials` and `keyCredentials` of an application object."""
    for entry in facts.objects(record.get("password_credentials")):
        password(entry, facts, secret=secret)
    for entry in facts.objects(record.get("key_credentials")):
        certificate(entry, facts)


def first(record: Record, *names: str) -> Node:
    """The first of several spellings that is there."""
    for name in names:
        if record.any(name):
            return record.get(name)
    return record.get(names[0])
