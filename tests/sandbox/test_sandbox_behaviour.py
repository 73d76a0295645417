"""Every switch checks its value, says what it takes, and goes through JSON and back."""

from __future__ import annotations

import json
import threading

import pytest

from generator.errors import UsageError
from generator.sandbox.behaviour import SWITCHES, Behaviour, parse
from generator.sandbox.switch_values import EVERY, Cut, PlannedProblem, RateLimit

EXAMPLES = {
    "flaky_502": ("0.25", 0.25),
    "outage_502": ("3", 3),
    "latency_ms": ("100", 100),
    "rate_limit": ("100/h", RateLimit(100)),
    "max_execution_time": ("2", 2),
    "cut_json": ("on", EVERY),
    "cut": ("middle:3", Cut("middle", 3)),
    "basic": ("restricted", "restricted"),
    "mfa": ("all", "all"),
    "missing_roles": ("admin, itil", ("admin", "itil")),
    "release": ("zurich", "zurich"),
    "missing_columns": ('["oauth_entity.bff"]', ("oauth_entity.bff",)),
    "production": ("unreadable", "unreadable"),
    "change_requests": (
        "CHG0030001,CHG0030002:-2",
        ({"number": "CHG0030001", "state": "-1"}, {"number": "CHG0030002", "state": "-2"}),
    ),
    "preview_problems": (
        "warning:sys_script_*:Could not find, or so",
        (PlannedProblem("warning", "sys_script_*", "Could not find, or so"),),
    ),
    "hibernating": ("true", True),
    "cascade": ("off", False),
    "stall_at": ("40", 40),
}

WRONG = {
    "flaky_502": ["1.5", "-1", "many", True, "nan"],
    "outage_502": ["-1", "x", 1.5, True],
    "rate_limit": ["0/h", "-3", "x/h"],
    "max_execution_time": ["-2", "often"],
    "cut": ["never", "before:0", "after:x"],
    "basic": ["of", 3],
    "release": [7, "a\nb"],
    "missing_roles": [7, [7], "[1"],
    "production": ["", "yes"],
    "change_requests": [[{"state": "-1"}], [3], [":x"]],
    "preview_problems": ["only-an-update", [{"type": "fatal", "description": "x"}], [3]],
    "hibernating": ["maybe", 2],
    "stall_at": ["101"],
}


def test_a_change_request_may_have_a_state_that_is_a_number() -> None:
    behaviour = Behaviour()
    behaviour.set({"change_requests": [{"number": "CHG0030001", "state": -1, "on_hold": "false"}]})
    assert behaviour.change_requests[0]["state"] == "-1"
    with pytest.raises(UsageError):
        behaviour.set({"change_requests": [{"number": "CHG0030001", "on_hold": False}]})


@pytest.mark.parametrize(("name", "example"), EXAMPLES.items())
def test_a_switch_is_read_from_text(name: str, example: tuple[str, object]) -> None:
    text, value = example
    assert getattr(parse([f"{name}={text}"]), name) == value


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_wrong_value_is_refused_and_nothing_is_set(name: str, value: object) -> None:
    behaviour = Behaviour()
    with pytest.raises(UsageError, match=f"The switch {name} takes"):
        behaviour.set({"latency_ms": 5, name: value})
    assert behaviour == Behaviour()


def test_every_switch_goes_through_json_and_back() -> None:
    behaviour = parse(f"{name}={text}" for name, (text, _) in EXAMPLES.items())
    again = Behaviour()
    again.set(json.loads(json.dumps(behaviour.to_json())))
    assert again == behaviour
    assert again != Behaviour()
    assert set(behaviour.to_json()) == set(SWITCHES)


def test_defaults_are_a_healthy_instance() -> None:
    again = Behaviour()
    again.set(Behaviour().to_json())
    assert again == Behaviour()
    assert again.production == "false"
    assert not again.hibernating


def test_a_bare_name_switches_on_and_hyphens_are_forgiven() -> None:
    behaviour = parse(["hibernating", "max-execution-time"])
    assert behaviour.hibernating
    assert behaviour.max_execution_time == EVERY


def test_a_list_given_twice_holds_all_of_it() -> None:
    behaviour = parse(["fail_records=a", "fail_records=b,c", "preview_problems=x:y"])
    assert behaviour.fail_records == ("a", "b", "c")


def test_all_faults_are_told_at_once_with_the_nearest_name() -> None:
    with pytest.raises(UsageError) as caught:
        parse(["hibernate", "basic=of", "latency_ms=1"])
    assert [fault.code for fault in caught.value.faults] == ["unknown-switch", "switch-value"]
    assert "Did you mean hibernating?" in str(caught.value)


def test_an_assignment_is_checked_too() -> None:
    behaviour = Behaviour()
    with pytest.raises(UsageError):
        behaviour.basic = "nonsense"
    with pytest.raises(UsageError):
        behaviour.basci = "on"  # type: ignore[attr-defined]
    assert behaviour.basic == "on"


def test_a_turn_hits_once_and_setting_it_counts_anew() -> None:
    behaviour = Behaviour()
    behaviour.max_execution_time = 2
    assert [behaviour.hits("max_execution_time") for _ in range(4)] == [False, True, False, False]
    behaviour.max_execution_time = 1
    assert behaviour.hits("max_execution_time")
    behaviour.max_execution_time = EVERY
    assert all(behaviour.hits("max_execution_time") for _ in range(3))
    behaviour.max_execution_time = 0
    assert not behaviour.hits("max_execution_time")


def test_turns_are_counted_across_threads() -> None:
    behaviour = Behaviour()
    behaviour.cut_json = 50
    hits: list[bool] = []

    def work() -> None:
        hits.extend(behaviour.hits("cut_json") for _ in range(50))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(hits) == 1


def test_each_change_is_seen() -> None:
    behaviour = Behaviour()
    before = behaviour.revision
    behaviour.upgrading = True
    assert behaviour.revision == before + 1


@pytest.mark.parametrize("name", SWITCHES)
def test_every_switch_is_described(name: str) -> None:
    switch = SWITCHES[name]
    assert switch.help.endswith(".")
    assert switch.accepts
    assert switch.grade
