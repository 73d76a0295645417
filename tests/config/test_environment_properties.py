"""Whatever is accepted arrives unchanged; whatever is thrown at the loader is answered."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from config_root import COMMON, OWN, Root
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.characters import illegal_character
from generator.errors import ConfigError
from generator.secrets.shapes import embedded_secret

lines = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff\u2028\u2029"),
    min_size=1,
    max_size=40,
).filter(lambda text: text == text.strip() and illegal_character(text) is None)
paragraphs = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\ufffe\uffff"), max_size=200
).filter(lambda text: illegal_character(text, multiline=True) is None)


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


PORTS = st.integers(1, 65535).filter(lambda port: port != 465)
"""465 contradicts STARTTLS, and is refused."""


def quoted(text: str) -> str:
    escaped = "".join(
        character if character.isascii() and character.isalnum() else f"\\U{ord(character):08x}"
        for character in text.replace("${", "$${")
    )
    return f'"{escaped}"'


@settings(deadline=None)
@given(name=lines, author=lines, comments=paragraphs, label=lines, port=PORTS)
def test_accepted_values_survive(
    place: Path, name: str, author: str, comments: str, label: str, port: int
) -> None:
    root = Root(place / "r")
    root.common(COMMON.replace("Mail OAuth", quoted(name)) + f"  label: {quoted(label)}\n")
    root.own(
        OWN.replace("email_account:", f"email_account:\n  port: {port}")
        + f"author: {quoted(author)}\noauth: {{comments: {quoted(comments)}}}\n"
    )
    loaded = root.load()
    assert loaded.app.name == name
    assert loaded.author == author
    assert loaded.oauth.comments == comments
    assert loaded.email_account.label == label
    assert loaded.email_account.port == port


@settings(deadline=None)
@given(value=lines)
def test_a_variable_survives(place: Path, value: str) -> None:
    root = Root(place / "v").put("email_account.label", "${env:LABEL}")
    if embedded_secret(value) is None:
        assert root.load(variables={"LABEL": value}).email_account.label == value


@settings(deadline=None, max_examples=300)
@given(
    st.one_of(
        st.binary(max_size=200), st.text(max_size=200).map(lambda t: t.encode("utf-8", "replace"))
    )
)
def test_anything_is_answered_with_faults(place: Path, raw: bytes) -> None:
    root = Root(place / "a").own(raw)
    with pytest.raises(ConfigError) as caught:
        root.load()
    assert all(fault.file for fault in caught.value.faults)


FRAGMENTS = ["a", ": ", "\n", "  ", "- ", "[", "]", "{", "}", "&x ", "*x", "!t ", "'", '"', "|\n"]
FRAGMENTS += [
    "? ",
    "#",
    "<<",
    "azure",
    "email_account",
    "port",
    "true",
    "1.0",
    "~",
    ",",
    "${env:A}",
]


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join))
def test_yaml_like_text_is_answered_with_faults(place: Path, text: str) -> None:
    root = Root(place / "y").own(text)
    with pytest.raises(ConfigError):
        root.load()
