"""From bytes to a document: what is refused, and that nothing is echoed."""

from __future__ import annotations

import codecs
import json
import os
from pathlib import Path

import pytest

from generator.azure.documents import MAX_BYTES, MAX_DEPTH, load
from generator.azure.nodes import Node, fold, join, shown_key
from generator.azure.read import read_azure_outputs
from generator.errors import ConfigError, Fault

CANARY = "abc" + "8Q~" + "x" * 34


def refused(data: bytes, tmp_path: Path) -> Fault:
    path = tmp_path / "input.json"
    path.write_bytes(data)
    fault = load(path)
    assert isinstance(fault, Fault)
    assert fault.file == str(path)
    assert CANARY not in f"{fault!r} {fault}"
    return fault


SECRET_JSON = json.dumps({"client_secret": CANARY}).encode()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file-empty"),
        (b"\xef\xbb\xbf \r\n", "file-empty"),
        (b"WARNING: nothing follows", "file-empty"),
        (b"\xff\xfe", "file-empty"),
        (CANARY.encode(), "not-json"),
        (SECRET_JSON[:-1], "not-json"),
        (SECRET_JSON + b"{}", "not-json"),
        (SECRET_JSON[:-1] + b', "a": NaN}', "not-json"),
        (SECRET_JSON[:-1] + b', "a": -Infinity}', "not-json"),
        (SECRET_JSON[:-1] + b', "a": ' + b"9" * 5000 + b"}", "not-json"),
        (b"client_secret: &a " + CANARY.encode() + b"\nb: [*a, *a]", "not-json"),
        (b'client_id = "x"\nclient_secret = <sensitive>\n', "terraform-text"),
        (b'{"a": 1, "b": "' + CANARY.encode() + b'", "a": 2}', "duplicate-key"),
        (b'{"x": {"' + CANARY.encode() + b'": 1, "' + CANARY.encode() + b'": 2}}', "duplicate-key"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "too-deep"),
        (b"[" * 200_000 + b"]" * 200_000, "too-deep"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "too-deep"),
        (b"\xff\xfe\x00", "not-text"),
        (b"\x80abc", "not-text"),
        (SECRET_JSON.decode().encode("utf-16-le"), "not-text"),
        (codecs.BOM_UTF32_LE + SECRET_JSON.decode().encode("utf-32-le"), "not-text"),
        (b" " * (MAX_BYTES + 1), "file-too-large"),
    ],
)
def test_what_is_not_one_json_document_is_refused(data: bytes, code: str, tmp_path: Path) -> None:
    assert refused(data, tmp_path).code == code


def test_nesting_up_to_the_limit_is_accepted(tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_text("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert isinstance(load(path), Node)


def test_the_line_counts_the_skipped_warnings(tmp_path: Path) -> None:
    fault = refused(b'WARNING: a\r\nWARNING: b\r\n{\r\n "a": oops\r\n}', tmp_path)
    assert (fault.code, fault.line) == ("not-json", 4)
    assert fault.next is not None


def test_missing_and_unreadable_files_are_all_named(tmp_path: Path) -> None:
    missing, directory = tmp_path / "none.json", tmp_path
    with pytest.raises(ConfigError) as caught:
        read_azure_outputs([missing, directory, Path("a\0b")], now=_now())
    codes = [fault.code for fault in caught.value.faults]
    assert codes == ["file-missing", "file-unreadable", "file-unreadable"]
    assert caught.value.__context__ is None


def test_a_pipe_can_be_read(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b'{"tenant_id": null}')
    os.close(writing)
    try:
        assert isinstance(load(Path(f"/dev/fd/{reading}")), Node)
    finally:
        os.close(reading)


def test_keys_fold_to_one_spelling() -> None:
    for key in ("clientId", "ClientId", "client_id", "CLIENT_ID", "clientID", "client-id"):
        assert fold(key) == "client_id"


def test_paths_show_plain_keys_and_hide_what_could_be_a_secret() -> None:
    assert join(join("", "outputs"), "client_id") == "outputs.client_id"
    assert join(join("value", 0), "2026-11") == 'value[0]["2026-11"]'
    assert join("map", CANARY) == 'map["?"]'
    assert shown_key(CANARY) == "?"
    assert shown_key("a\u202eb") == "?"


def test_nothing_in_a_document_shows_in_a_repr(tmp_path: Path) -> None:
    path = tmp_path / "input.json"
    path.write_bytes(b'{"@odata.context": "' + CANARY.encode() + b'", ' + SECRET_JSON[1:])
    node = load(path)
    assert isinstance(node, Node)
    record = node.record()
    assert record is not None
    assert CANARY not in repr(node) + repr(record) + repr(record.get("client_secret"))
    kinds = [Node("f", "", value).kind for value in (None, True, 1, 1.5, "abc", [], {})]
    assert kinds == [
        "null",
        "true or false",
        "a number",
        "a number",
        "a text of 3 characters",
        "an array",
        "an object",
    ]


def _now():
    from datetime import UTC, datetime

    return datetime(2026, 11, 23, tzinfo=UTC)
