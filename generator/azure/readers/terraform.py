"""Terraform's own documents: `terraform show -json` and the state file.

Resources are matched on their `type`, never on the provider's address, which may carry a
private host. Reading a state is reading secrets: they are tested and dropped like all others.
"""

from __future__ import annotations

from generator.azure.facts import Facts
from generator.azure.nodes import Node, Record
from generator.azure.readers.azuread import BY_TYPE

_STATE_VERSION = 4


class TerraformShow:
    """`terraform show -json` of a state."""

    shape = "terraform show -json"
    hallmarks = ("values", "format_version")

    def recognises(self, record: Record) -> bool:
        """By the format version, or by the root module below `values`."""
        if record.any("planned_values", "resource_changes"):
            return False
        values = record.get("values").record()
        return (values is not None and values.has("root_module")) or record.has(
            "format_version", "terraform_version"
        )

    def read(self, record: Record, facts: Facts) -> None:
        """The outputs and every module's resources are read on their own."""
        values = record.get("values").record()
        if values is None:
            _nothing(record, facts)
            return
        _outputs(values.get("outputs"), facts)
        _module(values.get("root_module").record(), facts, choice=_choice(record))
        _check(record, facts)


class TerraformState:
    """A state file, version 4."""

    shape = "Terraform state file (version 4)"
    hallmarks = ("version",)

    def recognises(self, record: Record) -> bool:
        """By `lineage` or `serial` beside the resources."""
        return record.has("version", "resources") and record.any(
            "lineage", "serial", "terraform_version"
        )

    def read(self, record: Record, facts: Facts) -> None:
        """The outputs and every instance of every resource are read on their own."""
        if record.get("version").value != _STATE_VERSION:
            facts.fault(
                "terraform-state-version",
                "is a Terraform state of another version than 4",
                record.get("version"),
                next="hand over: terraform output -json",
            )
            return
        _outputs(record.get("outputs"), facts)
        for resource in facts.objects(record.get("resources")):
            for instance in facts.objects(resource.get("instances")):
                _resource(resource, instance.get("attributes"), facts, choice=_choice(record))
        _check(record, facts)


def _outputs(node: Node, facts: Facts) -> None:
    if isinstance(node.value, dict) and node.value:
        facts.part(node)


def _module(module: Record | None, facts: Facts, *, choice: str) -> None:
    if module is None:
        return
    for resource in facts.objects(module.get("resources")):
        _resource(resource, resource.get("values"), facts, choice=choice)
    for child in facts.objects(module.get("child_modules")):
        _module(child, facts, choice=choice)


def _resource(resource: Record, values: Node, facts: Facts, *, choice: str) -> None:
    reader = BY_TYPE.get(str(resource.get("type").value))
    if reader is not None and isinstance(values.value, dict):
        facts.part(values, reader=reader, choice=choice)


def _choice(record: Record) -> str:
    return f"{record.node.file}\0{record.node.path}"


def _check(record: Record, facts: Facts) -> None:
    if not facts.parts:
        _nothing(record, facts)


def _nothing(record: Record, facts: Facts) -> None:
    facts.fault(
        "terraform-nothing",
        "holds no outputs and no azuread resources",
        record.node,
        next="run it in the directory of the configuration, after terraform apply",
    )
