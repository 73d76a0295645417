"""Options that belong together, one decorator each, and how a command answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec

import click

from generator.cli.output import Outcome, Session, finish

P = ParamSpec("P")

DEFAULT_ROOT = Path("update_sets")


def answers(
    function: Callable[Concatenate[Session, P], Outcome],
) -> Callable[P, None]:
    """Turn a function that gives an `Outcome` into a command that prints it.

    Adds `--json`, `-q/--quiet` and `-v/--verbose`; hands the `Session` to the function.
    """

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout.")
    @click.option("-q", "--quiet", is_flag=True, help="Say nothing but results and errors.")
    @click.option("-v", "--verbose", is_flag=True, help="Say more about what is done.")
    @wraps(function)
    def command(*args: P.args, **kwargs: P.kwargs) -> None:
        context = click.get_current_context()
        session = context.find_object(Session) or Session()
        session.as_json = bool(kwargs.pop("as_json"))
        session.quiet = bool(kwargs.pop("quiet"))
        session.verbose = bool(kwargs.pop("verbose"))
        session.command = context.command_path.removeprefix("sn-smtp").strip()
        finish(session, function(session, *args, **kwargs))

    return command


def root_option(
    function: Callable[P, None],
) -> Callable[P, None]:
    """`--root DIR`: where the environments are."""
    return click.option(
        "--root",
        type=click.Path(path_type=Path, file_okay=False),
        envvar="SN_SMTP_ROOT",
        default=DEFAULT_ROOT,
        show_default=True,
        show_envvar=True,
        help="Directory that holds the environments.",
    )(function)


def is_file_argument(argument: str) -> bool:
    """Whether an argument names a file: it has a slash or ends in `.xml`."""
    return "/" in argument or "\\" in argument or argument.endswith(".xml")
