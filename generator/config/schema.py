"""The published JSON schema of the environment file, generated from the declared keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, TypeAlias, cast

from pydantic.json_schema import GenerateJsonSchema

from generator.config.instance_keys import ProblemRuleKeys
from generator.config.keys import EnvironmentKeys
from generator.config.models import model
from generator.config.rules import SUBSTITUTED_SCHEMA

Json: TypeAlias = "str | int | float | bool | None | list[Json] | dict[str, Json]"

_SUBSTITUTED: Final = "Substituted"

_TITLE: Final = "Environment file of sn-smtp"
_DESCRIPTION: Final = (
    "common.yaml and <environment>/environment.yaml, the second laid over the first: mappings "
    "merge, everything else is replaced. No key is required here, because each file may leave to "
    "the other what is required of both together. Strings may hold ${env:NAME}."
)


def environment_schema() -> dict[str, Json]:
    """JSON Schema (draft 2020-12) of one file, `common.yaml` or `environment.yaml`.

    What a schema cannot tell is left to the loader: what is missing in both files together,
    `email_account.live` in `common.yaml`, what an environment variable holds, days that no
    calendar has, names of records, secrets.
    """
    generated: dict[str, Json] = model(EnvironmentKeys).model_json_schema(
        by_alias=True, schema_generator=_WithoutTitles
    )
    sections = {
        name: _mapping(section) for name, section in _mapping(generated.pop("$defs")).items()
    }
    generated.pop("description")
    schema: dict[str, Json] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": _TITLE,
        "description": _DESCRIPTION,
        **_in_one_file(generated, sections),
        "$defs": {
            _SUBSTITUTED: _plain(SUBSTITUTED_SCHEMA),
            **{
                name: _in_one_file(section, sections, whole=name in _LISTED)
                for name, section in sorted(sections.items())
            },
        },
    }
    return schema


def schema_text() -> str:
    """The schema as it is committed: `docs/environment.schema.json`."""
    return json.dumps(environment_schema(), indent=2) + "\n"


class _WithoutTitles(GenerateJsonSchema):
    """Keys need no second name."""

    def field_title_should_be_set(self, schema: object) -> bool:
        return False


_LISTED: Final = frozenset({ProblemRuleKeys.__name__})
"""Sections that stand in lists: one file replaces the other's list, and so has them whole."""


def _in_one_file(
    section: dict[str, Json], sections: dict[str, dict[str, Json]], *, whole: bool = False
) -> dict[str, Json]:
    """A section as one file may hold it: nothing required, optional keys may be empty.

    Args:
        section: As both files together must have it.
        sections: All sections by name.
        whole: Whether one file has all of it, so that what is required is required here.
    """
    left_out = ("title",) if whole else ("title", "required")
    closed = {key: section[key] for key in section if key not in left_out}
    required = section.get("required", [])
    properties: dict[str, Json] = {}
    for name, generated in _mapping(section["properties"]).items():
        value = _mapping(_shared(generated))
        below = str(value.get("$ref", "")).rpartition("/")[2]
        if below:
            # pydantic leaves a description out that its definition has too; editors want both.
            value = {"description": sections[below]["description"], **value}
        mandatory = isinstance(required, list) and name in required
        properties[name] = value if mandatory and not below else _nullable(value)
    return {**closed, "properties": properties}


def _nullable(schema: dict[str, Json]) -> dict[str, Json]:
    """The schema, also accepting an empty value, which means: not set."""
    outer = {key: schema[key] for key in ("description", "default") if schema.get(key) is not None}
    inner = {key: value for key, value in schema.items() if key not in ("description", "default")}
    free = inner.get("additionalProperties")
    if isinstance(free, dict):
        inner["additionalProperties"] = _nullable(free)
    alternatives = inner.get("anyOf")
    flat = list(alternatives) if isinstance(alternatives, list) else [inner]
    null: Json = {"type": "null"}
    return {**outer, "anyOf": [*(one for one in flat if one != null), null]}


def _shared(node: Json) -> Json:
    """The schema with the many copies of the one for substituted text as references."""
    if node == SUBSTITUTED_SCHEMA:
        return {"$ref": f"#/$defs/{_SUBSTITUTED}"}
    if isinstance(node, dict):
        return {key: _shared(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_shared(value) for value in node]
    return node


def _mapping(node: Json) -> dict[str, Json]:
    """What is known to be a mapping, because the models made it one."""
    return cast("dict[str, Json]", node)


def _plain(mapping: Mapping[str, object]) -> Json:
    plain: Json = json.loads(json.dumps(mapping))
    return plain
