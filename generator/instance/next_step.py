"""Calls that are named as the next step, as they can be copied."""

from __future__ import annotations

import shlex
from pathlib import Path

from generator.config.environment import Environment

_DEFAULT_ROOT = Path("update_sets")


def call(environment: Environment, command: str, *options: str) -> str:
    """`sn-smtp <command> ENV`, with the root where it is not the default.

    Args:
        environment: The environment that the call is about.
        command: The command with its group: `secret deliver`.
        options: What stands after it: `--again`.
    """
    return call_in(environment.directory, command, *options)


def package_anew(environment: Environment) -> str:
    """The calls that bring this version's package onto the instance.

    Args:
        environment: The environment that they are about.
    """
    return f"{call(environment, 'render')}, then {call(environment, 'import')}"


def call_in(directory: Path, command: str, *options: str) -> str:
    """`call`, where only the environment's directory is at hand.

    Args:
        directory: `<root>/<environment>`.
        command: The command with its group.
        options: What stands after it.
    """
    root = directory.parent
    where = () if root == _DEFAULT_ROOT else ("--root", shlex.quote(str(root)))
    return " ".join(("sn-smtp", command, directory.name, *where, *options))
