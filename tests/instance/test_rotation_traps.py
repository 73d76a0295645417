"""What a rotation must not do: take another's secret away, one still in use, or say too much."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from rotating import Broken, Desk, GraphThat, Held, desk

from generator.config.environment import Environment
from generator.errors import AuthenticationError, ExitCode, Fault, OutcomeUnknown, ResponseError
from generator.instance.deliver_only import deliver_secret
from generator.instance.interface import Instance
from generator.instance.rotation import undo_rotation
from generator.instance.rotation_finish import finish_rotation
from generator.instance.rotation_journal import Mark, RotationJournal
from generator.instance.rotation_model import Wishes
from generator.sandbox.passwords import encrypt

LOST = OutcomeUnknown(Fault("lost", "The answer was lost."))
NO_WRITES = [
    ResponseError(Fault("throttled", "Too many requests."), status=429),
    AuthenticationError(Fault("instance-login", "Not known any more."), status=401),
]


@pytest.fixture
def it(environment: Callable[..., Environment]) -> Iterator[Desk]:
    with desk(environment()) as made:
        yield made


class Writes:
    """A client whose writes of the secret are another's."""

    def __init__(self, instance: Instance, write: Callable[[Callable[[], None]], None]) -> None:
        self._instance, self._write = instance, write

    def __getattr__(self, name: str) -> object:
        original = getattr(self._instance, name)
        if name != "write_secret":
            return original
        return lambda *arguments: self._write(lambda: original(*arguments))


def _writes(it: Desk, write: Callable[[Callable[[], None]], None]) -> None:
    it.where.wrap = lambda instance: Writes(instance, write)  # type: ignore[assignment,return-value]


def _kill_after(it: Desk, at: Mark, work: Callable[..., None] | None = None) -> None:
    original = RotationJournal.write

    def write(self: RotationJournal, rotation: object, mark: Mark, **facts: str) -> object:
        written = original(self, rotation, mark, **facts)  # type: ignore[arg-type]
        if mark is at:
            raise Broken
        return written

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RotationJournal, "write", write)
        with pytest.raises(Broken):
            it.call() if work is None else it.call(work)


def _made(it: Desk, name: str, *, hours_ago: float = 0) -> str:
    now = it.where.clock.now() - timedelta(hours=hours_ago)
    return it.mail.tenant.add(it.mail.tenant.app, now=now, name=name).value


def _hand_in(it: Desk, name: str = "made by hand", ends: datetime | None = None) -> str:
    value = _made(it, name)
    it.source, it.handed = Held(value, "env:SECRET"), Held(value, "env:NEW")
    it.wishes = Wishes(ends=ends)
    return value


def _deliver(it: Desk, value: str) -> ExitCode:
    it.where.client_secret = value
    return it.where.call(deliver_secret).code


# The instance may hold the new one


@pytest.mark.parametrize("error", NO_WRITES, ids=lambda error: error.faults[0].code)
def test_a_no_after_a_lost_answer_says_nothing_about_what_was_lost(
    it: Desk, error: Exception
) -> None:
    times = [0]

    def write(work: Callable[[], None]) -> None:
        times[0] += 1
        if times[0] > 1:
            raise error
        work()
        raise LOST

    _writes(it, write)
    came = it.call()
    assert (came.code, came.codes[0]) == (ExitCode.FAILED, "secret-unknown")
    # The instance holds the new secret: it must go on to work.
    assert it.on_instance() == it.vault.versions["2"]
    assert it.on_instance() in it.values()
    it.where.wrap = lambda instance: instance
    assert it.call().code is ExitCode.OK


def test_what_somebody_delivers_meanwhile_is_put_back_too(it: Desk) -> None:
    old = it.on_instance()
    _kill_after(it, Mark.STORED)
    assert not it.rotation().may_be_on_instance
    # An import or `secret deliver`: the source yields the new one by now.
    it.where.clock.sleep(60)
    date = it.date()
    assert _deliver(it, it.vault.fetch().reveal()) is ExitCode.OK
    assert it.on_instance() != old
    assert it.rotation().mark is Mark.STORED
    assert it.call(undo_rotation).code is ExitCode.OK
    assert (it.on_instance(), it.date()) == (old, date)
    assert it.values() == [old]


@pytest.mark.parametrize("mark", [Mark.STARTED, Mark.ADDED, Mark.VERIFIED], ids=str)
def test_a_delivery_that_says_nothing_of_a_rotation_leaves_it_alone(it: Desk, mark: Mark) -> None:
    if mark is Mark.STARTED:
        it.around_graph = lambda graph: GraphThat(graph, {"add_password": _broken})
        with pytest.raises(Broken):
            it.call()
        it.around_graph = lambda graph: graph
    else:
        _kill_after(it, mark)
    before = it.rotation()
    _deliver(it, it.vault.fetch().reveal())
    assert it.rotation() == before


def _broken(work: Callable[[], object]) -> object:
    raise Broken


def test_a_putting_back_is_proven_once_more_when_the_new_one_is_gone(it: Desk) -> None:
    old = it.on_instance()
    _kill_after(it, Mark.DELIVERING)
    times = [0]

    def ignored(work: Callable[[], None]) -> None:
        """Says yes and keeps what was there, as a rule on the instance may do."""
        times[0] += 1
        if times[0] > 1:
            work()

    (row,) = it.where.sandbox.database.query("oauth_entity", "client_secretISNOTEMPTY")
    it.where.sandbox.database.update(
        "oauth_entity",
        row["sys_id"],
        {"client_secret": encrypt(it.where.sandbox, it.vault.versions["2"])},
        by="x",
    )
    _writes(it, ignored)
    assert it.call(undo_rotation).code is ExitCode.OK
    assert (it.on_instance(), it.values()) == (old, [old])


def test_a_putting_back_after_a_clear_no_needs_no_old_value(it: Desk) -> None:
    closed = ResponseError(Fault("closed", "Closed."), status=403)

    def no(work: Callable[[], None]) -> None:
        raise closed

    _writes(it, no)
    _kill_after(it, Mark.PUTTING_BACK)
    it.where.wrap = lambda instance: instance
    it.vault.unreadable.add("1")
    assert it.call(undo_rotation).code is ExitCode.OK
    assert it.values() == [it.mail.client_secret]


# Another's secret


def test_a_secret_of_another_instance_is_never_taken_for_the_old_one(it: Desk) -> None:
    """The owner removed the old one by hand; what is left beside the new one is production's."""
    _hand_in(it, "servicenow-acme-dev-2026-11")
    assert it.call().code is ExitCode.OK
    it.graph().remove_password(it.graph().application().object_id, key_id=it.keys()[0])
    prod = _made(it, "servicenow-acme-2026-10", hours_ago=400)
    it.handed = None
    it.pass_hours(25)
    came = it.call(finish_rotation)
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["rotation-key"])
    assert prod in it.values()


def test_the_only_older_one_of_this_instance_is_the_old_one(it: Desk) -> None:
    it.graph().remove_password(it.graph().application().object_id, key_id=it.keys()[0])
    _deliver(it, _made(it, "servicenow-acme-dev-2026-05", hours_ago=400))
    new = _hand_in(it, "servicenow-acme-dev-2026-11")
    assert it.call().code is ExitCode.OK
    it.handed = None
    it.pass_hours(25)
    assert it.call(finish_rotation).code is ExitCode.OK
    assert it.values() == [new]


def test_a_source_that_yields_the_old_one_again_does_not_remove_the_new_one(it: Desk) -> None:
    it.graph().remove_password(it.graph().application().object_id, key_id=it.keys()[0])
    old = _made(it, "servicenow-acme-dev-2026-05", hours_ago=400)
    _deliver(it, old)
    new = _hand_in(it, "servicenow-acme-dev-2026-11")
    assert it.call().code is ExitCode.OK
    it.handed, it.source = None, Held(old, "env:SECRET")
    it.pass_hours(25)
    assert it.call(finish_rotation).codes == ["rotation-key"]
    assert it.values() == [old, new]


def test_a_key_that_is_not_there_is_not_called_removed(it: Desk) -> None:
    it.call()
    keys = it.keys()
    it.pass_hours(25)
    it.wishes = Wishes(old_key_id="0" * 8 + keys[0][8:])
    came = it.call(finish_rotation)
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["rotation-key"])
    assert "has no client secret" in came.faults[0].message
    assert (it.keys(), it.rotation().mark) == (keys, Mark.VERIFIED)


def test_an_old_secret_that_its_owner_removed_is_finished(it: Desk) -> None:
    it.call()
    old, new = it.keys()
    it.graph().remove_password(it.graph().application().object_id, key_id=old)
    it.pass_hours(25)
    assert it.call(finish_rotation).code is ExitCode.OK
    assert it.keys() == [new]


def test_a_removal_that_goes_on_removes_no_other(it: Desk) -> None:
    _hand_in(it, "servicenow-acme-dev-2026-11")
    third = _made(it, "servicenow-acme-dev-2026-05", hours_ago=400)
    assert it.call().code is ExitCode.OK
    it.handed, it.wishes = None, Wishes(old_key_id=it.keys()[0])
    it.pass_hours(25)
    original = GraphThat(it.graph(), {})

    def killed(work: Callable[[], object]) -> object:
        work()
        raise Broken

    assert len(original.application().passwords) == 3
    it.around_graph = lambda graph: GraphThat(graph, {"remove_password": killed})
    with pytest.raises(Broken):
        it.call(finish_rotation)
    it.around_graph, it.wishes = lambda graph: graph, Wishes()
    assert it.call(finish_rotation).code is ExitCode.OK
    assert third in it.values()


def test_another_instances_rotation_does_not_stop_this_one(it: Desk) -> None:
    """`servicenow-acme-...` begins the names of `acme` and of `acme-dev-two`."""
    _made(it, "servicenow-acme-dev-two-2026-11-ffffff")
    assert it.call().code is ExitCode.OK


# What was proven then, and the next rotation


def test_a_second_secret_that_is_handed_in_is_delivered(it: Desk) -> None:
    """Who may not change the application never finishes; the next rotation comes all the same."""
    _hand_in(it, ends=datetime(2027, 6, 1, tzinfo=UTC))
    assert it.call().code is ExitCode.OK
    first = it.rotation().name
    it.pass_hours(24 * 150)
    second = _hand_in(it, ends=datetime(2028, 1, 1, tzinfo=UTC))
    came = it.call()
    assert (came.code, came.report.secret) == (ExitCode.OK, "delivered and proven")
    assert (it.on_instance(), it.date()) == (second, "2028-01-01 00:00:00")
    assert any("was not finished" in note for note in came.report.notes)
    assert it.rotation().name != first


def test_a_second_one_is_delivered_within_the_grace_time_too(it: Desk) -> None:
    _hand_in(it)
    it.wishes = Wishes(old_key_id=it.keys()[0])
    assert it.call().code is ExitCode.OK
    second = _hand_in(it)
    assert it.call().code is ExitCode.OK
    assert it.on_instance() == second
    # What was left over is not forgotten.
    assert it.rotation().fact("old_key_id") == it.keys()[0]


def test_a_second_one_that_fails_leaves_the_first_to_be_finished(it: Desk) -> None:
    first = _hand_in(it)
    it.wishes = Wishes(old_key_id=it.keys()[0])
    assert it.call().code is ExitCode.OK
    wrong = "wr" + "ong-value"
    it.source, it.handed = Held(wrong, "env:SECRET"), Held(wrong, "env:NEW")
    assert it.call().code is ExitCode.VERIFICATION_FAILED
    assert it.on_instance() == first
    it.source, it.handed, it.wishes = Held(first, "env:SECRET"), None, Wishes()
    it.pass_hours(25)
    assert it.call(finish_rotation).code is ExitCode.OK
    assert it.values() == [first]


def test_a_vault_takes_over_where_a_rotation_by_hand_was_never_finished(it: Desk) -> None:
    value = _hand_in(it)
    assert it.call().code is ExitCode.OK
    it.source = it.handed = None
    it.vault.versions["2"] = value
    assert it.call().codes == ["rotation-open"]
    it.pass_hours(25)
    assert it.call().code is ExitCode.OK
    assert it.rotation().by_graph
    assert it.on_instance() == it.vault.versions["3"]


def test_what_was_proven_then_is_asked_again(it: Desk) -> None:
    it.call()
    row = it.where.sandbox.database.query("oauth_entity", "client_secretISNOTEMPTY")[0]
    wrong = encrypt(it.where.sandbox, "wr" + "ong")
    it.where.sandbox.database.update(
        "oauth_entity", row["sys_id"], {"client_secret": wrong}, by="a clone"
    )
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["rotation-no-token"])


def test_no_second_rotation_is_said_to_be_done_while_one_waits_for_its_end(it: Desk) -> None:
    it.call()
    keys = it.keys()
    it.pass_hours(25)
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["rotation-not-finished"])
    assert "--finish" in (came.faults[0].next or "")
    assert it.keys() == keys
    _kill_after(it, Mark.REMOVING, finish_rotation)
    assert it.call().codes == ["rotation-removing"]


def test_a_date_that_was_said_once_is_remembered(it: Desk) -> None:
    _hand_in(it, ends=datetime(2028, 1, 1, tzinfo=UTC))
    _kill_after(it, Mark.DELIVERING)
    it.wishes = Wishes()
    assert it.call().code is ExitCode.OK
    assert it.date() == "2028-01-01 00:00:00"


def test_mail_does_not_wait_when_the_instance_held_the_old_one_after_all(it: Desk) -> None:
    it.call()
    it.pass_hours(25)
    row = it.where.sandbox.database.query("oauth_entity", "client_secretISNOTEMPTY")[0]
    old = encrypt(it.where.sandbox, it.mail.client_secret)
    it.where.sandbox.database.update("oauth_entity", row["sys_id"], {"client_secret": old}, by="x")
    before = it.where.clock.now()
    assert it.call(finish_rotation).code is ExitCode.OK
    assert it.where.clock.now() - before < timedelta(seconds=60)


def test_a_delivery_that_was_cut_is_not_taken_for_the_one_before(it: Desk) -> None:
    new = _made(it, "new")

    def lost(work: Callable[[], None]) -> None:
        raise LOST

    _writes(it, lost)
    assert _deliver(it, new) is ExitCode.FAILED
    it.where.wrap = lambda instance: instance
    # The instance holds the one before, and gets a token with it: that proves nothing of this one.
    came = it.where.call()
    assert (came.code, came.report.secret) == (ExitCode.OK, "delivered and proven")
    assert it.on_instance() == new
