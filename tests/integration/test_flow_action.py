"""The Flow Designer action: structure, values, releases, and the shape of real exports."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dukpy
import pytest
from app_payloads import (
    ODD_NAME,
    app_inputs,
    children,
    departures,
    parsed,
    payload_of,
    record_named,
)
from lxml import etree

from generator.config.environment import Release
from generator.integration import flow_action
from generator.integration.flow_action import ACTION, CHECK_ACTION, action_record
from generator.integration.flow_model import Variable, VariableType
from generator.integration.flow_variables import ACTION_STATUS, NO_ERROR
from generator.integration.releases import PlanForm, release_form
from generator.integration.scoped_app import app_records
from generator.update_set.labels import ROW_TYPES
from generator.update_set.records import Record

ADOPTED = "0123456789abcdef" * 2
INPUTS = {"email_account": "reference", "send_test_to": "string"}
OUTPUTS = {
    "ok": "boolean",
    "status": "string",
    "message": "string",
    "token_expires_on": "string",
    "secret_days_left": "integer",
    "test_queued": "boolean",
}
REAL = "corpus/flow_actions/sys_hub_action_type_definition_a77939d9836472107591c590ceaad345.xml"
WITH_REFERENCES = (
    "corpus/flow_actions/sys_hub_action_type_definition_0bc59fe183bc7210f4185860ceaad3b4.xml"
)
"""An action whose script gets references through string inputs, as ours does."""

VARIANTS = {
    **{release.value: app_inputs(release=release) for release in Release},
    "odd": app_inputs(name=ODD_NAME),
    "adopted": app_inputs(adopted=((ACTION, ADOPTED), ("sys_app", "f" * 32))),
}


@pytest.fixture(params=VARIANTS.values(), ids=VARIANTS.keys())
def action(request: pytest.FixtureRequest) -> Record:
    return record_named(request.param, ACTION)


def halves(payload: etree._Element) -> tuple[list[etree._Element], list[etree._Element]]:
    """The children of each half, head first, without the closing update."""
    cut = [c.tag for c in payload].index("sys_hub_action_type_snapshot")
    return list(payload)[:cut], list(payload)[cut:-1]


def written(half: list[etree._Element], tag: str) -> Iterator[etree._Element]:
    return (c for c in half if c.tag == tag and c.get("action") == "INSERT_OR_UPDATE")


def by_element(half: list[etree._Element], tag: str) -> dict[str, etree._Element]:
    return {c.findtext("element") or "": c for c in written(half, tag)}


def attributes(variable: etree._Element) -> dict[str, str]:
    return dict(p.split("=", 1) for p in (variable.findtext("attributes") or "").split(","))


# ---- the shape of real exports ------------------------------------------------------------


def test_nothing_departs_from_real_exports(action: Record, shared: Path, tmp_path: Path) -> None:
    profile = str(shared / "corpus" / "flow_action_profile.json")
    said = departures(shared, tmp_path, [action], "check", profile)
    assert said == "0 1 payloads checked, 0 of unknown tables, 0 departures\n"


def test_it_satisfies_the_rules_of_a_fresh_action(
    action: Record, shared: Path, tmp_path: Path
) -> None:
    said = departures(shared, tmp_path, [action], "action")
    assert said == "0 1 actions held against the rules, 1 satisfy them all, 0 departures\n"


def test_the_checker_would_see_a_damaged_action(shared: Path, tmp_path: Path) -> None:
    good = record_named(app_inputs(), ACTION)
    bad = replace(good, fields={**good.fields, "state": "draft"})
    assert departures(shared, tmp_path, [bad], "action").startswith("1 ")


# ---- inputs, outputs, script --------------------------------------------------------------


def test_inputs_and_outputs(action: Record) -> None:
    for half in halves(parsed(action)):
        inputs = by_element(half, "sys_hub_action_input")
        assert {e: c.findtext("internal_type") for e, c in inputs.items()} == INPUTS
        assert inputs["email_account"].findtext("reference") == "sys_email_account"
        assert inputs["email_account"].findtext("mandatory") == "true"
        assert inputs["send_test_to"].findtext("mandatory") == "false"
        outputs = by_element(half, "sys_hub_action_output")
        types = {e: c.findtext("internal_type") for e, c in outputs.items()}
        assert types == {**OUTPUTS, ACTION_STATUS: "string", NO_ERROR: "boolean"}
        ordered = sorted(outputs, key=lambda e: int(outputs[e].findtext("order") or ""))
        assert ordered == [*OUTPUTS, ACTION_STATUS, NO_ERROR]
        step = by_element(half, "sys_hub_step_ext_output")
        assert {e: c.findtext("internal_type") for e, c in step.items()} == OUTPUTS
        assert {c.findtext("choice") for c in half if c.find("choice") is not None} == {""}


def test_inputs_reach_the_script(action: Record) -> None:
    for half in halves(parsed(action)):
        fed = {
            c.findtext("field"): c.findtext("value")
            for c in written(half, "sys_element_mapping")
            if "step_ext_input" in (c.findtext("table") or "")
        }
        assert fed == {
            "email_account": "{{action.email_account}}",
            "send_test_to": "{{action.send_test_to}}",
        }
        assert set(fed) == set(by_element(half, "sys_hub_step_ext_input"))


def test_outputs_come_from_the_step(action: Record) -> None:
    for half in halves(parsed(action)):
        cid = next(written(half, "sys_hub_step_instance")).findtext("cid")
        fed = {
            c.findtext("field"): c.findtext("value")
            for c in written(half, "sys_element_mapping")
            if "action_output" in (c.findtext("table") or "")
        }
        pills = {element: f"{{{{step[{cid}].{element}}}}}" for element in OUTPUTS}
        assert fed == {**pills, ACTION_STATUS: "", NO_ERROR: ""}


def test_the_script_copies_every_output() -> None:
    script = CHECK_ACTION.script
    assert script.count("\n") == script.count("\r\n") > 0
    assert script.endswith("\r\n")
    answer = {element: f"<{element}>" for element in OUTPUTS}
    stubs = """
        var inputs = {email_account: 'an account', send_test_to: 'a@b'}, outputs = {}, given;
        function SmtpOAuthHealth() {}
        SmtpOAuthHealth.prototype.run = function (x) { given = x; return dukpy.answer; };
    """
    told = dukpy.evaljs([stubs, script, "({outputs: outputs, given: given})"], answer=answer)
    assert told == {
        "outputs": answer,
        "given": {"email_account": "an account", "send_test_to": "a@b"},
    }


def test_the_scripts_line_ends_survive(action: Record) -> None:
    text = payload_of(action).text
    assert "\r" not in text
    assert text.count("(inputs, outputs);&#13;\n</value>") == 2
    for half in halves(parsed(action)):
        values = [c.findtext("value") for c in written(half, "sys_variable_value")]
        assert CHECK_ACTION.script in values


# ---- the two halves -----------------------------------------------------------------------


def test_halves_differ_in_identities_alone(action: Record) -> None:
    """Section 5: beside the head only the label of a step input tells them apart."""
    first, second = (half[1:] for half in halves(parsed(action)))
    first = [c for c in first if c.tag != "sys_hub_action_plan"]

    def told(half: list[etree._Element]) -> list[str]:
        lines = []
        for child in half:
            text = etree.tostring(child, encoding="unicode")
            if child.tag == "sys_hub_step_ext_input":
                text = re.sub("<label>.*?</label>|<label/>", "", text)
            # A platform variable has one sys_id in both halves; all others are made equal.
            lines.append(re.sub("(?<![0-9a-f-])[0-9a-f]{32}(?![0-9a-f-])(,)?", "ID", text))
        return sorted(
            re.sub("(ID)+", "ID", line.replace("action_type_snapshot", "action_type_definition"))
            for line in lines
        )

    assert told(first) == told(second)


def test_sys_ids_are_apart_and_uuids_are_shared(action: Record) -> None:
    found = dict(children(parsed(action)))
    first = {k.removeprefix("definition "): v for k, v in found.items() if k.startswith("def")}
    second = {k.removeprefix("snapshot "): v for k, v in found.items() if k.startswith("snap")}
    uuids = {k: v for k, v in first.items() if "-" in v}
    assert uuids == {k: v for k, v in second.items() if "-" in v}
    assert len(set(uuids.values())) == len(uuids) == 1 + 2 + 6 + 8
    records = [v for half in (first, second) for v in half.values() if "-" not in v]
    assert len(set(records)) == len(records)


def test_step_inputs_are_labelled_in_the_snapshot_only(action: Record) -> None:
    first, second = halves(parsed(action))
    labels = [
        {e: c.findtext("label") for e, c in by_element(half, "sys_hub_step_ext_input").items()}
        for half in (first, second)
    ]
    assert labels == [dict.fromkeys(INPUTS, ""), {e: e for e in INPUTS}]


def test_runs_are_in_order(action: Record) -> None:
    for half in halves(parsed(action)):
        for tag in ("sys_hub_action_input", "sys_hub_action_output", "sys_hub_step_ext_output"):
            ids = [c.findtext("sys_id") for c in written(half, tag)]
            assert ids == sorted(ids, key=str)
            head = next(c for c in half if c.tag == tag)
            query = head.get("query") or ""
            assert query.partition("^sys_idNOT IN")[2] == ",".join(map(str, ids))
        mapped = [c.findtext("field") or "" for c in written(half, "sys_element_mapping")]
        of_action = mapped[: len(OUTPUTS) + 2]
        assert of_action == [*sorted(OUTPUTS), ACTION_STATUS, NO_ERROR]
        assert mapped[len(of_action) :] == [
            "application",
            "email_account",
            "script",
            "send_test_to",
        ]


def test_the_snapshot_is_named_last(action: Record) -> None:
    payload = parsed(action)
    definition, snapshot = (half[0] for half in halves(payload))
    closing = payload[-1]
    assert dict(closing.attrib) == {"action": "UPDATE"}
    assert [c.tag for c in closing] == ["sys_id", "latest_snapshot", "compiler_build"]
    assert closing.findtext("sys_id") == definition.findtext("sys_id") == action.sys_id
    assert snapshot.findtext("parent_action") == action.sys_id
    assert (
        closing.findtext("latest_snapshot")
        == definition.findtext("master_snapshot")
        == snapshot.findtext("sys_id")
        != action.sys_id
    )
    assert definition.findtext("state") == "published"
    assert (definition.findtext("sys_mod_count"), snapshot.findtext("sys_mod_count")) == ("3", "3")


def test_an_adopted_action_keeps_its_children() -> None:
    ours = parsed(record_named(app_inputs(), ACTION))
    adopted = parsed(record_named(VARIANTS["adopted"], ACTION))
    assert adopted[0].findtext("sys_id") == ADOPTED
    assert list(children(adopted))[1:] == list(children(ours))[1:]
    derived = ours[0].findtext("sys_id") or ""
    assert derived not in etree.tostring(adopted, encoding="unicode")


# ---- JSON texts ---------------------------------------------------------------------------


def test_the_label_cache_names_the_pills_in_use(action: Record) -> None:
    for half in halves(parsed(action)):
        text = half[0].findtext("label_cache") or ""
        cache = json.loads(text)
        assert json.dumps(cache, ensure_ascii=False, separators=(",", ":")) == text
        used = {c.findtext("value") for c in written(half, "sys_element_mapping")} - {""}
        assert [entry["name"] for entry in cache] == list(dict.fromkeys(e["name"] for e in cache))
        assert {entry["name"] for entry in cache} == used
        outputs = by_element(half, "sys_hub_step_ext_output")
        cid = next(written(half, "sys_hub_step_instance")).findtext("cid")
        for entry in cache:
            if entry["type"] != "step":
                continue
            element = entry["name"].removeprefix(f"{{{{step[{cid}].").removesuffix("}}")
            variable = outputs[element]
            assert entry["label"] == f"step➛Script step➛{variable.findtext('label')}"
            assert entry["base_type"] == variable.findtext("internal_type")
            assert entry["attributes"] == attributes(variable)


def test_the_pill_of_the_account_is_that_of_real_references(shared: Path) -> None:
    real = etree.parse(shared / WITH_REFERENCES)
    theirs = json.loads(real.findtext(".//label_cache") or "")[0]
    fed = next(c for c in real.getroot() if c.findtext("value") == theirs["name"])
    step_inputs = by_element(list(real.getroot()), "sys_hub_step_ext_input")
    assert step_inputs[fed.findtext("field") or ""].findtext("internal_type") == "string"
    head = record_named(app_inputs(), ACTION).fields
    ours = json.loads(str(head["label_cache"]))[0]
    assert list(ours) == list(theirs)
    assert ours["label"] == "action➛Email account"
    assert ours["reference_display"] == ROW_TYPES["sys_email_account"]
    same = set(ours) - {"name", "label", "reference_display"}
    assert {key: ours[key] for key in same} == {key: theirs[key] for key in same}


def test_the_action_status_is_the_real_one(shared: Path) -> None:
    """Key order varies among real exports; ours is that of this one."""
    payload = parsed(record_named(app_inputs(), ACTION))
    ours, theirs = (
        next(
            value.findtext("value")
            for value in root.iter("sys_variable_value")
            if (value.find("variable") is not None)
            and value.find("variable").get("display_value") == "Action Status"
        )
        for root in (payload, etree.parse(shared / REAL).getroot())
    )
    assert ours == theirs


@pytest.mark.parametrize("release", Release)
def test_the_plan_points_at_itself(release: Release) -> None:
    payload = parsed(record_named(app_inputs(release=release), ACTION))
    (plan,) = written(list(payload), "sys_hub_action_plan")
    text = plan.findtext("plan") or ""
    sys_id = plan.findtext("sys_id")
    told = json.loads(text)
    if release is Release.AUSTRALIA:
        assert told["@class"].endswith(".ChunkingPlanData")
        assert told["chunk_data"]["id"] == sys_id
        assert told["plan_data"] == "CHUNKING_PLAN"
    else:
        assert len(text) == 174
        assert (told["type"], told["persistor"]["id"]) == ("PlanProxy", sys_id)
    outside = plan.findtext("snapshot") or ""
    assert re.fullmatch("[0-9a-f]{32}", outside)
    assert outside not in {child.findtext("sys_id") for child in payload}


def test_the_plan_is_the_real_one(shared: Path) -> None:
    ours, theirs = (
        re.sub("[0-9a-f]{32}", "ID", root.findtext("sys_hub_action_plan/plan") or "")
        for root in (
            parsed(record_named(app_inputs(), ACTION)),
            etree.parse(shared / REAL).getroot(),
        )
    )
    assert ours == theirs != ""


# ---- releases -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("release", "authored_on", "family", "plan"),
    [
        (Release.XANADU, "26000", "glide-xanadu-07-02-2024__patch6", PlanForm.PROXY),
        (Release.YOKOHAMA, "27000", "glide-yokohama-12-18-2024__patch6", PlanForm.PROXY),
        (Release.ZURICH, "28000", "glide-zurich-07-01-2025__patch0", PlanForm.PROXY),
        (Release.AUSTRALIA, "28100", "glide-zurich-07-01-2025__patch1", PlanForm.CHUNKING_DATA),
    ],
)
def test_what_a_release_decides(
    release: Release, authored_on: str, family: str, plan: PlanForm
) -> None:
    form = release_form(release)
    assert (form.authored_on, form.plan) == (authored_on, plan)
    assert form.compiler_build.startswith(f"{family}-")
    assert form.compiler_build.endswith(".zip")
    payload = parsed(record_named(app_inputs(release=release), ACTION))
    for half in halves(payload):
        assert half[0].findtext("authored_on_release_version") == authored_on
    assert payload[-1].findtext("compiler_build") == form.compiler_build


def test_a_release_decides_nothing_else() -> None:
    def rest(release: Release) -> str:
        text = payload_of(record_named(app_inputs(release=release), ACTION)).text
        cut = "<(authored_on_release_version|compiler_build|plan)>.*?</\\1>"
        whole, times = re.subn(cut, "", text)
        assert times == 4
        return whole

    assert len({rest(release) for release in Release}) == 1
    shared_by_all = {
        tuple(payload_of(record).text for record in app_records(app_inputs(release=release))[:-1])
        for release in Release
    }
    assert len(shared_by_all) == 1


# ---- identities follow elements, not labels -----------------------------------------------


def _ids(monkeypatch: pytest.MonkeyPatch, **changes: object) -> dict[str, str]:
    monkeypatch.setattr(flow_action, "CHECK_ACTION", replace(CHECK_ACTION, **changes))
    return dict(children(parsed(action_record(app_inputs()))))


def test_labels_move_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(children(parsed(record_named(app_inputs(), ACTION))))
    after = _ids(
        monkeypatch,
        name="Another name, really",
        description="-",
        step_label="Do it",
        inputs=tuple(replace(v, label=v.label.upper(), hint="?") for v in CHECK_ACTION.inputs),
        outputs=tuple(replace(v, label=v.label[::-1]) for v in CHECK_ACTION.outputs),
    )
    assert after == before


def test_a_new_input_moves_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(children(parsed(record_named(app_inputs(), ACTION))))
    new = Variable("another", "Another", VariableType.INTEGER)
    after = _ids(monkeypatch, inputs=(new, *CHECK_ACTION.inputs))
    assert {name: after[name] for name in before} == before
    assert len(after) > len(before)


def test_the_order_of_outputs_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(children(parsed(record_named(app_inputs(), ACTION))))
    assert _ids(monkeypatch, outputs=CHECK_ACTION.outputs[::-1]) == before


@pytest.mark.parametrize(
    ("name", "internal"),
    [
        (CHECK_ACTION.name, "check_smtp_oauth_email_account"),
        ("Random Password,Token", "random_passwordtoken"),
        ("Get GlideAggregate(Multiple)", "get_glideaggregatemultiple"),
        ("Ünï_1 2", "n_1_2"),
    ],
)
def test_internal_names_are_the_editors(name: str, internal: str) -> None:
    assert replace(CHECK_ACTION, name=name).internal_name == internal
