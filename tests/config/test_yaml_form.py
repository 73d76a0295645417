"""The form of the files: what YAML may hold, and a message for each way in which it may not."""

from __future__ import annotations

import os
from pathlib import Path
from time import process_time

import pytest
import yaml

from generator.config import yaml_file
from generator.config.text_file import LARGEST, read_text
from generator.config.tree import BROKEN, Numeral, Scalar
from generator.config.yaml_file import DEEPEST, MOST_FAULTS, read_yaml


def value_of(text: str) -> object:
    read = read_yaml(f"key: {text}\n", file="f")
    assert read.faults == ()
    assert read.tree is not None
    node = read.tree.entries["key"].value
    assert isinstance(node, Scalar)
    return node.value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("text", "text"),
        ("'1.0'", "1.0"),
        ("yes", "yes"),
        ("on", "on"),
        ("No", "No"),
        ("2027-11-20", "2027-11-20"),
        ("2027-11-20T09:15:00Z", "2027-11-20T09:15:00Z"),
        ("1.0.0", "1.0.0"),
        ("12:30:00", "12:30:00"),
        ("'true'", "true"),
        ("true", True),
        ("False", False),
        ("", None),
        ("~", None),
        ("null", None),
        ("''", ""),
        ("|\n  a\n  b", "a\nb\n"),
    ],
)
def test_scalars(written: str, value: object) -> None:
    found = value_of(written)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "written", ["1.0", "1.10", "587", "-1", "+1", "1e3", ".5", "0x1F", "0o7", ".inf", ".NaN", "007"]
)
def test_numbers_keep_their_text(written: str) -> None:
    found = value_of(written)
    assert isinstance(found, Numeral)
    assert found == written


@pytest.mark.parametrize("written", ["+", ".", "1.2.3", "1_000", "0x", "-x"])
def test_what_only_looks_like_a_number_is_text(written: str) -> None:
    assert not isinstance(value_of(written), Numeral)


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("", "empty-file", None),
        ("# only a comment\n", "empty-file", None),
        ("---\n", "empty-file", None),
        ("- a\n- b\n", "not-a-mapping", 1),
        ("just words\n", "not-a-mapping", 1),
        ("a: b\n---\nc: d\n", "several-documents", 2),
        ("a: b\na: c\n", "duplicate-key", 2),
        ("a: {b: 1, b: 2}\n", "duplicate-key", 1),
        ("a: &x b\n", "alias", 1),
        ("a: b\nc: *x\n", "alias", 2),
        ("a: &x\n  b: c\n", "alias", 1),
        ("a: &x [b]\n", "alias", 1),
        ("*x : b\n", "alias", 1),
        ("a: !!str 1\n", "tag", 1),
        ("a: !!map {b: c}\n", "tag", 1),
        ("a: !!python/object/apply:os.system [x]\n", "tag", 1),
        ("<<: {a: b}\n", "merge-key", 1),
        ("1: a\n", "not-a-key", 1),
        ("true: a\n", "not-a-key", 1),
        ("'': a\n", "not-a-key", 1),
        ("? [a, b]\n: c\n", "not-a-key", 1),
        ("a:\n\tb: c\n", "not-yaml", 2),
        ("a: b: c\n", "not-yaml", 1),
        ("a: 'b\n", "not-yaml", 2),
        ("a: @b\n", "not-yaml", 1),
        ("a: [b\n", "not-yaml", 2),
        ('a: "\\ud800"\n', "not-yaml", 1),
        ("a: !foo!bar b\n", "not-yaml", 1),
    ],
)
def test_refused_form(text: str, code: str, line: int | None) -> None:
    read = read_yaml(text, file="dev/environment.yaml")
    assert code in [fault.code for fault in read.faults]
    fault = next(fault for fault in read.faults if fault.code == code)
    assert fault.file == "dev/environment.yaml"
    assert fault.line == line


def test_a_duplicate_key_names_both_lines() -> None:
    read = read_yaml("a: 1\nb: 2\na: 3\na: 4\n", file="f")
    assert [fault.line for fault in read.faults] == [3, 4]
    assert all("first on line 1" in fault.message for fault in read.faults)
    assert read.tree is not None
    node = read.tree.entries["a"].value
    assert isinstance(node, Scalar)
    assert node.value is BROKEN


def test_a_tab_is_named() -> None:
    (fault,) = read_yaml("a:\n\tb: c\n", file="f").faults
    assert "tab" in fault.message


def test_a_broken_line_is_not_quoted() -> None:
    canary = "can" + "ary" + "x" * 20
    for text in (f"a: b: {canary}\n", f"a: '{canary}\n", f"a: @{canary}\n", f"!{canary}!x y: z\n"):
        read = read_yaml(text, file="f")
        assert read.faults
        assert canary not in repr(read.faults)


def test_a_parser_error_without_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing:
        def __init__(self, text: str) -> None:
            pass

        def get_event(self) -> object:
            raise yaml.YAMLError("somewhere")

        def dispose(self) -> None:
            pass

    monkeypatch.setattr(yaml_file, "_LOADER", Failing)
    (fault,) = read_yaml("a: b\n", file="f").faults
    assert fault.code == "not-yaml"
    assert fault.line is None


def test_the_slow_parser_understands_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: 1.0\nb: [x, {c: d}]\ne: |\n  f\n"
    fast = read_yaml(text, file="f")
    monkeypatch.setattr(yaml_file, "_LOADER", yaml.SafeLoader)
    assert read_yaml(text, file="f") == fast


def test_an_alias_bomb_costs_nothing() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 40)]
    started = process_time()
    read = read_yaml("\n".join(lines), file="f")
    assert process_time() - started < 5
    assert {fault.code for fault in read.faults} == {"alias"}
    assert len(read.faults) == MOST_FAULTS


@pytest.mark.parametrize("opening", ["[", "{", "a: [", "- ", "? "])
def test_deep_nesting_is_cut_off(opening: str) -> None:
    started = process_time()
    read = read_yaml(opening * (LARGEST // len(opening)), file="f")
    assert process_time() - started < 5
    assert "nested-too-deep" in [fault.code for fault in read.faults]
    assert read.tree is None


def test_nesting_up_to_the_limit_is_read() -> None:
    text = "a: " + "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1)
    assert read_yaml(text, file="f").faults == ()
    text = "a: " + "[" * DEEPEST + "]" * DEEPEST
    assert [fault.code for fault in read_yaml(text, file="f").faults] == ["nested-too-deep"]


@pytest.mark.parametrize(
    ("raw", "code", "line"),
    [
        ("a: b\n".encode("utf-16"), "not-utf-8", None),
        ("a: b\n".encode("utf-16-le"), "not-utf-8", None),
        ("a: b\n".encode("utf-32"), "not-utf-8", None),
        (b"a: b\nc: \xff\n", "not-utf-8", 2),
        (b"a: b\nc: \x07\n", "illegal-character", 2),
        ("a: \ufffe\n".encode(), "illegal-character", 1),
        (b"#" * (LARGEST + 1), "file-too-large", None),
    ],
)
def test_refused_text(tmp_path: Path, raw: bytes, code: str, line: int | None) -> None:
    path = tmp_path / "environment.yaml"
    path.write_bytes(raw)
    read = read_text(path)
    assert read.text is None
    (fault,) = read.faults
    assert (fault.code, fault.line, fault.file) == (code, line, str(path))


def test_accepted_text(tmp_path: Path) -> None:
    path = tmp_path / "environment.yaml"
    path.write_bytes("\ufeffa: \u202eb\r\n".encode())
    assert read_text(path).text == "a: \u202eb\r\n"
    path.write_bytes(b"#" * LARGEST)
    assert read_text(path).faults == ()


def test_an_unreadable_file(tmp_path: Path) -> None:
    (fault,) = read_text(tmp_path).faults
    assert fault.code == "unreadable-file"
    assert os.strerror(21) in fault.message
