"""How `values` meets pydantic: annotations that check a value and describe it in the schema.

pydantic does the structure (which keys, which are required) and the JSON schema; every single
value is judged by our own functions, whose messages hold no value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from generator.config.tree import BROKEN, Numeral
from generator.config.values import Unacceptable, port

REJECTED: Final = "rejected"
"""pydantic error type of a value that one of our rules refused; its message is ours."""

ALREADY_REPORTED: Final = "already_reported"
"""pydantic error type of a value that was refused before, with its own message."""

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
    """A pydantic annotation: one value's check and its JSON schema."""

    def __init__(self, check: Callable[[object], object], schema: Json) -> None:
        """Args: check: Raises `Unacceptable`. schema: What an editor is told."""
        self._check = check
        self._schema = dict(schema)

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """A validator that is nothing but our check."""
        return core_schema.no_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, object]:
        """The schema as it was given."""
        return dict(self._schema)

    def _validate(self, value: object) -> object:
        if value is BROKEN:
            raise PydanticCustomError(ALREADY_REPORTED, "reported before")
        try:
            return self._check(value)
        except Unacceptable as error:
            context = {"message": error.message, "next": error.next}
        raise PydanticCustomError(REJECTED, "rejected", context)


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


def written(check: Callable[[str], object], *, pattern: str, longest: int) -> Rule:
    """The rule of a text that looks like a number (`1.0`) and need not be quoted."""
    kind = {"type": "string", "pattern": f"^(?:{pattern})$", "maxLength": longest}
    number = {"type": "number", "minimum": 0}

    def judge(value: object) -> object:
        return check(str(value) if isinstance(value, Numeral) else _as_text(value))

    return Rule(judge, _substitutable(kind, number))


def choices(check: Callable[[str], object], accepted: list[str]) -> Rule:
    """The rule of one word out of few."""
    return text(check, schema={"enum": accepted})


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
