"""What an import did and found, for people and for `--json`; never holds a secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from generator.errors import ExitCode, Fault

_LONGEST = 120


class StepOutcome(StrEnum):
    """How a step ended."""

    DONE = "done"
    NOTHING_TO_DO = "nothing to do"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an import."""

    name: str
    """`preflight`, `upload`, `preview` ..."""

    unit: str
    """Roles of the sets it was about; empty where it was about none."""

    outcome: StepOutcome
    detail: str


@dataclass(frozen=True, slots=True)
class SetFound:
    """One of our sets as it is on the instance."""

    role: str
    name: str
    sys_id: str
    state: str | None
    """Empty where the set is not there; None where that cannot be read."""

    local_set: str
    """sys_id of the local update set that a commit made; empty before."""

    updates: int


@dataclass(frozen=True, slots=True)
class Change:
    """What the preview says that one update would do."""

    disposition: str
    """The platform's word: insert, update, delete, collision..."""

    proposed_action: str
    """`commit` or `skip`."""

    type: str
    target: str
    update: str

    def __str__(self) -> str:
        """One line."""
        skip = ", proposed to be skipped" if self.proposed_action == "skip" else ""
        return f"{self.disposition} {self.type}: {self.target} ({self.update}){skip}"


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that reads otherwise than the package says."""

    table: str
    sys_id: str
    label: str
    field: str
    """Column, or empty where the whole record is meant."""

    expected: str
    found: str

    def __str__(self) -> str:
        """One line."""
        where = f"{self.table} {self.label or self.sys_id}"
        if not self.field:
            return f"{where} ({self.sys_id}): expected {self.expected}, found {self.found}"
        return f"{where}: {self.field} is {_short(self.found)}, not {_short(self.expected)}"


@dataclass(frozen=True, slots=True)
class ProblemFound:
    """A preview problem and what became of it."""

    sys_id: str
    kind: str
    type: str
    """`error` or `warning`."""

    outcome: str
    """`open`, `accepted` or `skipped`."""

    description: str
    """The platform's own text."""

    update: str
    """Name of the update."""

    table: str
    record: str
    """sys_id of the update's record."""

    reason: str
    """Of the rule that decided; empty while open."""

    def __str__(self) -> str:
        """One line."""
        return f"{self.outcome} {self.kind} ({self.type}), {self.update}: {self.description}"


@dataclass(slots=True)
class Report:
    """What is known about one call so far."""

    command: str
    environment: str
    instance: str
    digest: str = ""
    mode: str = ""
    instance_name: str = ""
    release: str = ""
    route: str = ""
    steps: list[Step] = field(default_factory=list)
    sets: list[SetFound] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    problems: list[ProblemFound] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    secret: str = ""
    """What became of the client secret: `delivered, not proven` ..."""

    rotation: Mapping[str, str] | None = None
    """How far a rotation of the secret is; None where the call was about none."""

    waited: float = 0.0
    """Seconds slept between polls."""

    requests: int = 0
    exit_code: ExitCode = ExitCode.OK
    faults: tuple[Fault, ...] = ()

    current: tuple[str, str] | None = None
    """Step that has begun and not ended, and the roles of its sets."""

    def failed(self, detail: str) -> None:
        """The step that was under way failed."""
        if self.current is not None:
            name, unit = self.current
            self.steps.append(Step(name, unit, StepOutcome.FAILED, detail))
            self.current = None

    def note(self, text: str) -> None:
        """Remember something that people should know, once."""
        if text not in self.notes:
            self.notes.append(text)

    def as_json(self) -> dict[str, object]:
        """JSON-ready; `docs/json/import.schema.json`."""
        return {
            "environment": self.environment,
            "instance": self.instance,
            "instance_name": self.instance_name,
            "release": self.release,
            "mode": self.mode,
            "digest": self.digest,
            "route": self.route,
            "steps": [
                {"step": s.name, "sets": s.unit, "outcome": s.outcome.value, "detail": s.detail}
                for s in self.steps
            ],
            "sets": [_plain(entry) for entry in self.sets],
            "changes": [_plain(entry) for entry in self.changes],
            "problems": [_plain(entry) for entry in self.problems],
            "differences": [
                {**_plain(entry), "expected": _short(entry.expected), "found": _short(entry.found)}
                for entry in self.differences
            ],
            "notes": list(self.notes),
            "secret": self.secret,
            **({} if self.rotation is None else {"rotation": dict(self.rotation)}),
            "requests": self.requests,
            "waited_seconds": round(self.waited, 1),
        }


def _plain(entry: SetFound | Change | ProblemFound | Difference) -> Mapping[str, object]:
    return {name: getattr(entry, name) for name in entry.__slots__}


def _short(value: str) -> str:
    """A value as one short line."""
    shown = " ".join(value.split())
    if not shown:
        return "empty" if not value else "blank"
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}... ({len(value)} characters)"
