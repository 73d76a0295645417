"""A click group that imports a command only when it is called, so that `--help` stays quick."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from importlib import import_module
from typing import TypedDict, Unpack

import click


class Settings(TypedDict, total=False):
    """What `click.group` passes on to the group that it makes."""

    callback: Callable[..., object] | None
    params: list[click.Parameter] | None
    context_settings: MutableMapping[str, object] | None
    help: str | None
    epilog: str | None


class LazyGroup(click.Group):
    """Knows its commands by name, place and one line of help."""

    def __init__(
        self,
        name: str | None = None,
        *,
        commands_at: Mapping[str, tuple[str, str]] | None = None,
        **settings: Unpack[Settings],
    ) -> None:
        """Args: commands_at: Command name to (`module:attribute`, line of help)."""
        super().__init__(name, **settings)
        self.commands_at = commands_at or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order in which they are used."""
        return list(self.commands_at)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        if cmd_name not in self.commands_at:
            return None
        module, _, attribute = self.commands_at[cmd_name][0].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101 - a table of our own
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table, importing none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self.commands_at.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one was probably meant."""
        # A shell that asks for completion (resilient parsing) wants an answer, not an error.
        is_known = not args or args[0] in self.commands_at or args[0].startswith("-")
        if not is_known and not ctx.resilient_parsing:
            from difflib import get_close_matches

            close = get_close_matches(args[0], self.commands_at, n=1)
            meant = f" Did you mean {close[0]}?" if close else ""
            ctx.fail(f"No such command: {args[0]}.{meant}")
        return super().resolve_command(ctx, args)
