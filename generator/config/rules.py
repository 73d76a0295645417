"""How a value that was read becomes one of `values`: by its kind, and with a JSON schema beside it.

Every single value is judged by our own functions, whose messages hold no value. The schema is
what an editor is told; nothing here needs more than the standard library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from generator.config.tree import Numeral
from generator.config.values import Choice, Unacceptable, choice, one_line, port

SUBSTITUTION: Final = r"\$\{env:[A-Za-z_][A-Za-z0-9_]*\}"
_TEMPLATE: Final = rf"^(?:\$\$\{{|{SUBSTITUTION}|\$(?!\$?\{{)|[^$])*$"
SUBSTITUTED_SCHEMA: Final[Mapping[str, object]] = {
    "type": "string",
    "pattern": _TEMPLATE,
    "allOf": [{"pattern": r"\$\{"}],
    "description": "Text with ${env:NAME} in it; $${ is a literal ${.",
}
"""Any text with a substitution in it: what it becomes is checked when it is known."""

Json = Mapping[str, object]


class Substituted(str):
    """Text that came, whole or in part, from environment variables."""

    __slots__ = ()


class Rule:
    """What one value may be: its check, and the JSON schema that says the same."""

    __slots__ = ("check", "schema")

    def __init__(self, check: Callable[[object], object], schema: Json) -> None:
        """Args: check: Raises `Unacceptable`. schema: What an editor is told."""
        self.check = check
        self.schema = schema


def text(
    check: Callable[[str], object],
    *,
    pattern: str | None = None,
    longest: int | None = None,
    shortest: int = 0,
    multiline: bool = False,
    schema: Json | None = None,
) -> Rule:
    """The rule of a text value: `check` on whatever is text, and only on that."""
    kind: dict[str, object] = {"type": "string"}
    if pattern is not None:
        kind["pattern"] = f"^(?:{pattern})$"
    if longest is not None:
        kind |= {"minLength": shortest} if shortest else {}
        kind["maxLength"] = longest
    kind["not"] = {"pattern": _FORBIDDEN if multiline else _FORBIDDEN_ONE_LINE}
    return Rule(lambda value: check(_as_text(value)), _substitutable(dict(schema or kind)))


def line(longest: int, *, shortest: int = 1) -> Rule:
    """The rule of a text on one line, without blanks around it."""
    check = partial(one_line, longest=longest, shortest=shortest)
    return text(check, longest=longest, shortest=shortest)


def written(
    check: Callable[[str], object],
    *,
    pattern: str,
    longest: int,
    number: Json = MappingProxyType({"type": "number", "minimum": 0}),
) -> Rule:
    """The rule of a text that looks like a number (`1.0`) and need not be quoted.

    Args:
        check: Judges the text as it was written.
        pattern: What it must match.
        longest: Characters that it may have.
        number: The schema of the unquoted form.
    """
    kind = {"type": "string", "pattern": f"^(?:{pattern})$", "maxLength": longest}

    def judge(value: object) -> object:
        return check(str(value) if isinstance(value, Numeral) else _as_text(value))

    return Rule(judge, _substitutable(kind, dict(number)))


def choices(kind: type[Choice]) -> Rule:
    """The rule of one word out of an enumeration."""
    accepted = [member.value for member in kind]
    return text(partial(choice, choices=kind), schema={"enum": accepted})


def flag() -> Rule:
    """The rule of true or false."""
    return Rule(_as_flag, {"type": "boolean"})


def port_number() -> Rule:
    """The rule of a port: a number, or a substitution that becomes one."""
    return Rule(_as_port, _substitutable({"type": "integer", "minimum": 1, "maximum": 65535}))


_FORBIDDEN: Final = r"[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ufffe\uffff]|\$\{"
_FORBIDDEN_ONE_LINE: Final = r"[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffe\uffff]|^\s|\s$|\$\{"


def _substitutable(*kinds: Json) -> Json:
    return {"anyOf": [*kinds, dict(SUBSTITUTED_SCHEMA)]}


def _as_text(value: object) -> str:
    if value is None:
        raise Unacceptable("has no value.", next="write one, or remove the line")
    if isinstance(value, Numeral):
        raise Unacceptable("is a number here and text is accepted.", next="write it in quotes")
    if isinstance(value, bool):
        raise Unacceptable(
            "is true or false here and text is accepted.", next="write it in quotes, if meant"
        )
    if not isinstance(value, str):
        raise Unacceptable("is a mapping or a list here; one text is accepted.")
    return str(value)


def _as_flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise Unacceptable("is neither true nor false; these two, without quotes, are accepted.")


def _as_port(value: object) -> int:
    if isinstance(value, Numeral | Substituted):
        return port(value)
    if isinstance(value, str):
        raise Unacceptable("is text; a whole number is accepted.", next="remove the quotes")
    raise Unacceptable("is no number; a whole number from 1 to 65535 is accepted.")
