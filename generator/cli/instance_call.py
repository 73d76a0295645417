"""What the commands that talk to an instance share: a call, and a run from it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from generator.cli.call_secrets import ask_entra, fetcher, sign_in_secret
from generator.cli.failures import alike_together, headline, interrupted, unexpected_fault
from generator.cli.output import Outcome, Session
from generator.errors import ExitCode, Fault, GeneratorError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from requests.adapters import BaseAdapter

    from generator.clock import Clock
    from generator.config.environment import Environment
    from generator.instance.http_instance import HttpInstance
    from generator.instance.report import Report
    from generator.instance.run import Options, Run
    from generator.secrets.interface import Secret

PREVIEW_ONLY = "preview-only"
"""The mode of a call that uploads, previews and takes the upload back."""


@dataclass(frozen=True, slots=True)
class Call:
    """What the user called a command with."""

    environment: str
    root: Path
    instance_url: str | None
    budget: float
    templates: Path | None
    options: Options
    asks: bool
    """Whether the user is asked before something is changed."""

    mode: str = ""
    """What kind of call it is, for the report."""

    entra: str | None = None
    """Stand-in for Microsoft Entra ID, which proves the client secret (`--entra`)."""

    mail_ca: Path | None = None
    """Authority by which stand-ins are believed (`--mail-ca`)."""


def make_clock() -> Clock:
    """The clock of a call; tests put one of their own here."""
    from generator.clock import SystemClock

    return SystemClock()


def make_adapter() -> BaseAdapter | None:
    """What sends requests: the network; tests put something else here."""
    return None


def make_prover(call: Call, environment: Environment) -> Callable[[Secret], None] | None:
    """What asks Entra for a token with the client secret; tests put something else here.

    None where requests go to a sandbox and no stand-in for Entra is named: a sandbox's secret is
    none of Entra's, and is not shown to it.

    Raises:
        UsageError: The stand-in is not on this machine.
    """
    if call.entra:
        from generator.mail.settings import stand_in_url

        stand_in_url(call.entra, option="--entra")
    if call.instance_url and not call.entra:
        return None
    return partial(ask_entra, environment, entra=call.entra, mail_ca=call.mail_ca)


def outcome(
    session: Session,
    call: Call,
    work: Callable[[Run], None],
    *,
    text: Callable[[Report], str],
    result: Callable[[Report], Mapping[str, object]] | None = None,
) -> Outcome:
    """Do work on an instance; what it came to is told where it fails or is interrupted, too.

    Args:
        session: How it is answered.
        call: What the user called.
        work: Does it.
        text: The report for people.
        result: The report as JSON-ready data; its own by default.

    Raises:
        GeneratorError: It failed before the instance was asked anything.
    """
    if call.asks and not sys.stdin.isatty():
        raise UsageError(
            Fault(
                "no-terminal",
                "There is no terminal to ask on.",
                next="add --yes if it may be done without a question",
            )
        )
    with opened(session, call) as run:
        report = run.report
        code = ExitCode.OK
        faults: tuple[Fault, ...] = ()
        try:
            work(run)
            code, faults = report.exit_code, report.faults
        except (KeyboardInterrupt, click.Abort):
            code, faults = ExitCode.INTERRUPTED, (interrupted(report, environment=run.environment),)
            report.failed("interrupted")
        except (BrokenPipeError, click.ClickException, click.exceptions.Exit):
            raise
        except GeneratorError as error:
            code, faults = error.exit_code, error.faults
            report.failed(headline(report, code, faults))
        except Exception as error:
            # What was done so far must be known after a bug of ours, too.
            code, faults = ExitCode.FAILED, (unexpected_fault(error),)
            report.failed(faults[0].message)
        report.requests = run.instance.requests
        return Outcome(
            result=report.as_json() if result is None else result(report),
            text=text(report),
            exit_code=code,
            faults=faults if session.as_json else alike_together(faults),
        )


@contextmanager
def opened(session: Session, call: Call) -> Iterator[Run]:
    """Everything that a call on an instance needs; the UI session ends with it.

    Raises:
        ConfigError, UsageError: The environment cannot be used.
        Refused: There is no whole package, or another import is at work.
    """
    from generator.cli.environments import load
    from generator.clock import read_clock
    from generator.instance.http_instance import open_instance
    from generator.instance.journal import import_lock, open_journal
    from generator.instance.package_files import load_package
    from generator.instance.report import Report
    from generator.instance.run import Run
    from generator.update_set.package_state import require_whole

    now = read_clock(os.environ)
    (environment,) = load(call.root, (call.environment,), every=False, now=now)
    package = load_package(environment.directory, require_whole(environment.directory))
    clock = make_clock()
    # What changes nothing may run beside an import.
    looks_only = call.options.dry_run
    with nullcontext() if looks_only else import_lock(environment.directory):
        instance = open_instance(
            environment.instance,
            url=environment.instance_url,
            clock=clock,
            secrets=partial(sign_in_secret, environment),
            budget_seconds=call.budget,
            log=session.detail,
            override_url=call.instance_url,
            adapter=make_adapter(),
        )
        report = Report(
            command=session.command,
            environment=environment.name,
            instance=instance.url,
            digest=package.digest,
            mode=call.mode,
        )
        if call.entra:
            # Left in a shell after a trial, the variable would answer for the real one.
            report.note(
                f"Microsoft Entra ID was not asked: {call.entra} answers for it (--entra, "
                "SN_SMTP_ENTRA)"
            )
        try:
            yield Run(
                instance=instance,
                environment=environment,
                package=package,
                clock=clock,
                journal=open_journal(
                    environment.directory,
                    digest=package.digest,
                    clock=clock,
                    instance=instance.url,
                ),
                options=call.options,
                report=report,
                tell=_teller(session, call),
                ask=_ask if call.asks else _yes,
                fetch_secret=fetcher(environment),
                prove_secret=make_prover(call, environment),
                check_package=partial(_check_package, call, environment, now),
            )
        finally:
            _close(instance)


def _close(instance: HttpInstance) -> None:
    """End the session; that it cannot be ended changes nothing of what was proven."""
    try:
        instance.close()
    except GeneratorError:
        return


def _yes(question: str) -> bool:
    return True


def _ask(question: str) -> bool:
    try:
        return click.confirm(question, err=True)
    except click.Abort:
        # Whoever breaks off at the question has not said yes; what was uploaded is taken back.
        click.echo(err=True)
        return False


def _teller(session: Session, call: Call) -> Callable[[str], None]:
    """Says what is being done; the lists of a preview alone are its result, not told twice."""
    if session.as_json or call.mode != PREVIEW_ONLY:
        return session.message

    def tell(line: str) -> None:
        if not line.startswith("  ") or line.startswith("  account:"):
            session.message(line)

    return tell


def _check_package(call: Call, environment: Environment, now: datetime) -> Sequence[Fault]:
    """Whether the package is what would be rendered now, and lint-clean."""
    from generator.checks.interface import Severity
    from generator.checks.lint import lint_file
    from generator.instance.next_step import call as next_call
    from generator.packaging import Mode, render_package
    from generator.rendering import PackageRenderer
    from generator.update_set.templates import Templates

    renderer = PackageRenderer(Templates(call.templates), now=now)
    package = render_package(environment, renderer, mode=Mode.CHECK)
    faults: list[Fault] = []
    if package.changed:
        faults.append(
            Fault(
                "stale",
                f"The package is not what would be rendered now: {len(package.changed)} files "
                f"would change ({', '.join(package.changed[:3])} ...).",
                file=str(environment.directory),
                next=f"run {next_call(environment, 'render')}, review and commit the result",
            )
        )
    for file in dict.fromkeys(entry.file for entry in package.sets):
        path = environment.directory / file
        if not path.exists():
            continue
        report = lint_file(path, ours=True)
        if report.worst_reaches(Severity.ERROR):
            faults.append(
                Fault(
                    "lint-findings",
                    "The package has lint errors.",
                    file=str(path),
                    next=f"see {next_call(environment, 'lint')}, then render anew",
                )
            )
    return faults
