"""Which entries of lists and states are about our application.

A list is searched by client ID, never by position (`spec/azure-and-smtp.md` section 2.2): the
one the caller expects, else the one that the documents about a single application tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from generator.azure.interface import Assignment, Finding, Identifier, IdKind
from generator.azure.model import Notice
from generator.errors import Fault

_SHOWN = 5
_OWNERS = (IdKind.APPLICATION_OBJECT, IdKind.SERVICE_PRINCIPAL_OBJECT)


@dataclass(frozen=True, slots=True)
class Selection:
    """The findings that are about our application, and what kept others from being chosen."""

    findings: tuple[Finding, ...]
    faults: tuple[Fault, ...]


def select(findings: Sequence[Finding], *, expected_client_id: str | None) -> Selection:
    """Drop what lists and states say about other applications.

    Args:
        findings: Of all documents.
        expected_client_id: The client ID that the caller knows, in lower case.

    Returns:
        What remains. Of dropped findings only the warnings that a secret stands in the file
        remain, because it does.
    """
    wanted = expected_client_id or _told_alone(findings)
    faults: list[Fault] = []
    dropped: set[int] = set()
    for choice in dict.fromkeys(finding.choice for finding in findings if finding.choice):
        group = [index for index, finding in enumerate(findings) if finding.choice == choice]
        clients = dict.fromkeys(
            client for index in group if (client := findings[index].client_id) is not None
        )
        if len(clients) < 2:
            continue
        if wanted not in clients:
            faults.append(_cannot_choose(findings[group[0]], tuple(clients), wanted))
        dropped |= _others(findings, group, wanted)
    kept = (
        _only_secrets(finding) if index in dropped else finding
        for index, finding in enumerate(findings)
    )
    return Selection(tuple(kept), tuple(faults))


def _told_alone(findings: Iterable[Finding]) -> str | None:
    return next(
        (finding.client_id for finding in findings if not finding.choice and finding.client_id),
        None,
    )


def _others(findings: Sequence[Finding], group: Sequence[int], wanted: str | None) -> set[int]:
    """The entries of a group that are about another application, or belong to one."""
    others = {index for index in group if findings[index].client_id not in (None, wanted)}
    owners = {owner for index in others for owner in _owners(findings[index])}
    return others | {
        index
        for index in group
        if findings[index].client_id is None and not owners.isdisjoint(_owners(findings[index]))
    }


def _owners(finding: Finding) -> set[str]:
    owners: set[str] = set()
    for fact in finding.facts:
        if isinstance(fact, Identifier) and fact.kind in _OWNERS:
            owners.add(fact.id.value)
        elif isinstance(fact, Assignment) and fact.principal_id is not None:
            owners.add(fact.principal_id.value)
    return owners


def _only_secrets(finding: Finding) -> Finding:
    kept = tuple(
        fact
        for fact in finding.facts
        if isinstance(fact, Notice) and fact.code == "secret-in-input"
    )
    return replace(finding, facts=kept)


def _cannot_choose(first: Finding, clients: tuple[str, ...], wanted: str | None) -> Fault:
    shown = ", ".join(clients[:_SHOWN])
    more = f" and {len(clients) - _SHOWN} more" if len(clients) > _SHOWN else ""
    if wanted is None:
        code = "several-applications"
        message = f"speaks of {len(clients)} applications ({shown}{more})"
    else:
        code = "client-id-not-in-list"
        message = f"does not hold the application {wanted}, but {shown}{more}"
    return Fault(
        code,
        message,
        file=first.file,
        next="set azure.client_id in the environment file, or hand over one application: "
        "az ad app show --id <client id>",
    )
