"""ServiceNow's own SDK reads our update sets back, builds them again, and nothing is lost.

The SDK ends well also when it dropped a row or the whole set, so everything that came back is
counted, and what `now-sdk build` writes is compared with what we rendered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import now_sdk
import pytest
from lxml import etree

from generator.config.environment import Layout, Release
from generator.update_set.reader import read_unload

pytestmark = pytest.mark.conformance

RenderSets = Callable[..., list[Path]]
Payloads = dict[str, etree._Element]

ACTION = "sys_hub_action_type_definition"

CALLS = {
    ACTION: "Action(",
    "sys_properties": "Property(",
    "sys_scope_privilege": "CrossScopePrivilege(",
    "sys_script_include": "ScriptInclude(",
    "sys_user_role": "Role(",
    "sys_ws_definition": "RestApi(",
    "sysevent_email_action": "EmailNotification(",
}
"""The typed definition of each table that the SDK has one for; all others are a `Record(`."""

WITHIN = {"sys_ws_operation": "web_service_definition"}
"""Tables whose records stand in the definition that they refer to, and the field that does."""

SDK_FIELDS = {
    ACTION: {
        "label_cache": "the SDK fills other members of the same pills",
        "latest_snapshot": "in our payload, as in every export, the closing UPDATE sets it",
        "state": "the SDK leaves publishing to its install command",
    },
    "sys_email_account": {
        "sys_scope": "the SDK takes every record for a part of an application",
        "sys_update_name": "the SDK takes every record for a part of an application",
    },
    "sys_ws_operation": {
        "default_operation_uri": "empty in real exports of APIs without versions",
    },
    "sysevent_email_action": {
        "default_digest": "a column that real exports lack",
        "digest_type": "a column that real exports lack",
        "digest_separator_text": "real exports hold backslashes, the SDK its own default",
    },
}
"""Fields that the SDK writes in its own way, with the reason."""

VARIABLES = {
    "sys_hub_action_input": {"email_account", "send_test_to"},
    "sys_hub_action_output": {
        "ok",
        "status",
        "message",
        "token_expires_on",
        "secret_days_left",
        "test_queued",
        "__action_status__",
        "__dont_treat_as_error__",
    },
    "sys_hub_step_ext_input": {"email_account", "send_test_to"},
    "sys_hub_step_ext_output": {
        "ok",
        "status",
        "message",
        "token_expires_on",
        "secret_days_left",
        "test_queued",
    },
}
SCRIPT = "71aa7f6647032200b4fad7527c9a719b"
"""The platform's variable that holds a step's script (`spec/flow-action.md` section 2.4)."""


@pytest.fixture(autouse=True)
def _node() -> None:
    """Skip where there is no Node."""
    try:
        now_sdk.require_node()
    except now_sdk.NowSdkUnavailableError as error:
        pytest.skip(str(error))


def payloads(update_set: Path) -> Payloads:
    return {
        row.name: etree.fromstring(row.payload.encode()) for row in read_unload(update_set).updates
    }


def fields(record: etree._Element) -> dict[str, str]:
    return {field.tag: field.text or "" for field in record}


def assert_every_row_came_back(project: Path, rows: Payloads) -> None:
    definitions = now_sdk.definitions(project)
    own = {name for name, row in rows.items() if row[0].tag not in WITHIN}
    assert set(definitions) == own
    assert now_sdk.leftovers(project) == []
    for row in (rows[name][0] for name in set(rows) - own):
        owner = row.findtext(WITHIN[row.tag]) or ""
        (within,) = (path for name, path in definitions.items() if name.endswith(f"_{owner}"))
        assert row.findtext("sys_id") in within.read_text(encoding="utf-8")
    for name, path in definitions.items():
        table = rows[name][0].tag
        source = path.read_text(encoding="utf-8")
        call = CALLS.get(table, "Record(")
        statement = rf"^(?:export const \w+ = )?{re.escape(call)}"
        assert len(re.findall(statement, source, re.MULTILINE)) == 1, (name, source)
        if call == "Record(":
            assert f"table: '{table}'" in source


def assert_the_build_gives_the_rows_back(project: Path, rows: Payloads) -> None:
    built = now_sdk.built(project)
    ours = {name: path for name, path in built.items() if not name.startswith("sys_module_")}
    assert set(ours) == set(rows)
    for name, path in ours.items():
        record, rendered = etree.parse(path).getroot()[0], rows[name][0]
        assert record.tag == rendered.tag
        own_way = SDK_FIELDS.get(record.tag, {})
        written = {key: text for key, text in fields(record).items() if key not in own_way}
        wanted = fields(rendered)
        assert written == {key: wanted.get(key) for key in written}, name
        assert written["sys_id"] == wanted["sys_id"]


def assert_the_action_is_whole(project: Path, rows: Payloads) -> None:
    (name,) = (name for name in rows if name.startswith(ACTION))
    built = etree.parse(now_sdk.built(project)[name]).getroot()
    for tag, elements in VARIABLES.items():
        ours = {child.findtext("sys_id"): child for child in rows[name].iter(tag)}
        theirs = [child for child in built.iter(tag) if child.get("action") == "INSERT_OR_UPDATE"]
        assert {child.findtext("element") for child in theirs} == elements
        for child in theirs:
            twin = ours[child.findtext("sys_id")]
            for field in ("element", "internal_type", "reference"):
                assert (child.findtext(field) or "") == twin.findtext(field), (tag, field)
    scripts = [
        (value.findtext("value") or "").replace("\r\n", "\n")
        for root in (rows[name], built)
        for value in root.iter("sys_variable_value")
        if value.findtext("variable") == SCRIPT
    ]
    assert len(set(scripts)) == 1
    assert "new SmtpOAuthHealth().run(inputs)" in scripts[0]


@pytest.mark.parametrize("release", [Release.XANADU, Release.AUSTRALIA])
def test_the_app_comes_back_and_builds(
    render_sets: RenderSets, tmp_path: Path, release: Release
) -> None:
    """The two releases differ in every form that a release decides."""
    _, update_set = render_sets(layout=Layout.SEPARATE, release=release)
    project = tmp_path / "project"
    said = now_sdk.transform(update_set, project)
    assert "ERROR" not in said
    rows = payloads(update_set)
    (app,) = (rows.pop(name)[0] for name in list(rows) if name.startswith("sys_app_"))
    assert len(rows) >= 19
    assert_every_row_came_back(project, rows)
    settings = json.loads((project / "now.config.json").read_text(encoding="utf-8"))
    assert settings["scopeId"] == app.findtext("sys_id")
    assert settings["scope"] == app.findtext("scope")
    assert settings["name"] == app.findtext("name")
    # These two were not in the project before: they come from the row.
    assert settings["description"] == app.findtext("short_description")
    assert settings["jsLevel"] == app.findtext("js_level")

    assert "ERROR" not in now_sdk.build(project)
    assert_the_build_gives_the_rows_back(project, rows)
    assert_the_action_is_whole(project, rows)


def test_the_mail_chain_comes_back_and_builds(render_sets: RenderSets, tmp_path: Path) -> None:
    update_set, _ = render_sets(layout=Layout.SEPARATE)
    project = tmp_path / "project"
    assert "ERROR" not in now_sdk.transform(update_set, project)
    rows = payloads(update_set)
    assert len(rows) == 5
    assert_every_row_came_back(project, rows)
    assert "ERROR" not in now_sdk.build(project)
    assert_the_build_gives_the_rows_back(project, rows)


def test_a_set_of_another_application_is_missed(render_sets: RenderSets, tmp_path: Path) -> None:
    """The SDK calls this a success: the count is what tells."""
    base, app = render_sets(layout=Layout.SEPARATE)
    project = tmp_path / "project"
    now_sdk.new_project(project, now_sdk.application(app))
    now_sdk.transform(base, project)
    assert now_sdk.definitions(project) == {}
    with pytest.raises(AssertionError):
        assert_every_row_came_back(project, payloads(base))


def test_a_faulty_source_fails_the_build(render_sets: RenderSets, tmp_path: Path) -> None:
    base, _ = render_sets(layout=Layout.SEPARATE)
    project = tmp_path / "project"
    now_sdk.transform(base, project)
    name, path = next(iter(now_sdk.definitions(project).items()))
    path.write_text(path.read_text(encoding="utf-8") + "\nnot_a_word\n", encoding="utf-8")
    with pytest.raises(now_sdk.NowSdkError, match=name):
        now_sdk.build(project)


def test_nothing_reaches_the_network(tmp_path: Path) -> None:
    """What keeps the SDK offline does so: a connection fails, and the harness sees the attempt."""
    script = tmp_path / "fetch.js"
    script.write_text("fetch('http://127.0.0.1:49151/').catch(() => {})", encoding="utf-8")
    real = now_sdk.command(tmp_path)
    attempt = real._replace(arguments=(*real.arguments[:-1], str(script)))
    with pytest.raises(now_sdk.NowSdkError, match=r"refused by offline.cjs: 127\.0\.0\.1:49151"):
        now_sdk._run(attempt)
