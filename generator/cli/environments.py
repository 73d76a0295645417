"""From the environments that a call names to the understood ones: all of them, or every fault."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from generator.errors import ConfigError, Fault, UsageError

if TYPE_CHECKING:
    from generator.config.environment import Environment


def load(
    root: Path, names: Sequence[str], *, every: bool, now: datetime
) -> tuple[Environment, ...]:
    """Load environments.

    Args:
        root: Where they are.
        names: Which ones, in the order in which they are worked on.
        every: All of the root instead.
        now: The clock.

    Raises:
        UsageError: None is named, or one that does not exist.
        ConfigError: Something is wrong in their files; all faults of all of them.
    """
    from generator.config.discovery import discover
    from generator.config.load import Loader
    from generator.integration.integration import logical_names

    if every and names:
        raise _usage("--all renders every environment; name none beside it.")
    if not every and not names:
        raise _usage("No environment is named.")
    chosen = discover(root) if every else tuple(dict.fromkeys(map(environment_name, names)))
    if not chosen:
        raise UsageError(
            Fault(
                "no-environment",
                "The root holds no environment: no directory in it has an environment.yaml.",
                file=str(root),
                next="start one with: sn-smtp init DIR",
            )
        )
    loader = Loader(root, variables=os.environ, now=now, logical_names=logical_names())
    loaded: list[Environment] = []
    faults: dict[Fault, None] = {}
    for name in chosen:
        try:
            loaded.append(loader.load(name))
        except ConfigError as error:
            # A fault of common.yaml is met with every environment, and told once.
            faults |= dict.fromkeys(error.faults)
    if faults:
        raise ConfigError(*faults)
    loader.check_claims(loaded)
    return tuple(loaded)


def environment_name(argument: str) -> str:
    """The environment that an argument names: without the slash that shells complete."""
    return argument.rstrip("/\\") or argument


def _usage(message: str) -> UsageError:
    return UsageError(
        Fault("usage", message, next="name environments (sn-smtp render dev), or use --all")
    )
