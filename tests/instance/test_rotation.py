"""`secret rotate` by Graph and vault, from the first secret to the removal of the old one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from rotating import Broken, Desk, GraphThat, Held, desk

from generator.config.environment import Environment
from generator.errors import (
    ConfigError,
    ExitCode,
    Fault,
    NetworkError,
    OutcomeUnknown,
    ResponseError,
)
from generator.instance.rotation import undo_rotation
from generator.instance.rotation_finish import finish_rotation
from generator.instance.rotation_journal import Mark
from generator.instance.rotation_model import Wishes

LOST = OutcomeUnknown(Fault("lost", "The answer was lost."))
NO = ResponseError(Fault("graph-refused", "No."), status=403)


@pytest.fixture
def it(environment: Callable[..., Environment]) -> Iterator[Desk]:
    with desk(environment()) as made:
        yield made


def test_a_new_secret_is_made_stored_delivered_and_proven(it: Desk) -> None:
    old = it.mail.client_secret
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.OK, [])
    assert came.report.secret == "delivered and proven"
    new = it.on_instance()
    assert new != old
    assert it.values() == [old, new]
    assert it.vault.versions == {"1": old, "2": new}
    assert it.date() == it.rotation().fact("new_ends")
    assert it.date().startswith("2027-05-22 12:00:")
    rotation = it.rotation()
    assert rotation.mark is Mark.VERIFIED
    assert rotation.fact("old_key_id") == it.keys()[0]
    assert rotation.fact("new_key_id") == it.keys()[1]
    assert any("azure.secret_expires_on: 2027-05-22T12:00:" in n for n in came.report.notes)
    assert any("--finish" in n and "2026-11-24 12:00" in n for n in came.report.notes)
    assert came.report.rotation is not None
    assert came.report.rotation["finish_from"].startswith("2026-11-24T12:00:")


def test_the_journal_and_what_is_told_hold_no_value(it: Desk) -> None:
    came = it.call()
    it.pass_hours(25)
    finished = it.call(finish_rotation)
    assert finished.code is ExitCode.OK
    told = "\n".join([*came.said, *finished.said, repr(came), repr(finished), repr(it.vault)])
    for path in (it.where.environment.directory / ".import").iterdir():
        told += path.read_text(encoding="utf-8")
    told += "\n".join(it.vault.notes)
    for value in (*it.vault.versions.values(), it.mail.client_secret):
        assert value[:12] not in told
    assert "new_key_id" in told


def test_again_there_is_nothing_to_do_and_the_old_one_waits(it: Desk) -> None:
    it.call()
    keys = it.keys()
    came = it.call()
    assert came.code is ExitCode.OK
    assert any("already" in line for line in came.said)
    assert it.keys() == keys


def test_a_dry_run_changes_nothing(it: Desk) -> None:
    it.dry_run = True
    came = it.call()
    assert came.code is ExitCode.OK
    assert any("would be added" in line for line in came.said)
    assert (len(it.keys()), it.vault.versions.keys()) == (1, {"1"})
    assert it.on_instance() == it.mail.client_secret
    assert it.journal().last is None


def test_the_user_is_asked_before_anything_is_added(it: Desk) -> None:
    asked: list[str] = []
    it.where.answers = lambda question: bool(asked.append(question))
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["declined"])
    assert "Add a client secret" in asked[0]
    assert len(it.keys()) == 1
    assert it.journal().last is None


# What is refused before anything is done


def test_a_source_that_cannot_be_written_wants_the_new_secret_handed_in(it: Desk) -> None:
    it.source = Held(it.mail.client_secret)
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.USAGE, ["rotation-source"])
    assert "--new-secret-from" in (came.faults[0].next or "")
    assert len(it.keys()) == 1


def test_nobody_rotates_what_nobody_can_prove(it: Desk) -> None:
    it.where.prove_secret = None
    assert it.call().codes == ["rotation-unproven"]


def test_an_app_without_its_check_stops_it_at_the_beginning(it: Desk) -> None:
    for row in it.where.sandbox.database.query("sys_ws_operation", ""):
        it.where.sandbox.database.update(
            "sys_ws_operation", row["sys_id"], {"active": "false"}, by="x"
        )
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["app-missing"])
    assert len(it.keys()) == 1


def test_production_is_guarded(it: Desk) -> None:
    database = it.where.sandbox.database
    row = database.query("sys_properties", "name=glide.installation.production")[0]
    database.update("sys_properties", row["sys_id"], {"value": "true"}, by="x")
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["production"])
    assert len(it.keys()) == 1


def test_a_secret_in_use_that_cannot_be_told_is_named_by_the_user(it: Desk) -> None:
    it.vault.versions["2"] = "xyz" + it.mail.client_secret[3:]
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["rotation-key"])
    (key,) = it.keys()
    assert key in came.faults[0].message
    it.wishes = Wishes(old_key_id="0" * 8 + key[8:])
    assert it.call().codes == ["rotation-key"]
    it.wishes = Wishes(old_key_id=key)
    came = it.call()
    assert came.code is ExitCode.OK
    assert it.rotation().fact("old_key_id") == key


def test_an_empty_vault_tells_nothing_and_is_filled_where_the_user_names_the_key(it: Desk) -> None:
    """The only secret may be another instance's: `--finish` would remove it."""
    it.vault.versions.clear()
    assert it.call().codes == ["rotation-key"]
    it.wishes = Wishes(old_key_id=it.keys()[0])
    came = it.call()
    assert came.code is ExitCode.OK
    assert list(it.vault.versions.values()) == [it.on_instance()]


@pytest.mark.parametrize("method", ["current_version", "fetch_version"])
def test_a_vault_that_nobody_may_look_at_stops_it_before_anything_is_added(
    it: Desk, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def denied(*arguments: object) -> object:
        raise ConfigError(Fault("secret-vault-forbidden", "Not for you."))

    monkeypatch.setattr(type(it.vault), method, denied)
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.USAGE, ["secret-vault-forbidden"])
    assert len(it.keys()) == 1


def test_the_key_of_the_last_rotation_is_remembered(it: Desk) -> None:
    it.call()
    it.pass_hours(25)
    it.call(finish_rotation)
    it.mail.tenant.add(it.mail.tenant.app, now=it.where.clock.now(), name="another's")
    first = it.rotation().fact("new_key_id")
    assert it.call().code is ExitCode.OK
    assert it.rotation().fact("old_key_id") == first


def test_a_young_secret_of_another_machines_rotation_stops_it(it: Desk) -> None:
    it.mail.tenant.add(
        it.mail.tenant.app, now=it.where.clock.now(), name="servicenow-acme-dev-2026-11-ffffff"
    )
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["rotation-elsewhere"])
    it.pass_hours(25)
    assert it.call().code is ExitCode.OK


# Graph and vault fail


def _graph(it: Desk, **methods: Callable[..., object]) -> None:
    it.around_graph = lambda graph: GraphThat(graph, methods)


def test_a_refused_secret_ends_the_rotation(it: Desk) -> None:
    def no(work: Callable[[], object]) -> object:
        raise NO

    _graph(it, add_password=no)
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.FAILED, ["graph-refused"])
    assert it.rotation().mark is Mark.UNDONE
    assert it.vault.versions.keys() == {"1"}


def test_an_added_secret_whose_answer_was_lost_is_removed_again(it: Desk) -> None:
    def lost(work: Callable[[], object]) -> object:
        work()
        raise LOST

    _graph(it, add_password=lost)
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.FAILED, ["lost"])
    assert len(it.keys()) == 1
    assert it.rotation().mark is Mark.UNDONE
    it.around_graph = lambda graph: graph
    assert it.call().code is ExitCode.OK
    assert len(it.keys()) == 2


def test_a_lost_secret_is_cleared_by_the_next_call_where_graph_is_silent_now(it: Desk) -> None:
    silent = [False]

    def lost(work: Callable[[], object]) -> object:
        work()
        silent[0] = True
        raise LOST

    def read(work: Callable[[], object]) -> object:
        if silent[0]:
            raise NetworkError(Fault("graph-silent", "Nothing."))
        return work()

    _graph(it, add_password=lost, application=read)
    assert it.call().code is ExitCode.FAILED
    assert it.rotation().mark is Mark.ADDING
    assert len(it.keys()) == 2
    it.around_graph = lambda graph: graph
    came = it.call()
    assert came.code is ExitCode.OK
    assert len(it.keys()) == 2
    assert any("whose value was lost" in note for note in came.report.notes)


def test_a_vault_that_says_no_takes_the_new_secret_away_again(it: Desk) -> None:
    it.vault.fail_store = [ConfigError(Fault("vault-denied", "No."))]
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.USAGE, ["vault-denied"])
    assert len(it.keys()) == 1
    assert it.on_instance() == it.mail.client_secret
    assert it.rotation().mark is Mark.UNDONE
    assert any("was removed again" in note for note in came.report.notes)


def test_a_lost_write_to_the_vault_is_found_there(it: Desk) -> None:
    it.vault.fail_store = ["lost", LOST]
    came = it.call()
    assert came.code is ExitCode.OK
    assert it.on_instance() == it.vault.versions["2"]


def test_a_lost_write_that_did_not_happen_takes_the_new_secret_away(it: Desk) -> None:
    it.vault.fail_store = [LOST]
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.FAILED, ["lost"])
    assert len(it.keys()) == 1


def test_a_secret_that_cannot_be_taken_away_is_told(it: Desk) -> None:
    def no(work: Callable[[], object]) -> object:
        raise NO

    it.vault.fail_store = [ConfigError(Fault("vault-denied", "No."))]
    _graph(it, remove_password=no)
    came = it.call()
    assert came.codes == ["vault-denied"]
    key = it.keys()[1]
    assert any(f"{key} could not be removed" in note for note in came.report.notes)
    # The next call clears it.
    it.around_graph = lambda graph: graph
    assert it.call().code is ExitCode.OK
    assert key not in it.keys()
    assert len(it.keys()) == 2


def test_a_vault_that_yields_another_value_is_undone(it: Desk) -> None:
    class Stubborn(type(it.vault)):  # type: ignore[misc]
        def fetch(self) -> object:
            return self.fetch_version("1")

    it.source = Stubborn(it.vault.versions)
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["rotation-store"])
    assert len(it.keys()) == 1
    assert it.on_instance() == it.mail.client_secret
    assert it.rotation().mark is Mark.UNDONE


# Entra says no, or not yet


def test_a_new_secret_that_entra_does_not_know_yet_is_asked_for_again(it: Desk) -> None:
    it.mail.behaviour.new_secret_after = 4
    before = it.where.clock.monotonic()
    came = it.call()
    assert came.code is ExitCode.OK
    assert it.where.clock.monotonic() > before
    assert came.report.waited > 0


def test_a_new_secret_that_entra_never_knows_is_taken_back(it: Desk) -> None:
    it.mail.behaviour.new_secret_after = 10_000
    old = it.on_instance()
    came = it.call()
    assert came.code is ExitCode.VERIFICATION_FAILED
    assert came.codes[0] == "aadsts-7000215"
    assert it.where.clock.monotonic() < 420
    assert it.on_instance() == old
    assert it.values() == [old]
    # Whoever asks the vault gets what works.
    assert it.vault.versions[it.vault.current_version()] == old
    assert it.rotation().mark is Mark.UNDONE


def test_an_entra_that_does_not_answer_is_asked_by_the_next_call(it: Desk) -> None:
    it.mail.behaviour.new_secret_after = 1
    prove, asked = it.where.prove_secret, [0]
    assert prove is not None

    def silent(secret: object) -> None:
        asked[0] += 1
        if asked[0] > 1:
            raise NetworkError(Fault("entra-silent", "Nothing."))
        prove(secret)  # type: ignore[arg-type]

    it.where.prove_secret = silent
    came = it.call()
    assert (came.code, came.codes) == (ExitCode.FAILED, ["entra-silent"])
    assert it.rotation().mark is Mark.STORED
    it.where.prove_secret = prove
    keys = it.keys()
    came = it.call()
    assert came.code is ExitCode.OK
    assert it.keys() == keys
    assert it.on_instance() == it.vault.versions["2"]


# Finish


def test_the_old_secret_is_removed_after_the_grace_time(it: Desk) -> None:
    it.call()
    old, new = it.keys()
    came = it.call(finish_rotation)
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["rotation-too-early"])
    assert "2026-11-24 12:00" in came.faults[0].message
    assert it.keys() == [old, new]
    it.pass_hours(24)
    came = it.call(finish_rotation)
    assert came.code is ExitCode.OK
    assert it.keys() == [new]
    assert it.rotation().mark is Mark.FINISHED
    again = it.call(finish_rotation)
    assert again.code is ExitCode.OK
    assert any("finished already" in line for line in again.said)


def test_a_shorter_grace_is_the_users(it: Desk) -> None:
    it.call()
    it.wishes = Wishes(grace=timedelta(0))
    it.dry_run = True
    came = it.call(finish_rotation)
    assert (came.code, len(it.keys())) == (ExitCode.OK, 2)
    assert any("would be removed" in line for line in came.said)
    it.dry_run = False
    assert it.call(finish_rotation).code is ExitCode.OK
    assert len(it.keys()) == 1


def test_finish_asks_and_does_nothing_without_a_yes(it: Desk) -> None:
    it.call()
    it.pass_hours(25)
    it.where.answers = lambda question: False
    assert it.call(finish_rotation).codes == ["declined"]
    assert len(it.keys()) == 2


def test_nothing_is_removed_where_the_instance_gets_no_token(it: Desk) -> None:
    it.call()
    it.pass_hours(25)
    row = it.where.sandbox.database.query("oauth_entity_scope", "")[0]
    it.where.sandbox.database.update(
        "oauth_entity_scope", row["sys_id"], {"oauth_entity_scope": "nonsense"}, by="x"
    )
    came = it.call(finish_rotation)
    assert came.code is ExitCode.VERIFICATION_FAILED
    assert came.codes == ["secret-not-proven"]
    assert len(it.keys()) == 2


def test_nothing_is_removed_where_the_source_yields_the_old_one(it: Desk) -> None:
    it.call()
    it.pass_hours(25)
    it.vault.versions["3"] = it.vault.versions["1"]
    came = it.call(finish_rotation)
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["rotation-sources"])
    assert len(it.keys()) == 2


def test_an_instance_that_held_the_old_one_after_all_gets_the_new_one(it: Desk) -> None:
    it.call()
    new = it.on_instance()
    it.pass_hours(25)
    from generator.sandbox.passwords import encrypt

    row = it.where.sandbox.database.query("oauth_entity", "client_secretISNOTEMPTY")[0]
    old = encrypt(it.where.sandbox, it.mail.client_secret)
    it.where.sandbox.database.update(
        "oauth_entity", row["sys_id"], {"client_secret": old}, by="somebody"
    )
    came = it.call(finish_rotation)
    assert came.code is ExitCode.OK
    assert it.on_instance() == new
    assert any("still held that one" in note for note in came.report.notes)


def test_a_removal_that_was_interrupted_is_gone_on_with(it: Desk) -> None:
    it.call()
    it.pass_hours(25)

    def killed(work: Callable[[], object]) -> object:
        work()
        raise Broken

    _graph(it, remove_password=killed)
    with pytest.raises(Broken):
        it.call(finish_rotation)
    assert it.rotation().mark is Mark.REMOVING
    it.around_graph = lambda graph: graph
    assert it.call(undo_rotation).codes == ["rotation-removing"]
    assert it.call(finish_rotation).code is ExitCode.OK
    assert it.rotation().mark is Mark.FINISHED


def test_a_removal_whose_answer_is_lost_is_looked_at(it: Desk) -> None:
    it.call()
    it.pass_hours(25)

    def lost(work: Callable[[], object]) -> object:
        work()
        raise LOST

    _graph(it, remove_password=lost)
    assert it.call(finish_rotation).code is ExitCode.OK
    assert len(it.keys()) == 1


def test_a_secret_that_stays_listed_is_not_called_removed(it: Desk) -> None:
    it.call()
    it.pass_hours(25)
    _graph(it, remove_password=lambda work: None)
    came = it.call(finish_rotation)
    assert (came.code, came.codes) == (ExitCode.VERIFICATION_FAILED, ["rotation-not-removed"])
    assert it.rotation().mark is Mark.REMOVING


def test_an_unfinished_rotation_is_not_finished(it: Desk) -> None:
    it.vault.fail_store = [Broken()]
    with pytest.raises(Broken):
        it.call()
    assert it.call(finish_rotation).codes == ["rotation-open"]


def test_finish_without_a_journal_needs_the_key_and_counts_from_the_new_one(it: Desk) -> None:
    it.call()
    old, new = it.keys()
    it.where.forget()
    came = it.call(finish_rotation)
    assert (came.code, came.codes) == (ExitCode.REFUSED, ["rotation-key"])
    it.wishes = Wishes(old_key_id=new)
    assert it.call(finish_rotation).codes == ["rotation-key"]
    it.wishes = Wishes(old_key_id=old)
    assert it.call(finish_rotation).codes == ["rotation-too-early"]
    it.pass_hours(25)
    came = it.call(finish_rotation)
    assert came.code is ExitCode.OK
    assert it.keys() == [new]
