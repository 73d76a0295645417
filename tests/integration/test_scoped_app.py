"""The records of the scoped app: what they say, their identities, their native shape."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from app_payloads import (
    EXPIRES,
    ODD_NAME,
    all_records,
    app_inputs,
    children,
    departures,
    parsed,
    payload_of,
    record_named,
)
from lxml import etree

from generator.checks.references import PLATFORM_RECORDS
from generator.config.environment import Release
from generator.integration import app_api
from generator.integration.app_inputs import AppInputs
from generator.integration.scoped_app import (
    app_application,
    app_logical_names,
    app_records,
    secret_expires_on_record,
)
from generator.update_set.labels import ROW_TYPES
from generator.update_set.records import CREATED_ON, MOD_COUNT, UPDATED_ON

GOLDEN = Path(__file__).parent / "golden" / "app_sys_ids.json"
SCOPE = "x_acme_smtp"
LOGICAL_NAMES = app_logical_names()

VARIANTS = {
    **{release.value: app_inputs(release=release) for release in Release},
    "odd": app_inputs(name=ODD_NAME, vendor="A & <B>"),
    "no vendor": app_inputs(vendor=""),
    "adopted": app_inputs(
        adopted=tuple((name, f"{n:032x}") for n, name in enumerate(LOGICAL_NAMES, start=1))
    ),
}


@pytest.fixture(params=VARIANTS.values(), ids=VARIANTS.keys())
def inputs(request: pytest.FixtureRequest) -> AppInputs:
    given = request.param
    assert isinstance(given, AppInputs)
    return given


def sys_ids(inputs: AppInputs) -> dict[str, str]:
    return {record.logical_name: record.sys_id for record in all_records(inputs)}


# ---- which records ------------------------------------------------------------------------


def test_records_come_in_dependency_order() -> None:
    tables = [record.table for record in app_records(app_inputs())]
    privileges = tables.count("sys_scope_privilege")
    assert tables == [
        "sys_app",
        "sys_user_role",
        *["sys_scope_privilege"] * privileges,
        "sys_properties",
        "sysevent_register",
        "sysevent_email_action",
        *["sys_script_include"] * 2,
        "sys_ws_definition",
        *["sys_ws_operation"] * 2,
        "sys_hub_action_type_definition",
    ]


def test_equal_inputs_share_the_records() -> None:
    first = app_records(app_inputs(scope="x_shared"))
    second = app_records(app_inputs(scope="x_shared"))
    assert first is second
    assert app_records(app_inputs(scope="x_other")) is not first


def test_logical_names_are_those_of_the_records(inputs: AppInputs) -> None:
    assert sorted(LOGICAL_NAMES) == sorted(sys_ids(inputs))
    assert len(set(LOGICAL_NAMES)) == len(LOGICAL_NAMES)


def test_every_record_belongs_to_the_app(inputs: AppInputs) -> None:
    application = app_application(inputs)
    assert application.sys_id == sys_ids(inputs)["sys_app"]
    assert (application.name, application.scope) == (inputs.name, SCOPE)
    assert application.version == "1.0.0"
    for record in all_records(inputs):
        assert record.application == application
        payload = parsed(record)
        for scope in payload.iter("sys_scope"):
            if scope.text or scope.getparent().tag != "sys_hub_action_plan":
                assert (scope.text, scope.get("display_value")) == (
                    application.sys_id,
                    inputs.name,
                )
        for package in payload.iter("sys_package"):
            if package.text:
                assert (package.text, package.get("source")) == (application.sys_id, SCOPE)


def test_what_people_are_told(inputs: AppInputs) -> None:
    for record in all_records(inputs):
        assert record.label
        assert record.purpose.endswith(".")
        assert set(record.highlights) <= set(record.fields)
        assert record.table in ROW_TYPES
        shown = record.fields.get("sys_name") or record.fields["name"]
        assert record.label == shown


def test_rows_name_a_table_only_where_the_record_hangs_on_one() -> None:
    hanging = {r.table: r.row_table for r in all_records(app_inputs()) if r.row_table}
    assert hanging == {
        "sysevent_register": "sys_email_account",
        "sysevent_email_action": "sys_email_account",
    }


# ---- what they say ------------------------------------------------------------------------


def test_the_application() -> None:
    fields = record_named(app_inputs(), "sys_app").fields
    assert fields["scope"] == fields["source"] == SCOPE
    assert fields["js_level"] == "helsinki_es5"
    assert fields["runtime_access_tracking"] == "permissive"
    assert (fields["vendor"], fields["version"]) == ("Acme", "1.0.0")


def test_the_role() -> None:
    fields = record_named(app_inputs(), "sys_user_role").fields
    assert (fields["name"], fields["suffix"]) == (f"{SCOPE}.user", "user")


@pytest.mark.parametrize(
    ("suffix", "kind", "value"),
    [("warn_days", "integer", "30"), ("secret_expires_on", "string", "2027-05-04 03:02:01")],
)
def test_the_properties(suffix: str, kind: str, value: str) -> None:
    record = record_named(app_inputs(), f"sys_properties.{suffix}")
    fields = record.fields
    assert (fields["name"], fields["suffix"]) == (f"{SCOPE}.{suffix}", suffix)
    assert (fields["type"], fields["value"]) == (kind, value)
    assert (fields["ignore_cache"], fields["is_private"]) == ("true", "false")
    assert fields["read_roles"] == f"{SCOPE}.user,admin"
    assert fields["write_roles"] == "admin"
    marker = parsed(record)[1]
    assert (marker.tag, marker.get("action")) == ("sys_translated_text", "delete_multiple")
    assert marker.get("query") == f"documentkey={record.sys_id}"


def test_the_end_of_the_secret_is_written_in_utc() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    moment = datetime(2027, 1, 1, 2, 0, tzinfo=east)
    record = secret_expires_on_record(app_inputs(), moment)
    assert record.fields["value"] == "2026-12-31 20:30:00"
    same = secret_expires_on_record(app_inputs(), moment.astimezone(UTC))
    assert same.fields == record.fields


def test_an_unknown_end_of_the_secret_is_empty() -> None:
    record = secret_expires_on_record(app_inputs(), None)
    assert "<value/>" in payload_of(record).text
    assert record.sys_id == secret_expires_on_record(app_inputs(), EXPIRES).sys_id


def test_the_notification_answers_the_event() -> None:
    event = record_named(app_inputs(), "sysevent_register").fields
    answer = record_named(app_inputs(), "sysevent_email_action").fields
    script = record_named(app_inputs(), "sys_script_include").fields["script"]
    assert event["event_name"] == answer["event_name"] == f"{SCOPE}.smtp_oauth.test"
    assert event["event_name"] == f"{SCOPE}.{event['suffix']}"
    assert f"found.scope + '.{event['suffix']}'" in str(script)
    assert event["table"] == answer["collection"] == "sys_email_account"
    assert (answer["generation_type"], answer["event_parm_1"]) == ("event", "true")
    assert answer["active"] == "true"


@pytest.mark.parametrize(
    ("logical_name", "name"),
    [
        ("sys_script_include", "SmtpOAuthHealth"),
        ("sys_script_include.SmtpOAuthRest", "SmtpOAuthRest"),
    ],
)
def test_the_script_includes(logical_name: str, name: str) -> None:
    record = record_named(app_inputs(), logical_name)
    assert record.fields["api_name"] == f"{SCOPE}.{name}"
    assert record.fields["client_callable"] == "false"
    assert f"var {name} = Class.create();" in str(record.fields["script"])
    assert f"type: '{name}'" in str(record.fields["script"])
    payload = payload_of(record).text
    assert "<script><![CDATA[/**\n" in payload
    assert parsed(record).findtext(".//script") == record.fields["script"]
    assert "sys_es_latest_script" not in payload


def test_the_rest_api_is_open_to_nobody_by_itself() -> None:
    definition = record_named(app_inputs(), "sys_ws_definition").fields
    assert definition["base_uri"] == f"/api/{SCOPE}/smtp_oauth" == app_api.base_uri(SCOPE)
    assert (definition["namespace"], definition["service_id"]) == (SCOPE, "smtp_oauth")
    assert definition["enforce_acl"] in PLATFORM_RECORDS
    for name, method in (("health", "GET"), ("test", "POST")):
        record = record_named(app_inputs(), f"sys_ws_operation.{name}")
        fields = record.fields
        assert (fields["http_method"], fields["relative_path"]) == (method, f"/{name}")
        assert fields["operation_uri"] == f"{definition['base_uri']}/{name}"
        assert fields["requires_authentication"] == "true"
        assert fields["requires_acl_authorization"] == "true"
        assert fields["requires_snc_internal_role"] == "true"
        assert fields["enforce_acl"] == definition["enforce_acl"]
        assert fields["active"] == definition["active"] == "true"
        owner = parsed(record).find(".//web_service_definition")
        assert owner is not None
        assert (owner.text, owner.get("display_value")) == (
            definition["sys_id"],
            definition["name"],
        )
        assert "<operation_script><![CDATA[(function process(" in payload_of(record).text
    assert not any(r.table.startswith("sys_security_acl") for r in all_records(app_inputs()))


def test_a_marker_reaches_the_subject() -> None:
    answer = record_named(app_inputs(), "sysevent_email_action").fields
    assert str(answer["subject"]).endswith(" ${event.parm2}")
    # Parameter 1 is the recipient, parameter 2 is none.
    assert (answer["event_parm_1"], answer["event_parm_2"]) == ("true", "false")


def test_privileges_are_allowed_for_the_app() -> None:
    for record in all_records(app_inputs()):
        if record.table != "sys_scope_privilege":
            continue
        fields = record.fields
        assert fields["status"] == "allowed"
        assert fields["source_scope"] == fields["sys_scope"]
        target = record.label.replace("Glide API: ", "Glide API.").replace(" ", "_")
        assert record.logical_name == f"{record.table}.{fields['operation']}.{target}"
        kind = "scriptable" if fields["operation"] == "execute" else "sys_db_object"
        assert fields["target_type"] == kind


# ---- identities ---------------------------------------------------------------------------


def test_every_sys_id_is_pinned() -> None:
    """A change here would orphan records that instances already have: never adapt the file."""
    inputs = app_inputs()
    action = parsed(record_named(inputs, "sys_hub_action_type_definition"))
    inside = list(children(action))
    assert len(dict(inside)) == len(inside)
    found = {"records": sys_ids(inputs), "action": dict(inside)}
    assert found == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_no_sys_id_stands_twice(inputs: AppInputs) -> None:
    action = parsed(record_named(inputs, "sys_hub_action_type_definition"))
    inside = [value for _, value in children(action) if "-" not in value]
    # The action itself is among both.
    found = [*sys_ids(inputs).values(), *inside[1:]]
    assert len(set(found)) == len(found)
    assert all(re.fullmatch("[0-9a-f]{32}", value) for value in found)


@pytest.mark.parametrize(
    "other",
    [
        app_inputs(name=ODD_NAME),
        app_inputs(vendor="Other"),
        app_inputs(release=Release.AUSTRALIA),
        replace(app_inputs(), version="9.9.9", author="someone"),
    ],
)
def test_content_moves_no_sys_id(other: AppInputs) -> None:
    name = "sys_hub_action_type_definition"
    assert sys_ids(other) == sys_ids(app_inputs())
    theirs, ours = (list(children(parsed(record_named(i, name)))) for i in (other, app_inputs()))
    assert theirs == ours


@pytest.mark.parametrize("other", [app_inputs(scope="x_other"), app_inputs(integration="second")])
def test_another_app_or_integration_shares_no_sys_id(other: AppInputs) -> None:
    def everything(inputs: AppInputs) -> set[str]:
        action = record_named(inputs, "sys_hub_action_type_definition")
        return {*sys_ids(inputs).values(), *(value for _, value in children(parsed(action)))}

    assert not everything(other) & everything(app_inputs())


@pytest.mark.parametrize("logical_name", LOGICAL_NAMES)
def test_adoption_reaches_every_place(logical_name: str) -> None:
    given = "0123456789abcdef" * 2
    derived = sys_ids(app_inputs())[logical_name]
    inputs = app_inputs(adopted=((logical_name, given),))
    assert sys_ids(inputs) == {**sys_ids(app_inputs()), logical_name: given}
    whole = "".join(payload_of(record).text for record in all_records(inputs))
    assert derived not in whole
    assert given in whole


# ---- shape --------------------------------------------------------------------------------


def test_payloads_are_one_line_and_well_formed(inputs: AppInputs) -> None:
    for record in all_records(inputs):
        text = payload_of(record).text
        assert text.startswith('<?xml version="1.0" encoding="UTF-8"?><record_update ')
        assert text.endswith("</record_update>")
        assert not re.search(r">\s+<(?!p>|hr>|/p>)", text.partition("<script>")[0])
        assert "\r" not in text
        assert not re.search(r"<(\w+)(?: [^<>]*)?></\1>", text)
        assert not set(text) & {CREATED_ON, UPDATED_ON, MOD_COUNT}
        root = parsed(record)
        with_domain = root[0].find("sys_domain") is not None
        assert list(root.attrib) == (["sys_domain", "table"] if with_domain else ["table"])
        assert root.get("table") == root[0].tag == record.table
        assert root[0].findtext("sys_id") == record.sys_id
        names = [field.tag for field in root[0]]
        assert names == sorted(names)
        assert set(names) == set(record.fields)


def test_odd_names_are_told_as_they_are() -> None:
    record = record_named(app_inputs(name=ODD_NAME), "sys_app")
    assert parsed(record).findtext("sys_app/name") == ODD_NAME


def test_a_deletion_marks_the_record_and_nothing_else(inputs: AppInputs) -> None:
    for record in all_records(inputs):
        kept, gone = parsed(record), parsed(record, action="DELETE")
        assert gone[0].get("action") == "DELETE"
        gone[0].set("action", "INSERT_OR_UPDATE")
        assert etree.tostring(gone) == etree.tostring(kept)


def test_hash_is_the_tools_hash(inputs: AppInputs, shared: Path) -> None:
    spec = importlib.util.spec_from_file_location(
        "shared_payload_hash", shared / "tools" / "payload_hash.py"
    )
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    for record in all_records(inputs):
        payload = payload_of(record)
        assert payload.hash == str(tool.payload_hash(payload.text))


def test_records_have_the_shape_of_real_ones(
    inputs: AppInputs, shared: Path, tmp_path: Path
) -> None:
    records = [r for r in all_records(inputs) if not r.table.startswith(("sysevent", "sys_hub"))]
    profile = str(shared / "corpus" / "app_record_profile.json")
    said = departures(shared, tmp_path, records, "check", profile)
    assert said == f"0 {len(records)} payloads checked, 0 of unknown tables, 0 departures\n"


@pytest.mark.parametrize(
    ("table", "export"),
    [
        ("sysevent_register", "2023-10-acl-empty-checks.xml"),
        ("sysevent_email_action", "2023-10-acl-empty-checks.xml"),
        ("sysevent_email_action", "2025-07-work-rate-relay-app.xml"),
    ],
)
def test_event_and_notification_have_the_fields_of_native_rows(
    table: str, export: str, shared: Path
) -> None:
    """The profile does not know these two tables."""
    rows = etree.parse(shared / "corpus" / "update_sets" / export).iter("sys_update_xml")
    native = [row for row in rows if (row.findtext("name") or "").startswith(f"{table}_")]
    assert native
    ours = parsed(record_named(app_inputs(), table))
    cdata = re.findall(r"<(\w+)><!\[CDATA", payload_of(record_named(app_inputs(), table)).text)
    for row in native:
        assert row.findtext("type") == ROW_TYPES[table]
        text = row.findtext("payload") or ""
        real = etree.fromstring(text.encode())
        assert [field.tag for field in ours[0]] == [field.tag for field in real[0]]
        assert dict(ours.attrib) == dict(real.attrib)
        assert [child.tag for child in ours] == [child.tag for child in real]
        assert cdata == re.findall(r"<(\w+)><!\[CDATA", text)
        for mine, theirs in zip(ours[0], real[0], strict=True):
            if mine.text and theirs.text:
                assert set(mine.attrib) == set(theirs.attrib) - {"table"}, mine.tag
