"""`payload_hash` against the format's vectors, genuine rows and the reference tool."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.update_set.payload_hash import hashed_text, java_string_hash, payload_hash
from generator.update_set.reader import open_export

NAMES = (
    "sys_id",
    "sys_created_on",
    "sys_mod_count",
    "sys_code",
    "sys_customer_update",
    "sys_package",
    "sys_attachment",
    "sys_attachment_doc",
    "sys_scope",
    "sys_idx",
    "name",
    "x",
)
ATTRIBUTES = (
    "",
    " ",
    ' action="delete_multiple"',
    ' action="delete_multiple" query="a=b/"',
    ' action="INSERT_OR_UPDATE"',
    ' display_value="a" action="delete_multiple"',
    ' display_value="a/"',
    " bare",
    " bare/",
    '\naction="delete_multiple"',
    ' display_value="line\nfeed"',
)
PIECES = st.one_of(
    st.builds(
        "<{}{}{}>".format,
        st.sampled_from(NAMES),
        st.sampled_from(ATTRIBUTES),
        st.sampled_from(["", "/"]),
    ),
    st.builds("</{}>".format, st.sampled_from(NAMES)),
    st.sampled_from(["<![CDATA[", "]]>", "<", ">", "/", " ", "\n", "&lt;", '"', "<sys_id"]),
    st.text(max_size=5),
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", 0),
        ("a", 97),
        ("hello", 99162322),
        ("\U0001f600", 1772899),
        ("\x00", 0),
        ("\x00a", 97),
        ("polygenelubricants", -2147483648),
    ],
)
def test_function_alone(text: str, value: int) -> None:
    assert java_string_hash(text) == value
    assert payload_hash(text) == str(value)


@pytest.mark.parametrize(
    ("file", "name", "lengths", "value"),
    [
        (
            "2026-09-outbound-oauth.xml",
            "oauth_entity_profile_0b758576739b4b102aedfed25ab8b782",
            (1132, 655),
            "-402150616",
        ),
        (
            "2025-03-capture-record.xml",
            "sys_properties_09e410fe8320221025f1e330ceaad387",
            (1057, 542),
            "-1064249909",
        ),
        (
            "2025-07-work-rate-relay-app.xml",
            "sys_app_8fa5934ac3eeaa1049ccbd0ed4013197",
            (39817, 38650),
            "406554261",
        ),
        (
            "2021-01-email-sms.xml",
            "sys_metadata_link_0ee491a11cb120102ec8ccbee0cd68d1",
            (1597, 843),
            "-1645105000",
        ),
        (
            "2021-01-service-account-manager.xml",
            "sys_hub_action_type_definition_2229d2dc2d2060102ec860bd5391054e",
            (59813, 42136),
            "-1297590057",
        ),
    ],
)
def test_worked_examples(
    shared: Path, file: str, name: str, lengths: tuple[int, int], value: str
) -> None:
    with open_export(shared / "corpus" / "update_sets" / file) as export:
        (text,) = [update.payload for update in export.updates() if update.name == name]
    assert (len(text), len(hashed_text(text))) == lengths
    assert payload_hash(text) == value


def test_every_genuine_row(native_exports: list[Path], hash_tool: ModuleType) -> None:
    count = 0
    for path in native_exports:
        with open_export(path) as export:
            for update in export.updates():
                count += 1
                assert payload_hash(update.payload) == hash_tool.payload_hash(update.payload)
                if path.name != "m365health_application-registry.xml":
                    assert payload_hash(update.payload) == update.value("payload_hash"), update.name
    assert count >= 1172


def test_every_row_of_the_readable_negatives(shared: Path, hash_tool: ModuleType) -> None:
    for path in sorted((shared / "corpus" / "update_sets" / "negative").glob("*.xml")):
        if path.name.startswith("nested-cdata"):
            continue
        with open_export(path) as export:
            for update in export.updates():
                assert hashed_text(update.payload) == hash_tool.hashed_text(update.payload)
                assert payload_hash(update.payload) == hash_tool.payload_hash(update.payload)


def test_records_as_checked_out(shared: Path, hash_tool: ModuleType) -> None:
    """Pretty-printed records are no payloads, but text all the same."""
    for folder in ("flow_actions", "app_records"):
        for path in sorted((shared / "corpus" / folder).glob("*.xml")):
            text = path.read_text(encoding="utf-8")
            assert hashed_text(text) == hash_tool.hashed_text(text)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("<sys_id>a</sys_id>b", "b"),
        ("<sys_id/>b", "b"),
        ("<sys_id a='b'/>c</sys_id>", "c</sys_id>"),
        ("<sys_id><b/></sys_id>", "<sys_id><b/></sys_id>"),
        ("<sys_idx>a</sys_idx>", "<sys_idx>a</sys_idx>"),
        ("<sys_package a='b'>c</sys_package>d", "d"),
        ("<sys_package/>b</sys_package>", "<sys_package/>b</sys_package>"),
        ("<sys_package a/>b</sys_package>", "<sys_package a/>b</sys_package>"),
        ("<sys_attachment>a</sys_attachment>b", "b"),
        ("<sys_attachment a/>b</sys_attachment>", "<sys_attachment a/>b</sys_attachment>"),
        ('<sys_attachment action="a">b</sys_attachment>',) * 2,
        ('<x action="delete_multiple" query="y"/>b', "b"),
        ('<x action="delete_multiple">b</x>',) * 2,
        ('<x y="z" action="delete_multiple"/>',) * 2,
        ("<![CDATA[<sys_id>a</sys_id>]]>", "<![CDATA[]]>"),
    ],
)
def test_what_is_cut(hash_tool: ModuleType, text: str, kept: str) -> None:
    assert hashed_text(text) == kept == hash_tool.hashed_text(text)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_any_markup_as_the_reference(hash_tool: ModuleType, text: str) -> None:
    assert hashed_text(text) == hash_tool.hashed_text(text)
    assert payload_hash(text) == hash_tool.payload_hash(text)


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(), max_size=300))
def test_any_text_as_java_would(text: str) -> None:
    units = text.encode("utf-16-be", "surrogatepass")
    value = 0
    for at in range(0, len(units), 2):
        value = (value * 31 + int.from_bytes(units[at : at + 2], "big")) & 0xFFFFFFFF
    assert java_string_hash(text) == (value - (1 << 32) if value >> 31 else value)


@pytest.mark.parametrize("length", [3, 4, 5, 7, 8, 9, 1023, 1024, 1025, 70_001])
def test_lengths_around_the_lanes(hash_tool: ModuleType, length: int) -> None:
    for text in ("\uffff" * length, "ab\U0001f600" * length):
        assert java_string_hash(text) == hash_tool.java_string_hash(text)
