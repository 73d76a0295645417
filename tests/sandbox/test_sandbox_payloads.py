"""Payloads: what is read from them, and what is made of a row."""

from __future__ import annotations

import pytest
from lxml import etree
from update_set_desk import example

from generator.sandbox.payloads import Entry, read_payload, write_payload

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<record_update>",
        "<record_update/>",
        "<other><a action='INSERT_OR_UPDATE'/></other>",
        "<!DOCTYPE r [<!ENTITY a 'b'>]><record_update><a action='DELETE'>&a;</a></record_update>",
        "\x00",
    ],
)
def test_what_is_no_payload(text: str) -> None:
    assert read_payload(text) is None


def test_records_orders_and_wrappers_are_told_apart() -> None:
    found = read_payload(
        f"{HEAD}<record_update table='a'><!-- x --><a action='INSERT_OR_UPDATE'>"
        "<sys_id>1</sys_id><sys_updated_on>2026-01-01 00:00:00</sys_updated_on>"
        "<condition table='t'>x=1<item field='x'/></condition>"
        "<inner action='DELETE'><sys_id>2</sys_id></inner></a>"
        "<sys_choice field='f' table='t'><sys_choice action='INSERT_OR_UPDATE'>"
        "<sys_id>3</sys_id><sys_updated_on>2026-02-01 00:00:00</sys_updated_on></sys_choice>"
        "</sys_choice><b action='delete_multiple' query='x=1'/><empty/></record_update>"
    )
    assert found is not None
    assert [(e.table, e.action, e.sys_id) for e in found.entries] == [
        ("a", "INSERT_OR_UPDATE", "1"),
        ("inner", "DELETE", "2"),
        ("sys_choice", "INSERT_OR_UPDATE", "3"),
        ("b", "delete_multiple", ""),
    ]
    assert found.first.values["condition"] == "x=1"
    assert found.entries[3].query == "x=1"
    assert found.newest == "2026-02-01 00:00:00"
    assert found.holds("3")
    assert not found.holds("4")


def test_a_written_payload_reads_back() -> None:
    values = {"b": '1 < 2 & "three"\r\n', "a": "", "sys_domain": "global", "c": "x\x01y"}
    text = write_payload("t", values, displays={"b": 'Say "b"'})
    assert text.startswith(f'{HEAD}<record_update sys_domain="global" table="t">')
    assert "\r" not in text
    assert text.index("<a/>") < text.index("<b ") < text.index("<c>")
    found = read_payload(text)
    assert found is not None
    assert found.entries == (Entry("t", "INSERT_OR_UPDATE", {**values, "c": "xy"}),)
    assert etree.fromstring(text.encode())[0][1].get("display_value") == 'Say "b"'


def test_the_examples_payloads_are_all_read() -> None:
    for data in example("prod"):
        for update in etree.fromstring(data).iter("sys_update_xml"):
            found = read_payload(update.findtext("payload") or "")
            assert found is not None
            assert update.findtext("name") == f"{found.first.table}_{found.first.sys_id}"
