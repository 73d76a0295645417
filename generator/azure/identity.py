"""The four GUIDs, checked against each other (`spec/azure-and-smtp.md` sections 2.1 and 2.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from generator.azure.interface import AmbiguousId, Assignment, Finding, Identifier, IdKind
from generator.azure.model import Notice, Severity, Sourced
from generator.azure.readers.claims import SHAPE as TOKEN
from generator.errors import Fault

OBJECT_IDS_EQUAL = "object-ids-equal"
"""Code of the notice that the documents give one id to two objects: a contradiction, where the
other errors only say that something cannot be told."""

_SP = IdKind.SERVICE_PRINCIPAL_OBJECT
_APP = IdKind.APPLICATION_OBJECT


@dataclass(frozen=True, slots=True)
class Identity:
    """What the documents say about the ids."""

    ids: Mapping[IdKind, Sourced[str]]
    """Each kind that is known; object ids that contradict themselves are left out."""

    faults: tuple[Fault, ...]
    notices: tuple[Notice, ...]


def identify(findings: Sequence[Finding]) -> Identity:
    """Bring all documents' ids together.

    Args:
        findings: Those about our application.

    Returns:
        One id of each kind; a fault for every two that differ, naming both places.
    """
    said = _said(findings)
    ids = {kind: places[0][1] for kind, places in said.items()}
    faults = [*_conflicts(said, ids), *_same_tenant(ids)]
    notices = [*_equal(ids)]
    if notices:
        ids = {kind: found for kind, found in ids.items() if kind not in (_APP, _SP)}
    for finding in findings:
        for fact in finding.facts:
            if isinstance(fact, AmbiguousId):
                notices += _unproven(fact, ids)
    if not any(notice.concerns == _SP.concern for notice in notices):
        notices += _application_only(ids)
    return Identity(ids, tuple(faults), tuple(notices))


_Said = dict[IdKind, list[tuple[str, Sourced[str]]]]


def _said(findings: Sequence[Finding]) -> _Said:
    """Every id with the shape that told it, each value once; in the order of the documents."""
    said: _Said = {}
    for finding in findings:
        for fact in finding.facts:
            if isinstance(fact, Identifier):
                places = said.setdefault(fact.kind, [])
                if all(place.value != fact.id.value for _, place in places):
                    places.append((finding.shape, fact.id))
    holders = {
        fact.principal_id.value: fact.principal_id
        for finding in findings
        for fact in finding.facts
        if isinstance(fact, Assignment) and fact.principal_id is not None
    }
    if len(holders) == 1:
        (holder,) = holders.values()
        places = said.setdefault(_SP, [])
        if all(place.value != holder.value for _, place in places):
            places.append(("appRoleAssignments", holder))
    return {kind: places for kind, places in said.items() if places}


def _conflicts(said: _Said, ids: Mapping[IdKind, Sourced[str]]) -> Iterator[Fault]:
    for kind, places in said.items():
        first = places[0][1]
        for _, other in places[1:]:
            yield Fault(
                f"conflicting-{kind.value.lower().replace(' ', '-')}",
                f"the {kind} is {other.value} here, but {first.value} in "
                f"{first.file} at {first.path}",
                file=other.file,
                path=other.path,
                next=_repair(places, ids)
                if kind is _SP
                else "hand over the outputs of one application only",
            )


def _repair(places: list[tuple[str, Sourced[str]]], ids: Mapping[IdKind, Sourced[str]]) -> str:
    """The corrected `New-ServicePrincipal` line, if a document proves which id is right."""
    client = ids[IdKind.CLIENT].value if IdKind.CLIENT in ids else "<client id>"
    application = ids[_APP].value if _APP in ids else None
    proven = [place.value for shape, place in places if shape == TOKEN]
    right = proven or [place.value for _, place in places if place.value != application]
    if len(right) != 1:
        return f"ask Entra: az ad sp show --id {client} --query id"
    return (
        f"the right one is {right[0]}; if Exchange has another: Remove-ServicePrincipal, then "
        f"New-ServicePrincipal -AppId {client} -ObjectId {right[0]}"
    )


def _same_tenant(ids: Mapping[IdKind, Sourced[str]]) -> Iterator[Fault]:
    client, tenant = ids.get(IdKind.CLIENT), ids.get(IdKind.TENANT)
    if client is not None and tenant is not None and client.value == tenant.value:
        yield Fault(
            "client-id-is-tenant-id",
            f"the client ID is also the tenant ID in {tenant.file} at {tenant.path}; "
            "one of them was mislabelled",
            file=client.file,
            path=client.path,
            next="copy both from the overview of the app registration",
        )


def _equal(ids: Mapping[IdKind, Sourced[str]]) -> Iterator[Notice]:
    """Two different objects cannot share an id."""
    pairs = ((_SP, _APP), (_SP, IdKind.CLIENT), (_APP, IdKind.CLIENT))
    for kind, other in pairs:
        one, two = ids.get(kind), ids.get(other)
        if one is not None and two is not None and one.value == two.value:
            yield Notice(
                OBJECT_IDS_EQUAL,
                Severity.ERROR,
                f"{one.value} is given as the {kind} and, in {two.file} at {two.path}, as the "
                f"{other}; two objects cannot share an id, so one of them was mislabelled and "
                "no object ID was taken",
                one.file,
                one.path,
                _ask_entra(ids),
                _SP.concern,
            )


def _unproven(fact: AmbiguousId, ids: Mapping[IdKind, Sourced[str]]) -> Iterator[Notice]:
    """An id of unclear kind is fine if another document names the same GUID."""
    if any(known.value == fact.id.value for known in ids.values()):
        return
    first, second = fact.candidates[0], fact.candidates[1]
    code = "object-id-ambiguous" if first is _SP else "application-id-ambiguous"
    yield Notice(
        code,
        Severity.ERROR,
        f"{fact.id.value} could be the {first} or the {second}; it was not taken for either",
        fact.id.file,
        fact.id.path,
        f"name the output {first.concern} or {second.concern}; {_ask_entra(ids)}",
        first.concern,
    )


def _application_only(ids: Mapping[IdKind, Sourced[str]]) -> Iterator[Notice]:
    application = ids.get(_APP)
    if application is not None and _SP not in ids:
        yield Notice(
            "service-principal-object-id-unknown",
            Severity.ERROR,
            f"only the application object ID {application.value} is known; Exchange needs the "
            "service principal's, and authentication fails with any other (535 5.7.3)",
            application.file,
            application.path,
            _ask_entra(ids),
            _SP.concern,
        )


def _ask_entra(ids: Mapping[IdKind, Sourced[str]]) -> str:
    client = ids[IdKind.CLIENT].value if IdKind.CLIENT in ids else "<client id>"
    return f"ask Entra: az ad sp show --id {client} --query id"
