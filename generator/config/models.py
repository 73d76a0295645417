"""The declared keys as pydantic models, from which the published JSON schema is generated.

Only who asks for the schema loads this, and the tests, which hold what these models accept
against what the loader does: loading pydantic takes longer than a whole render.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    create_model,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from generator.config.declared import Declared, Keys, Shape, declared
from generator.config.kinds import FLAG
from generator.config.rules import Rule
from generator.config.tree import BROKEN
from generator.config.values import Unacceptable


class _Mapping(BaseModel):
    """A mapping that knows all its keys."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, hide_input_in_errors=True, populate_by_name=False
    )


class _Ruled:
    """A pydantic annotation: the check and the JSON schema of a rule, nothing else."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, object]:
        return dict(self._rule.schema)

    def _validate(self, value: object) -> object:
        try:
            if value is not BROKEN:
                return self._rule.check(value)
        except Unacceptable:
            pass
        raise PydanticCustomError("refused", "refused")


_MADE: Final[dict[type[Keys], type[BaseModel]]] = {}
"""One model for each section, so that the schema defines each once."""


def model(section: type[Keys]) -> type[BaseModel]:
    """The pydantic model of a section: the same keys, accepting the same values."""
    if section in _MADE:
        return _MADE[section]
    fields = {key.attribute: (_annotation(key), _field(key)) for key in declared(section).values()}
    # Keyword arguments are the fields; what pydantic knows of their types it learns here.
    made: type[BaseModel] = create_model(  # type: ignore[call-overload]
        section.__name__, __base__=_Mapping, __doc__=section.__doc__, **fields
    )
    return _MADE.setdefault(section, made)


def _annotation(key: Declared) -> object:
    rule, below = key.rule, key.below
    kind: object = Annotated[object, _Ruled(rule)] if rule is not None else None
    if below is not None:
        kind = Annotated[object, _Ruled(FLAG)] | model(below) if key.key.or_flag else model(below)
    if key.key.shape is Shape.LIST:
        kind = tuple[kind, ...]  # type: ignore[valid-type]
    elif key.key.shape is Shape.NAMED:
        kind = dict[str, kind]  # type: ignore[valid-type]
    nullable = not key.required and key.default is None and key.key.shape is not Shape.NAMED
    return kind | None if nullable else kind  # type: ignore[operator]


def _field(key: Declared) -> object:
    description, alias = key.key.description, key.key.written
    if key.required:
        return Field(description=description, alias=alias)
    if isinstance(key.default, Keys) or key.key.shape is Shape.NAMED:
        # The default is what the section's own defaults make; editors need not see it.
        factory = model(type(key.default)) if isinstance(key.default, Keys) else dict
        return Field(default_factory=factory, description=description, alias=alias)
    return Field(default=key.default, description=description, alias=alias)
