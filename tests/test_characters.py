"""Which characters a value may hold."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from generator.characters import illegal_character


@pytest.mark.parametrize(
    "text", ["", "plain", "é ü 漢字 العربية עברית", "\U0001f600", "a\xa0b\u200b"]
)
def test_ordinary_text_is_accepted(text: str) -> None:
    assert illegal_character(text) is None
    assert illegal_character(text, multiline=True) is None


@pytest.mark.parametrize(
    "character",
    [
        *map(chr, (*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0))),
        *("\ud800", "\udbff", "\udc00", "\udfff", "\ufffe", "\uffff"),
    ],
)
def test_refused_everywhere(character: str) -> None:
    for multiline in (False, True):
        said = illegal_character(f"abc{character}\x00", multiline=multiline)
        assert said == f"U+{ord(character):04X} at character 4"


@pytest.mark.parametrize("character", ["\t", "\n", "\r"])
def test_white_space_is_refused_in_one_line_only(character: str) -> None:
    assert illegal_character(f"{character}x") == f"U+{ord(character):04X} at character 1"
    assert illegal_character(f"{character}x", multiline=True) is None


@pytest.mark.parametrize("character", ["\u2028", "\u2029"])
def test_so_are_separators_of_lines(character: str) -> None:
    assert illegal_character(character) is not None
    assert illegal_character(character, multiline=True) is None


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(), max_size=6))
def test_what_is_accepted_comes_through_xml_unharmed(text: str) -> None:
    if illegal_character(text, multiline=True) is None:
        written = text.replace("&", "&amp;").replace("<", "&lt;").replace("\r", "&#13;")
        assert (etree.fromstring(f"<a>{written.replace('>', '&gt;')}</a>".encode()).text or "") == (
            text
        )
