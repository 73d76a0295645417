"""Which readers there are, and which one an object belongs to."""

from __future__ import annotations

from generator.azure.interface import Reader
from generator.azure.nodes import Node, Record
from generator.azure.readers import azuread
from generator.azure.readers.az import AzAccount, AzCredential, AzJsonAuth
from generator.azure.readers.claims import TokenClaims
from generator.azure.readers.credentials import KeyCredential, PasswordCredential
from generator.azure.readers.exchange import (
    ExchangeServicePrincipal,
    MailboxPermission,
    SmtpAuthentication,
    TestAuthorization,
)
from generator.azure.readers.flat import FlatOutputs
from generator.azure.readers.graph import GraphApplication, GraphServicePrincipal, PortalManifest
from generator.azure.readers.key_vault import KeyVaultSecret
from generator.azure.readers.permissions import AppRoleAssignment, PermissionList
from generator.azure.readers.refused import (
    AccessToken,
    TerraformPlan,
    TokenError,
    UnclearGraphObject,
)
from generator.azure.readers.terraform import TerraformShow, TerraformState
from generator.azure.wrappers import unwrap

SPECIFIC: tuple[Reader, ...] = (
    GraphApplication(),
    GraphServicePrincipal(),
    PortalManifest(),
    PasswordCredential(),
    KeyCredential(),
    PermissionList(),
    AppRoleAssignment(),
    ExchangeServicePrincipal(),
    MailboxPermission(),
    SmtpAuthentication(),
    TestAuthorization(),
    AzCredential(),
    AzJsonAuth(),
    AzAccount(),
    KeyVaultSecret(),
    TerraformShow(),
    TerraformState(),
    *azuread.READERS,
    TokenClaims(),
    AccessToken(),
    TokenError(),
    TerraformPlan(),
)
"""Shapes that exclude each other: an object that two of them recognise is ambiguous."""

_UNCLEAR = UnclearGraphObject()

_BY_HALLMARK: dict[str, list[Reader]] = {}
for _reader in SPECIFIC:
    for _key in _reader.hallmarks:
        _BY_HALLMARK.setdefault(_key, []).append(_reader)


def candidates(record: Record) -> tuple[Reader, ...]:
    """The readers that recognise an object by its own shape."""
    asked = {
        id(reader): reader
        for key in record.fields.keys() & _BY_HALLMARK.keys()
        for reader in _BY_HALLMARK[key]
    }
    found = [reader for reader in asked.values() if reader.recognises(record)]
    if not found and _UNCLEAR.recognises(record):
        return (_UNCLEAR,)
    return tuple(sorted(found, key=SPECIFIC.index))


def is_specific(node: Node) -> bool:
    """Whether a place, unwrapped, is an object of a known shape or an array of such."""
    node = unwrap(node).node
    elements = node.elements()
    if elements:
        return all(is_specific(element) for element in elements)
    record = node.record()
    return record is not None and bool(candidates(record))


FLAT = FlatOutputs(is_specific)
"""What is left when no shape fits: outputs under names that people chose."""


def accepted_shapes() -> tuple[str, ...]:
    """The names of all shapes that are read, for messages and documents."""
    shapes = [reader.shape for reader in (*SPECIFIC, FLAT)]
    return tuple(shape for shape in shapes if not shape.endswith("(refused)"))
