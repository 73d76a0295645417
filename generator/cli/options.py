"""Options that belong together, one decorator each, and how a command answers."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec

import click

from generator.cli.output import Outcome, Session, finish

P = ParamSpec("P")

DEFAULT_ROOT = Path("update_sets")


class FileName(click.Path):
    """A path, refused where no file can have such a name (NUL, what the system cannot encode)."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """The path (called by Click)."""
        if not can_name_a_file(os.fspath(value)):
            self.fail("The name holds a character that no file name can have.", param, ctx)
        return super().convert(value, param, ctx)


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
        type=FileName(path_type=Path, file_okay=False),
        envvar="SN_SMTP_ROOT",
        default=DEFAULT_ROOT,
        show_default=True,
        show_envvar=True,
        help="Directory that holds the environments.",
    )(function)


def can_name_a_file(name: str) -> bool:
    """Whether the system can encode a name, which has no NUL."""
    try:
        return b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:
        return False


def is_file_argument(argument: str) -> bool:
    """Whether an argument names a file: it has a slash or ends in `.xml`."""
    return "/" in argument or "\\" in argument or argument.endswith(".xml")
