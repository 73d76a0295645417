"""Identity: derived by the published rule, pinned, and moved by nothing that is content."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.config.environment import Environment, Layout, Release
from generator.integration.integration import integrate, logical_names
from generator.integration.mail_chain import LOGICAL_NAMES, mail_chain
from generator.integration.sys_ids import NAMESPACE, Identities, derived, derived_uuid

GOLDEN = Path(__file__).parent / "golden" / "mail_chain_sys_ids.json"
MAIL_CHAIN = (
    "oauth_entity",
    "oauth_entity_scope",
    "oauth_entity_profile",
    "oauth_entity_profile_scope",
    "sys_email_account",
)

Make = Callable[..., Environment]


def chain_ids(environment: Environment) -> dict[str, str]:
    records = mail_chain(environment)
    ids: dict[str, str] = {record.logical_name: record.sys_id for record in records}
    return ids | {"oauth_entity.client_uuid": str(records[0].fields["client_uuid"])}


def all_ids(environment: Environment) -> dict[str, str]:
    return {record.logical_name: record.sys_id for record in integrate(environment).records()}


def test_every_sys_id_of_the_mail_chain_is_pinned(environment: Make) -> None:
    golden = json.loads(GOLDEN.read_bytes())
    assert golden["namespace"] == str(NAMESPACE)
    assert chain_ids(environment(integration=golden["integration"])) == golden["sys_ids"]


def test_the_rule_is_the_published_one(environment: Make) -> None:
    namespace = UUID("6d0b7a52-9c1e-5f43-8a0d-2f4f1b6c9e37")
    made = environment(integration="other")
    expected = {
        name: uuid5(namespace, f"global/other/{name}/{name}").hex for name in MAIL_CHAIN
    } | {
        "oauth_entity.client_uuid": uuid5(
            namespace, "global/other/oauth_entity/oauth_entity.client_uuid"
        ).hex
    }
    assert chain_ids(made) == expected
    app = all_ids(made)
    assert app["sys_app"] == uuid5(namespace, "x_acme_mail/other/sys_app/sys_app").hex
    assert (
        app["sys_properties.warn_days"]
        == uuid5(namespace, "x_acme_mail/other/sys_properties/sys_properties.warn_days").hex
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "prod"},
        {"app__name": "Renamed"},
        {"app__version": "9.9.9"},
        {"app__vendor": "Somebody"},
        {"version": "2.0.0"},
        {"author": "somebody.else"},
        {"release": Release.AUSTRALIA},
        {"layout": Layout.SEPARATE},
        {"deletions": True},
        {"instance_url": "https://acme.service-now.com"},
        {"oauth__name": "Renamed", "oauth__comments": "text"},
        {"email_account__name": "Renamed", "email_account__live": True},
        {"email_account__port": 465, "email_account__server": "smtp.example.com"},
        {"azure__secret_expires_on": None},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_no_content_and_no_environment_moves_an_identity(
    environment: Make, changes: dict[str, object]
) -> None:
    assert all_ids(environment(**changes)) == all_ids(environment())


def test_scope_moves_the_app_and_nothing_of_the_chain(environment: Make) -> None:
    one, other = all_ids(environment()), all_ids(environment(app__scope="x_acme_other"))
    assert {name for name in one if one[name] == other[name]} == set(MAIL_CHAIN)


def test_integration_moves_everything(environment: Make) -> None:
    one, other = all_ids(environment()), all_ids(environment(integration="second"))
    assert set(one) == set(other)
    assert not set(one.values()) & set(other.values())


def test_all_sys_ids_are_different_and_well_formed(environment: Make) -> None:
    ids = [*all_ids(environment()).values(), chain_ids(environment())["oauth_entity.client_uuid"]]
    assert len(set(ids)) == len(ids)
    assert all(len(value) == 32 and set(value) <= set("0123456789abcdef") for value in ids)


@pytest.mark.parametrize("name", sorted(set(logical_names()) - {"oauth_entity.client_uuid"}))
def test_adopting_moves_that_record_alone(environment: Make, name: str) -> None:
    adopted = "0123456789abcdef" * 2
    before, after = all_ids(environment()), all_ids(environment(sys_ids={name: adopted}))
    assert after == before | {name: adopted}


def test_names_that_can_be_adopted_are_the_records(environment: Make) -> None:
    assert len(logical_names()) == len(set(logical_names()))
    assert set(logical_names()) - {"oauth_entity.client_uuid"} == set(all_ids(environment()))
    assert set(LOGICAL_NAMES) == {*MAIL_CHAIN, "oauth_entity.client_uuid"}


def test_a_part_cannot_be_adopted() -> None:
    identities = Identities("global", "smtp", {"part": "f" * 32})
    assert identities.part("table", "part") == derived("global/smtp/table/part")
    assert identities.sys_id("table", "part") == "f" * 32


def test_both_forms_are_the_same_identity() -> None:
    assert UUID(derived_uuid("a/b/c/d")).hex == derived("a/b/c/d")


@given(
    st.dictionaries(
        st.sampled_from(logical_names()),
        st.text("0123456789abcdef", min_size=32, max_size=32),
        max_size=6,
    ),
    st.randoms(use_true_random=False),
)
def test_identities_do_not_depend_on_the_order_of_what_is_adopted(adopted, random) -> None:
    items = list(adopted.items())
    random.shuffle(items)
    one = Identities("global", "smtp", adopted)
    other = Identities("global", "smtp", dict(items))
    names = list(logical_names())
    random.shuffle(names)
    assert {name: one.sys_id("table", name) for name in logical_names()} == {
        name: other.sys_id("table", name) for name in names
    }
