"""Who may be changed: identity, production, the change gate; all pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from generator.config.environment import Environment, Release
from generator.config.instance_settings import InstanceSettings
from generator.errors import ConfigError, ExitCode, Fault, Refused, RemoteError, ResponseError
from generator.instance.change_gate import change_read, judge_change
from generator.instance.guards import (
    Identity,
    guard_reads,
    identity_of,
    identity_read,
    judge_identity,
    judge_production,
)
from generator.instance.interface import Found
from generator.instance.release import family, is_below
from generator.instance.run import Faults, Permission

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
CHANGE = {
    "number": "CHG0030001",
    "state": "-1",
    "approval": "approved",
    "on_hold": "false",
    "start_date": "2026-11-23 10:00:00",
    "end_date": "2026-11-23 14:00:00",
    "conflict_status": "No Conflict",
}

Make = Callable[..., Environment]


def _codes(faults: Faults) -> list[str]:
    return [fault.code for fault in faults.found]


def _production(
    environment: Make,
    *,
    says: bool | None,
    reads: str | None,
    gate: bool = False,
    **permission: str,
) -> tuple[bool, Faults]:
    faults = Faults()
    settings = InstanceSettings(production=says, change_gate=gate)
    needs = judge_production(
        environment(instance=settings),
        Identity("acme-dev", reads, "glide-xanadu-1"),
        Permission(**permission),
        faults,
    )
    return needs, faults


def test_sub_production_is_what_file_and_property_both_call_so(environment: Make) -> None:
    assert _production(environment, says=False, reads="false") == (False, Faults())


@pytest.mark.parametrize("reads", [None, "", "False", "no", "0", "falsetto"])
def test_only_the_exact_false_is_sub_production(environment: Make, reads: str | None) -> None:
    _, faults = _production(environment, says=False, reads=reads)
    assert _codes(faults) == ["production-unclear"]
    assert faults.code is ExitCode.REFUSED


@pytest.mark.parametrize("reads", [None, "", "maybe"])
def test_the_name_confirms_an_instance_that_does_not_say(
    environment: Make, reads: str | None
) -> None:
    _, faults = _production(environment, says=False, reads=reads, confirm_instance="acme-dev")
    assert _codes(faults) == []


def test_another_name_confirms_nothing(environment: Make) -> None:
    _, faults = _production(environment, says=False, reads=None, confirm_instance="acme-prod")
    assert _codes(faults) == ["confirmation-differs"]


@pytest.mark.parametrize(("says", "reads"), [(False, "true"), (True, "true"), (True, "false")])
def test_no_name_opens_production(environment: Make, says: bool, reads: str) -> None:
    _, faults = _production(environment, says=says, reads=reads, confirm_instance="acme-dev")
    assert _codes(faults) == ["production"]


@pytest.mark.parametrize(
    ("says", "reads"), [(False, "true"), (True, "true"), (True, "false"), (True, None)]
)
def test_a_change_opens_production_where_the_file_has_the_gate(
    environment: Make, says: bool, reads: str | None
) -> None:
    needs, faults = _production(environment, says=says, reads=reads, gate=True, change="CHG0030001")
    assert (needs, _codes(faults)) == (True, [])


def test_the_gate_needs_a_change(environment: Make) -> None:
    needs, faults = _production(environment, says=True, reads="true", gate=True)
    assert (needs, _codes(faults)) == (False, ["change-missing"])


@pytest.mark.parametrize("number", ["CHG1^ORstate=3", "chg0030001", "0030001", "CHG"])
def test_a_change_number_cannot_change_the_question(environment: Make, number: str) -> None:
    needs, faults = _production(environment, says=True, reads="true", gate=True, change=number)
    assert (needs, _codes(faults)) == (False, ["change-number"])
    assert "change" not in guard_reads(Permission(change=number))


def test_what_writes_wants_to_know_whether_it_is_production(environment: Make) -> None:
    _, faults = _production(environment, says=None, reads="false")
    assert _codes(faults) == ["production-unsaid"]
    with pytest.raises(ConfigError):
        faults.raise_if_any()


# The change itself


def _change(found: Found, *, states: tuple[str, ...] = ("-1",), now: datetime = NOW) -> Faults:
    faults = Faults()
    judge_change(found, number="CHG0030001", states=states, now=now, faults=faults)
    return faults


def test_an_approved_change_in_its_window_passes() -> None:
    assert _change(Found((CHANGE,), 1)).found == []
    assert change_read("CHG0030001").limit == 2


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("state", "-2", "its state"),
        ("state", "3", "its state"),
        ("approval", "not requested", "its approval"),
        ("approval", "", "its approval"),
        ("on_hold", "true", "on hold"),
        ("on_hold", "", "on hold"),
        ("conflict_status", "Conflict", "conflicts"),
        ("start_date", "2026-11-23 12:30:00", "not within"),
        ("end_date", "2026-11-23 11:59:59", "not within"),
        ("start_date", "", "no planned start"),
        ("end_date", "soon", "no planned start"),
    ],
)
def test_a_change_that_is_not_ready_does_not(field: str, value: str, reason: str) -> None:
    faults = _change(Found(({**CHANGE, field: value},), 1))
    assert _codes(faults) == ["change-closed"]
    assert reason in faults.found[0].message


@pytest.mark.parametrize(
    ("kind", "approval", "passes"),
    [
        ("standard", "not requested", True),
        ("standard", "", True),
        ("standard", "requested", True),
        ("standard", "approved", True),
        ("standard", "rejected", False),
        ("standard", "cancelled", False),
        ("normal", "not requested", False),
        ("", "not requested", False),
        ("normal", "approved", True),
    ],
)
def test_approval_may_be_left_out_for_a_type(kind: str, approval: str, passes: bool) -> None:
    faults = Faults()
    judge_change(
        Found(({**CHANGE, "type": kind, "approval": approval},), 1),
        number="CHG0030001",
        states=("-1",),
        unapproved=("standard",),
        now=NOW,
        faults=faults,
    )
    assert (not faults.found) is passes


def test_an_approval_that_cannot_be_read_opens_nothing() -> None:
    faults = Faults()
    change = {name: value for name, value in CHANGE.items() if name != "approval"}
    judge_change(
        Found(({**change, "type": "standard"},), 1),
        number="CHG0030001",
        states=("-1",),
        unapproved=("standard",),
        now=NOW,
        faults=faults,
    )
    assert _codes(faults) == ["change-closed"]


def test_other_states_pass_where_the_file_says_so() -> None:
    assert _change(Found(({**CHANGE, "state": "7"},), 1), states=("-1", "7")).found == []


@pytest.mark.parametrize(
    "found",
    [
        Found(),
        Found((CHANGE, CHANGE), 2),
        Found((CHANGE,), 2),
        # A question whose condition was dropped answers with something else.
        Found(({**CHANGE, "number": "CHG0030002"},), 1),
    ],
)
def test_exactly_one_change_of_that_number(found: Found) -> None:
    assert _codes(_change(found)) == ["change-not-found"]


def test_a_change_that_cannot_be_read_is_unknown() -> None:
    error = ResponseError(Fault("forbidden", "403"))
    faults = _change(Found(error=error))
    assert (_codes(faults), faults.code) == (["forbidden"], ExitCode.FAILED)


# Identity and release


def test_the_instance_must_be_the_one_that_is_named(environment: Make) -> None:
    for name, codes in (
        ("acme-dev", []),
        ("ACME-DEV", []),
        ("acme-prod", ["other-instance"]),
        (None, ["instance-name-unread"]),
    ):
        faults = Faults()
        judge_identity(environment(), Identity(name, "false", None), faults)
        assert _codes(faults) == codes


def test_identity_is_read_by_name() -> None:
    found = Found(
        (
            {"name": "instance_name", "value": "acme-dev"},
            {"name": "glide.installation.production", "value": ""},
        )
    )
    assert identity_of(found) == Identity("acme-dev", "", None)
    assert identity_of(Found()) == Identity(None, None, None)
    assert "name=glide.war" in identity_read("x.y").query
    assert identity_read("x.y").query.endswith("^ORname=x.y")


@pytest.mark.parametrize(
    ("war", "expected"),
    [
        ("glide-xanadu-07-02-2024__patch6-01-29-2025_02-11-2025_1128.zip", "xanadu"),
        ("glide-washingtondc-12-20-2023__patch1.zip", "washingtondc"),
        ("glide-123", None),
        ("", None),
        ("other", None),
    ],
)
def test_the_family_stands_in_the_name_of_the_war(war: str, expected: str | None) -> None:
    assert family(war) == expected


@pytest.mark.parametrize(
    ("found", "wanted", "below"),
    [
        ("xanadu", Release.XANADU, False),
        ("washingtondc", Release.XANADU, True),
        ("australia", Release.ZURICH, False),
        ("zurich", Release.AUSTRALIA, True),
        ("brazil", Release.AUSTRALIA, False),
        ("unheardof", Release.XANADU, True),
    ],
)
def test_sets_do_not_go_back(found: str, wanted: Release, below: bool) -> None:
    assert is_below(found, wanted) is below


# Faults together


def test_the_worst_decides_and_none_is_lost() -> None:
    faults = Faults()
    faults.refuse("one", "no", next="a")
    with pytest.raises(Refused):
        faults.raise_if_any()
    faults.add(ExitCode.USAGE, (Fault("two", "wrong"),))
    with pytest.raises(ConfigError):
        faults.raise_if_any()
    faults.unknown("three", "?", next="b")
    faults.refuse("one", "no", next="a")
    with pytest.raises(RemoteError) as caught:
        faults.raise_if_any()
    assert [fault.code for fault in caught.value.faults] == ["one", "two", "three"]
