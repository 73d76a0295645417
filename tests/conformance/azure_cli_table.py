"""Asks the real Azure CLI about calls; run by the Python that it is installed in.

Standard input: a JSON object of `calls` (arguments of az, as they were given), `mentions` (a
command's words, and its options by name) and `queries` (JMESPath with a document). Standard
output: for each the complaint or null; for queries the result. Nothing is sent anywhere.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import sys
from functools import cache

import jmespath
from azure.cli.core import get_default_cli


class Command:
    """One command with its real parser, as az makes it for a call."""

    def __init__(self, words: str) -> None:
        cli = get_default_cli()
        cli.invocation = cli.invocation_cls(
            cli_ctx=cli,
            parser_cls=cli.parser_cls,
            commands_loader_cls=cli.commands_loader_cls,
            help_cls=cli.help_cls,
        )
        self.words = words
        self.parser = cli.invocation.parser
        loader = cli.invocation.commands_loader
        found = loader.load_command_table(words.split()).get(words)
        self.is_known = found is not None
        self.options: set[str] = set()
        if not self.is_known:
            return
        cli.invocation.data["command_string"] = words
        loader.command_name = words
        loader.command_table = {words: found}
        loader.load_arguments(words)
        self.parser.load_command_table(loader)
        own = found.arguments.values()
        named = (option.type.settings.get("options_list") or () for option in own)
        self.options = {str(name) for names in named for name in names}

    def parse(self, arguments: list[str]) -> str | None:
        """What the real parser says against a call."""
        if not self.is_known:
            return f"no such command: az {self.words}"
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                self.parser.parse_args(arguments)
        except SystemExit:
            return f"az {self.words}: {said.getvalue() or 'refused'}"
        return None

    def lacks(self, options: list[str]) -> str | None:
        """What it has not of these."""
        if not self.is_known:
            return f"no such command: az {self.words}"
        unknown = sorted(set(options) - self.options - EVERY_COMMANDS)
        return f"az {self.words} has no {', '.join(unknown)}" if unknown else None


EVERY_COMMANDS = {"--output", "--query", "--only-show-errors", "--help"}

command = cache(Command)


def words_of(arguments: list[str]) -> str:
    """The command of a call: what stands before the first option."""
    return " ".join(itertools.takewhile(lambda word: not word.startswith("-"), arguments))


def main() -> None:
    """One answer."""
    asked = json.load(sys.stdin)
    answer = {
        "calls": [command(words_of(call)).parse(call) for call in asked["calls"]],
        "mentions": [command(words).lacks(options) for words, options in asked["mentions"]],
        "queries": [jmespath.search(query, document) for query, document in asked["queries"]],
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
