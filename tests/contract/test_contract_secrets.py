"""Secrets over REST, and the email account (`spec/instance-http.md` A17, A18)."""

from __future__ import annotations

import secrets

import pytest
from contract_client import JSON_HEADERS, Rest
from contract_scratch import Scratch
from contract_sets import a_name

ENTITY = "/api/now/table/oauth_entity"


@pytest.fixture
def entity(scratch: Scratch) -> str:
    """A scratch OAuth entity without a secret."""
    name = a_name(scratch.target.run)
    return scratch.insert("oauth_entity", {"name": name, "type": "oauth_provider"})


@pytest.fixture
def planted() -> str:
    """A secret that opens nothing; made anew each time."""
    return secrets.token_hex(20)


def _deliver(rest: Rest, entity: str, planted: str) -> None:
    """The write of A17: one PATCH with only the secret column, its reply suppressed."""
    answer = rest.send(
        "PATCH",
        f"{ENTITY}/{entity}",
        params={"sysparm_input_display_value": "true"},
        body={"client_secret": planted},
        headers={**JSON_HEADERS, "X-no-response-body": "true"},
    )
    assert answer.status in (200, 204)
    assert answer.size == 0


def _is_set(rest: Rest, entity: str) -> bool:
    query = f"sys_id={entity}^client_secretISNOTEMPTY"
    return bool(rest.find("oauth_entity", query, fields="sys_id"))


def test_a_secret_that_was_not_given_is_not_set(rest: Rest, entity: str) -> None:
    """A17: "set?" is asked by a query."""
    assert not _is_set(rest, entity)


def test_a_delivered_secret_is_set(rest: Rest, entity: str, planted: str) -> None:
    """A17: one PATCH with `sysparm_input_display_value=true` [DOC, TP]."""
    _deliver(rest, entity, planted)
    assert _is_set(rest, entity)


@pytest.mark.parametrize("display", ["false", "true", "all"])
def test_a_secret_is_never_read_back(rest: Rest, entity: str, planted: str, display: str) -> None:
    """A17: a read never yields plaintext."""
    _deliver(rest, entity, planted)
    answer = rest.get(f"{ENTITY}/{entity}", sysparm_display_value=display)
    assert answer.status == 200
    # Told apart before the comparison, so that no failure prints the body.
    is_told = planted in answer.text
    assert not is_told


def test_nothing_else_of_the_entity_changes(rest: Rest, entity: str, planted: str) -> None:
    """A17: a body with nothing but the secret changes nothing but the secret."""
    fields = "name,type,client_id,token_url,active"
    before = rest.row("oauth_entity", entity, fields=fields)
    _deliver(rest, entity, planted)
    assert rest.row("oauth_entity", entity, fields=fields) == before


# The email account


def test_accounts_can_be_read(rest: Rest) -> None:
    """A18: columns of `sys_email_account` [TYP]."""
    fields = "sys_id,name,type,active,authentication,connection_security,servicenow_configured"
    rows = rest.find("sys_email_account", "type=smtp^active=true", fields=fields)
    assert all(row["type"] == "smtp" and row["active"] == "true" for row in rows)
    assert all(set(row) == set(fields.split(",")) for row in rows)


def test_only_one_sending_account_is_active(rest: Rest) -> None:
    """A18: one active SMTP account only [DOC c_EmailAccounts.md]."""
    rows = rest.find("sys_email_account", "type=smtp^active=true", fields="sys_id")
    assert len(rows) <= 1


def test_accounts_are_no_application_files(rest: Rest) -> None:
    """A18: `sys_email_account` has no parent table [TYP]."""
    rows = rest.find("sys_db_object", "name=sys_email_account", fields="name,super_class")
    assert rows == [{"name": "sys_email_account", "super_class": ""}]


def test_mail_properties_are_told(rest: Rest) -> None:
    """A18: whether mail goes out is a property [DOC]."""
    rows = rest.find("sys_properties", "name=glide.email.smtp.active", fields="name,value")
    assert [row["name"] for row in rows] == ["glide.email.smtp.active"]
    assert rows[0]["value"] in ("true", "false")


def test_an_inactive_account_is_written_as_plain_data(rest: Rest, scratch: Scratch) -> None:
    """A18: every column reads back as written; it is captured in no update set."""
    values = {
        "name": a_name(scratch.target.run),
        "type": "smtp",
        "active": "false",
        "authentication": "oauth2",
        "connection_security": "starttls",
        "server": "mail.contract.example",
        "port": "587",
        "user_name": "contract@contract.example",
        "from": "contract@contract.example",
    }
    sys_id = scratch.insert("sys_email_account", values)
    fields = ",".join(values)
    assert rest.row("sys_email_account", sys_id, fields=fields) == values
