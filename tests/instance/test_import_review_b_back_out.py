"""A back out takes the last import, and says of each record only what it has read."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from importing import Came, Place, place
from packages import render

from generator.config.environment import Environment, Layout
from generator.errors import ExitCode, Fault, ResponseError
from generator.instance.back_out import back_out
from generator.instance.interface import Found, Instance, Read
from generator.instance.package_files import load_package
from generator.update_set.package_state import require_whole

ENTITY = "oauth_entity"
SETS = "sys_remote_update_set"
NO = ResponseError(Fault("closed", "The table is closed."), status=403, detail="not for you")

Make = Callable[..., Environment]


@pytest.fixture
def where(environment: Make) -> Place:
    """An imported batch."""
    made = place(environment())
    assert made.call().code is ExitCode.OK
    made.clock.sleep(100)
    return made


class _Instead:
    """A client, one of whose methods is another."""

    def __init__(self, instance: Instance, **methods: object) -> None:
        self._instance, self._methods = instance, methods

    def __getattr__(self, name: str) -> object:
        return self._methods.get(name) or getattr(self._instance, name)


def _wrap(where: Place, **makers: Callable[[Instance], object]) -> None:
    where.wrap = lambda instance: _Instead(  # type: ignore[assignment,return-value]
        instance, **{name: make(instance) for name, make in makers.items()}
    )


def _closed(*tables: str, fields: str = "") -> Callable[[Instance], object]:
    def made(instance: Instance) -> Callable[[Sequence[Read]], tuple[Found, ...]]:
        return lambda reads: tuple(
            Found(error=NO)
            if entry.table in tables and (not fields or fields in entry.fields)
            else found
            for entry, found in zip(reads, instance.read(reads), strict=True)
        )

    return made


def _second(where: Place, comments: str = "v2") -> Came:
    """A changed package, imported too."""
    where.environment = replace(
        where.environment, oauth=replace(where.environment.oauth, comments=comments)
    )
    render(where.environment, where.clock.now())
    came = where.call()
    where.clock.sleep(100)
    return came


def _records(where: Place) -> int:
    """Records that an import makes, the account apart: no back out touches it."""
    directory = where.environment.directory
    records = load_package(directory, require_whole(directory)).records
    return sum(record.table != "sys_email_account" for record in records)


def _committed(where: Place) -> set[str]:
    rows = where.sandbox.database.query(SETS, "state=committed")
    return {row["sys_id"] for row in rows if row["update_set"]}


def test_what_the_import_had_made_is_gone(where: Place) -> None:
    came = where.call(back_out)
    assert (came.code, came.codes) == (ExitCode.OK, [])
    detail = came.report.steps[-1].detail
    assert f"{_records(where)} records that the import had made are gone" in detail
    notes = " ".join(came.report.notes)
    assert "as they were" not in notes
    name = "sn-smtp back out dev 2026-"
    assert f"{_records(where)} deletions are captured in local update sets ({name}" in notes


def test_a_record_that_the_import_had_made_and_that_stays_is_told(where: Place) -> None:
    (row,) = where.sandbox.database.query(ENTITY)

    def keeps(instance: Instance) -> object:
        def read(reads: Sequence[Read]) -> tuple[Found, ...]:
            if not where.sandbox.database.query(ENTITY):
                where.sandbox.database.insert(ENTITY, row, by="x", sys_id=row["sys_id"])
            return instance.read(reads)

        return read

    _wrap(where, read=keeps)
    came = where.call(back_out)
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["record-stays"])
    assert f"{ENTITY}_{row['sys_id']}" in came.faults[0].message
    assert any("--again" in note for note in came.report.notes)


def test_a_table_that_is_closed_afterwards_proves_nothing(where: Place) -> None:
    _wrap(where, read=_closed("sys_user_role"))
    came = where.call(back_out)
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["not-read"])
    assert "sys_user_role" in came.faults[0].message


def test_records_of_an_earlier_import_are_not_said_to_be_as_they_were(where: Place) -> None:
    assert _second(where).code is ExitCode.OK
    came = where.call(back_out)
    assert (came.code, came.codes) == (ExitCode.OK, [])
    notes = " ".join(came.report.notes)
    count = _records(where)
    assert f"{count} of {count} records are still there (contents not compared)" in notes
    assert "as they were" not in notes


def test_without_the_preview_nothing_is_claimed(where: Place) -> None:
    _wrap(where, read=_closed("sys_update_preview_xml"))
    came = where.call(back_out)
    assert came.code is ExitCode.OK
    assert any("cannot be read any more" in note for note in came.report.notes)
    assert "are gone" not in came.report.steps[-1].detail


def test_deletions_that_cannot_be_read_only_may_be(where: Place) -> None:
    _wrap(where, read=_closed("sys_update_xml", fields="update_set.name"))
    notes = " ".join(where.call(back_out).report.notes)
    assert "may be captured" in notes
    assert "are captured" not in notes


def test_every_set_is_listed_and_what_stays_of_them(where: Place) -> None:
    came = where.call(back_out)
    assert {entry.role for entry in came.report.sets} == {"global", "app"}
    for entry in came.report.sets:
        assert any(entry.sys_id in note and entry.state in note for note in came.report.notes)
    root = where.environment.directory.parent
    assert any(f"--root {root} --again" in note for note in came.report.notes)


def test_what_is_not_the_last_import_is_not_taken_back(where: Place) -> None:
    directory = where.environment.directory
    kept = directory.with_name("kept")
    shutil.copytree(directory, kept)
    old = where.environment
    assert _second(where).code is ExitCode.OK
    later = _committed(where)
    shutil.rmtree(directory)
    shutil.copytree(kept, directory)
    where.environment = old
    came = where.call(back_out)
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["later-import"])
    assert any(sys_id in came.faults[0].message for sys_id in later)
    assert _committed(where) == later


def test_of_sets_sent_one_by_one_those_of_one_import_are_taken(environment: Make) -> None:
    where = place(environment(layout=Layout.SEPARATE))
    where.call()
    where.clock.sleep(100)
    first = _committed(where)
    where.sandbox.behaviour.fail_records = ("oauth_entity_*",)
    where.environment = replace(
        where.environment, oauth=replace(where.environment.oauth, comments="v2")
    )
    render(where.environment, where.clock.now())
    # Only the global set of the second import is committed: its entity did not arrive.
    assert where.call().code is ExitCode.VERIFICATION_FAILED
    where.sandbox.behaviour.fail_records = ()
    where.clock.sleep(100)
    (second,) = _committed(where) - first
    # Not the package in place any more.
    where.environment = replace(
        where.environment, oauth=replace(where.environment.oauth, comments="v3")
    )
    render(where.environment, where.clock.now())
    came = where.call(back_out)
    assert came.code is ExitCode.OK, came.faults
    assert [entry.sys_id for entry in came.report.sets] == [second]
    assert _committed(where) == first
    # And then both of the first one, the app before what it stands on.
    came = where.call(back_out)
    assert [entry.role for entry in came.report.sets] == ["app", "global"]
    assert _committed(where) == set()
