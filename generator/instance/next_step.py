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
    root = environment.directory.parent
    where = () if root == _DEFAULT_ROOT else ("--root", shlex.quote(str(root)))
    return " ".join(("sn-smtp", command, environment.name, *where, *options))
