"""The mail chain: OAuth entity, scope, profile, profile scope and the SMTP email account.

All five are global. Which columns are written, and why the secret is not among them, is
`spec/records.md` sections 2 to 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from generator.config.environment import Environment
from generator.integration.sys_ids import Identities
from generator.update_set.model import SysId
from generator.update_set.records import (
    CREATED_ON,
    GLOBAL,
    MOD_COUNT,
    UPDATED_ON,
    Fields,
    Record,
    Reference,
    Value,
)

ENTITY = "oauth_entity"
SCOPE = "oauth_entity_scope"
PROFILE = "oauth_entity_profile"
PROFILE_SCOPE = "oauth_entity_profile_scope"
ACCOUNT = "sys_email_account"
CLIENT_UUID = "oauth_entity.client_uuid"

SCOPE_NAME = "smtp"
"""Name of the scope record (documented step 8 of the vendor's procedure)."""

LOGICAL_NAMES = (ENTITY, CLIENT_UUID, SCOPE, PROFILE, PROFILE_SCOPE, ACCOUNT)
"""What `sys_ids:` can adopt of the mail chain; `client_uuid` goes with an adopted entity."""

_ENTITY_CONSTANTS: Mapping[str, str] = MappingProxyType(
    {
        "access": "public",
        "access_token_lifespan": "1800",
        "active": "true",
        "auth_code_lifespan": "0",
        "auth_url": "",
        "certificate_url": "",
        "code_challenge_method": "S256",
        "default_grant_type": "client_credentials",
        "id_token_lifespan": "0",
        "logo_url": "",
        "message_signature_lifespan": "0",
        "oauth_api_script": "",
        "protocol_name": "",
        "public_client": "false",
        "refresh_token_lifespan": "8640000",
        "refresh_token_url": "",
        "revoke_token_url": "",
        "salt": "0",
        "send_client_credentials_as": "request_body_parameter",
        "skip_authorize": "false",
        "type": "oauth_provider",
        "use_mutual_auth": "false",
        "user": "",
    }
)
"""Columns of `oauth_entity` that never vary (section 3.1, measured over 16 real records)."""


@dataclass(frozen=True, slots=True)
class _Ids:
    entity: SysId
    scope: SysId
    profile: SysId
    profile_scope: SysId
    account: SysId
    client_uuid: str | None


@dataclass(frozen=True, slots=True)
class _Links:
    """What the records between the entity and the account are made from."""

    ids: _Ids
    oauth_name: str
    scope: str
    author: str

    @property
    def profile_name(self) -> str:
        return f"{self.oauth_name} default_profile"


def mail_chain(environment: Environment) -> tuple[Record, ...]:
    """The five records in dependency order, the email account last."""
    links = _Links(
        ids=_identities(environment),
        oauth_name=environment.oauth.name,
        scope=environment.azure.scope,
        author=environment.author,
    )
    return (
        _entity(environment, links.ids),
        *_between(links),
        _account(environment, links),
    )


@lru_cache(maxsize=128)
def _between(links: _Links) -> tuple[Record, ...]:
    """Equal inputs give the same objects, so that they are rendered and hashed once."""
    return _scope(links), _profile(links), _profile_scope(links)


def _identities(environment: Environment) -> _Ids:
    identities = Identities("global", environment.integration, environment.sys_ids)
    given = environment.sys_ids.get(CLIENT_UUID)
    adopted = ENTITY in environment.sys_ids
    return _Ids(
        entity=identities.sys_id(ENTITY, ENTITY),
        scope=identities.sys_id(SCOPE, SCOPE),
        profile=identities.sys_id(PROFILE, PROFILE),
        profile_scope=identities.sys_id(PROFILE_SCOPE, PROFILE_SCOPE),
        account=identities.sys_id(ACCOUNT, ACCOUNT),
        # An adopted entity keeps the client_uuid that its instance gave it.
        client_uuid=given if given or adopted else identities.part(ENTITY, CLIENT_UUID),
    )


def _entity(environment: Environment, ids: _Ids) -> Record:
    own: dict[str, Value] = {
        **_ENTITY_CONSTANTS,
        "client_id": environment.azure.client_id,
        "comments": environment.oauth.comments,
        "name": environment.oauth.name,
        "redirect_url": f"{environment.instance_url}/oauth_redirect.do",
        "token_url": environment.azure.token_url,
    }
    if ids.client_uuid is not None:
        own["client_uuid"] = ids.client_uuid
    return Record(
        table=ENTITY,
        logical_name=ENTITY,
        sys_id=ids.entity,
        application=GLOBAL,
        fields=_captured(environment.author, ENTITY, ids.entity, environment.oauth.name, own),
        label=environment.oauth.name,
        purpose="Application registry entry: which token endpoint is asked, with which client ID.",
        highlights=("name", "client_id", "token_url", "default_grant_type", "redirect_url"),
    )


def _scope(links: _Links) -> Record:
    own: dict[str, Value] = {
        "name": SCOPE_NAME,
        "oauth_entity": Reference(links.ids.entity, links.oauth_name),
        "oauth_entity_scope": links.scope,
    }
    return Record(
        table=SCOPE,
        logical_name=SCOPE,
        sys_id=links.ids.scope,
        application=GLOBAL,
        fields=_captured(links.author, SCOPE, links.ids.scope, SCOPE_NAME, own),
        label=SCOPE_NAME,
        purpose="The one scope that the token is asked for.",
        highlights=("oauth_entity_scope",),
    )


def _profile(links: _Links) -> Record:
    own: dict[str, Value] = {
        "default": "true",
        "grant_type": "client_credentials",
        "jwt_provider": "",
        "name": links.profile_name,
        "oauth_entity": Reference(links.ids.entity, links.oauth_name),
    }
    return Record(
        table=PROFILE,
        logical_name=PROFILE,
        sys_id=links.ids.profile,
        application=GLOBAL,
        fields=_captured(links.author, PROFILE, links.ids.profile, links.profile_name, own),
        label=links.profile_name,
        purpose="Default profile of the registry entry; what the email account refers to.",
        highlights=("name", "grant_type"),
    )


def _profile_scope(links: _Links) -> Record:
    own: dict[str, Value] = {
        "oauth_entity_profile": Reference(links.ids.profile, links.profile_name),
        "oauth_entity_scope": Reference(links.ids.scope, SCOPE_NAME),
    }
    # Its sys_name, and so the row's target_name, is the profile's bare sys_id (section 6).
    return Record(
        table=PROFILE_SCOPE,
        logical_name=PROFILE_SCOPE,
        sys_id=links.ids.profile_scope,
        application=GLOBAL,
        fields=_captured(
            links.author, PROFILE_SCOPE, links.ids.profile_scope, links.ids.profile, own
        ),
        label=links.ids.profile,
        purpose="Puts the scope into the profile; without it a token request carries no scope.",
        highlights=("oauth_entity_profile", "oauth_entity_scope"),
    )


def _account(environment: Environment, links: _Links) -> Record:
    account = environment.email_account
    fields: dict[str, Value] = {
        "authentication": "oauth2",
        "connection_security": account.connection_security.value,
        "email_user_label": account.label,
        "enable_debug_output": "true" if account.enable_debug_output else "false",
        "from": account.from_address,
        "name": account.name,
        "oauth_profile": Reference(links.ids.profile, links.profile_name),
        "port": str(account.port),
        "server": account.server,
        "servicenow_configured": "false",
        "type": "smtp",
        "user_name": account.user_name,
        **_stamps(environment.author, links.ids.account),
    }
    if not account.live:
        # After the cut-over no import may decide about it (docs/decisions.md, 7).
        fields["active"] = "false"
    return Record(
        table=ACCOUNT,
        logical_name=ACCOUNT,
        sys_id=links.ids.account,
        application=GLOBAL,
        fields=fields,
        label=account.name,
        purpose="The SMTP email account that sends with OAuth 2.0.",
        highlights=(
            "name",
            "user_name",
            "from",
            "email_user_label",
            "server",
            "port",
            "connection_security",
            "authentication",
            "oauth_profile",
            "active",
        ),
    )


def _stamps(author: str, sys_id: SysId) -> Fields:
    return {
        "sys_created_by": author,
        "sys_created_on": CREATED_ON,
        "sys_id": sys_id,
        "sys_mod_count": MOD_COUNT,
        "sys_updated_by": author,
        "sys_updated_on": UPDATED_ON,
    }


def _captured(author: str, table: str, sys_id: SysId, sys_name: str, own: Fields) -> Fields:
    """Own columns plus the twelve system columns of the OAuth tables (section 2.2)."""
    return {
        **own,
        **_stamps(author, sys_id),
        "sys_class_name": table,
        "sys_name": sys_name,
        "sys_package": Reference("global", "Global", source="global"),
        "sys_policy": "",
        "sys_scope": Reference("global", "Global"),
        "sys_update_name": f"{table}_{sys_id}",
    }
