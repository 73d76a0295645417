"""The mail chain: its records fit each other, the cloud, and SMTP (`spec/records.md`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar
from urllib.parse import urlsplit

from generator.azure.clouds import ENDPOINTS, LOGIN_HOSTS, Cloud
from generator.checks.interface import Context, Hit, Rule, Severity, listed, rule, shown
from generator.checks.mail_account import ACCOUNT_RULES, MailRecord, account_hits
from generator.checks.row import Row, field

M1 = rule(
    "mail chain",
    "M1",
    Severity.ERROR,
    "Entity and profile use the client credentials grant.",
    "write client_credentials in default_grant_type and grant_type",
    foreign=Severity.WARNING,
)
M2 = rule(
    "mail chain",
    "M2",
    Severity.ERROR,
    "Token URL, scope and SMTP host belong to one cloud.",
    "set azure.cloud, or all of azure.endpoints, in the environment file",
    foreign=Severity.WARNING,
)
M3 = rule(
    "mail chain",
    "M3",
    Severity.NOTE,
    "Token URL, scope and SMTP host are those of a known cloud.",
    "check the overridden endpoints; nothing to do if they are meant",
)
M4 = rule(
    "mail chain",
    "M4",
    Severity.ERROR,
    "token_url is the OAuth 2.0 token endpoint (v2) of a tenant, over HTTPS.",
    "write https://<login host>/<tenant id>/oauth2/v2.0/token",
    foreign=Severity.WARNING,
)
M11 = rule(
    "mail chain",
    "M11",
    Severity.ERROR,
    "client_secret is not in the file, not even as an empty element.",
    "leave the element out: an empty one may wipe the secret of a running instance",
    foreign=Severity.WARNING,
)
M12 = rule(
    "mail chain",
    "M12",
    Severity.ERROR,
    "The chain is complete: account, profile, entity, scope and profile scope refer to each other.",
    "render the set anew; without the profile scope a token request carries no scope",
    foreign=Severity.WARNING,
)
M14 = rule(
    "mail chain",
    "M14",
    Severity.ERROR,
    "A record has all columns of its base set.",
    "render the set anew; a template that was overridden may have lost a field",
    foreign=Severity.WARNING,
)

TABLES = frozenset(
    {
        "oauth_entity",
        "oauth_entity_profile",
        "oauth_entity_profile_scope",
        "oauth_entity_scope",
        "sys_email_account",
    }
)

BASE_SETS: Mapping[str, tuple[str, ...]] = {
    "oauth_entity": tuple(
        "access access_token_lifespan active auth_code_lifespan auth_url certificate_url client_id"
        " client_uuid code_challenge_method comments default_grant_type id_token_lifespan logo_url"
        " message_signature_lifespan name oauth_api_script protocol_name public_client redirect_url"
        " refresh_token_lifespan refresh_token_url revoke_token_url salt send_client_credentials_as"
        " skip_authorize token_url type use_mutual_auth user".split()
    ),
    "oauth_entity_profile": tuple("default grant_type jwt_provider name oauth_entity".split()),
    "oauth_entity_scope": tuple("name oauth_entity oauth_entity_scope".split()),
    "oauth_entity_profile_scope": tuple("oauth_entity_profile oauth_entity_scope".split()),
    "sys_email_account": tuple(
        "authentication connection_security email_user_label enable_debug_output from name"
        " oauth_profile port server servicenow_configured sys_created_by sys_created_on sys_id"
        " sys_mod_count sys_updated_by sys_updated_on type user_name".split()
    ),
}
"""Columns that each record always has, besides the system fields of application files
(`spec/records.md` sections 3 to 7). An adopted entity leaves `client_uuid` out."""

_KEPT = frozenset(
    "active authentication connection_security default_grant_type enable_ssl enable_tls from"
    " grant_type oauth_entity oauth_entity_profile oauth_entity_scope oauth_profile port server"
    " sys_id token_url type user_name".split()
)
"""Columns that the rules read; no others are kept."""

_ADOPTED = "client_uuid"
_GRANT = "client_credentials"
_TOKEN_PATH = re.compile(r"/[^/]+/oauth2/v2\.0/token")
_SMTP_HOSTS = {endpoints.smtp: cloud for cloud, endpoints in ENDPOINTS.items()}
_MAIL_SCOPE = re.compile(r"https://[\w.-]*(?:outlook|office365)[\w.-]*/\.default")
_MOST = 1000
"""Most records of one table that are held against each other; ours has one of each."""


class MailChain:
    """Rules M1 to M15; in a foreign file only of a chain that is about mail."""

    rules: ClassVar[tuple[Rule, ...]] = (M1, M2, M3, M4, *ACCOUNT_RULES, M11, M12, M14)

    def __init__(self, context: Context) -> None:
        """Args: context: The file before its rows."""
        self._ours = context.ours
        self._found: dict[str, list[MailRecord]] = {table: [] for table in TABLES}

    def sets(self) -> Iterator[Hit]:
        """Nothing stands before the rows for this family."""
        return iter(())

    def row(self, row: Row) -> Iterator[Hit]:
        """Keep the records of the chain; they are judged together at the end."""
        record = row.record
        if row.table not in TABLES or record is None or row.deletes:
            return
        if row.table == "oauth_entity" and "client_secret" in record.tags:
            yield Hit(
                M11,
                "client_secret is in the record.",
                row.update.line,
                row.name,
                "payload/client_secret",
            )
        kept = _KEPT.intersection(record.tags)
        values = {tag: field(record.element, tag) for tag in kept}
        found = MailRecord(values, row.update.line, row.name)
        if len(self._found[row.table]) < _MOST:
            self._found[row.table].append(found)
        if self._ours:
            missing = [
                name
                for name in BASE_SETS[row.table]
                if name not in record.tags and name != _ADOPTED
            ]
            if missing:
                yield found.hit(M14, f"Columns are missing: {listed(missing)}.", missing[0])

    def finish(self) -> Iterator[Hit]:
        """Judge the chain."""
        accounts = [
            account
            for account in self._found["sys_email_account"]
            if account.values.get("type", "smtp") == "smtp"
        ]
        yield from account_hits(accounts)
        scopes = [found for found in self._found["oauth_entity_scope"] if self._is_mail(found)]
        of_mail = {found.values.get("oauth_entity", "") for found in scopes}
        entities = [
            entity
            for entity in self._found["oauth_entity"]
            if self._ours or entity.values.get("sys_id") in of_mail
        ]
        for entity in entities:
            yield from self._entity(entity)
            yield from self._cloud(entity, scopes, accounts)
        yield from self._links(accounts, entities)

    def _is_mail(self, scope: MailRecord) -> bool:
        return self._ours or bool(_MAIL_SCOPE.fullmatch(scope.values.get("oauth_entity_scope", "")))

    def _entity(self, entity: MailRecord) -> Iterator[Hit]:
        grant = entity.values.get("default_grant_type", "")
        if grant != _GRANT:
            yield entity.hit(M1, f"default_grant_type is {shown(grant)}.", "default_grant_type")
        for profile in self._profiles_of(entity):
            grant = profile.values.get("grant_type", "")
            if grant != _GRANT:
                yield profile.hit(M1, f"grant_type is {shown(grant)}.", "grant_type")
        token_url = entity.values.get("token_url", "")
        parts = _split(token_url)
        if parts is None or parts[0] != "https" or not _TOKEN_PATH.fullmatch(parts[2]):
            yield entity.hit(M4, f"token_url is {shown(token_url)}.", "token_url")

    def _cloud(
        self, entity: MailRecord, scopes: list[MailRecord], accounts: list[MailRecord]
    ) -> Iterator[Hit]:
        """Hold login host, scope and SMTP host against the known clouds."""
        told: list[tuple[MailRecord, str, str, tuple[Cloud, ...] | None]] = []
        parts = _split(entity.values.get("token_url", ""))
        host = parts[1] if parts else ""
        told.append((entity, "token_url", host, LOGIN_HOSTS.get(host)))
        by_scope: dict[str, tuple[Cloud, ...]] = {}
        for cloud, endpoints in ENDPOINTS.items():
            by_scope[endpoints.scope] = (*by_scope.get(endpoints.scope, ()), cloud)
        for scope in scopes:
            if scope.values.get("oauth_entity") == entity.values.get("sys_id"):
                value = scope.values.get("oauth_entity_scope", "")
                told.append((scope, "oauth_entity_scope", value, by_scope.get(value)))
        profiles = {found.values.get("sys_id") for found in self._profiles_of(entity)}
        for account in accounts:
            if account.values.get("oauth_profile") in profiles:
                server = account.values.get("server", "").lower()
                cloud_of = _SMTP_HOSTS.get(server)
                told.append((account, "server", server, (cloud_of,) if cloud_of else None))
        fitting = set(Cloud)
        for record, column, value, clouds in told:
            if clouds is None:
                yield record.hit(M3, f"{column} {shown(value)} is of no known cloud.", column)
            elif not fitting & set(clouds):
                names = listed(cloud.value for cloud in clouds)
                yield record.hit(
                    M2,
                    f"{column} {shown(value)} is of {names}, what comes before it is of "
                    f"{listed(sorted(cloud.value for cloud in fitting))}.",
                    column,
                )
            else:
                fitting &= set(clouds)

    def _links(self, accounts: list[MailRecord], entities: list[MailRecord]) -> Iterator[Hit]:
        joins = {
            (
                found.values.get("oauth_entity_profile"),
                found.values.get("oauth_entity_scope"),
            )
            for found in self._found["oauth_entity_profile_scope"]
        }
        for entity in entities:
            profiles = self._profiles_of(entity)
            if not profiles:
                yield entity.hit(M12, "No profile of the file refers to the entity.", "sys_id")
            scopes = [
                found.values.get("sys_id")
                for found in self._found["oauth_entity_scope"]
                if found.values.get("oauth_entity") == entity.values.get("sys_id")
            ]
            if not scopes:
                yield entity.hit(M12, "No scope of the file refers to the entity.", "sys_id")
            for profile in profiles:
                own = profile.values.get("sys_id")
                if scopes and not any((own, scope) in joins for scope in scopes):
                    yield profile.hit(M12, "No profile scope joins it to a scope.", "sys_id")
        profiles_here = {
            found.values.get("sys_id") for found in self._found["oauth_entity_profile"]
        }
        for account in accounts:
            authentication = account.values.get("authentication", "")
            if authentication != "oauth2":
                yield account.hit(
                    M12, f"authentication is {shown(authentication)}.", "authentication"
                )
            elif account.values.get("oauth_profile", "") not in profiles_here:
                yield account.hit(M12, "oauth_profile is no profile of the file.", "oauth_profile")

    def _profiles_of(self, entity: MailRecord) -> list[MailRecord]:
        return [
            found
            for found in self._found["oauth_entity_profile"]
            if found.values.get("oauth_entity") == entity.values.get("sys_id")
        ]


def _split(url: str) -> tuple[str, str, str] | None:
    """Scheme, host and path of a URL; None if it is none."""
    try:
        parts = urlsplit(url)
        return parts.scheme, (parts.hostname or ""), parts.path
    except ValueError:
        return None
