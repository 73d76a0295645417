"""The object-id trap in the environment file: one GUID written for two different things.

`spec/azure-and-smtp.md` section 2.1: client ID, application object ID and service principal object
ID look alike, and the wrong one shows only when the instance signs in. What Azure's outputs say is
checked where they are read; this holds what people typed against it, and against itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from generator.azure.model import AzureOutputs, Notice, Sourced
from generator.config.keys import AzureKeys
from generator.config.tree import Section, steps
from generator.errors import Fault

_SP: Final = "service_principal_object_id"
_CALLED: Final = {
    "tenant_id": "Directory (tenant) ID",
    "client_id": "Application (client) ID",
    "application_object_id": "Object ID of the app registration",
    _SP: "Object ID of the enterprise application (service principal)",
}
_ASKS_FOR_SP: Final = frozenset({"service-principal-object-id-unknown", "object-id-ambiguous"})


def id_mix_faults(
    keys: AzureKeys, outputs: AzureOutputs, tree: Section, *, file: str
) -> Iterator[Fault]:
    """Refuse an inline ID that is also the ID of something else.

    Args:
        keys: The `azure` section.
        outputs: What Azure's files say.
        tree: The merged files, for the places of the keys.
        file: The environment's own file.
    """
    typed = {
        name: value
        for name in (_SP, "client_id", "tenant_id")
        if (value := getattr(keys, name)) is not None
    }
    told = _told(outputs)
    seen: set[frozenset[str]] = set()
    for name, value in typed.items():
        others = {**dict.fromkeys(typed), **told}
        for other, source in others.items():
            same = typed.get(other) == value if source is None else source.value == value
            if other == name or not same or frozenset((name, other)) in seen:
                continue
            seen.add(frozenset((name, other)))
            yield _fault(name, other, source, tree, file)


def is_answered(notice: Notice, keys: AzureKeys) -> bool:
    """Whether a notice asks for the service principal's ID although it was typed."""
    return keys.service_principal_object_id is not None and notice.code in _ASKS_FOR_SP


def _told(outputs: AzureOutputs) -> Mapping[str, Sourced[str]]:
    found = {
        "tenant_id": outputs.tenant_id,
        "client_id": outputs.client_id,
        "application_object_id": outputs.application_object_id,
        _SP: outputs.service_principal_object_id,
    }
    return {
        name: Sourced(str(sourced.value), sourced.file, sourced.path)
        for name, sourced in found.items()
        if sourced is not None
    }


def _fault(name: str, other: str, source: Sourced[str] | None, tree: Section, file: str) -> Fault:
    places = list(steps(tree, ("azure", name)))
    place = places[-1][0] if len(places) == 2 else None
    where = f"azure.{other}" if source is None else f"{source.path} in {source.file}"
    ask = "az ad sp show --id <client ID> --query id"
    return Fault(
        "one-id-for-two",
        f"is the {_CALLED[name]} here, and the {_CALLED[other]} at {where}; two things cannot "
        "share an ID, so one of them is wrong.",
        file=file if place is None else place.file,
        line=None if place is None else place.line,
        path=f"azure.{name}",
        next=f"ask Entra for the service principal's: {ask}"
        if _SP in (name, other)
        else "copy both again from the overview of the app registration",
    )
