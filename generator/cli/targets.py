"""Arguments that name an environment or a file, as the update set files they stand for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from generator.cli.environments import environment_name
from generator.cli.options import can_name_a_file, is_file_argument
from generator.errors import Fault, UsageError

_UNNAMEABLE = Fault(
    "file-name",
    "A name holds a character that no file name can have.",
    next="name an existing file, or an environment",
)


def update_set_files(
    arguments: Iterable[str], root: Path, *, on_stray: Callable[[Path], None] | None = None
) -> tuple[Path, ...]:
    """The update set files that the arguments of a command name, each once, in their order.

    Args:
        arguments: Environments, or files (with a slash before the end, or ending in `.xml`).
        root: Where the environments are.
        on_stray: Called with each update set file that lies in an environment's directory and
            is not of its package; such a file is not among the answer.

    Raises:
        UsageError: An environment does not exist, or no file can have that name.
        ConfigError: The environment's name cannot be one.
        Refused: The environment's package is missing or not whole.
    """
    found: dict[Path, None] = {}
    for argument in arguments:
        name = environment_name(argument)
        if is_file_argument(name):
            if not can_name_a_file(argument):
                raise UsageError(_UNNAMEABLE)
            found[Path(argument)] = None
        else:
            found |= dict.fromkeys(_of_environment(name, root, on_stray))
    return tuple(found)


def _of_environment(name: str, root: Path, on_stray: Callable[[Path], None] | None) -> list[Path]:
    from generator.config.discovery import discover, unknown_environment
    from generator.update_set.package_state import require_whole, stray_sets

    names = discover(root)
    if name not in names:
        raise unknown_environment(root, name, names)
    directory = root / name
    manifest = require_whole(directory)
    if on_stray is not None:
        for stray in stray_sets(directory, manifest.files):
            on_stray(directory / stray)
    return [
        directory / file
        for file in sorted(manifest.files)
        if "/" not in file and file.startswith("sys_remote_update_set_") and file.endswith(".xml")
    ]
