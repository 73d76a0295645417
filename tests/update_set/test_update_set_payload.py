"""A payload is rendered once, stamped, read back, and one line."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from lxml import etree
from update_set_makers import record, unstamped

from generator.errors import ConfigError, InternalError
from generator.update_set import payload as module
from generator.update_set.payload import DECLARATION, PayloadRenderer, Unstamped, pretty, xml_parser
from generator.update_set.payload_hash import payload_hash
from generator.update_set.records import (
    CREATED_ON,
    MOD_COUNT,
    UPDATED_ON,
    Record,
    Script,
    Stamps,
)
from generator.update_set.templates import Templates

SOURCE = """\
<record_update table="oauth_thing">
<oauth_thing action="{{ action }}">
  {{ record|fields("name sys_created_on sys_mod_count sys_updated_on") }}
</oauth_thing>
</record_update>
"""
STAMPS = Stamps("2026-01-01 00:00:00", "2026-02-02 00:00:00", 3)

Make = Callable[[str], PayloadRenderer]


@pytest.fixture
def renderer(tmp_path: Path) -> Make:
    """A renderer for `oauth_thing`."""

    def make(source: str) -> PayloadRenderer:
        path = tmp_path / "records" / "oauth_thing.xml.j2"
        path.parent.mkdir(exist_ok=True)
        path.write_text(source, encoding="utf-8")
        return PayloadRenderer(Templates(tmp_path))

    return make


@pytest.fixture
def plain(renderer: Make) -> PayloadRenderer:
    """A renderer whose template is in order."""
    return renderer(SOURCE)


def thing(number: int = 1, **fields: str) -> Record:
    return record(
        number=number,
        sys_created_on=CREATED_ON,
        sys_mod_count=MOD_COUNT,
        sys_updated_on=UPDATED_ON,
        **fields,
    )


def test_what_is_related_reaches_the_template(renderer: Make) -> None:
    made = renderer("<record_update>{{ extra }}{{ action }}</record_update>")
    given = dataclasses.replace(thing(), related={"extra": "<&>"})
    assert made.unstamped(given).text.endswith(">&lt;&amp;&gt;INSERT_OR_UPDATE</record_update>")


def test_rendered_and_stamped(plain: PayloadRenderer) -> None:
    made = plain.unstamped(thing())
    assert made.digest == sha256(made.text.encode()).hexdigest()
    assert plain.payload(made, STAMPS).text == (
        f'{DECLARATION}<record_update table="oauth_thing"><oauth_thing action="INSERT_OR_UPDATE">'
        "<name>A thing</name><sys_created_on>2026-01-01 00:00:00</sys_created_on>"
        "<sys_mod_count>3</sys_mod_count><sys_updated_on>2026-02-02 00:00:00</sys_updated_on>"
        "</oauth_thing></record_update>"
    )


def test_values_that_look_like_markup_stay_values(plain: PayloadRenderer) -> None:
    name = "]]><![CDATA[ {{ 7 * 7 }} <a b='\"'>&amp;\r\n\t"
    made = plain.payload(plain.unstamped(thing(name=name)), STAMPS)
    root = etree.fromstring(made.text.encode())
    assert root.findtext("oauth_thing/name") == name


def test_stamps_do_not_touch_content(plain: PayloadRenderer) -> None:
    made = plain.unstamped(thing())
    first, second = plain.payload(made, STAMPS), plain.payload(made, Stamps("x", "y", 4))
    assert first.text != second.text
    assert first.digest != second.digest
    assert first.hash == second.hash == payload_hash(made.text)
    assert first.digest == sha256(first.text.encode()).hexdigest()


def test_the_same_record_is_rendered_once(plain: PayloadRenderer) -> None:
    one, twin = thing(), thing()
    made = plain.unstamped(one)
    assert plain.unstamped(one) is made
    assert plain.unstamped(twin) is not made
    assert plain.unstamped(twin).digest == made.digest
    # What is the same text is hashed once, whichever record it is of.
    assert plain.payload(made, STAMPS) is plain.payload(plain.unstamped(twin), STAMPS)
    assert plain.unstamped(one, action="DELETE") is not made


def test_deletions_say_so_and_keep_their_stamps(plain: PayloadRenderer) -> None:
    made = plain.unstamped(thing(), action="DELETE")
    assert '<oauth_thing action="DELETE">' in made.text
    last = plain.payload(made, STAMPS)
    again = Unstamped(last.text, last.digest)
    assert plain.fixed(again).text == last.text
    assert plain.fixed(again) is plain.fixed(Unstamped(last.text, last.digest))


def test_the_caches_are_bounded(plain: PayloadRenderer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CACHED", 3)
    things = [thing(number, name=str(number)) for number in range(6)]
    first = plain.unstamped(things[0])
    for other in things[1:]:
        # What is used stays.
        assert plain.unstamped(things[0]) is first
        plain.payload(plain.unstamped(other), STAMPS)
    assert len(plain._unstamped) == len(plain._payloads) == 3
    second = plain.unstamped(things[1])
    plain.unstamped(things[2])
    plain.unstamped(things[3])
    plain.unstamped(things[4])
    assert plain.unstamped(things[1]) is not second


def test_an_unknown_table_has_no_template(plain: PayloadRenderer) -> None:
    with pytest.raises(ConfigError, match="sys_unknown.xml.j2 is not there"):
        plain.unstamped(record("sys_unknown"))


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (SOURCE.replace("action=", "  <a/> &#32;", 1), "payload-not-well-formed"),
        ("<record_update><a> <b/></a></record_update>", "payload-not-one-line"),
        ("<record_update><a><b/> </a></record_update>", "payload-not-one-line"),
        ("<record_update><a><b/>{{ '\n' }}<c/></a></record_update>", "payload-not-one-line"),
        ("<record_update>x<a/></record_update>", "payload-not-one-line"),
        ("<record_update><a></record_update>", "payload-not-well-formed"),
        ("<record_update>&nbsp;</record_update>", "payload-not-well-formed"),
        ("<record_update>{{ '\x07' }}</record_update>", "payload-not-well-formed"),
        ("", "payload-not-a-record-update"),
        ("<unload/>", "payload-not-a-record-update"),
        ("<record_update/> ", "payload-not-a-record-update"),
        ("<record_update></record_update> ", "payload-not-a-record-update"),
        ("<record_update></record_update><!-- x -->", "payload-not-a-record-update"),
        ("<!-- x --><record_update></record_update>", "payload-not-a-record-update"),
        ("<!DOCTYPE x><record_update></record_update>", "payload-not-a-record-update"),
        (" <record_update></record_update>", "payload-not-a-record-update"),
    ],
)
def test_what_no_payload_may_be(renderer: Make, source: str, code: str) -> None:
    made = renderer(source)
    with pytest.raises(InternalError) as caught:
        made.payload(made.unstamped(thing()), STAMPS)
    (fault,) = caught.value.faults
    assert fault.code == code
    assert "override templates" in str(fault.next)


def test_leaves_may_hold_white_space() -> None:
    made = unstamped("<name> </name><other>\n</other>").stamped(STAMPS)
    assert b"<name> </name>" in pretty(made)


def test_pretty_is_indented_and_reads_the_same() -> None:
    text = (
        f'{DECLARATION}<record_update table="t"><t action="INSERT_OR_UPDATE"><a/>'
        '<b display_value="&quot;&#10;&lt;">x&#13;y &amp; é</b>'
        "<script><![CDATA[if (a < b)\n    c[d[0]]]]><![CDATA[>1;]]></script></t>"
        '<sys_translated_text action="delete_multiple" query="documentkey=1"/></record_update>'
    )
    assert pretty(text).decode() == (
        f'{DECLARATION}<record_update table="t">\n'
        '    <t action="INSERT_OR_UPDATE">\n'
        "        <a/>\n"
        '        <b display_value="&quot;&#10;&lt;">x&#13;y &amp; é</b>\n'
        "        <script><![CDATA[if (a < b)\n    c[d[0]]]]><![CDATA[>1;]]></script>\n"
        "    </t>\n"
        '    <sys_translated_text action="delete_multiple" query="documentkey=1"/>\n'
        "</record_update>\n"
    )


def test_a_secret_does_not_go_out(plain: PayloadRenderer) -> None:
    secret = "abc" + "8Q~" + "x" * 34
    with pytest.raises(InternalError, match="Entra client secret") as caught:
        plain.payload(plain.unstamped(thing(name=f"see {secret}.")), STAMPS)
    assert secret not in str(caught.value)


def test_scripts_keep_their_ends(plain: PayloadRenderer) -> None:
    made = plain.payload(plain.unstamped(thing(name=Script("a[b[0]]>1"))), STAMPS)
    assert etree.fromstring(made.text.encode()).findtext("oauth_thing/name") == "a[b[0]]>1"
    assert b"]]]]><![CDATA[>" in made.pretty


def test_the_parser_expands_nothing(tmp_path: Path) -> None:
    (tmp_path / "told.txt").write_text("told", encoding="utf-8")
    root = etree.fromstring(
        f'<!DOCTYPE a [<!ENTITY x SYSTEM "{(tmp_path / "told.txt").as_uri()}">]><a>&x;</a>',
        xml_parser(),
    )
    assert "told" not in "".join(map(str, root.itertext()))
