"""Documents that are recognised and refused, each with its own reason."""

from __future__ import annotations

from generator.azure.facts import Facts
from generator.azure.nodes import Record


class AccessToken:
    """The answer of a token endpoint or `az account get-access-token`: a secret as a whole."""

    shape = "access token (refused)"
    hallmarks = ("access_token", "refresh_token", "id_token")

    def recognises(self, record: Record) -> bool:
        """By the names of tokens."""
        return record.any("access_token", "refresh_token", "id_token")

    def read(self, record: Record, facts: Facts) -> None:
        """Refuse without a look at the token."""
        facts.fault(
            "access-token",
            "holds an access token, which is a secret and tells nothing that is rendered",
            record.node,
            next="delete the file; to prove the object ID hand over the decoded claims instead",
        )


class TokenError:
    """An error answer of the token endpoint."""

    shape = "token endpoint error (refused)"
    hallmarks = ("error_description",)

    def recognises(self, record: Record) -> bool:
        """By OAuth's two error fields."""
        return record.has("error", "error_description")

    def read(self, record: Record, facts: Facts) -> None:
        """Refuse and name Entra's error numbers, which are no secret."""
        codes = [
            str(place.value)
            for place in record.get("error_codes").elements()
            if isinstance(place.value, int)
        ]
        said = f" (AADSTS{', AADSTS'.join(codes)})" if codes else ""
        facts.fault(
            "token-error",
            f"is an error that Entra answered{said}, not an output",
            record.node,
            next="mend what the error says, then hand over what the command prints",
        )


class TerraformPlan:
    """`terraform show -json PLANFILE`: what will be, not what is."""

    shape = "Terraform plan (refused)"
    hallmarks = ("planned_values", "resource_changes")

    def recognises(self, record: Record) -> bool:
        """By the sections that only a plan has."""
        return record.any("planned_values", "resource_changes")

    def read(self, record: Record, facts: Facts) -> None:
        """Refuse: ids are not known before apply."""
        facts.fault(
            "terraform-plan",
            "is a Terraform plan; what it will create has no ids yet",
            record.node,
            next="apply it, then hand over: terraform output -json",
        )


class UnclearGraphObject:
    """`appId` and `id` with nothing that tells an application from a service principal."""

    shape = "application or service principal (refused)"
    hallmarks = ("app_id",)

    def recognises(self, record: Record) -> bool:
        """By the two keys; asked only when no other reader wants the object."""
        return record.has("app_id", "id")

    def read(self, record: Record, facts: Facts) -> None:
        """Refuse: `id` could be either object's (the object-id trap)."""
        facts.fault(
            "graph-object-unclear",
            f"could be an application or a service principal; its keys: {record.shown_keys()}",
            record.node,
            next="hand over the whole object (az ad sp show --id <client id>), without --query",
        )
