"""What an environment's integration holds: two sets, recognisably ours, and no record twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from generator.config.environment import Environment
from generator.errors import ConfigError
from generator.integration.integration import integrate, signature
from generator.integration.mail_chain import mail_chain
from generator.integration.scoped_app import app_logical_names
from generator.update_set.records import GLOBAL

Make = Callable[..., Environment]
ACCOUNT = "bf539c3b7955596b87460b3ca1f61735"
SCOPE = "dfd5f70ad4e0525f987ca881594afc9e"


def test_the_global_set_comes_first_and_holds_the_chain(environment: Make) -> None:
    first, second = integrate(environment()).sets
    assert (first.role, first.application) == ("global", GLOBAL)
    assert [record.table for record in first.records] == [
        "oauth_entity",
        "oauth_entity_scope",
        "oauth_entity_profile",
        "oauth_entity_profile_scope",
        "sys_email_account",
    ]
    assert second.role == "app"
    assert second.application.scope == "x_acme_mail"
    assert {record.application for record in second.records} == {second.application}
    assert sorted(record.logical_name for record in second.records) == sorted(app_logical_names())


def test_sets_are_recognised_by_name_and_last_line(environment: Make) -> None:
    made = environment("test-1", version="2.3.4")
    for contents in integrate(made).sets:
        assert contents.name == "Mail OAuth 2.3.4 (test-1)"
        last = contents.description.split("\n")[-1]
        assert last == f"sn-smtp x_acme_mail test-1 {contents.role}"
        assert last == signature(made, contents.role)
        assert "client secret is not in this update set" in contents.description


def test_the_account_leaves_the_set_at_the_cut_over(environment: Make) -> None:
    before, after = (integrate(environment(email_account__live=live)) for live in (False, True))
    assert before.account in before.sets[0].records
    assert after.account.sys_id == before.account.sys_id == ACCOUNT
    assert ACCOUNT not in [record.sys_id for record in after.sets[0].records]
    # It belongs to the package all the same.
    assert after.records()[-1] is after.account
    names = [record.update_name for record in before.records()]
    assert sorted(record.update_name for record in after.records()) == sorted(names)
    assert len(set(names)) == len(names)


def test_no_reference_leads_out_of_the_chain(environment: Make) -> None:
    chain = mail_chain(environment())
    ids = [record.sys_id for record in chain]
    for position, record in enumerate(chain):
        for value in record.fields.values():
            if isinstance(value, tuple) and value.value != "global":
                # Each refers to one that stands before it.
                assert value.value in ids[:position], record.table


def test_environments_share_the_app_s_records(environment: Make) -> None:
    one = integrate(environment("one"))
    # What is adopted of the mail chain is none of the app's business.
    changes = {"oauth__name": "Other", "sys_ids": {"oauth_entity": "a" * 32}}
    other = integrate(environment("two", **changes, azure__secret_expires_on=None))
    shared = [record for record in one.sets[1].records if record in other.sets[1].records]
    assert len(shared) == len(one.sets[1].records) - 1
    (own,) = set(one.sets[1].records) - set(shared)
    assert own.logical_name == "sys_properties.secret_expires_on"


@pytest.mark.parametrize(
    ("adopting", "taken", "sys_id"),
    [
        ("oauth_entity", "sys_email_account", ACCOUNT),
        ("sys_email_account", "oauth_entity_scope", SCOPE),
        ("sys_user_role", "oauth_entity_scope", SCOPE),
    ],
)
def test_a_sys_id_that_another_record_has_is_refused(
    environment: Make, adopting: str, taken: str, sys_id: str
) -> None:
    made = environment(sys_ids={adopting: sys_id})
    with pytest.raises(ConfigError) as caught:
        integrate(made)
    (fault,) = caught.value.faults
    assert fault.code == "equal-sys-ids"
    assert fault.path == f"sys_ids.{adopting}"
    assert taken in fault.message
    assert fault.file == str(made.directory)
    assert fault.next


def test_records_may_swap_their_sys_ids(environment: Make) -> None:
    swapped = {"sys_email_account": SCOPE, "oauth_entity_scope": ACCOUNT}
    ids = [record.sys_id for record in integrate(environment(sys_ids=swapped)).records()]
    assert len(set(ids)) == len(ids)
