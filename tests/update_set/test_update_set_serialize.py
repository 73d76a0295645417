"""How each kind of text stands in a payload and in a row."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from markupsafe import Markup

from generator.update_set import serialize
from generator.update_set.records import Reference, Script

TEXT = st.text(
    st.characters(
        exclude_categories=["Cs", "Cc"],
        include_characters="\t\n\r",
        exclude_characters="\ufffe\uffff",
    )
) | st.lists(st.sampled_from(["]]>", "]", ">", "<![CDATA[", "&", "\r\n", "\r", '"', "'"])).map(
    "".join
)


def parsed(element: str) -> etree._Element:
    return etree.fromstring(element.encode())


def test_text_escapes_what_must_be_and_nothing_else() -> None:
    assert serialize.text("<a b=\"c\" d='e'>&amp;\r\n\t]]>") == (
        "&lt;a b=\"c\" d='e'&gt;&amp;amp;&#13;\n\t]]&gt;"
    )
    assert serialize.text("plain") == "plain"


def test_attribute_keeps_white_space_and_ends_nowhere() -> None:
    assert serialize.attribute("\"'<>&\r\n\t") == "&quot;'&lt;&gt;&amp;&#13;&#10;&#9;"


@settings(deadline=None)
@given(TEXT)
def test_text_and_attribute_read_back(value: str) -> None:
    root = parsed(f'<a b="{serialize.attribute(value)}">{serialize.text(value)}</a>')
    assert (root.get("b"), root.text or "") == (value, value)


@settings(deadline=None)
@given(TEXT, TEXT)
def test_fields_read_back(value: str, display: str) -> None:
    root = parsed(serialize.field("f", value))
    assert (root.text or "", dict(root.attrib)) == (value, {})
    root = parsed(serialize.field("f", Script(value)))
    assert (root.text or "") == value.replace("\r\n", "\n").replace("\r", "\n")
    root = parsed(serialize.field("f", Reference(value, display, source=display, name=display)))
    assert (root.text or "") == value
    assert not value or set(root.attrib.values()) <= {display}


@pytest.mark.parametrize("empty", ["", Script(""), Reference("", "a display value")])
def test_an_empty_field_is_bare(empty: str | Reference) -> None:
    assert serialize.field("f", empty) == "<f/>"


def test_a_reference_has_its_attributes_in_the_platforms_order() -> None:
    assert serialize.field("f", Reference("id", "")) == '<f display_value="">id</f>'
    assert serialize.field("f", Reference("id", "d", name="n")) == (
        '<f display_value="d" name="n">id</f>'
    )
    assert serialize.field("sys_package", Reference("id", 'a"<', source="global")) == (
        '<sys_package display_value="a&quot;&lt;" source="global">id</sys_package>'
    )


def test_a_script_is_one_piece_of_cdata_unless_it_holds_its_end() -> None:
    assert serialize.field("script", Script("a < b && c;\r\nd\re")) == (
        "<script><![CDATA[a < b && c;\nd\ne]]></script>"
    )
    assert serialize.field("script", Script("x[y[0]]>1")) == (
        "<script><![CDATA[x[y[0]]]]><![CDATA[>1]]></script>"
    )


@pytest.mark.parametrize("payload", ["<a b=']]>'/>", "<a>\r</a>", "<a><![CDATA[b]]></a>"])
def test_what_cdata_cannot_carry_is_escaped(payload: str) -> None:
    (line,) = [serialize.elements([serialize.Element("payload", payload)])]
    assert parsed(line).text == payload


def test_only_the_payload_stands_in_cdata() -> None:
    children = [
        serialize.Element("action", "DELETE"),
        serialize.Element("application", "", ""),
        serialize.Element("comments", ""),
        serialize.Element("name", "<&>", 'a "name"'),
        serialize.Element("payload", "<a/>"),
    ]
    assert serialize.elements(children) == (
        "<action>DELETE</action>\n"
        '<application display_value=""/>\n'
        "<comments/>\n"
        '<name display_value="a &quot;name&quot;">&lt;&amp;&gt;</name>\n'
        "<payload><![CDATA[<a/>]]></payload>\n"
    )


def test_markdown_holds_no_markup() -> None:
    assert serialize.markdown("a | b <script> `c` *d* _e_ [f](g) # ~ & \\ {{ h }}") == (
        "a \\| b \\<script\\> \\`c\\` \\*d\\* \\_e\\_ \\[f\\](g) \\# \\~ \\& \\\\ \\{\\{ h \\}\\}"
    )
    assert serialize.markdown(" a\r\n\tb\u2028c\x0bd ") == "a b c d"


@pytest.mark.parametrize(
    "made", [serialize.text, serialize.attribute, serialize.markdown, str.strip]
)
def test_only_what_passed_here_escapes_autoescape(made: object) -> None:
    result = made("<")  # type: ignore[operator]
    assert isinstance(result, Markup) == (made is not str.strip)
