"""The reader takes nothing on trust, and holds no more than one row in memory."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from generator.errors import UnreadableError
from generator.update_set import reader
from generator.update_set.reader import Export, open_export, read_unload

BOMB = (
    '<!DOCTYPE unload [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {y} "{f"&{x};" * 10}">' for x, y in pairwise("abcdefghi"))
    + "]>"
)
SET = "<sys_remote_update_set><sys_id>s</sys_id><name>A set</name></sys_remote_update_set>"


def row(name: str, payload: str = "") -> str:
    return (
        f"<sys_update_xml><name>{name}</name><payload>{payload}</payload>"
        '<remote_update_set display_value="A set">s</remote_update_set></sys_update_xml>'
    )


def export_of(body: str, opening: str = '<unload unload_date="2026-11-23 12:00:00">') -> Export:
    return Export(io.BytesIO(f"{opening}{body}</unload>".encode()), "given.xml")


def refusal(data: bytes) -> tuple[str, str]:
    """Code and text of the refusal to read `data`, wherever in the file it comes."""
    with pytest.raises(UnreadableError) as caught:
        list(Export(io.BytesIO(data), "given.xml").updates())
    (fault,) = caught.value.faults
    assert fault.file == "given.xml"
    assert fault.next
    assert fault.line is None or fault.line >= 1
    return fault.code, str(caught.value)


def test_reads_sets_and_rows_with_their_lines() -> None:
    export = export_of(f"\n{SET}\n{row('first', '&lt;a/>')}\n{row('second')}\n")
    (found,) = export.sets
    assert (found.sys_id, found.name, found.line) == ("s", "A set", 2)
    first, second = export.updates()
    assert (first.name, first.payload, first.set_sys_id, first.line) == ("first", "<a/>", "s", 3)
    assert first.display("remote_update_set") == "A set"
    assert first.display("name") is None
    assert first.display("no such element") is None
    assert (second.name, second.payload, second.line) == ("second", "", 4)
    assert export.unload_date == "2026-11-23 12:00:00"
    assert export.root_tag == "unload"
    assert not export.strangers
    assert not export.out_of_order
    assert list(export.updates()) == []


def test_yields_the_row_that_opening_met() -> None:
    export = export_of("".join(row(str(number)) for number in range(5)))
    assert [update.name for update in export.updates()] == list("01234")


def test_a_walk_broken_off_goes_on_where_it_stopped() -> None:
    export = export_of("".join(row(str(number)) for number in range(5)))
    for update in export.updates():
        if update.name == "0":
            break
    assert [update.name for update in export.updates()] == list("1234")


def test_sets_after_rows_are_met_late_and_told() -> None:
    export = export_of(SET + row("first") + row("second") + SET)
    assert len(export.sets) == 1
    assert len(list(export.updates())) == 2
    assert len(export.sets) == 2
    assert export.out_of_order


def test_no_rows_at_all() -> None:
    export = export_of(SET, opening="<unload>")
    assert list(export.updates()) == []
    assert len(export.sets) == 1
    assert export.unload_date == ""


def test_strangers_are_named_with_their_lines() -> None:
    export = export_of(
        "\n<oauth_entity/>"
        "\n<sys_update_xml><payload><record_update/></payload></sys_update_xml>"
        '\n<x:sys_update_xml xmlns:x="urn:x"/>'
    )
    assert len(list(export.updates())) == 1
    assert export.strangers == [
        ("oauth_entity", 2),
        ("sys_update_xml/payload/record_update", 3),
        ("{urn:x}sys_update_xml", 4),
    ]


def test_strangers_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_STRANGERS", 3)
    export = export_of("<a/>" * 10 + "<sys_update_xml><a><b/></a></sys_update_xml>")
    assert list(export.updates())
    assert export.strangers == [("a", 1)] * 3


def test_text_split_by_comments_and_instructions_is_whole() -> None:
    (update,) = export_of(
        "<!-- c --><?pi?><sys_update_xml><name>a<!-- b -->c<?pi?>d<![CDATA[<e>]]></name>"
        "</sys_update_xml>"
    ).updates()
    assert update.name == "acd<e>"


def test_characters_arrive_as_they_are() -> None:
    (update,) = export_of(
        row("n", "a&#13;b\r\nc&#9;&#10;\u202e\U0001f600&quot;&apos;]]&gt;")
    ).updates()
    assert update.payload == "a\rb\nc\t\n\u202e\U0001f600\"']]>"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not-well-formed"),
        (b" \n ", "not-well-formed"),
        (b"\x00\x01\x02", "not-well-formed"),
        (b"PK\x03\x04" + bytes(range(256)) * 9, "not-well-formed"),
        (b"name: no XML\n", "not-well-formed"),
        (b"<unload", "not-well-formed"),
        (b"<unload>", "not-well-formed"),
        (b"<unload><sys_update_xml><name>x</sys_update_xml></unload>", "not-well-formed"),
        (b"<unload/><unload/>", "not-well-formed"),
        (b"<unload>&undefined;</unload>", "not-well-formed"),
        (b"<unload>\xff\xfe</unload>", "not-well-formed"),
        (b"<unload><sys_update_xml><name>\x07</name></sys_update_xml></unload>", "not-well-formed"),
        (b"<unload><sys_update_xml><name>&#7;</name></sys_update_xml></unload>", "not-well-formed"),
        (b"<html><body/></html>", "not-an-export"),
        (b'<xml xmlns="urn:unload"/>', "not-an-export"),
        (b'<unload xmlns="urn:x"/>', "not-an-export"),
        (b"<!DOCTYPE unload><unload/>", "has-doctype"),
        (b'<!DOCTYPE unload SYSTEM "http://localhost:9/x.dtd"><unload/>', "has-doctype"),
        (b'<!DOCTYPE unload [<!ENTITY x "y">]><unload>&x;</unload>', "has-doctype"),
        (b"<unload>" + b"<a>" * 65 + b"</a>" * 65 + b"</unload>", "nested-too-deep"),
        (b"<unload>" + b"<a>" * 200_000 + b"</a>" * 200_000 + b"</unload>", "nested-too-deep"),
    ],
)
def test_refuses(data: bytes, code: str) -> None:
    assert refusal(data)[0] == code


def test_refuses_entity_bombs_in_text_and_in_attributes() -> None:
    assert refusal(f"{BOMB}<unload><a>&i;</a></unload>".encode())[0] == "has-doctype"
    code, _ = refusal(f'{BOMB}<unload unload_date="&i;"/>'.encode())
    assert code in {"has-doctype", "not-well-formed"}


def test_fetches_no_external_entity(tmp_path: Path) -> None:
    """Neither from a file nor from the network, and nothing of it stands in the message."""
    (tmp_path / "told.txt").write_text("what only this file knows", encoding="utf-8")
    target = (tmp_path / "told.txt").as_uri()
    code, said = refusal(
        f'<!DOCTYPE unload [<!ENTITY x SYSTEM "{target}">]>'
        "<unload><sys_update_xml><name>&x;</name></sys_update_xml></unload>".encode()
    )
    assert code == "has-doctype"
    assert "only this file" not in said


def test_refuses_a_text_of_more_than_ten_megabytes() -> None:
    code, said = refusal(f"<unload>{row('n', 'x' * 10_000_100)}</unload>".encode())
    assert code == "too-large"
    assert "10 MB" in said
    assert "XML_PARSE_HUGE" not in said


def test_reads_a_text_just_below_that() -> None:
    (update,) = export_of(row("n", "x" * 9_900_000)).updates()
    assert len(update.payload) == 9_900_000


class Endless(io.RawIOBase):
    """A stream that opens an element and goes on for ever."""

    def __init__(self, opening: bytes, repeated: bytes) -> None:
        self._opening = opening
        self._repeated = repeated * (30_000 // len(repeated))

    def read(self, size: int = -1) -> bytes:
        piece, self._opening = self._opening, b""
        return piece or self._repeated


@pytest.mark.parametrize(
    ("opening", "repeated"),
    [
        (b"<unload><sys_update_xml>", b"<a/>"),
        (b"<unload><stranger>", b"<a>text</a>"),
        (b"<unload>", b"<!-- nothing but comments -->"),
        (b"", b"<?pi nothing but instructions?>"),
    ],
)
def test_an_item_without_end_is_refused(
    monkeypatch: pytest.MonkeyPatch, opening: bytes, repeated: bytes
) -> None:
    monkeypatch.setattr(reader, "MAX_ITEM_BYTES", 1 << 20)
    with pytest.raises(UnreadableError) as caught:
        list(Export(Endless(opening, repeated), "endless.xml").updates())
    assert caught.value.faults[0].code == "too-large"
    assert "1 MiB" in str(caught.value)


def test_a_file_larger_than_an_item_may_be_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_ITEM_BYTES", 200_000)
    body = "".join(row(str(number), "x" * 50_000) for number in range(20))
    assert len(list(export_of(body).updates())) == 20


def test_a_truncated_file_gives_its_whole_rows_and_then_fails() -> None:
    text = "<unload>" + "".join(row(str(number), "x" * 40_000) for number in range(3))
    export = Export(io.BytesIO(text.encode()[:-200]), "cut.xml")
    names = []
    with pytest.raises(UnreadableError) as caught:
        names.extend(update.name for update in export.updates())
    assert names == ["0", "1"]
    assert caught.value.faults[0].code == "not-well-formed"


def test_a_disk_that_fails_while_reading() -> None:
    class Failing(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(UnreadableError) as caught:
        Export(Failing(), "given.xml")
    assert caught.value.faults[0].code == "cannot-read"
    assert "Input/output error" in str(caught.value)


def test_utf_16_is_read(tmp_path: Path) -> None:
    path = tmp_path / "wide.xml"
    path.write_bytes(f"<unload>{SET}{row('é')}</unload>".encode("utf-16"))
    (update,) = read_unload(path).updates
    assert update.name == "é"


def test_reads_a_whole_file_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "small.xml"
    other = SET.replace(">s<", ">t<")
    path.write_text(f'<unload unload_date="d">{SET}{row("1")}{other}</unload>', encoding="utf-8")
    unload = read_unload(path)
    assert unload.unload_date == "d"
    assert [found.sys_id for found in unload.sets] == ["s", "t"]
    assert [(update.name, update.set_sys_id) for update in unload.updates] == [("1", "s")]


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir, os.mkfifo])
def test_what_cannot_be_opened_is_named(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "there.xml"
    make(path)
    with pytest.raises(UnreadableError) as caught, open_export(path):
        pass
    (fault,) = caught.value.faults
    assert (fault.code, fault.file) == ("cannot-open", str(path))


def large_file(megabytes: int) -> Iterator[bytes]:
    yield f"<unload>{SET}\n".encode()
    one = row("oauth_entity_1", "<![CDATA[" + "<name>x</name>" * 3_500 + "]]>").encode() + b"\n"
    for _ in range(megabytes * (1 << 20) // len(one)):
        yield one
    yield b"</unload>\n"


class Generated(io.RawIOBase):
    """A large file that never lies anywhere."""

    def __init__(self, megabytes: int) -> None:
        self._pieces = large_file(megabytes)

    def read(self, size: int = -1) -> bytes:
        return next(self._pieces, b"")


def test_python_memory_is_flat() -> None:
    def peak(megabytes: int) -> int:
        tracemalloc.start()
        try:
            count = sum(1 for _ in Export(Generated(megabytes), "large.xml").updates())
            assert count > megabytes * 20
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)
    assert peak(24) < peak(4) + 500_000


def test_memory_of_the_process_is_flat(tmp_path: Path) -> None:
    """What libxml2 holds, too: 40 MB go through a process that may grow by 12 MB."""
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux tells how much memory a process ever held")
    path = tmp_path / "large.xml"
    with path.open("wb") as stream:
        stream.writelines(large_file(40))
    code = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from generator.update_set.reader import open_export\n"
        # Not getrusage: what it tells begins with what the parent held.
        "def most():\n"
        "    return int(re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1])\n"
        "with open_export(Path(sys.argv[1])) as export:\n"
        "    rows = export.updates()\n"
        "    [next(rows) for _ in range(40)]\n"
        "    before = most()\n"
        "    count = sum(1 for _ in rows)\n"
        "    print(count, (most() - before) // 1024)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    count, grown = map(int, ran.stdout.split())
    assert count > 700
    assert grown <= 12
