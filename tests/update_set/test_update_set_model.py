"""Small promises of the data classes."""

from __future__ import annotations

from update_set_makers import record, sys_id

from generator.update_set.model import (
    SET_ELEMENTS,
    SET_REFERENCES,
    UPDATE_ELEMENTS,
    UPDATE_REFERENCES,
    Element,
    Update,
    elements,
)


def test_the_elements_are_those_of_the_format() -> None:
    """Sections 3 and 4: 28 and 24 children in alphabetical order."""
    assert len(SET_ELEMENTS) == 28
    assert len(UPDATE_ELEMENTS) == 24
    assert list(SET_ELEMENTS) == sorted(SET_ELEMENTS)
    assert list(UPDATE_ELEMENTS) == sorted(UPDATE_ELEMENTS)
    assert SET_REFERENCES < set(SET_ELEMENTS)
    assert UPDATE_REFERENCES < set(UPDATE_ELEMENTS)


def test_elements_are_all_written() -> None:
    assert elements(("a", "b", "c"), {"b": "text"}, {"c": ""}) == (
        Element("a", "", None),
        Element("b", "text", None),
        Element("c", "", ""),
    )


def test_the_first_of_a_name_counts_and_a_missing_one_is_empty() -> None:
    update = Update((Element("name", "first", "x"), Element("name", "second", "y")))
    assert update.name == "first"
    assert update.display("name") == "x"
    assert update.payload == update.set_sys_id == ""
    assert update.display("payload") is None


def test_a_record_is_equal_to_itself_only() -> None:
    one, twin = record(), record()
    assert one != twin
    assert len({one, twin}) == 2
    assert one.update_name == f"oauth_thing_{sys_id(1)}"
