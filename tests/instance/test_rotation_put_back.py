"""What a rotation puts back when the new secret cannot be proven, and what it says where not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rotating import Broken, Desk, GraphThat, Held, desk

from generator.config.environment import Environment
from generator.errors import ExitCode, Fault, NetworkError, OutcomeUnknown, ResponseError
from generator.instance.app_check import AppUnavailable
from generator.instance.interface import AppAnswer, Instance
from generator.instance.rotation import undo_rotation
from generator.instance.rotation_finish import finish_rotation
from generator.instance.rotation_journal import Mark
from generator.instance.rotation_model import Wishes

NO_TOKEN = {
    "ok": False,
    "status": "no_token",
    "message": "The provider gave no token.",
    "token_expires_on": "",
    "secret_days_left": "",
    "secret_expires_on": "",
    "test_queued": False,
}
CLOSED = ResponseError(Fault("closed", "The table is closed."), status=403, detail="not for you")
SILENT = NetworkError(Fault("instance-silent", "No answer."))
LOST = OutcomeUnknown(Fault("lost", "The answer was lost."))


@pytest.fixture
def it(environment: Callable[..., Environment]) -> Iterator[Desk]:
    with desk(environment()) as made:
        yield made


class Instead:
    """A client, some of whose methods are others."""

    def __init__(self, instance: Instance, **methods: Callable[..., object]) -> None:
        self._instance, self._methods = instance, methods

    def __getattr__(self, name: str) -> object:
        instead = self._methods.get(name)
        original = getattr(self._instance, name)
        if instead is None:
            return original
        return lambda *arguments, **more: instead(lambda: original(*arguments, **more))


def _wrap(it: Desk, **methods: Callable[..., object]) -> None:
    it.where.wrap = lambda instance: Instead(  # type: ignore[assignment,return-value]
        instance, **methods
    )


def _unwrap(it: Desk) -> None:
    it.where.wrap = lambda instance: instance


class Checks:
    """The app's check, which says what is planned; then as it is."""

    def __init__(self, *planned: object) -> None:
        self.planned = list(planned)

    def __call__(self, work: Callable[[], AppAnswer]) -> AppAnswer:
        plan = self.planned.pop(0) if self.planned else None
        if isinstance(plan, Exception):
            raise plan
        answer = work()
        if plan is None:
            return answer
        return AppAnswer(200, {**answer.result, **NO_TOKEN, "message": str(plan)})


def test_an_instance_that_gets_no_token_gets_the_old_secret_back(it: Desk) -> None:
    old, date = it.on_instance(), it.date()
    _wrap(it, call_app=Checks(None, "The provider gave no token: scope."))
    came = it.call()
    assert (came.code, came.codes) == (
        ExitCode.VERIFICATION_FAILED,
        ["secret-not-proven", "rotation-put-back"],
    )
    assert "scope" in came.faults[0].message
    assert (it.on_instance(), it.date()) == (old, date)
    assert it.values() == [old]
    assert it.vault.fetch().reveal() == old
    assert it.vault.notes[-1].endswith("was put back")
    assert it.rotation().mark is Mark.UNDONE
    assert came.report.secret == "the old one was put back, proven"
    _unwrap(it)
    assert it.call().code is ExitCode.OK


def test_a_new_secret_may_be_unknown_to_the_instances_entra_for_a_while(it: Desk) -> None:
    new = "refused, AADSTS7000215: Invalid client secret provided."
    _wrap(it, call_app=Checks(None, new, new, new))
    came = it.call()
    assert came.code is ExitCode.OK


def test_an_app_that_does_not_answer_afterwards_is_asked_again_then_put_back(it: Desk) -> None:
    old = it.on_instance()
    _wrap(it, call_app=Checks(None, SILENT, SILENT))
    assert it.call().code is ExitCode.OK
    it.pass_hours(25)
    it.call(finish_rotation)
    second = it.on_instance()
    assert second != old
    _wrap(it, call_app=Checks(None, *[SILENT] * 40))
    came = it.call()
    assert came.code is ExitCode.FAILED
    assert came.codes == ["secret-not-proven", "put-back-unproven"]
    assert it.rotation().mark is Mark.PUTTING_BACK
    # The next call ends the putting back, and says that the rotation failed.
    _unwrap(it)
    it.dry_run = True
    assert any("would be put back" in line for line in it.call().said)
    it.dry_run = False
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["rotation-undone"])
    assert it.on_instance() == second
    assert it.values() == [second]
    assert it.rotation().mark is Mark.UNDONE


def test_an_app_that_closes_meanwhile_is_no_proof(it: Desk) -> None:
    gone = AppUnavailable(Fault("app-role", "Not for you."))
    _wrap(it, call_app=Checks(None, gone))
    came = it.call()
    assert came.code is ExitCode.VERIFICATION_FAILED
    assert came.codes[-1] == "rotation-put-back"


def test_a_date_that_is_not_written_puts_everything_back(it: Desk) -> None:
    times = [0]

    def first_refused(work: Callable[[], object]) -> object:
        times[0] += 1
        if times[0] == 1:
            raise CLOSED
        return work()

    old, date = it.on_instance(), it.date()
    _wrap(it, update=first_refused)
    came = it.call()
    assert came.codes == ["expiry-not-written", "rotation-put-back"]
    assert (it.on_instance(), it.date()) == (old, date)


def test_an_empty_date_is_empty_again(it: Desk) -> None:
    name = f"{it.where.environment.app.scope}.secret_expires_on"
    row = it.where.sandbox.database.query("sys_properties", f"name={name}")[0]
    it.where.sandbox.database.update("sys_properties", row["sys_id"], {"value": ""}, by="x")
    _wrap(it, call_app=Checks(None, "no"))
    assert it.call().codes[-1] == "rotation-put-back"
    assert it.date() == ""


def test_without_the_old_value_the_instance_keeps_the_new_one_and_that_is_said(it: Desk) -> None:
    it.vault.unreadable.add("1")
    it.wishes = Wishes(old_key_id=it.keys()[0])
    _wrap(it, call_app=Checks(None, "no"))
    came = it.call()
    assert came.code is ExitCode.VERIFICATION_FAILED
    assert came.codes == ["secret-not-proven", "rotation-not-proven"]
    assert "now holds the new secret" in came.faults[1].message
    assert it.on_instance() == it.vault.versions["2"]
    assert it.rotation().mark is Mark.DELIVERING
    undone = it.call(undo_rotation)
    assert (undone.code, undone.codes) == (ExitCode.REFUSED, ["rotation-no-old"])
    # With the old value at hand it can be put back.
    it.kept = Held(it.mail.client_secret)
    _unwrap(it)
    undone = it.call(undo_rotation)
    assert undone.code is ExitCode.OK
    assert it.on_instance() == it.mail.client_secret
    assert it.values() == [it.mail.client_secret]


def test_what_got_no_token_before_is_not_put_back(it: Desk) -> None:
    _wrap(it, call_app=Checks("expired", "no"))
    came = it.call()
    assert came.codes == ["secret-not-proven", "rotation-not-proven"]
    assert "before it got no token either" in came.faults[1].message
    new = it.vault.versions["2"]
    assert it.on_instance() == new
    # Once the reason is gone, the next call goes on.
    _unwrap(it)
    keys = it.keys()
    came = it.call()
    assert (came.code, it.keys()) == (ExitCode.OK, keys)
    assert it.on_instance() == new
    assert it.rotation().mark is Mark.VERIFIED


def test_an_expired_secret_is_rotated(it: Desk) -> None:
    it.pass_hours(24 * 400)
    came = it.call()
    assert came.code is ExitCode.OK
    assert it.on_instance() == it.vault.versions["2"]


def test_an_instance_that_refuses_the_secret_holds_the_old_one(it: Desk) -> None:
    def no(work: Callable[[], object]) -> object:
        raise CLOSED

    old = it.on_instance()
    _wrap(it, write_secret=no)
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.FAILED, ["closed"])
    assert it.on_instance() == old
    assert it.values() == [old]
    assert it.rotation().mark is Mark.UNDONE


def test_a_lost_answer_is_tried_again(it: Desk) -> None:
    times = [0]

    def lost(work: Callable[[], object]) -> object:
        times[0] += 1
        work()
        if times[0] < 3:
            raise LOST
        return None

    _wrap(it, write_secret=lost)
    assert it.call().code is ExitCode.OK
    assert times == [3]


def test_answers_that_stay_lost_leave_it_to_the_next_call(it: Desk) -> None:
    def lost(work: Callable[[], object]) -> object:
        raise LOST

    _wrap(it, write_secret=lost)
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.FAILED, ["secret-unknown"])
    assert "Both secrets work" in came.faults[0].message
    assert it.rotation().mark is Mark.DELIVERING

    # Refused now: what the instance holds is not known, so nothing is taken away.
    def no(work: Callable[[], object]) -> object:
        raise CLOSED

    _wrap(it, write_secret=no)
    assert it.call().codes == ["closed"]
    assert len(it.keys()) == 2
    _unwrap(it)
    assert it.call().code is ExitCode.OK


# Killed at each place, and gone on with


def _kill_after(journal_mark: Mark) -> Callable[[Desk], None]:
    def kill(it: Desk) -> None:
        from generator.instance.rotation_journal import RotationJournal

        original = RotationJournal.write

        def write(self: RotationJournal, rotation: object, mark: Mark, **facts: str) -> object:
            written = original(self, rotation, mark, **facts)  # type: ignore[arg-type]
            if mark is journal_mark:
                raise Broken
            return written

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(RotationJournal, "write", write)
            with pytest.raises(Broken):
                it.call()

    return kill


@pytest.mark.parametrize(
    "mark",
    [Mark.ADDING, Mark.ADDED, Mark.STORING, Mark.STORED, Mark.DELIVERING, Mark.VERIFIED],
    ids=str,
)
def test_a_killed_rotation_is_gone_on_with(it: Desk, mark: Mark) -> None:
    _kill_after(mark)(it)
    assert it.rotation().mark is mark
    came = it.call()
    assert came.code is ExitCode.OK
    rotation = it.rotation()
    assert rotation.mark is Mark.VERIFIED
    assert it.on_instance() == it.vault.fetch().reveal()
    # Nothing that nobody knows the value of is left at Azure.
    assert it.values() == [it.mail.client_secret, it.on_instance()]
    assert rotation.fact("new_key_id") == it.keys()[1]


@pytest.mark.parametrize(
    "mark", [Mark.ADDING, Mark.ADDED, Mark.STORING, Mark.STORED, Mark.DELIVERING], ids=str
)
def test_a_killed_rotation_can_be_undone(it: Desk, mark: Mark) -> None:
    old, date = it.on_instance(), it.date()
    _kill_after(mark)(it)
    it.dry_run = True
    assert any("would be put back" in line for line in it.call(undo_rotation).said)
    it.dry_run = False
    came = it.call(undo_rotation)
    assert came.code is ExitCode.OK
    assert (it.on_instance(), it.date()) == (old, date)
    assert it.vault.fetch().reveal() == old
    assert it.rotation().mark is Mark.UNDONE
    assert it.values() == [old]
    assert it.call(undo_rotation).codes == ["rotation-none"]


def test_a_secret_that_was_added_and_not_noted_is_undone(it: Desk) -> None:
    def killed(work: Callable[[], object]) -> object:
        work()
        raise Broken

    it.around_graph = lambda graph: GraphThat(graph, {"add_password": killed})
    with pytest.raises(Broken):
        it.call()
    assert len(it.keys()) == 2
    it.around_graph = lambda graph: graph
    assert it.call(undo_rotation).code is ExitCode.OK
    assert it.values() == [it.mail.client_secret]


def test_a_version_that_was_stored_and_not_noted_is_undone(it: Desk) -> None:
    it.vault.fail_store = ["lost", Broken()]
    with pytest.raises(Broken):
        it.call()
    assert it.vault.fetch().reveal() != it.mail.client_secret
    assert it.call(undo_rotation).code is ExitCode.OK
    assert it.vault.fetch().reveal() == it.mail.client_secret
    assert it.values() == [it.mail.client_secret]


def test_a_version_that_was_stored_and_not_noted_is_gone_on_with(it: Desk) -> None:
    it.vault.fail_store = ["lost", Broken()]
    with pytest.raises(Broken):
        it.call()
    keys = it.keys()
    assert it.call().code is ExitCode.OK
    assert it.keys() == keys
    assert it.on_instance() == it.vault.versions["2"]


def test_a_vault_that_was_written_by_another_meanwhile_is_left_alone(it: Desk) -> None:
    _kill_after(Mark.DELIVERING)(it)
    it.vault.versions["3"] = "an" + "other"
    assert it.call(undo_rotation).code is ExitCode.OK
    assert it.vault.versions.keys() == {"1", "2", "3"}


def test_a_new_secret_that_somebody_removed_is_told(it: Desk) -> None:
    _kill_after(Mark.STORED)(it)
    it.graph().remove_password(
        it.graph().application().object_id, key_id=it.rotation().fact("new_key_id")
    )
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["rotation-gone"])
    assert it.call(undo_rotation).code is ExitCode.OK
    assert it.call().code is ExitCode.OK


def test_a_rotation_goes_on_the_way_it_began(it: Desk) -> None:
    _kill_after(Mark.STORED)(it)
    it.handed = Held(it.mail.client_secret)
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["rotation-open"])
    it.dry_run, it.handed = True, None
    assert any("would be gone on with (stored)" in line for line in it.call().said)


# Handed in


def _hand_in(it: Desk, ends: datetime | None = None) -> str:
    made = it.graph().add_password(
        it.graph().application().object_id,
        display_name="made by hand",
        ends=datetime(2028, 1, 1, tzinfo=UTC),
    )
    value = made.secret.reveal()
    it.source, it.handed = Held(value, "env:SECRET"), Held(value, "env:NEW")
    it.wishes = Wishes(ends=ends)
    return value


def test_a_secret_that_is_handed_in_is_delivered_with_its_date(it: Desk) -> None:
    new = _hand_in(it, datetime(2028, 1, 1, tzinfo=UTC))
    came = it.call()
    assert (came.code, came.report.secret) == (ExitCode.OK, "delivered and proven")
    assert (it.on_instance(), it.date()) == (new, "2028-01-01 00:00:00")
    assert any("azure.secret_expires_on: 2028-01-01T00:00:00Z" in n for n in came.report.notes)
    it.handed = None
    it.pass_hours(25)
    # Another instance's secret may stand there: nothing is guessed by being the only other one.
    assert it.call(finish_rotation).codes == ["rotation-key"]
    it.wishes = Wishes(old_key_id=it.keys()[0])
    came = it.call(finish_rotation)
    assert came.code is ExitCode.OK
    assert it.values() == [new]


def test_a_source_that_yields_another_secret_is_refused(it: Desk) -> None:
    _hand_in(it)
    it.source = Held(it.mail.client_secret, "env:SECRET")
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["rotation-sources"])
    assert "env:SECRET" in came.faults[0].message and "env:NEW" in came.faults[0].message
    assert it.on_instance() == it.mail.client_secret
    assert it.journal().last is None


def test_without_a_new_date_that_is_said_and_the_date_stays(it: Desk) -> None:
    date = it.date()
    _hand_in(it)
    came = it.call()
    assert came.code is ExitCode.OK
    assert it.date() == date
    assert any("--expires-on" in note for note in came.report.notes)


def test_an_environment_that_knows_an_older_date_is_refused(it: Desk) -> None:
    azure = replace(it.where.environment.azure, secret_expires_on=datetime(2027, 1, 1, tzinfo=UTC))
    it.where.environment = replace(it.where.environment, azure=azure)
    _hand_in(it)
    assert it.call().codes == ["secret-older"]


def test_a_secret_that_was_handed_in_and_fails_is_put_back_where_the_old_one_is_kept(
    it: Desk,
) -> None:
    _hand_in(it)
    it.kept = Held(it.mail.client_secret, "env:OLD")
    _wrap(it, call_app=Checks(None, "no"))
    came = it.call()
    assert came.codes[-1] == "rotation-put-back"
    assert it.on_instance() == it.mail.client_secret
    # Azure's two secrets are the user's own: neither is touched.
    assert len(it.keys()) == 2


def test_without_the_old_one_the_instance_holds_what_was_handed_in(it: Desk) -> None:
    new = _hand_in(it)
    _wrap(it, call_app=Checks(None, "no"))
    came = it.call()
    assert came.codes[-1] == "rotation-not-proven"
    assert "--old-secret-from" in came.faults[-1].message
    assert it.on_instance() == new


def test_a_secret_that_entra_refuses_is_not_delivered(it: Desk) -> None:
    _hand_in(it)
    it.source = it.handed = Held("no" + "t-a-secret")
    came = it.call()
    assert came.code is ExitCode.VERIFICATION_FAILED
    assert came.codes[0] == "aadsts-7000215"
    assert it.on_instance() == it.mail.client_secret
    assert it.rotation().mark is Mark.UNDONE


def test_a_dry_run_of_what_is_handed_in_delivers_nothing(it: Desk) -> None:
    _hand_in(it)
    it.dry_run = True
    came = it.call()
    assert came.code is ExitCode.OK
    assert any("handed in would be delivered" in line for line in came.said)
    assert any("could not be put back" in note for note in came.report.notes)
    assert it.on_instance() == it.mail.client_secret


def test_an_old_value_that_works_no_more_is_not_put_back(it: Desk) -> None:
    _hand_in(it)
    it.kept = Held("lo" + "ng-gone")
    _wrap(it, call_app=Checks(None, "no"))
    came = it.call()
    assert "gets no token any more" in came.faults[-1].message


def test_which_secret_is_old_must_be_told_where_several_are_left(it: Desk) -> None:
    _hand_in(it)
    it.mail.tenant.add(it.mail.tenant.app, now=it.where.clock.now(), name="a third")
    assert it.call().code is ExitCode.OK
    it.pass_hours(25)
    it.handed = None
    came = it.call(finish_rotation)
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["rotation-key"])
    it.wishes = Wishes(old_key_id=it.keys()[0])
    assert it.call(finish_rotation).code is ExitCode.OK
    assert len(it.keys()) == 2


def test_graph_that_lists_no_hints_tells_nothing(it: Desk) -> None:
    def without_hints(work: Callable[[], object]) -> object:
        found = work()
        return replace(
            found,  # type: ignore[type-var]
            passwords=tuple(
                replace(one, hint="")
                for one in found.passwords  # type: ignore[attr-defined]
            ),
        )

    it.around_graph = lambda graph: GraphThat(graph, {"application": without_hints})
    assert it.call().codes == ["rotation-key"]


# Corners


def test_an_undo_without_the_old_value_says_what_the_vault_yields(it: Desk) -> None:
    _kill_after(Mark.STORED)(it)
    it.vault.unreadable.add("1")
    came = it.call(undo_rotation)
    assert came.code is ExitCode.OK
    assert any("yields the new secret, which is removed" in note for note in came.report.notes)
    assert it.values() == [it.mail.client_secret]


def test_a_putting_back_whose_old_value_is_gone_is_not_called_done(it: Desk) -> None:
    _wrap(it, call_app=Checks(None, "no", *[SILENT] * 40))
    assert it.call().codes[-1] == "put-back-unproven"
    assert it.rotation().mark is Mark.PUTTING_BACK
    _unwrap(it)
    it.vault.unreadable.add("1")
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.FAILED, ["put-back-unproven"])
    assert "cannot be had" in came.faults[0].message
    it.kept = Held(it.mail.client_secret)
    assert it.call().codes == ["rotation-undone"]


def test_a_putting_back_after_entras_refusal_that_fails_tells_both(it: Desk) -> None:
    def no(work: Callable[[], object]) -> object:
        raise CLOSED

    it.mail.behaviour.new_secret_after = 10_000
    it.around_graph = lambda graph: GraphThat(graph, {"remove_password": no})
    came = it.call()
    assert came.code is ExitCode.FAILED
    assert came.codes == ["aadsts-7000215", "put-back-unproven"]


def test_an_old_value_that_nobody_can_judge_now_is_not_put_back(it: Desk) -> None:
    prove, asked = it.where.prove_secret, [0]
    assert prove is not None

    def silent_first(secret: object) -> None:
        asked[0] += 1
        if asked[0] == 1:
            raise SILENT
        prove(secret)  # type: ignore[arg-type]

    it.where.prove_secret = silent_first
    _wrap(it, call_app=Checks(None, "no"))
    came = it.call()
    assert came.codes[-1] == "rotation-not-proven"
    assert "No answer." in came.faults[-1].message


def test_an_instance_that_stays_silent_and_has_nothing_to_put_back(it: Desk) -> None:
    _wrap(it, call_app=Checks("expired", *[SILENT] * 40))
    came = it.call()
    assert (came.code, came.codes) == (
        ExitCode.FAILED,
        ["secret-not-proven", "rotation-not-proven"],
    )


def test_credentials_that_are_refused_are_not_tried_again(it: Desk) -> None:
    from generator.errors import AuthenticationError

    times = [0]

    def no(work: Callable[[], object]) -> object:
        times[0] += 1
        raise AuthenticationError(Fault("instance-login", "Not known."), status=401)

    _wrap(it, write_secret=no)
    assert it.call().codes == ["instance-login"]
    assert times == [1]


def test_a_lost_write_whose_vault_was_written_by_another_is_not_taken_for_it(it: Desk) -> None:
    def another() -> None:
        it.vault.versions["2"] = "an" + "others-value"

    class Racing(type(it.vault)):  # type: ignore[misc]
        def store(self, secret: object, *, note: str) -> str:
            another()
            raise LOST

    racing = Racing(it.vault.versions)
    it.source = racing
    came = it.call()
    assert came.codes == ["lost"]
    assert it.values() == [it.mail.client_secret]


def test_finish_tells_hand_made_secrets_apart_without_hints(it: Desk) -> None:
    """Graph may tell no hint; then nothing is guessed."""
    _hand_in(it)
    assert it.call().code is ExitCode.OK
    it.pass_hours(25)
    it.handed = None

    def without_hints(work: Callable[[], object]) -> object:
        found = work()
        return replace(
            found,  # type: ignore[type-var]
            passwords=tuple(
                replace(one, hint="")
                for one in found.passwords  # type: ignore[attr-defined]
            ),
        )

    it.around_graph = lambda graph: GraphThat(graph, {"application": without_hints})
    assert it.call(finish_rotation).codes == ["rotation-key"]


def test_finish_by_hand_wants_the_source_to_yield_the_new_one(it: Desk) -> None:
    _hand_in(it)
    assert it.call().code is ExitCode.OK
    it.pass_hours(25)
    it.handed, it.source = None, Held(it.mail.client_secret)
    # The source yields the old one, which is then the one that would stay: it is refused.
    it.wishes = Wishes(old_key_id=it.keys()[0])
    assert it.call(finish_rotation).code is ExitCode.REFUSED
    assert len(it.keys()) == 2


def test_an_instance_that_gets_no_token_at_the_end_is_told(it: Desk) -> None:
    it.call()
    it.pass_hours(25)
    _wrap(it, call_app=Checks(None, "still no", "still no", "still no"))
    came = it.call(finish_rotation)
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["rotation-removed"])
    assert it.rotation().mark is Mark.REMOVING
    _unwrap(it)
    assert it.call(finish_rotation).code is ExitCode.OK


def test_another_status_than_no_token_is_not_answered_with_a_delivery(it: Desk) -> None:
    it.call()
    it.pass_hours(25)
    written = [0]

    def count(work: Callable[[], object]) -> object:
        written[0] += 1
        return work()

    checks = Checks(None, "x")

    def error(work: Callable[[], AppAnswer]) -> AppAnswer:
        answer = checks(work)
        status = answer.result["status"]
        told = "error" if status == "no_token" else status
        return AppAnswer(200, {**answer.result, "status": told})

    _wrap(it, call_app=error, write_secret=count)
    assert it.call(finish_rotation).codes == ["rotation-removed"]
    assert written == [0]


def test_lines_of_the_journal_that_are_none_are_passed_over(it: Desk) -> None:
    it.call()
    path = it.where.environment.directory / ".import" / "rotate.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    other = lines[-1].replace(it.where.open().url, "https://other.example")
    strange = lines[-1].replace('"verified"', '"unheard-of"')
    unknown = lines[-1].replace(it.rotation().name, "never-started")
    naive = lines[-1].replace("+00:00", "")
    more = ["{", "[]", "", other, strange, unknown, naive, lines[-1][:20]]
    path.write_text("\n".join([*lines, *more]), encoding="utf-8")
    assert it.rotation().mark is Mark.VERIFIED
    it.pass_hours(25)
    assert it.call(finish_rotation).code is ExitCode.OK
    assert it.rotation().mark is Mark.FINISHED


def test_what_the_last_rotation_stored_is_put_back_where_the_next_is_handed_in(it: Desk) -> None:
    assert it.call().code is ExitCode.OK
    second = it.on_instance()
    it.pass_hours(25)
    assert it.call(finish_rotation).code is ExitCode.OK
    _hand_in(it)
    assert it.handed is not None
    # The user put the new one into the vault, as the source.
    it.vault.store(it.handed.fetch(), note="by hand")
    it.source = None
    _wrap(it, call_app=Checks(None, "no"))
    came = it.call()
    assert came.codes[-1] == "rotation-put-back"
    assert it.on_instance() == second


def test_the_new_value_is_not_taken_for_the_old_one(it: Desk) -> None:
    new = _hand_in(it)
    it.kept = Held(new)
    _wrap(it, call_app=Checks(None, "no"))
    came = it.call()
    assert came.codes[-1] == "rotation-not-proven"
    assert "yields the new one" in came.faults[-1].message
    assert any("could not be put back" in line for line in came.said)


def test_a_vault_that_is_slow_to_yield_what_was_written_is_waited_for(it: Desk) -> None:
    class Slow(type(it.vault)):  # type: ignore[misc]
        asked = 0

        def fetch(self) -> object:
            Slow.asked += 1
            return self.fetch_version("1" if Slow.asked < 4 else self.current_version())

    it.vault = Slow(it.vault.versions)
    assert it.call().code is ExitCode.OK
    assert it.on_instance() == it.vault.versions["2"]
