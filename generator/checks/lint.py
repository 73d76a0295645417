"""Lint one update set file: every family over every row, in one pass and flat memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from generator.checks.action import Actions
from generator.checks.batch import Batch
from generator.checks.columns import Columns
from generator.checks.envelope import F3, Envelope, is_old_format
from generator.checks.interface import Context, Family, Finding, Hit, Rule, Severity, rule
from generator.checks.mail_chain import MailChain
from generator.checks.native_form import F1, NativeForm
from generator.checks.payload_form import PayloadForm
from generator.checks.references import References
from generator.checks.row import take_apart
from generator.checks.row_target import RowTarget
from generator.checks.rows import Rows
from generator.checks.salvage import salvage
from generator.checks.scope import Scope
from generator.checks.secret_values import X3, Secrets
from generator.errors import UnreadableError
from generator.progress import Progress, Silent
from generator.secrets.shapes import embedded_secret
from generator.update_set.manifest import MAX_BYTES
from generator.update_set.manifest import NAME as MANIFEST
from generator.update_set.model import UpdateSet
from generator.update_set.reader import Export, open_export, open_regular

L1 = rule(
    "lint",
    "L1",
    Severity.NOTE,
    "Every breach is listed.",
    "mend what is listed and lint again",
)

MOST_PER_RULE = 200
"""Most findings of one rule that are listed, so that a hopeless file does not fill the memory;
the rest are counted."""

RULES: tuple[Rule, ...] = tuple(
    found
    for family in (
        *(NativeForm, Envelope, Batch, Rows, RowTarget, Scope, PayloadForm, Columns, References),
        *(Secrets, MailChain, Actions),
    )
    for found in family.rules
) + (L1,)
"""Every rule, in the order of the documentation."""

_PER_CENT = 100
_UNREADABLE_RULES = {"not-an-export": F3}


@dataclass(frozen=True, slots=True)
class LintReport:
    """What lint found in one file."""

    file: str
    """The file as the user named it."""

    ours: bool
    """Whether it was judged as ours."""

    sets: int
    """Sets in the file; the base of a batch counts once."""

    updates: int
    """Rows read; fewer than the file has if it turned out not to be well-formed."""

    findings: tuple[Finding, ...]
    """By line, the file's own first; at most `MOST_PER_RULE` of each rule."""

    counts: Mapping[Severity, int]
    """Findings by severity, those that are not listed included."""

    def worst_reaches(self, threshold: Severity) -> bool:
        """Whether any finding is at least as severe as `threshold`."""
        return any(count and severity.reaches(threshold) for severity, count in self.counts.items())


def is_ours(path: Path) -> bool:
    """Whether the manifest beside a file lists it.

    A manifest that cannot be read or understood lists nothing.
    """
    try:
        with open_regular(path.with_name(MANIFEST)) as stream:
            manifest = json.loads(stream.read(MAX_BYTES))
    except (UnreadableError, OSError, ValueError, RecursionError):
        return False
    listed = manifest.get("files") if isinstance(manifest, dict) else None
    return isinstance(listed, dict) and path.name in listed


def lint_file(path: Path, *, ours: bool, progress: Progress | None = None) -> LintReport:
    """Lint an update set file.

    Args:
        path: The file.
        ours: Whether it was rendered by this tool (`is_ours`); what only our output promises
            weighs less in any other file.
        progress: Told once per hundredth of the file.

    Raises:
        UnreadableError: The file cannot be opened.
    """
    told = progress or Silent()
    collector = _Collector(str(path), ours)
    with open_regular(path) as raw:
        told.start(path.name, total=_PER_CENT)
        try:
            with open_export(path) as export:
                _lint_export(export, raw, collector, _Meter(told, path))
        except UnreadableError as error:
            fault = error.faults[0]
            rule_ = _UNREADABLE_RULES.get(fault.code, F1)
            collector.add(Hit(rule_, fault.message, fault.line))
            if not collector.sets:
                _lint_broken(path, raw, collector)
        finally:
            told.finish()
    return collector.report()


def _lint_export(export: Export, raw: BinaryIO, collector: _Collector, meter: _Meter) -> None:
    context = _context(collector.ours, export.unload_date, export.root_attributes, export.sets)
    collector.sets = len(context.by_sys_id)
    native = NativeForm(context, raw)
    envelope = Envelope(context)
    families: tuple[Family, ...] = (
        native,
        envelope,
        Batch(context),
        Rows(context),
        RowTarget(context),
        Scope(context),
        PayloadForm(context),
        Columns(context),
        References(context),
        Secrets(context),
        MailChain(context),
        Actions(context),
    )
    for family in families:
        collector.extend(family.sets())
    steps = [family.row for family in families]
    for update in export.updates():
        if export.strangers or export.out_of_order:
            native.leave()
        row = take_apart(update)
        collector.updates += 1
        for step in steps:
            collector.extend(step(row))
        meter.at(native.position)
    collector.extend(envelope.strangers(export.strangers, out_of_order=export.out_of_order))
    if export.strangers or export.out_of_order:
        native.leave()
    for family in families:
        collector.extend(family.finish())


def _lint_broken(path: Path, raw: BinaryIO, collector: _Collector) -> None:
    """Say what can be said of a file that could not be read up to its first row."""
    found = salvage(path)
    if not found.sets:
        return
    context = _context(
        collector.ours, found.unload_date, {"unload_date": found.unload_date}, found.sets
    )
    collector.sets = len(context.by_sys_id)
    native, envelope = NativeForm(context, raw), Envelope(context)
    rows, target = Rows(context), RowTarget(context)
    collector.extend(native.sets())
    native.leave()
    collector.extend(envelope.sets())
    collector.extend(Batch(context).sets())
    for update in found.updates:
        collector.updates += 1
        row = take_apart(update)
        collector.extend(rows.row(row))
        collector.extend(target.row(row))
    collector.extend(native.finish())
    kind = embedded_secret(found.text)
    if kind is not None:
        collector.add(Hit(X3, f"The file holds a secret: {kind}."))


def _context(
    ours: bool, unload_date: str, attributes: Mapping[str, str], sets: tuple[UpdateSet, ...]
) -> Context:
    by_sys_id = {update_set.sys_id: update_set for update_set in reversed(sets)}
    return Context(
        ours=ours,
        unload_date=unload_date,
        root_attributes=attributes,
        sets=sets,
        by_sys_id=dict(reversed(by_sys_id.items())),
        old_format=is_old_format(unload_date, sets),
    )


class _Collector:
    """Turns hits into findings, and counts."""

    def __init__(self, file: str, ours: bool) -> None:
        self.file = file
        self.ours = ours
        self.sets = 0
        self.updates = 0
        self._findings: list[Finding] = []
        self._per_rule: Counter[str] = Counter()
        self._counts: Counter[Severity] = Counter()

    def add(self, hit: Hit) -> None:
        broken = hit.rule
        severity = broken.severity if self.ours else broken.foreign
        self._per_rule[broken.id] += 1
        self._counts[severity] += 1
        if self._per_rule[broken.id] <= MOST_PER_RULE:
            self._findings.append(
                Finding(
                    broken.id,
                    severity,
                    self.file,
                    hit.line,
                    hit.update or None,
                    hit.field,
                    hit.message,
                    broken.fix,
                )
            )

    def extend(self, hits: Iterable[Hit]) -> None:
        for hit in hits:
            self.add(hit)

    def report(self) -> LintReport:
        for hit in self._unlisted():
            self.add(hit)
        self._findings.sort(key=lambda found: found.line or 0)
        counts = {severity: self._counts[severity] for severity in Severity}
        return LintReport(
            self.file, self.ours, self.sets, self.updates, tuple(self._findings), counts
        )

    def _unlisted(self) -> Iterator[Hit]:
        for rule_id, count in list(self._per_rule.items()):
            if count > MOST_PER_RULE:
                more = count - MOST_PER_RULE
                yield Hit(L1, f"{more} more findings of {rule_id} are counted but not listed.")


class _Meter:
    """Tells progress once per hundredth of the file."""

    def __init__(self, progress: Progress, path: Path) -> None:
        self._progress = progress
        self._name = path.name
        self._size = max(path.stat().st_size, 1)
        self._told = 0

    def at(self, position: int) -> None:
        done = min(position * _PER_CENT // self._size, _PER_CENT)
        while self._told < done:
            self._told += 1
            self._progress.step(self._name)
