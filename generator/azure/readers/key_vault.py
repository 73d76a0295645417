"""`az keyvault secret show`: a copy of the secret, with whatever its owner tagged it with."""

from __future__ import annotations

from generator.azure.facts import Facts
from generator.azure.interface import CopiedExpiry, IdKind
from generator.azure.nodes import Record
from generator.azure.readers.credentials import first


class KeyVaultSecret:
    """One version of a Key Vault secret."""

    shape = "az keyvault secret show"
    hallmarks = ("attributes",)

    def recognises(self, record: Record) -> bool:
        """By the vault's address in `id` beside `value` and `attributes`."""
        place = record.get("id").value
        return record.has("attributes", "value") and isinstance(place, str) and "/secrets/" in place

    def read(self, record: Record, facts: Facts) -> None:
        """The tags' ids, and the expiry that somebody gave the copy."""
        for tags in facts.objects(record.get("tags")):
            facts.identifier(IdKind.CLIENT, first(tags, "app_id", "client_id"))
            facts.identifier(IdKind.TENANT, first(tags, "tenant_id", "tenant"))
            key_id = first(tags, "key_id", "secret_id")
            break
        else:
            key_id = None
        facts.credential(record.node, secret=record.get("value"), key_id=key_id)
        for attributes in facts.objects(record.get("attributes")):
            ends = facts.date(attributes.get("expires"))
            if ends is not None:
                facts.add(CopiedExpiry(ends))
