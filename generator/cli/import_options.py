"""Values of the import's options: rules about preview problems, and allowed deletions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.errors import Fault, UsageError

if TYPE_CHECKING:
    from generator.config.instance_settings import ProblemRule
    from generator.instance.run import Deletion

_TABLE = re.compile(r"[a-z][a-z0-9_]*")
_SYS_ID = re.compile(r"[0-9a-f]{32}")


def problem_rules(option: str, values: tuple[str, ...]) -> tuple[ProblemRule, ...]:
    """`KIND:TABLE[:SYS_ID]` as rules.

    Raises:
        UsageError: One of them is none.
    """
    return tuple(_rule(option, value) for value in values)


def deletions(values: tuple[str, ...]) -> tuple[Deletion, ...]:
    """`TABLE[:SYS_ID]` as allowed deletions.

    Raises:
        UsageError: One of them is none.
    """
    from generator.instance.run import Deletion

    return tuple(Deletion(*_record("--allow-delete", value, value)) for value in values)


def _rule(option: str, value: str) -> ProblemRule:
    from generator.config.instance_settings import ProblemKind, ProblemRule

    kind, _, rest = value.partition(":")
    names = [entry.value for entry in ProblemKind]
    if kind not in names:
        from difflib import get_close_matches

        close = get_close_matches(kind, names, n=1)
        meant = f" Did you mean {close[0]}?" if close else ""
        raise _usage(
            f"{option}: there is no kind of problem called {kind!r}.{meant}",
            f"write KIND:TABLE[:SYS_ID], the kind being one of {', '.join(names)}",
        )
    table, sys_id = _record(option, value, rest)
    return ProblemRule(ProblemKind(kind), table, sys_id, reason=f"{option} of this call")


def _record(option: str, value: str, text: str) -> tuple[str, str | None]:
    table, colon, sys_id = text.partition(":")
    if not _TABLE.fullmatch(table) or (colon and not _SYS_ID.fullmatch(sys_id)):
        raise _usage(
            f"{option}: {value!r} names no table, or no sys_id of 32 digits 0-9a-f.",
            "write the table's name, and perhaps a colon and the record's sys_id; there is no "
            "rule for all tables",
        )
    return table, sys_id or None


def _usage(message: str, next_step: str) -> UsageError:
    return UsageError(Fault("usage", message, next=next_step))
