"""One call on one instance: everything that its steps share, and how faults are collected."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from generator.clock import Clock
from generator.config.environment import Environment
from generator.config.instance_settings import ProblemRule
from generator.errors import (
    ConfigError,
    ExitCode,
    Fault,
    GeneratorError,
    Refused,
    RemoteError,
)
from generator.instance.interface import Found, Instance, Read, Route
from generator.instance.journal import Journal
from generator.instance.package_files import Package, Unit
from generator.instance.polling import Patience
from generator.instance.report import Report, Step, StepOutcome
from generator.secrets.interface import Secret


@dataclass(frozen=True, slots=True)
class Deletion:
    """One deletion that the user allows: `--allow-delete TABLE[:SYS_ID]`."""

    table: str
    sys_id: str | None = None


@dataclass(frozen=True, slots=True)
class Permission:
    """What the user says about the instance with a call (design decision 8)."""

    change: str | None = None
    """Number of a change request."""

    confirm_instance: str | None = None
    """The instance's name, where it does not say what it is."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for."""

    preview_only: bool = False
    dry_run: bool = False
    resume: bool = False
    accept: tuple[ProblemRule, ...] = ()
    skip: tuple[ProblemRule, ...] = ()
    allow_delete: tuple[Deletion, ...] = ()
    permission: Permission = Permission()

    @property
    def commits(self) -> bool:
        """Whether the call may commit."""
        return not (self.preview_only or self.dry_run)


@dataclass(slots=True)
class Run:
    """One call."""

    instance: Instance
    environment: Environment
    package: Package
    clock: Clock
    journal: Journal
    options: Options
    report: Report
    tell: Callable[[str], None]
    """Takes one line about what is being done."""

    ask: Callable[[str], bool]
    """Asks the user a question; always yes with `--yes`."""

    fetch_secret: Callable[[], Secret] | None
    """Gets the client secret; None where no source is configured."""

    check_package: Callable[[], Sequence[Fault]]
    """Whether the package is fresh and lint-clean: why not, or nothing."""

    prove_secret: Callable[[Secret], None] | None = None
    """Asks Microsoft Entra ID for a token with a secret before that is delivered; raises
    `TokenRefused` where it gives none. None where there is none to ask (a sandbox without its mail
    side): then nothing is proven, afterwards through the instance neither."""

    route: Route = Route.CICD
    secret: Secret | None = None
    had_secret: bool = False
    """Whether the entity had a secret before anything was changed."""

    has_secret: bool = False
    """Whether it had one when it was last read."""

    local_sets: frozenset[str] = frozenset()
    """Local sets that commits of this unit made, as they were just before its upload: a new one
    afterwards is the work of another import."""

    skipped: dict[str, int] = field(default_factory=dict)
    """Set sys_id to the number of its updates that were skipped."""

    left_out: dict[str, str] = field(default_factory=dict)
    """Name of each update that somebody decided to leave out of this commit, and the reason. What
    the built-in rule leaves out is not among them: it must read as the package says."""

    def now(self) -> datetime:
        """The instance's time, or ours where it said none."""
        return self.instance.server_time() or self.clock.now()

    def patience(self, limit: float, *, stall: float | None = None) -> Patience:
        """How long a step is waited for."""
        return Patience(self.clock, limit, stall)

    def sleep(self, patience: Patience) -> None:
        """Wait once between two polls; the report keeps the time apart."""
        before = patience.waited
        patience.sleep()
        self.report.waited += patience.waited - before

    def begin(self, name: str, *, unit: Unit | None = None) -> None:
        """A step begins; if the call ends before the step does, the report says so."""
        self.report.current = (name, "" if unit is None else unit.name)

    def done(self, name: str, detail: str, *, unit: Unit | None = None) -> None:
        """A step is done and proven."""
        self._step(name, detail, unit, StepOutcome.DONE)

    def idle(self, name: str, detail: str, *, unit: Unit | None = None) -> None:
        """A step had nothing to do."""
        self._step(name, detail, unit, StepOutcome.NOTHING_TO_DO)

    def _step(self, name: str, detail: str, unit: Unit | None, outcome: StepOutcome) -> None:
        said = "" if unit is None else unit.name
        self.report.steps.append(Step(name, said, outcome, detail))
        self.report.current = None
        self.tell(f"{name}{f' ({said})' if said else ''}: {detail}")

    def read(self, reads: Mapping[str, Read]) -> Mapping[str, Found]:
        """Several reads in one request, by name."""
        return read_named(self.instance, reads)


def read_named(instance: Instance, reads: Mapping[str, Read]) -> Mapping[str, Found]:
    """Several reads in one request, by name.

    Raises:
        RemoteError: Nothing can be said at all.
    """
    found = instance.read(tuple(reads.values()))
    return dict(zip(reads, found, strict=True))


def answered(found: Found) -> Found:
    """A read that must have been answered.

    Raises:
        RemoteError: The instance refused it.
    """
    if found.error is not None:
        raise found.error
    return found


_FROM_BAD_TO_WORSE = (ExitCode.OK, ExitCode.REFUSED, ExitCode.USAGE, ExitCode.FAILED)


@dataclass(slots=True)
class Faults:
    """Faults of several checks, told at once; the worst decides the exit code.

    An answer that is unknown is worse than a refusal: who reads the code must not take it for
    "nothing is wrong but this".
    """

    found: list[Fault] = field(default_factory=list)
    code: ExitCode = ExitCode.OK

    def refuse(self, code: str, message: str, *, next: str, file: str | None = None) -> None:
        """A guard says no."""
        self.add(ExitCode.REFUSED, (Fault(code, message, file=file, next=next),))

    def unknown(self, code: str, message: str, *, next: str) -> None:
        """The instance did not clearly say yes."""
        self.add(ExitCode.FAILED, (Fault(code, message, next=next),))

    def take(self, error: GeneratorError) -> None:
        """What another check raised."""
        self.add(error.exit_code, error.faults)

    def add(self, code: ExitCode, faults: Iterable[Fault]) -> None:
        """Remember faults."""
        fresh = [fault for fault in faults if fault not in self.found]
        if fresh:
            self.found += fresh
            self.code = max(self.code, code, key=_rank)

    def raise_if_any(self) -> None:
        """Raise all of them together.

        Raises:
            Refused, ConfigError, RemoteError: By the worst of them.
        """
        if not self.found:
            return
        if self.code is ExitCode.REFUSED:
            raise Refused(*self.found)
        if self.code is ExitCode.USAGE:
            raise ConfigError(*self.found)
        raise RemoteError(*self.found)


def _rank(code: ExitCode) -> int:
    return _FROM_BAD_TO_WORSE.index(code) if code in _FROM_BAD_TO_WORSE else len(_FROM_BAD_TO_WORSE)
