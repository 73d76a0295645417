"""The five records of the mail chain, column by column as `spec/records.md` sections 2 to 7 say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from packages import Field, in_memory, record_fields, record_file, shipped, texts

from generator.azure.clouds import ENDPOINTS, Cloud, token_endpoint
from generator.config.environment import ConnectionSecurity, Environment
from generator.integration.mail_chain import mail_chain
from generator.update_set.records import GLOBAL

Make = Callable[..., Environment]

ENTITY = "426828cce0e75af0a4ad41b399ec4494"
SCOPE = "dfd5f70ad4e0525f987ca881594afc9e"
PROFILE = "f237c62255ed5d7dac816ff3724d63df"
PROFILE_SCOPE = "31e85b9f4c5c5a3d93e7ca4f854257b4"
ACCOUNT = "bf539c3b7955596b87460b3ca1f61735"
TENANT = "7f1d2c3b-4a59-4e68-8b77-0c1d2e3f4a5b"
STAMP = "2026-11-23 11:59:00"

ODD = "Ä & <b> \"q\" 'a' ]]> {{ 7 * 7 }} {% raw %} ${x} שלום"
ODD_COMMENTS = f"{ODD}\r\n\tsecond line\r{{# no comment #}}\n"


def field(text: str, **attributes: str) -> Field:
    return Field(text, attributes)


def stamps(sys_id: str) -> dict[str, Field]:
    return {
        "sys_created_by": field("admin"),
        "sys_created_on": field(STAMP),
        "sys_id": field(sys_id),
        "sys_mod_count": field("0"),
        "sys_updated_by": field("admin"),
        "sys_updated_on": field(STAMP),
    }


def captured(table: str, sys_id: str, sys_name: str) -> dict[str, Field]:
    """The twelve system columns of section 2.2."""
    return {
        **stamps(sys_id),
        "sys_class_name": field(table),
        "sys_name": field(sys_name),
        "sys_package": field("global", display_value="Global", source="global"),
        "sys_policy": field(""),
        "sys_scope": field("global", display_value="Global"),
        "sys_update_name": field(f"{table}_{sys_id}"),
    }


EXPECTED = {
    "oauth_entity": {
        "access": field("public"),
        "access_token_lifespan": field("1800"),
        "active": field("true"),
        "auth_code_lifespan": field("0"),
        "auth_url": field(""),
        "certificate_url": field(""),
        "client_id": field("2b9e6a10-5c4d-4f3e-9a21-6d7c8b9a0e1f"),
        "client_uuid": field("3835688a8ecf5adeb1e11726c13551ae"),
        "code_challenge_method": field("S256"),
        "comments": field("Line one\nline two"),
        "default_grant_type": field("client_credentials"),
        "id_token_lifespan": field("0"),
        "logo_url": field(""),
        "message_signature_lifespan": field("0"),
        "name": field("Exchange"),
        "oauth_api_script": field(""),
        "protocol_name": field(""),
        "public_client": field("false"),
        "redirect_url": field("https://acme-dev.service-now.com/oauth_redirect.do"),
        "refresh_token_lifespan": field("8640000"),
        "refresh_token_url": field(""),
        "revoke_token_url": field(""),
        "salt": field("0"),
        "send_client_credentials_as": field("request_body_parameter"),
        "skip_authorize": field("false"),
        "token_url": field(f"https://login.microsoftonline.com/{TENANT}/oauth2/v2.0/token"),
        "type": field("oauth_provider"),
        "use_mutual_auth": field("false"),
        "user": field(""),
        **captured("oauth_entity", ENTITY, "Exchange"),
    },
    "oauth_entity_scope": {
        "name": field("smtp"),
        "oauth_entity": field(ENTITY, display_value="Exchange"),
        "oauth_entity_scope": field("https://outlook.office365.com/.default"),
        **captured("oauth_entity_scope", SCOPE, "smtp"),
    },
    "oauth_entity_profile": {
        "default": field("true"),
        "grant_type": field("client_credentials"),
        "jwt_provider": field(""),
        "name": field("Exchange default_profile"),
        "oauth_entity": field(ENTITY, display_value="Exchange"),
        **captured("oauth_entity_profile", PROFILE, "Exchange default_profile"),
    },
    "oauth_entity_profile_scope": {
        "oauth_entity_profile": field(PROFILE, display_value="Exchange default_profile"),
        "oauth_entity_scope": field(SCOPE, display_value="smtp"),
        **captured("oauth_entity_profile_scope", PROFILE_SCOPE, PROFILE),
    },
    "sys_email_account": {
        "active": field("false"),
        "authentication": field("oauth2"),
        "connection_security": field("starttls"),
        "email_user_label": field("Service Desk"),
        "enable_debug_output": field("false"),
        "from": field("desk@contoso.example"),
        "name": field("Outbound"),
        "oauth_profile": field(PROFILE, display_value="Exchange default_profile"),
        "port": field("587"),
        "server": field("smtp.office365.com"),
        "servicenow_configured": field("false"),
        "type": field("smtp"),
        "user_name": field("servicenow@contoso.example"),
        **stamps(ACCOUNT),
    },
}
COLUMNS = {
    "oauth_entity": 41,
    "oauth_entity_scope": 15,
    "oauth_entity_profile": 17,
    "oauth_entity_profile_scope": 14,
    "sys_email_account": 19,
}


def filled(environment: Make, **changes: object) -> Environment:
    given: dict[str, object] = {
        "oauth__name": "Exchange",
        "oauth__comments": "Line one\nline two",
        "email_account__name": "Outbound",
        "email_account__from_address": "desk@contoso.example",
        "email_account__label": "Service Desk",
    }
    return environment(**(given | changes))


@pytest.mark.parametrize("table", EXPECTED)
def test_each_record_has_its_columns_and_no_other(environment: Make, table: str) -> None:
    found = record_fields(record_file(in_memory(filled(environment)).files, table))
    assert found == EXPECTED[table]
    assert len(found) == COLUMNS[table]
    assert list(found) == sorted(found)


@pytest.mark.parametrize("table", EXPECTED)
def test_columns_are_those_of_the_platform_s_typings(table: str, shared: Path) -> None:
    typings = json.loads((shared / "spec" / "table-columns.json").read_bytes())
    known = set(typings[table]["columns"])
    if typings[table]["extends"]:
        known |= set(typings[typings[table]["extends"]]["columns"])
    assert set(EXPECTED[table]) <= known


def test_the_secret_is_no_column_of_anything(environment: Make) -> None:
    for name, data in in_memory(filled(environment)).files.items():
        assert b"<client_secret" not in data, name
        assert b"<password" not in data, name


def test_rows_say_what_the_platform_says(environment: Make) -> None:
    rows = shipped(in_memory(filled(environment)).files)
    expected = {
        f"oauth_entity_{ENTITY}": ("Application Registries", "Exchange"),
        f"oauth_entity_scope_{SCOPE}": ("OAuth Entity Scope", "smtp"),
        f"oauth_entity_profile_{PROFILE}": ("OAuth Entity Profile", "Exchange default_profile"),
        f"oauth_entity_profile_scope_{PROFILE_SCOPE}": ("OAuth Entity Profile Scope", PROFILE),
        f"sys_email_account_{ACCOUNT}": ("Email Account", "Outbound"),
    }
    for name, (kind, target) in expected.items():
        row = rows.update(name)
        assert (row.value("type"), row.value("target_name")) == (kind, target)
        assert (row.value("application"), row.display("application")) == ("global", "Global")
        assert (row.value("table"), row.value("view"), row.value("comments")) == ("", "", "")
        assert (row.value("action"), row.value("category")) == ("INSERT_OR_UPDATE", "customer")
        assert (row.value("update_domain"), row.value("replace_on_upgrade")) == ("global", "false")


# ---- the account and the cut-over ----


def test_before_the_cut_over_the_account_travels_inactive(environment: Make) -> None:
    files = in_memory(environment()).files
    row = shipped(files).update(f"sys_email_account_{ACCOUNT}")
    assert "<active>false</active>" in row.payload
    assert texts(files["email_account.xml"])["active"] == "false"


def test_after_it_no_set_holds_the_account_and_no_file_its_active(environment: Make) -> None:
    files = in_memory(environment(email_account__live=True)).files
    assert not [u for u in shipped(files).updates if u.name.startswith("sys_email_account")]
    record = texts(record_file(files, "sys_email_account"))
    assert "active" not in record
    assert len(record) == 18
    assert texts(files["email_account.xml"]) == record


@pytest.mark.parametrize("live", [True, False])
def test_the_data_import_is_the_record_one_element_a_line(environment: Make, live: bool) -> None:
    rendering = in_memory(filled(environment, email_account__live=live, email_account__label=ODD))
    data = rendering.files["email_account.xml"]
    lines = data.decode().split("\n")
    # The form of an update set export: declaration and root share the first line.
    declaration = '<?xml version="1.0" encoding="UTF-8"?>'
    assert lines[0] == f'{declaration}<unload unload_date="2026-11-23 12:00:00">'
    assert lines[1] == '<sys_email_account action="INSERT_OR_UPDATE">'
    assert lines[-3:] == ["</sys_email_account>", "</unload>", ""]
    found = record_fields(data)
    assert found == record_fields(record_file(rendering.files, "sys_email_account"))
    assert len(lines) == len(found) + 5
    assert found["email_user_label"].text == ODD


def test_the_account_as_configured(environment: Make) -> None:
    made = environment(
        email_account__port=465,
        email_account__connection_security=ConnectionSecurity.SSL,
        email_account__enable_debug_output=True,
        email_account__server="relay.example.com",
        author="mail.admin",
    )
    account = texts(record_file(in_memory(made).files, "sys_email_account"))
    assert account["port"] == "465"
    assert account["connection_security"] == "ssl"
    assert account["enable_debug_output"] == "true"
    assert account["server"] == "relay.example.com"
    assert (account["from"], account["email_user_label"]) == ("", "")
    assert (account["sys_created_by"], account["sys_updated_by"]) == ("mail.admin", "mail.admin")


# ---- adopted records ----


def test_an_adopted_entity_keeps_the_client_uuid_of_its_instance(environment: Make) -> None:
    adopted = "a" * 32
    files = in_memory(environment(sys_ids={"oauth_entity": adopted})).files
    entity = texts(record_file(files, "oauth_entity"))
    assert "client_uuid" not in entity
    assert len(entity) == 40
    assert entity["sys_id"] == adopted
    assert entity["sys_update_name"] == f"oauth_entity_{adopted}"
    for table in ("oauth_entity_scope", "oauth_entity_profile"):
        assert texts(record_file(files, table))["oauth_entity"] == adopted


@pytest.mark.parametrize("entity", [{}, {"oauth_entity": "a" * 32}], ids=["derived", "adopted"])
def test_a_given_client_uuid_is_written(environment: Make, entity: dict[str, str]) -> None:
    made = environment(sys_ids={**entity, "oauth_entity.client_uuid": "b" * 32})
    assert texts(record_file(in_memory(made).files, "oauth_entity"))["client_uuid"] == "b" * 32


def test_every_reference_follows_an_adopted_record(environment: Make) -> None:
    adopted = {
        "oauth_entity_scope": "1" * 32,
        "oauth_entity_profile": "2" * 32,
        "oauth_entity_profile_scope": "3" * 32,
        "sys_email_account": "4" * 32,
    }
    files = in_memory(environment(sys_ids=adopted)).files
    join = texts(record_file(files, "oauth_entity_profile_scope"))
    assert (join["sys_id"], join["sys_name"]) == ("3" * 32, "2" * 32)
    assert (join["oauth_entity_profile"], join["oauth_entity_scope"]) == ("2" * 32, "1" * 32)
    account = texts(record_file(files, "sys_email_account"))
    assert (account["sys_id"], account["oauth_profile"]) == ("4" * 32, "2" * 32)
    assert shipped(files).update(f"sys_email_account_{'4' * 32}")


# ---- clouds and endpoints ----


@pytest.mark.parametrize("cloud", Cloud)
def test_each_cloud_brings_its_endpoints(environment: Make, cloud: Cloud) -> None:
    endpoints = ENDPOINTS[cloud]
    made = environment(
        azure__cloud=cloud,
        azure__login=endpoints.login,
        azure__scope=endpoints.scope,
        azure__smtp=endpoints.smtp,
        azure__token_url=token_endpoint(endpoints.login, TENANT),
        email_account__server=endpoints.smtp,
    )
    files = in_memory(made).files
    token_url = texts(record_file(files, "oauth_entity"))["token_url"]
    assert token_url == f"{endpoints.login}/{TENANT}/oauth2/v2.0/token"
    scope = texts(record_file(files, "oauth_entity_scope"))
    assert (scope["name"], scope["oauth_entity_scope"]) == ("smtp", endpoints.scope)
    assert texts(record_file(files, "sys_email_account"))["server"] == endpoints.smtp


def test_the_redirect_url_is_the_instance_s(environment: Make) -> None:
    made = environment(instance_url="https://other.example.org")
    entity = texts(record_file(in_memory(made).files, "oauth_entity"))
    assert entity["redirect_url"] == "https://other.example.org/oauth_redirect.do"


# ---- any text ----


def test_any_text_comes_back_as_it_was(environment: Make) -> None:
    made = environment(
        author=ODD[:40].strip(),
        oauth__name=ODD,
        oauth__comments=ODD_COMMENTS,
        email_account__name=ODD,
        email_account__label=ODD,
    )
    rendering = in_memory(made)
    profile = f"{ODD} default_profile"
    for files in (rendering.files, payloads_of(rendering.files)):
        entity = record_fields(record_file(files, "oauth_entity"))
        assert entity["name"].text == ODD
        assert entity["comments"].text == ODD_COMMENTS
        assert entity["sys_created_by"].text == ODD[:40].strip()
        scope = record_fields(record_file(files, "oauth_entity_scope"))
        assert scope["oauth_entity"].attributes == {"display_value": ODD}
        assert texts(record_file(files, "oauth_entity_profile"))["name"] == profile
        account = record_fields(record_file(files, "sys_email_account"))
        assert (account["name"].text, account["email_user_label"].text) == (ODD, ODD)
        assert account["oauth_profile"].attributes == {"display_value": profile}


def payloads_of(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The payloads as they stand in the update sets, under the names of their record files."""
    return {
        f"records/{update.name[:-33]}/{update.name[-32:]}.xml": update.payload.encode()
        for update in shipped(files).updates
    }


def test_what_people_are_told(environment: Make) -> None:
    for record in mail_chain(environment()):
        assert record.application is GLOBAL
        assert record.purpose.endswith(".")
        assert set(record.highlights) <= set(record.fields)
        assert record.label
        assert record.row_table == ""
