"""`sn-smtp`: the group of all commands, and the one place where errors become exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

import click

from generator import __version__
from generator.cli.failures import system_fault, unexpected_fault
from generator.cli.lazy import LazyGroup
from generator.cli.output import Session, report_failure
from generator.errors import EXIT_CODES, ExitCode, Fault, GeneratorError
from generator.memory import collect_rarely

EXIT_CODE_HELP = "Exit codes: " + "; ".join(
    f"{int(code)} {meaning}" for code, meaning in EXIT_CODES
)

COMPLETION = "_SN_SMTP_COMPLETE"
"""The variable in which a shell asks for completion (Click, "Shell Completion")."""

COMMANDS: dict[str, tuple[str, str]] = {
    "render": ("generator.cli.render:render", "Render update set packages from environments."),
    "lint": ("generator.cli.lint:lint", "Check packages and update set files."),
    "show": ("generator.cli.show:show", "Show what an update set file holds."),
    "import": ("generator.cli.import_:import_", "Import a package into an instance."),
    "back-out": ("generator.cli.back_out:back_out", "Take the last import back."),
    "verify": ("generator.cli.verify:verify", "Prove the mail chain, link by link."),
    "activate": ("generator.cli.activate:activate", "Send mail over the new account, or put back."),
    "deactivate": ("generator.cli.deactivate:deactivate", "Switch the new account off again."),
    "secret": ("generator.cli.secret:secret", "Deliver, watch and rotate the client secret."),
    "instance": ("generator.cli.instance:instance", "Show what is on an instance."),
    "azure": ("generator.cli.azure:azure", "Understand what Azure handed over."),
    "schema": ("generator.cli.schema:schema", "Print the JSON schema of the environment file."),
    "init": ("generator.cli.init:init", "Start a new root with one environment."),
    "sandbox": ("generator.cli.sandbox:sandbox", "Run a local instance to try everything on."),
}
"""Name to where the command lives and its line in `--help`; imported only when called."""


@click.group(
    cls=LazyGroup,
    commands_at=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODE_HELP,
)
@click.version_option(__version__, prog_name="sn-smtp")
def cli() -> None:
    """Render ServiceNow update sets that move outbound mail to SMTP OAuth 2.0.

    An environment is a directory under the root (update_sets, --root or SN_SMTP_ROOT) that
    holds an environment.yaml. An argument with a slash or ending in .xml is a file.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command, or answer a shell's completion, and end the process with its exit code."""
    argv = list(sys.argv[1:] if arguments is None else arguments)
    collect_rarely()
    completion = os.environ.get(COMPLETION)
    if completion:
        from click.shell_completion import shell_complete

        sys.exit(shell_complete(cli, {}, "sn-smtp", COMPLETION, completion))
    if isinstance(sys.stdout, TextIOWrapper):
        # Names may have letters that a terminal or pipe of another encoding has not.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(int(run(argv)))


def run(argv: list[str]) -> ExitCode:
    """Run a command; the only function that turns errors into exit codes."""
    color = False if os.environ.get("NO_COLOR") else None
    session = Session(as_json="--json" in argv, color=color)
    try:
        return _run(session, argv)
    except OSError as error:
        # Stdout took nothing: its reader went away, or its disk is full. Nor may Python try
        # again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            session.as_json = False
            report_failure(session, (system_fault(error),), ExitCode.FAILED)
        return ExitCode.FAILED


def _run(session: Session, argv: list[str]) -> ExitCode:
    try:
        with cli.make_context("sn-smtp", list(argv), obj=session) as context:
            context.color = session.color
            cli.invoke(context)
    except click.exceptions.Exit as stop:
        return ExitCode(stop.exit_code)
    except (click.Abort, KeyboardInterrupt):
        fault = Fault("interrupted", "Interrupted; what was not finished was not put in place.")
        return report_failure(session, (fault,), ExitCode.INTERRUPTED)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return ExitCode.USAGE
    except click.ClickException as error:
        return report_failure(session, (_usage_fault(session, error),), ExitCode.USAGE)
    except GeneratorError as error:
        return report_failure(session, error.faults, error.exit_code)
    except BrokenPipeError:
        raise
    except Exception as error:
        return report_failure(session, (unexpected_fault(error),), ExitCode.FAILED)
    return session.exit_code


def _usage_fault(session: Session, error: click.ClickException) -> Fault:
    command = "sn-smtp"
    context = getattr(error, "ctx", None)
    if isinstance(context, click.Context):
        command = context.command_path
        session.command = command.removeprefix("sn-smtp").strip()
    return Fault("usage", error.format_message(), next=f"see {command} --help")
