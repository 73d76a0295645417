"""What the families of lint rules have in common: a rule, a hit, a finding, a family.

A family gets one file as a stream: all sets at once, then each row with its parsed payload,
then the end. It keeps only compact bookkeeping, so that memory stays flat. It yields `Hit`s;
`generator.checks.lint` turns them into `Finding`s, because only it knows whose file it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, NamedTuple, Protocol

from generator.checks.row import Row
from generator.secrets.shapes import ciphertext_kind
from generator.update_set.model import UpdateSet

SHOWN = 60
"""Longest value that a message quotes, in characters."""


class Severity(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    """The file breaks the format or a promise of ours; do not import it."""

    WARNING = "warning"
    """Unusual or risky; somebody should look."""

    NOTE = "note"
    """Worth knowing; nothing to mend."""

    def reaches(self, threshold: Severity) -> bool:
        """Whether this is at least as severe as `threshold`."""
        return _WEIGHT[self] >= _WEIGHT[threshold]


_WEIGHT = {Severity.NOTE: 0, Severity.WARNING: 1, Severity.ERROR: 2}


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that lint demands; `docs/rules.md` has a section for each."""

    id: str
    """Stable identifier: `S1`. A letter after the number is the same demand at another weight."""

    family: str
    """The family it belongs to: `envelope`."""

    title: str
    """The demand, as one sentence."""

    severity: Severity
    """How much a breach weighs in a file of ours."""

    foreign: Severity
    """How much it weighs in anybody else's file."""

    fix: str
    """How to mend a breach."""

    @property
    def anchor(self) -> str:
        """Where the rule is documented."""
        return f"docs/rules.md#{self.id.lower()}"


def rule(
    family: str,
    id: str,
    severity: Severity,
    title: str,
    fix: str,
    *,
    foreign: Severity | None = None,
) -> Rule:
    """A rule; `foreign` is the severity in other people's files where it differs."""
    return Rule(id, family, title, severity, foreign or severity, fix)


class Hit(NamedTuple):
    """A breach of a rule, before the severity is decided."""

    rule: Rule

    message: str
    """What is wrong; one or two sentences, never a secret."""

    line: int | None = None
    """Line in the file, from 1: that of the set or row."""

    update: str | None = None
    """Update name of the row."""

    field: str | None = None
    """Element of the set or row, or `payload/<field>`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that lint found: rule, weight, place, what, and how to fix it."""

    rule: str
    """Id of the rule."""

    severity: Severity
    """Its weight in this file."""

    file: str
    """The file as the user named it."""

    line: int | None
    """Line of the set or row, from 1; None where the whole file is meant."""

    update: str | None
    """Update name of the row; None outside rows."""

    field: str | None
    """Element of the set or row, or `payload/<field>`."""

    message: str
    """What is wrong."""

    fix: str
    """How to mend it."""


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the file before its rows."""

    ours: bool
    """Whether a manifest beside the file lists it."""

    unload_date: str
    """As it stands in the file."""

    root_attributes: Mapping[str, str]
    """Attributes of the root element."""

    sets: tuple[UpdateSet, ...]
    """All sets in file order; the base of a batch stands twice."""

    by_sys_id: Mapping[str, UpdateSet]
    """The sets by `sys_id`."""

    old_format: bool
    """Whether the sets have the layout of exports before 2018."""


class Family(Protocol):
    """A family of rules over one file."""

    rules: ClassVar[tuple[Rule, ...]]

    def sets(self) -> Iterable[Hit]:
        """Judge what stands before the rows."""
        ...

    def row(self, row: Row) -> Iterable[Hit]:
        """Judge one row."""
        ...

    def finish(self) -> Iterable[Hit]:
        """Judge what only the end of the file tells."""
        ...


def shown(value: str) -> str:
    """A value as a message may quote it: short, and never a secret."""
    if ciphertext_kind(value) is not None and len(value) != len("0" * 32):
        return "(looks like a secret, not shown)"
    return repr(value if len(value) <= SHOWN else value[: SHOWN - 3] + "...")


def at(row: Row, rule: Rule, message: str, field: str | None = None) -> Hit:
    """A hit in a row."""
    return Hit(rule, message, row.update.line, row.name, field)


def listed(names: Iterable[str], *, most: int = 8) -> str:
    """Names for a message, in their order, at most `most` of them."""
    found = list(names)
    text = ", ".join(found[:most])
    return text if len(found) <= most else f"{text} and {len(found) - most} more"
