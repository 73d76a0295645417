"""A back out has a current update set of its own, and puts the user's former one back."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from importing import Came, Place, place
from packages import START

from generator.config.environment import Environment, Layout
from generator.config.instance_settings import AuthMethod, AuthSettings
from generator.errors import ExitCode, Fault, OutcomeUnknown, ResponseError
from generator.instance.back_out import back_out
from generator.instance.interface import Found, Instance, Operation, Read, Route
from generator.sandbox.current_set import choose_set

LOCALS = "sys_update_set"
PREFERENCES = "sys_user_preference"
UPDATES = "sys_update_xml"
NAME = "sn-smtp back out dev "
NO = ResponseError(Fault("no", "The instance said no."), status=403, detail="no")
LOST = OutcomeUnknown(Fault("lost", "The answer was lost."))

Make = Callable[..., Environment]


@pytest.fixture
def where(environment: Make) -> Place:
    """An imported batch."""
    return _imported(place(environment()))


def _imported(made: Place) -> Place:
    assert made.call().code is ExitCode.OK
    made.clock.sleep(100)
    return made


class _Instead:
    """A client, some of whose methods are others."""

    def __init__(self, instance: Instance, **methods: object) -> None:
        self._instance, self._methods = instance, methods

    def __getattr__(self, name: str) -> object:
        return self._methods.get(name) or getattr(self._instance, name)


def _wrap(where: Place, **makers: Callable[[Instance], object]) -> None:
    where.wrap = lambda instance: _Instead(  # type: ignore[assignment,return-value]
        instance, **{name: make(instance) for name, make in makers.items()}
    )


def _raising(error: Exception) -> Callable[..., object]:
    def made(instance: Instance) -> Callable[..., None]:
        def refuse(*args: object, **more: object) -> None:
            raise error

        return refuse

    return made


def _own_sets(where: Place) -> list[dict[str, str]]:
    return where.sandbox.database.query(LOCALS, f"nameSTARTSWITH{NAME}")


def _admin(where: Place) -> dict[str, str]:
    (row,) = where.sandbox.database.query("sys_user", f"user_name={where.sandbox.admin_user}")
    return row


def _preference(where: Place) -> str:
    query = f"name=sys_update_set^user={_admin(where)['sys_id']}"
    rows = where.sandbox.database.query(PREFERENCES, query)
    assert len(rows) < 2
    return rows[0]["value"] if rows else ""


def _users_own(where: Place) -> str:
    """A set of the user's, chosen."""
    values = {"name": "My work", "application": "global", "state": "in progress"}
    row = where.sandbox.database.insert(LOCALS, values, by="admin")
    choose_set(where.sandbox, _admin(where), row["sys_id"], session=None)
    return row["sys_id"]


def _deletions(where: Place, set_sys_id: str) -> int:
    return where.sandbox.database.count(UPDATES, f"action=DELETE^update_set={set_sys_id}")


def test_deletions_go_to_a_set_made_for_them_and_the_users_choice_comes_back(where: Place) -> None:
    mine = _users_own(where)
    came = where.call(back_out)
    assert (came.code, came.codes) == (ExitCode.OK, [])
    (made,) = _own_sets(where)
    assert re.fullmatch(rf"{NAME}{START:%Y-%m-%d} [0-9:]{{8}}", made["name"])
    assert _deletions(where, made["sys_id"]) > 20
    assert _deletions(where, mine) == 0
    assert _preference(where) == mine
    assert any(made["name"] in note and "deletions are captured" in note for note in _notes(came))


def _notes(came: Came) -> Sequence[str]:
    return came.report.notes


def test_who_had_chosen_nothing_has_chosen_nothing_afterwards(where: Place) -> None:
    assert _preference(where) == ""
    assert where.call(back_out).code is ExitCode.OK
    assert where.sandbox.database.count(PREFERENCES, "name=sys_update_set") == 0
    assert len(_own_sets(where)) == 1


def test_without_the_cicd_api_it_is_the_same(environment: Make) -> None:
    where = _imported(place(environment(), cicd="inactive"))
    mine = _users_own(where)
    assert where.call(back_out).code is ExitCode.OK
    (made,) = _own_sets(where)
    assert _deletions(where, made["sys_id"]) > 20
    assert (_preference(where), _deletions(where, mine)) == (mine, 0)


@pytest.mark.parametrize("method", ["choose_update_set", "insert"])
def test_where_choosing_is_refused_it_goes_on_and_says_so(where: Place, method: str) -> None:
    mine = _users_own(where)
    _wrap(where, **{method: _raising(NO)})
    came = where.call(back_out)
    assert (came.code, came.codes) == (ExitCode.OK, [])
    notes = " ".join(_notes(came))
    assert "none of their own could be chosen (The instance said no)" in notes
    assert "deletions are captured in local update sets (My work)" in notes
    assert _deletions(where, mine) > 20
    # What was made for nothing is gone.
    assert (_own_sets(where), _preference(where)) == ([], mine)


def test_a_lost_answer_is_decided_by_what_is_chosen(where: Place) -> None:
    mine = _users_own(where)

    def lose(instance: Instance) -> Callable[[str], None]:
        def choose(sys_id: str) -> None:
            instance.choose_update_set(sys_id)
            raise LOST

        return choose

    _wrap(where, choose_update_set=lose)
    came = where.call(back_out)
    assert came.code is ExitCode.OK
    assert _deletions(where, mine) == 0
    assert not any("could be chosen" in note for note in _notes(came))
    # Back it went, too, and that answer was lost as well.
    assert _preference(where) == mine
    assert not any("put back" in note for note in _notes(came))


def test_a_choice_that_does_not_arrive_is_none(where: Place) -> None:
    _wrap(where, choose_update_set=lambda instance: lambda sys_id: None)
    came = where.call(back_out)
    assert came.code is ExitCode.OK
    assert any("did not arrive in the user's preference" in note for note in _notes(came))
    assert _own_sets(where) == []


def test_another_user_of_the_pages_chooses_nothing(where: Place) -> None:
    settings = where.environment.instance
    other = AuthSettings(AuthMethod.BASIC, user="somebody.else", password_from="env:IT")
    where.environment = replace(where.environment, instance=replace(settings, upload_auth=other))
    came = where.call(back_out)
    assert came.code is ExitCode.OK
    assert any("instance.upload_auth may be another user" in note for note in _notes(came))
    assert _own_sets(where) == []


@pytest.mark.parametrize("said", ["nobody", "two", "another's"])
def test_who_cannot_be_told_chooses_nothing(where: Place, said: str) -> None:
    def read(instance: Instance) -> Callable[[Sequence[Read]], tuple[Found, ...]]:
        def answer(reads: Sequence[Read]) -> tuple[Found, ...]:
            found = list(instance.read(reads))
            for place_, entry in enumerate(reads):
                row = {"sys_id": "a" * 32, "name": "sys_update_set", "user": "b" * 32, "value": ""}
                if entry.table == "sys_user" and said == "nobody":
                    found[place_] = Found()
                if entry.table == PREFERENCES and said == "two":
                    found[place_] = Found((row, row), 2)
                if entry.table == PREFERENCES and said == "another's":
                    found[place_] = Found((row,), 1)
            return tuple(found)

        return answer

    _wrap(where, read=read)
    came = where.call(back_out)
    assert came.code is ExitCode.OK
    assert any("the instance does not say" in note for note in _notes(came))
    assert _own_sets(where) == []


def test_a_set_that_an_interrupted_back_out_left_chosen_serves_again(where: Place) -> None:
    values = {"name": f"{NAME}earlier", "application": "global", "state": "in progress"}
    row = where.sandbox.database.insert(LOCALS, values, by="admin")
    choose_set(where.sandbox, _admin(where), row["sys_id"], session=None)
    came = where.call(back_out)
    assert came.code is ExitCode.OK
    assert [entry["sys_id"] for entry in _own_sets(where)] == [row["sys_id"]]
    assert _deletions(where, row["sys_id"]) > 20
    assert any("one of an earlier back out already" in note for note in _notes(came))


def test_a_back_out_that_fails_puts_the_choice_back_all_the_same(where: Place) -> None:
    mine = _users_own(where)
    _wrap(where, back_out=_raising(NO))
    assert where.call(back_out).codes == ["no"]
    assert (_preference(where), _own_sets(where)) == (mine, [])


def test_what_cannot_be_put_back_is_told(where: Place) -> None:
    mine = _users_own(where)
    where.sandbox.database.update(LOCALS, mine, {"state": "complete"}, by="admin")
    came = where.call(back_out)
    assert came.code is ExitCode.OK
    assert any("could not be put back" in note and mine in note for note in _notes(came))


def test_whether_it_is_empty_may_not_be_told(where: Place) -> None:
    def closed(instance: Instance) -> Callable[[Sequence[Read]], tuple[Found, ...]]:
        def read(reads: Sequence[Read]) -> tuple[Found, ...]:
            ours = {f"update_set={row['sys_id']}" for row in _own_sets(where)}
            return tuple(
                Found(error=NO) if entry.query in ours and entry.count_only else found
                for entry, found in zip(reads, instance.read(reads), strict=True)
            )

        return read

    _wrap(where, read=closed)
    came = where.call(back_out)
    assert came.code is ExitCode.OK
    assert any("made for the deletions" in note for note in _notes(came))


# 405: the CI/CD API does not serve it


def test_a_back_out_that_cicd_does_not_serve_goes_the_pages_way(where: Place) -> None:
    where.sandbox.behaviour.cicd_back_out = "inactive"
    came = where.call(back_out)
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert came.report.route == "xmlhttp"
    assert any("405" in line for line in came.said)


def test_a_405_of_the_pages_way_is_an_error(where: Place) -> None:
    where.sandbox.behaviour.cicd_back_out = "inactive"
    tried: list[Route] = []

    def refuse(instance: Instance) -> Callable[..., Operation]:
        def begin(local: str, *, route: Route) -> Operation:
            tried.append(route)
            raise ResponseError(Fault("instance-method", "Not served."), status=405)

        return begin

    _wrap(where, back_out=refuse)
    came = where.call(back_out)
    assert (came.code, came.codes) == (ExitCode.FAILED, ["instance-method"])
    assert tried == [Route.CICD, Route.XMLHTTP]


# The second of two sets


@pytest.fixture
def separate(environment: Make) -> Place:
    """The two sets of a package, imported one by one."""
    return _imported(place(environment(layout=Layout.SEPARATE)))


def _refuse_the_second(where: Place, *, closed: bool = False, gone: bool = False) -> None:
    begun: list[str] = []

    def begin(instance: Instance) -> Callable[..., Operation]:
        def back(local: str, *, route: Route) -> Operation:
            begun.append(local)
            if len(begun) == 2:
                if gone:
                    where.sandbox.database.delete(LOCALS, local)
                raise NO
            return instance.back_out(local, route=route)

        return back

    def read(instance: Instance) -> Callable[[Sequence[Read]], tuple[Found, ...]]:
        def answer(reads: Sequence[Read]) -> tuple[Found, ...]:
            return tuple(
                Found(error=NO)
                if closed and len(begun) == 2 and entry.query.startswith("sys_idIN")
                else found
                for entry, found in zip(reads, instance.read(reads), strict=True)
            )

        return answer

    _wrap(where, back_out=begin, read=read)


def test_what_stays_is_listed_where_the_second_set_is_refused(separate: Place) -> None:
    _refuse_the_second(separate)
    came = separate.call(back_out)
    assert (came.code, came.codes) == (ExitCode.FAILED, ["no"])
    notes = _notes(came)
    assert any(note.startswith("backed out: ") for note in notes)
    (stays,) = [note for note in notes if "stays committed" in note]
    (entity,) = separate.sandbox.database.query("oauth_entity")
    assert f"oauth_entity_{entity['sys_id']}" in stays
    assert "sys_script_include" not in stays
    assert any("back-out dev" in note and "again" in note for note in notes)
    roles = [(entry.role, bool(entry.local_set)) for entry in came.report.sets]
    assert roles == [("app", False), ("global", True)]
    # And what the remark names takes the rest.
    separate.wrap = lambda instance: instance
    assert separate.call(back_out).code is ExitCode.OK
    assert separate.sandbox.database.query("oauth_entity") == []


def test_what_stays_may_not_be_readable(separate: Place) -> None:
    _refuse_the_second(separate, closed=True)
    notes = _notes(separate.call(back_out))
    assert any("may stay committed (it cannot be read)" in note for note in notes)


def test_a_set_that_is_gone_after_all_does_not_stay(separate: Place) -> None:
    _refuse_the_second(separate, gone=True)
    came = separate.call(back_out)
    assert any(
        note.startswith("the local set of ") and note.endswith(") is gone") for note in _notes(came)
    )


def test_a_choice_that_stays_is_told(where: Place) -> None:
    mine = _users_own(where)

    def once(instance: Instance) -> Callable[[str], None]:
        def choose(sys_id: str) -> None:
            if sys_id != mine:
                instance.choose_update_set(sys_id)

        return choose

    _wrap(where, choose_update_set=once)
    notes = _notes(where.call(back_out))
    assert any("could not be put back (the preference names another one)" in n for n in notes)
    (made,) = _own_sets(where)
    assert _preference(where) == made["sys_id"]


def test_a_preference_that_cannot_be_read_any_more_is_told(where: Place) -> None:
    mine = _users_own(where)
    seen: list[str] = []

    def closing(instance: Instance) -> Callable[[Sequence[Read]], tuple[Found, ...]]:
        def read(reads: Sequence[Read]) -> tuple[Found, ...]:
            answers = instance.read(reads)
            seen.extend(entry.table for entry in reads if entry.table == PREFERENCES)
            return tuple(
                Found(error=NO) if entry.table == PREFERENCES and len(seen) > 2 else found
                for entry, found in zip(reads, answers, strict=True)
            )

        return read

    _wrap(where, read=closing)
    came = where.call(back_out)
    assert came.code is ExitCode.OK
    assert any(
        "could not be put back (The instance said no)" in n and mine in n for n in _notes(came)
    )
