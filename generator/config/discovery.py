"""Which environments a root has: its direct children that hold an `environment.yaml`."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

from generator.config.values import did_you_mean
from generator.errors import ConfigError, Fault, UsageError

COMMON_FILE: Final = "common.yaml"
ENVIRONMENT_FILE: Final = "environment.yaml"

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_ACCEPTED: Final = (
    "lower-case letters, digits, - and _, at most 40, the first one a letter or a digit"
)
_MOST_LISTED: Final = 20


def candidates(root: Path) -> tuple[str, ...]:
    """The names of all direct children that hold an environment file, good or bad, sorted.

    Raises:
        UsageError: The root is missing or no directory.
    """
    try:
        children = sorted(child.name for child in root.iterdir())
    except OSError as error:
        raise _no_root(root, error) from None
    return tuple(name for name in children if (root / name / ENVIRONMENT_FILE).is_file())


def discover(root: Path) -> tuple[str, ...]:
    """The names of all environments of a root, sorted.

    Raises:
        UsageError: The root is missing or no directory.
        ConfigError: A directory that holds an `environment.yaml` has a name that no environment
            can have, or two differ only in case.
    """
    names = candidates(root)
    faults = bad_names(root, names)
    if faults:
        raise ConfigError(*faults.values())
    return names


def bad_names(root: Path, names: Collection[str]) -> dict[str, Fault]:
    """Those of `names` that no environment can have, each with what is wrong with it."""
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault(name.lower(), []).append(name)
    faults: dict[str, Fault] = {}
    for name in names:
        twins = [other for other in alike[name.lower()] if other != name]
        if twins:
            faults[name] = Fault(
                "case-twins",
                f"equal but for case to {', '.join(twins)}; on Windows and macOS they are one "
                "directory.",
                file=str(root / name),
                next="rename one of them",
            )
        elif not _NAME.fullmatch(name):
            faults[name] = Fault(
                "environment-name",
                f"the directory's name is no environment name; accepted are {_ACCEPTED}.",
                file=str(root / name),
                next="rename the directory",
            )
    return faults


def unknown_environment(root: Path, name: str, names: Collection[str]) -> UsageError:
    """The error for a name that is no environment of the root."""
    known = sorted(names)
    if _NAME.fullmatch(name) and (root / name).is_dir():
        message = f"{root / name} holds no {ENVIRONMENT_FILE}, so it is no environment."
    elif len(name) > 40:
        message = f"the name has {len(name)} characters; an environment's has at most 40."
    else:
        message = f"there is no environment {name!r} under '{root}'."
    message += did_you_mean(name, known)
    more = f" and {len(known) - _MOST_LISTED} more" if len(known) > _MOST_LISTED else ""
    message += (
        f" There are: {', '.join(known[:_MOST_LISTED])}{more}." if known else " There is none yet."
    )
    return UsageError(
        Fault(
            "unknown-environment",
            message,
            file=str(root),
            next="name one of them, or another root with --root"
            if known
            else "start one with: sn-smtp init DIR",
        )
    )


def _no_root(root: Path, error: OSError) -> UsageError:
    if isinstance(error, FileNotFoundError):
        message = "the root directory does not exist."
    elif isinstance(error, NotADirectoryError):
        message = "the root is no directory."
    else:
        message = f"the root directory cannot be read: {error.strerror or 'unknown reason'}."
    return UsageError(
        Fault(
            "no-root",
            message,
            file=str(root),
            next="name the directory of your environments with --root, or start one with: "
            "sn-smtp init DIR",
        )
    )
