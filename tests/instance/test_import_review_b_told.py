"""What is told of an instance and of preview problems is no more than what was read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from importing import Place, place
from packages import render

from generator.cli.instance import _text
from generator.config.environment import Environment
from generator.config.instance_settings import ProblemKind, ProblemRule
from generator.errors import ExitCode
from generator.instance.interface import Found, Instance, Read
from generator.instance.status import Status, status
from generator.sandbox.switches import PlannedProblem

Make = Callable[..., Environment]
COLLISION = "Found a local update that is newer than this one"
PROBLEMS = "sys_update_preview_problem"


@pytest.fixture
def where(environment: Make) -> Place:
    """An environment and an instance, nothing imported."""
    return place(environment())


def _looked(where: Place) -> tuple[Status, dict[str, str]]:
    """The status, and its lines for people by their first column."""
    found: list[Status] = []
    where.call(lambda run: found.append(status(run)), dry_run=True)
    lines = _text("dev", "https://acme-dev.example", found[0]).splitlines()
    shown = {line[:17].strip(): line[17:].strip() for line in lines[4:]}
    return found[0], shown


def test_a_closed_table_is_not_said_to_be_empty(where: Place) -> None:
    where.call()
    where.sandbox.behaviour.closed_tables = (
        "sys_remote_update_set",
        "sys_properties",
        "sys_email_account",
    )
    found, shown = _looked(where)
    assert found.production is None
    assert {entry.state for entry in found.package} == {None}
    for line in ("production", "secret ends", "email account", "active", "account differs"):
        assert shown[line] == "cannot be read", line
    assert shown["set global"].startswith("cannot be read")
    assert [what.partition(":")[0] for what in found.unread] == [
        "sys_properties",
        "sys_remote_update_set",
        "sys_email_account",
    ]


def test_of_records_that_are_not_there_nothing_is_said(where: Place) -> None:
    found, shown = _looked(where)
    assert (found.production, {entry.state for entry in found.package}) == ("false", {""})
    for line in ("OAuth entity", "secret ends", "email account", "action"):
        assert shown[line] == "not there", line
    assert {shown[line] for line in ("client ID", "active", "account differs")} == {"-"}
    where.call()
    found, shown = _looked(where)
    assert (shown["client ID"], shown["account differs"]) == ("as in the package", "no")


def test_older_sets_are_counted(where: Place) -> None:
    for number in range(3):
        where.environment = replace(
            where.environment, oauth=replace(where.environment.oauth, comments=f"v{number}")
        )
        render(where.environment, where.clock.now())
        assert where.call().code is ExitCode.OK
        where.clock.sleep(100)
    found, shown = _looked(where)
    assert len(found.others) == 4
    assert shown["older ones"].startswith("2 more")
    text = str(shown)
    assert [entry.sys_id in text for entry in found.others] == [False, False, True, True]


class _Unknown:
    """A client that tells of a problem about an update that no package has."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    def __getattr__(self, name: str) -> object:
        return getattr(self._instance, name)

    def read(self, reads: Sequence[Read]) -> tuple[Found, ...]:
        row = {"sys_id": "a" * 32, "type": "error", "status": "", "description": "Odd new text"}
        told = Found(({**row, "remote_update": "b" * 32},), 1)
        return tuple(
            told if entry.table == PROBLEMS and "description" in entry.fields else found
            for entry, found in zip(reads, self._instance.read(reads), strict=True)
        )


def test_a_problem_that_no_rule_can_name_is_resolved_on_the_instance(where: Place) -> None:
    where.wrap = lambda instance: _Unknown(instance)  # type: ignore[assignment,return-value]
    came = where.call()
    (fault,) = came.faults
    assert (came.code, fault.code) == (ExitCode.PREVIEW_PROBLEMS, "preview-problem")
    assert "b" * 32 in fault.message
    assert fault.next is not None
    assert "on the instance" in fault.next
    assert "--accept" not in fault.next


@pytest.mark.parametrize("name", ["sys_ws_definition_*", "*"])
def test_rules_that_contradict_each_other_are_told(environment: Make, name: str) -> None:
    where = place(environment(), preview_problems=(PlannedProblem("error", name, COLLISION),))
    tables = {problem.table for problem in where.call(preview_only=True).report.problems}
    rules = tuple(ProblemRule(ProblemKind.COLLISION, table, None, "r") for table in tables)
    came = where.call(accept=rules, skip=rules)
    (fault,) = came.faults
    assert "one rule accepts it and another skips it" in fault.message
    assert fault.next is not None
    assert "take one of the two rules away" in fault.next
