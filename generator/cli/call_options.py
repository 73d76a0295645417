"""The options that commands on an instance share, and the call that they come to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import click

from generator.cli.instance_call import Call
from generator.cli.options import FileName, answers, root_option
from generator.cli.output import Outcome, Session

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What the user gave of the shared options."""

    command: str
    """The command with its group: `secret deliver`."""

    environment: str
    root: Path
    instance_url: str | None
    budget: float
    templates: Path | None
    change: str | None = None
    confirm_instance: str | None = None
    dry_run: bool | None = None
    """None where the command has no such option, since it changes nothing."""

    yes: bool = False
    entra: str | None = None
    mail_ca: Path | None = None

    def call(self, *, mode: str = "") -> Call:
        """The call that they come to.

        Args:
            mode: What kind of call it is, where nothing is a dry run; the command by default.
        """
        from generator.instance.run import Options, Permission

        # What has no --dry-run looks only: it may run beside an import, and nobody is asked.
        looks_only = self.dry_run is not False
        return Call(
            environment=self.environment,
            root=self.root,
            instance_url=self.instance_url,
            budget=self.budget,
            templates=self.templates,
            options=Options(
                dry_run=looks_only, permission=Permission(self.change, self.confirm_instance)
            ),
            asks=not (self.yes or looks_only),
            mode="dry-run" if self.dry_run else mode or self.command,
            # What changes nothing delivers no secret, and has none to prove.
            entra=None if self.dry_run is None else self.entra,
            mail_ca=self.mail_ca,
        )


_SHARED = tuple(field.name for field in fields(CallOptions))


def instance_command(
    function: Callable[Concatenate[Session, CallOptions, P], Outcome],
) -> Callable[P, None]:
    """Turn a function into a command on an instance: `ENV`, the shared options, how it answers.

    What the decorators above it add of the shared options (`guard_options`, `entra_options`)
    reaches the function in the `CallOptions`, too, so that it names only what is its own.
    """

    @wraps(function)
    def command(session: Session, /, *args: P.args, **kwargs: P.kwargs) -> Outcome:
        # What the options hold is told by their types, which Click checks.
        shared: dict[str, Any] = {name: kwargs.pop(name) for name in _SHARED if name in kwargs}
        return function(session, CallOptions(command=session.command, **shared), *args, **kwargs)

    decorated = _instance_options(root_option(answers(command)))
    return click.argument("environment", metavar="ENV")(decorated)


def guard_options(function: Callable[P, None]) -> Callable[P, None]:
    """`--change`, `--confirm-instance`, `--dry-run` and `--yes` of whatever changes something."""
    for option in (
        click.option("-y", "--yes", is_flag=True, help="Ask nothing."),
        click.option(
            "--dry-run", is_flag=True, help="Change nothing; say what is there and would be done."
        ),
        click.option(
            "--confirm-instance",
            metavar="NAME",
            help="Name of the instance, where it does not say that it is sub-production.",
        ),
        click.option(
            "--change", metavar="NUMBER", help="Change request that opens a production instance."
        ),
    ):
        function = option(function)
    return function


def _instance_options(function: Callable[P, None]) -> Callable[P, None]:
    """`--instance`, `--budget` and `--templates`: where requests go, and what is fresh."""
    for option in (
        click.option(
            "--templates",
            type=FileName(path_type=Path, file_okay=False),
            envvar="SN_SMTP_TEMPLATES",
            show_envvar=True,
            help="Directory of the templates that the package was rendered with.",
        ),
        click.option(
            "--budget",
            type=click.FloatRange(min=0, max=86_400),
            default=900.0,
            show_default=True,
            metavar="SECONDS",
            help="Longest time to wait for requests that the instance asks to repeat, in all.",
        ),
        click.option(
            "--instance",
            "instance_url",
            envvar="SN_SMTP_INSTANCE",
            show_envvar=True,
            metavar="URL",
            help="Send requests to this address on loopback (a sandbox) instead.",
        ),
    ):
        function = option(function)
    return function
