"""What was read is written back byte for byte; what is written reads back as it was given."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from generator.errors import ConfigError, InternalError, UnreadableError, UsageError
from generator.update_set.model import Element, Unload, Update, UpdateSet
from generator.update_set.reader import Export, open_export
from generator.update_set.templates import Templates
from generator.update_set.writer import TEMPLATE, write, write_chunks

LEGAL = st.characters(
    exclude_categories=["Cs", "Cc"], include_characters="\t\n\r", exclude_characters="\ufffe\uffff"
)
TEXT = st.one_of(
    st.text(LEGAL, max_size=12),
    st.lists(
        st.sampled_from(["<![CDATA[", "]]>", "]]", ">", "&", "&amp;", "\r", "\n", "{{", "}}", '"']),
        max_size=6,
    ).map("".join),
)
NAMES = st.sampled_from(["name", "payload", "description", "application"])
CHILDREN = st.lists(st.builds(Element, NAMES, TEXT, st.none() | TEXT), max_size=5).map(tuple)


def read(data: bytes) -> Unload:
    export = Export(io.BytesIO(data), "written.xml")
    updates = tuple(Update(update.elements) for update in export.updates())
    assert not export.strangers
    return Unload(export.unload_date, tuple(UpdateSet(s.elements) for s in export.sets), updates)


def one(name: str, text: str, display: str | None = None) -> Unload:
    return Unload("", (), (Update((Element(name, text, display),)),))


def test_every_native_export_comes_back_byte_for_byte(
    templates: Templates, native_exports: list[Path]
) -> None:
    for path in native_exports:
        data = path.read_bytes()
        with open_export(path) as export:
            pieces = write_chunks(
                templates,
                export.unload_date,
                export.sets,
                export.updates(),
                break_after_declaration=b"?>\n<unload" in data[:80],
            )
            written = b"".join(pieces)
        assert written == (data if data.endswith(b"\n") else data + b"\n"), path.name
        assert not export.strangers
        assert not export.out_of_order


def test_payloads_stand_as_in_native_rows(templates: Templates) -> None:
    """CDATA if and only if the payload has none of its own (section 5)."""
    plain = write(templates, one("payload", '<a b="c">&amp;</a>'))
    assert b'<payload><![CDATA[<a b="c">&amp;</a>]]></payload>\n' in plain
    nested = write(templates, one("payload", '<a b="c"><![CDATA[d]]></a>'))
    assert b'<payload>&lt;a b="c"&gt;&lt;![CDATA[d]]&gt;&lt;/a&gt;</payload>\n' in nested
    assert b"<payload/>\n" in write(templates, one("payload", ""))


def test_elements_stand_as_in_native_rows(templates: Templates) -> None:
    assert b"\n<name/>\n" in write(templates, one("name", ""))
    assert b'\n<name display_value=""/>\n' in write(templates, one("name", "", ""))
    assert b'\n<name display_value="&lt;&quot;\'&gt;">&lt;"\'&gt;&#13;\n&amp;</name>\n' in write(
        templates, one("name", "<\"'>\r\n&", "<\"'>")
    )


@settings(max_examples=200, deadline=None)
@given(
    date=TEXT,
    sets=st.lists(CHILDREN.map(UpdateSet), max_size=3),
    updates=st.lists(CHILDREN.map(Update), max_size=3),
)
def test_anything_reads_back(
    templates: Templates, date: str, sets: list[UpdateSet], updates: list[Update]
) -> None:
    unload = Unload(date, tuple(sets), tuple(updates))
    data = write(templates, unload)
    assert read(data) == unload
    assert b"\r" not in data
    assert b"".join(write_chunks(templates, date, iter(sets), iter(updates))) == data


def test_writes_iterators_piece_by_piece(templates: Templates) -> None:
    given_out = 0

    def endless() -> object:
        nonlocal given_out
        for _ in itertools.count():
            given_out += 1
            yield Update((Element("payload", "x" * 1000),))

    pieces = write_chunks(templates, "", (), endless())  # type: ignore[arg-type]
    read_so_far = b"".join(itertools.islice(pieces, 3))
    assert read_so_far.count(b"<sys_update_xml") > 0
    assert given_out < 200


def test_a_reader_that_fails_is_not_taken_for_the_template(templates: Templates) -> None:
    export = Export(io.BytesIO(b"<unload><sys_update_xml/><sys_update_xml></unload>"), "cut.xml")
    with pytest.raises(UnreadableError) as caught:
        list(write_chunks(templates, "", export.sets, export.updates()))
    assert caught.value.faults[0].file == "cut.xml"


Override = Callable[[str], Templates]


@pytest.fixture
def override(tmp_path: Path) -> Override:
    """The project's templates under an envelope of the user's."""

    def make(source: str) -> Templates:
        path = tmp_path / TEMPLATE
        path.parent.mkdir(parents=True)
        path.write_text(source, encoding="utf-8")
        return Templates(tmp_path)

    return make


def test_an_envelope_of_the_users_is_read_back(override: Override, repository: Path) -> None:
    source = (repository / "templates" / TEMPLATE).read_text(encoding="utf-8")
    templates = override("<!-- of our own -->".join(source.partition("\n")[::2]))
    unload = one("payload", "<a/>")
    assert b"of our own" in write(templates, unload)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("nothing", "not well-formed"),
        ("<unload/>", "does not read back"),
        ('<unload unload_date="{{ unload_date }}"><a/></unload>', "does not read back"),
        (
            "<unload>{% for children in updates %}<sys_update_xml><payload>{{ children[0].text }}"
            "</payload></sys_update_xml>{% endfor %}<sys_remote_update_set/></unload>",
            "does not read back",
        ),
    ],
)
def test_an_envelope_that_loses_something_is_refused(
    override: Override, source: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        write(override(source), one("payload", "<a/>"))
    assert caught.value.faults[0].file is not None


def test_a_faulty_envelope_is_named_while_streaming(override: Override) -> None:
    templates = override("<unload>\n{{ nothing_like_it }}</unload>")
    with pytest.raises(ConfigError, match="nothing_like_it") as caught:
        list(write_chunks(templates, "", (), ()))
    assert caught.value.faults[0].line == 2


def test_our_own_template_is_no_fault_of_the_users(templates: Templates) -> None:
    with pytest.raises(InternalError, match="AttributeError") as caught:
        list(write_chunks(templates, "", (), (7,)))  # type: ignore[arg-type]
    assert not isinstance(caught.value, UsageError)


def test_what_is_written_is_one_document(templates: Templates) -> None:
    root = etree.fromstring(write(templates, one("name", "x")))
    assert root.tag == "unload"
