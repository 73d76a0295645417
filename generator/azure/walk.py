"""From one document to its findings: unwrap, recognise, read, and follow the parts."""

from __future__ import annotations

from generator.azure.facts import Facts
from generator.azure.interface import AssignmentsListed, Fact, Finding, Reader
from generator.azure.model import Notice, Severity
from generator.azure.nodes import Node, Record
from generator.azure.readers.permissions import AppRoleAssignment, is_empty_list_of_assignments
from generator.azure.readers.vocabulary import ACCEPTED
from generator.azure.registry import FLAT, accepted_shapes, candidates
from generator.azure.wrappers import is_wrapper, outputs_of, unwrap
from generator.errors import Fault

UNKNOWN = "unknown"
"""Shape of a finding that only says that nothing was understood."""


def interpret(root: Node) -> tuple[Finding, ...]:
    """Understand a document.

    Args:
        root: The whole document, from `generator.azure.documents.load`.

    Returns:
        What each object in it said, in the document's order. What could not be understood is
        a `Fault` among the facts, with the top-level keys and what is accepted, never values.
    """
    walk = _Walk()
    walk.visit(root, choice=None)
    return tuple(walk.findings)


class _Walk:
    """One pass over one document."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def visit(self, node: Node, *, choice: str | None, incomplete: bool = False) -> None:
        if isinstance(node.value, list):
            self._list(node, choice=choice, incomplete=incomplete)
        elif (record := node.record()) is not None:
            self._object(record, choice=choice)
        else:
            self._say(UNKNOWN, node, _scalar(node))

    def _list(self, node: Node, *, choice: str | None, incomplete: bool) -> None:
        elements = node.elements()
        if not elements:
            self._say("empty array", node, _empty_list(node))
            return
        if len(elements) > 1:
            choice = f"{node.file}\0{node.path}"
        before = len(self.findings)
        for element in elements:
            self.visit(element, choice=choice)
            if self.findings[-1].shape == UNKNOWN and self.findings[-1].path == element.path:
                break  # The others are hardly better: one fault says it all.
        shapes = {finding.shape for finding in self.findings[before:]}
        if shapes == {AppRoleAssignment.shape} and not incomplete:
            self._say("appRoleAssignments", node, AssignmentsListed(node.file, node.path))

    def _object(self, record: Record, *, choice: str | None) -> None:
        readers = candidates(record)
        if len(readers) > 1:
            self._say("ambiguous", record.node, _ambiguous(record, readers))
        elif readers:
            self.read(record, readers[0], choice=choice)
        elif is_empty_list_of_assignments(record):
            place = record.get("value")
            self._say("appRoleAssignments", place, AssignmentsListed(place.file, place.path))
        elif is_wrapper(record):
            if record.has_more:
                self._say("list", record.node, _incomplete(record))
            # One layer at a time, so that the context of an empty list is not lost.
            inner = record.get("value") if record.has("value") else unwrap(record.node).node
            self.visit(inner, choice=choice, incomplete=record.has_more)
        elif FLAT.names_outputs(record):
            self.read(record, FLAT, choice=choice)
        elif (outputs := outputs_of(record)) is not None:
            self._outputs(outputs, choice=choice)
        elif FLAT.recognises(record):
            self.read(record, FLAT, choice=choice)
        else:
            self._say(UNKNOWN, record.node, _unknown(record))

    def _outputs(self, node: Node, *, choice: str | None) -> None:
        if node.value in (None, {}):
            self._say("no outputs", node, _no_outputs(node))
        else:
            self.visit(node, choice=choice)

    def read(self, record: Record, reader: Reader, *, choice: str | None) -> None:
        facts = Facts()
        if reader is not FLAT:  # There the keys are the user's own, and only those read matter.
            for place in record.fields.values():
                if place.clash:
                    facts.text(place)
        reader.read(record, facts)
        node = record.node
        self.findings.append(
            Finding(reader.shape, node.file, node.path, choice, tuple(facts.found))
        )
        for part in facts.parts:
            inner = part.node.record()
            chosen = part.choice or choice
            if part.reader is not None and inner is not None:
                self.read(inner, part.reader, choice=chosen)
            else:
                self.visit(part.node, choice=chosen)

    def _say(self, shape: str, node: Node, *facts: Fact) -> None:
        self.findings.append(Finding(shape, node.file, node.path, None, facts))


def _fault(code: str, message: str, node: Node, *, next: str) -> Fault:
    return Fault(code, message, file=node.file, path=node.path or None, next=next)


def _accepted() -> str:
    return (
        "hand over one of: " + "; ".join(accepted_shapes()) + f". Outputs are best named {ACCEPTED}"
    )


def _unknown(record: Record) -> Fault:
    return _fault(
        "unknown-shape",
        f"is no output of Azure that is understood; its keys: {record.shown_keys()}",
        record.node,
        next=_accepted(),
    )


def _ambiguous(record: Record, readers: tuple[Reader, ...]) -> Fault:
    shapes = " and ".join(reader.shape for reader in readers)
    return _fault(
        "ambiguous-shape",
        f"could be {shapes}; its keys: {record.shown_keys()}",
        record.node,
        next="hand over each object in a file of its own, as the producer wrote it",
    )


def _scalar(node: Node) -> Fault:
    if isinstance(node.value, str):
        return _fault(
            "bare-string",
            "is one bare JSON text without a name, so nobody can tell what it is",
            node,
            next="write all outputs: terraform output -json, without a NAME",
        )
    return _fault("unknown-shape", f"is {node.kind}, not an object", node, next=_accepted())


def _no_outputs(node: Node) -> Fault:
    return _fault(
        "no-outputs",
        "the deployment has no outputs",
        node,
        next="add output clientId and output tenantId to the template, or hand over az ad app show",
    )


def _empty_list(node: Node) -> Fault:
    return _fault(
        "empty-list",
        "is an empty list, and nothing tells of what",
        node,
        next="for an empty appRoleAssignments hand over Graph's whole answer, "
        "with its @odata.context",
    )


def _incomplete(record: Record) -> Notice:
    return Notice(
        "list-incomplete",
        Severity.WARNING,
        "is only the first page of a list (@odata.nextLink)",
        record.node.file,
        record.node.path or None,
        "ask for all pages",
    )
